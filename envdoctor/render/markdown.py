"""The report as Markdown, for an issue or a chat."""

from __future__ import annotations

from typing import Any

from envdoctor.facts import Facts
from envdoctor.render.plain import visible
from envdoctor.render.summary import machine_line
from envdoctor.render.terminal import flat_facts, says_nothing
from envdoctor.render.words import word


def render_markdown(facts: Facts, report: dict[str, Any]) -> str:
    """Findings first, the environment folded away below them."""
    lang = report["lang"]
    colon = word("colon", lang)
    lines = [f"## envdoctor{colon}{_plain(machine_line(facts, lang))}", ""]
    if not report["findings"]:
        lines += [word("not-recognised" if says_nothing(report) else "nothing", lang), ""]
    for finding in report["findings"]:
        lines += _finding(finding, lang)
    lines += ["<details>", f"<summary>{word('environment', lang)}</summary>", "", "```text"]
    lines += [_fenced(f"{path} = {value}") for path, value, _ in flat_facts(report["facts"])]
    lines += [_fenced(f"{i['fact']}{colon}{word('unknown', lang)}{colon}{i['reason']}") for i in report["unknown"]]
    lines += ["```", "", "</details>", ""]
    matrix = report["matrix"]
    lines.append(
        f"envdoctor {report['tool']['version']}{word('comma', lang)}"
        f"{word('matrix', lang, date=matrix['date'], n=matrix['entries'])}"
    )
    return "\n".join(lines) + "\n"


def _finding(finding: dict[str, Any], lang: str) -> list[str]:
    verdict = word(finding["verdict"], lang) if finding["status"] == "active" else word(finding["status"], lang)
    colon = word("colon", lang)
    out = [f"### {word(finding['severity'], lang)}{colon}{_plain(finding['title'])}", ""]

    def aside(text: str) -> str:
        return word("aside", lang, it=_plain(text))

    state = f"{verdict}{word('semicolon', lang)}{word('class.' + finding['cause']['class'], lang)}"
    out += [f"`{finding['id']}`{aside(state)}", "", _plain(finding["explanation"]), ""]
    out += [
        f"- {word('because', lang)}{colon}{_code(b['fact'])} = {_code(b['value'])}{aside(b['source'])}"
        for b in finding["because"]
    ]
    out += [f"- {word('missing', lang)}{colon}{_code(m['fact'])}{aside(m['how'])}" for m in finding["missing"]]
    out.append("")
    for i, option in enumerate(finding["fix"]["options"]):
        out.append(f"{i + 1}. {_plain(option['text'])}")
        commands = [*option["commands"].values(), *(f"{k}={v}" for k, v in option["env"].items()), *option["flags"]]
        if commands:
            out += ["", "   ```sh", *(f"   {_fenced(command)}" for command in commands[:4]), "   ```"]
    if finding["url"]:
        out += ["", f"{word('see', lang)}{colon}<{visible(finding['url'])}>"]
    return [*out, ""]


def _plain(text: str) -> str:
    return visible(text).replace("<", "&lt;")


def _code(text: str) -> str:
    return "`" + visible(str(text)).replace("`", "'") + "`"


def _fenced(text: str) -> str:
    return visible(text).replace("```", "'''")
