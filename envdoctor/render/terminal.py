"""The report for a terminal: what is wrong, on what grounds, what to do. Made with rich, imported only here."""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from envdoctor.facts import Facts
from envdoctor.render.summary import machine_line
from envdoctor.render.words import word

_STYLE = {"error": "bold red", "warning": "yellow", "info": "cyan"}
#: findings shown in full; the rest of the possible ones are counted
_DEPENDS = ("workload.", "checkpoint.", "derived.")


def render_terminal(facts: Facts, report: dict[str, Any], *, verbose: bool = False, out: IO[str] | None = None) -> None:
    """Print the report. Plain text without colour where `out` is no terminal or NO_COLOR is set."""
    from rich.console import Console

    stream = out or sys.stdout
    console = Console(file=stream, highlight=False, soft_wrap=False, emoji=False, markup=False)
    lang = report["lang"]
    console.print(machine_line(facts, lang), style="bold")
    shown, depending = _split(report["findings"], verbose)
    for finding in shown:
        _print_finding(console, finding, lang)
    if not shown:
        console.print()
        console.print(word("nothing", lang), style="green")
    _print_tail(console, report, depending, lang)
    if verbose:
        _print_facts(console, report, lang)


def _split(findings: list[dict[str, Any]], verbose: bool) -> tuple[list[dict[str, Any]], int]:
    """Those to show, and how many only depend on what the user has not said."""
    if verbose:
        return findings, 0
    shown = [f for f in findings if not _only_depends(f)]
    return shown, len(findings) - len(shown)


def _only_depends(finding: dict[str, Any]) -> bool:
    if finding["verdict"] == "match" or any(b["fact"] == "log" for b in finding["because"]):
        return False
    missing = [m["fact"] for m in finding["missing"]]
    return bool(missing) and all(path.startswith(_DEPENDS) for path in missing)


def _print_finding(console: Any, finding: dict[str, Any], lang: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    severity = finding["severity"]
    status = finding["status"]
    head = Text()
    head.append(word(severity, lang), style=_STYLE[severity] if status == "active" else "dim")
    head.append(f" {finding['title']}", style="bold" if status == "active" else "dim")
    verdict = word(finding["verdict"], lang) if status == "active" else f"{word(status, lang)}: {finding['note']}"
    head.append(f"  [{finding['id']}, {verdict}]", style="dim")
    console.print()
    console.print(head)
    if status != "active":
        return

    def line(label: str, text: str, style: str = "") -> None:
        body = Text()
        body.append(f"{label}: ", style="dim")
        body.append(text, style=style)
        console.print(Padding(body, (0, 0, 0, 2)))

    for item in finding["because"][:5]:
        line(word("because", lang), f"{item['fact']} = {item['value']}  ({item['source']})")
    for item in finding["missing"][:3]:
        line(word("missing", lang), f"{item['fact']}  <- {item['how']}")
    console.print(Padding(Text(finding["explanation"]), (0, 0, 0, 2)))
    for i, option in enumerate(finding["fix"]["options"][:3]):
        line(f"{word('fix', lang)} {i + 1}", option["text"], "green" if i == 0 else "")
        for command in _commands(option):
            console.print(Padding(Text(command, style="bold"), (0, 0, 0, 6)), soft_wrap=True)
    if finding["url"]:
        line(word("see", lang), finding["url"])


def _commands(option: dict[str, Any]) -> list[str]:
    commands = option["commands"]
    first = commands.get("uv") or commands.get("pip") or next(iter(commands.values()), None)
    lines = [first] if first else []
    lines += [f"{name}={value}" for name, value in option["env"].items()]
    return lines + list(option["flags"])


def _print_tail(console: Any, report: dict[str, Any], depending: int, lang: str) -> None:
    counts = {"error": 0, "warning": 0, "info": 0}
    for finding in report["findings"]:
        if finding["status"] == "active":
            counts[finding["severity"]] += 1
    coverage = report["coverage"]
    console.print()
    if depending:
        console.print(word("depends", lang, n=depending), style="dim")
    if counts["error"] or counts["warning"] or counts["info"]:
        summary = word("summary", lang, errors=counts["error"], warnings=counts["warning"], infos=counts["info"])
        console.print(summary, style="bold")
    known, rest = len(coverage["known"]), coverage["not_covered"]
    if known + rest:
        text = word("covered", lang, known=known, all=known + rest)
        newer = coverage["newer_than_checked"]
        text += f"; {word('newer', lang, names=', '.join(newer[:6]))}" if newer else ""
        console.print(text, style="dim")
    console.print(word("matrix", lang, date=report["matrix"]["date"], n=report["matrix"]["entries"]), style="dim")


def _print_facts(console: Any, report: dict[str, Any], lang: str) -> None:
    console.print()
    console.print(word("facts", lang), style="bold")
    for path, value, source in flat_facts(report["facts"]):
        console.print(f"  {path} = {value}  ({source})", soft_wrap=True)
    for item in report["unknown"]:
        console.print(f"  {item['fact']}: {word('unknown', lang)}: {item['reason']}", style="dim", soft_wrap=True)


def flat_facts(data: Any, path: str = "") -> list[tuple[str, str, str]]:
    """(path, value, source) of every known fact of an encoded Facts."""
    out: list[tuple[str, str, str]] = []
    if isinstance(data, dict):
        if set(data) == {"name", "value", "source"}:
            return [(f"env.{data['name']}", str(data["value"]), str(data["source"]))]
        if "value" in data and "source" in data and not isinstance(data["value"], (dict, list)):
            return [(path, str(data["value"]), data["source"])]
        if "value" in data and "source" in data:
            if any(isinstance(item, dict) for item in data["value"]):
                return flat_facts(data["value"], path)
            return [(path, json.dumps(data["value"], ensure_ascii=False), data["source"])]
        if "name" in data and "version" in data:
            return [(f"package.{data['name']}", str(data["version"]), str(data.get("source", "")))]
        for key, item in data.items():
            out += flat_facts(item, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        for i, item in enumerate(data):
            out += flat_facts(item, f"{path}[{i}]")
    return out
