"""The report for a terminal: what is wrong, on what grounds, what to do. Made with rich, imported only here.

Certain findings come first and whole, then what is possible, shorter, then one line for each that depends on what the user
has not said. `verbose` shows everything of everything, and all facts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

from envdoctor.facts import Facts, Known
from envdoctor.patterns import lazy
from envdoctor.render.plain import cells, indented, shortened, visible, wrapped
from envdoctor.render.summary import machine_parts
from envdoctor.render.words import word
from envdoctor.text import said

_STYLE = {"error": "bold red", "warning": "yellow", "info": "cyan"}
#: what only the user can say; a finding that waits for nothing else takes one line
_DEPENDS = ("workload.", "checkpoint.", "derived.")
_GROUNDS, _MISSING, _OPTIONS, _ONE_LINERS = 4, 2, 2, 6
#: the distribution that envdoctor is
OWN = "envdoctor-gpu"
_NARROWEST, _WIDEST, _PIPE = 40, 110, 80
_ENOUGH = 330
#: the label says it already
_SITE = lazy(r"/[^()]*?/(?:site|dist)-packages/(?=[^/])")
_OR = lazy(r"^(Or |或者?[,，]?)")

Line = tuple[str, str]  # text and style


def terminal_text(facts: Facts, report: dict[str, Any], *, verbose: bool = False, out: IO[str] | None = None) -> str:
    """The report as it goes to `out` (default: standard output): with colours where that is a terminal and NO_COLOR is not set.

    Lines fit the terminal, or 80 columns where there is none; no line ends in a space.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out or sys.stdout, highlight=False, emoji=False, markup=False)
    width = max(_NARROWEST, min(_WIDEST, console.width if console.is_terminal or os.environ.get("COLUMNS") else _PIPE))
    with console.capture() as captured:
        for text, style in _lines(facts, report, width - 1, verbose=verbose):
            console.print(Text(text.rstrip(), style=style), soft_wrap=True)
    return captured.get()


def _lines(facts: Facts, report: dict[str, Any], width: int, *, verbose: bool) -> Iterator[Line]:
    lang = report["lang"]
    yield from ((line, "bold") for line in _machine(facts, lang, width))
    yield from ((line, "dim") for line in _target(facts, lang, width))
    certain, possible, depending, settled = _sorted(report["findings"], verbose=verbose)
    told: set[str] = set()
    for finding in certain:
        yield "", ""
        yield from _finding(finding, lang, width, verbose=verbose, brief=finding["id"] in told)
        told.add(finding["id"])  # of several of one kind the first explains what it means
    if not certain:
        yield "", ""
        key = "nothing-certain" if possible or depending else "not-recognised" if says_nothing(report) else "nothing"
        yield from ((line, "green" if key == "nothing" else "") for line in wrapped(word(key, lang), width))
    if possible:
        yield "", ""
        yield word("possible-head", lang), "bold"
    for i, finding in enumerate(possible):
        if i:
            yield "", ""
        yield from _finding(finding, lang, width, verbose=verbose, brief=bool(certain or i))
    if depending:
        yield "", ""
        yield from _depending(depending, lang, width)
    for finding in settled:
        yield "", ""
        yield from _settled(finding, lang, width)
    yield "", ""
    yield from _smoke(facts, lang, width)
    yield from _tail(report, lang, width, verbose=verbose)
    if verbose:
        yield from _facts(report, lang)


def _machine(facts: Facts, lang: str, width: int) -> list[str]:
    """The machine, broken between its parts."""
    lines = [""]
    for part in machine_parts(facts, lang):
        joined = f"{lines[-1]} · {visible(part)}" if lines[-1] else visible(part)
        if cells(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(visible(part))
    return [piece for line in lines for piece in wrapped(line, width)]


def _target(facts: Facts, lang: str, width: int) -> list[str]:
    """Which environment was looked at, where the report was made on the machine; and that it may be the wrong one."""
    executable = facts.target.executable
    if not isinstance(executable, Known):
        return []
    label = word("target", lang) + word("colon", lang)
    where = f"{executable.value}{word('aside', lang, it=said(executable.source, lang))}"
    lines = indented(where, width, label, " " * cells(label))
    names = {distribution.name for distribution in facts.distributions.installed}
    if executable.source != "--python" and isinstance(facts.target.site_packages, Known) and "torch" not in names:
        lines += indented(word("own-target" if OWN in names else "no-torch", lang), width, "  ", "  ")
    return lines


def _sorted(findings: list[dict[str, Any]], *, verbose: bool) -> tuple[list[dict[str, Any]], ...]:
    """Certain, possible, depending on what the user has not said, and settled (ignored or refuted), each in its order."""
    groups: tuple[list[dict[str, Any]], ...] = ([], [], [], [])
    for finding in findings:
        if finding["status"] != "active":
            groups[3].append(finding)
        elif finding["verdict"] == "match":
            groups[0].append(finding)
        elif _only_depends(finding) and not verbose:
            groups[2].append(finding)
        else:
            groups[1].append(finding)
    return groups


def _only_depends(finding: dict[str, Any]) -> bool:
    if any(b["fact"] == "log" for b in finding["because"]):
        return False
    missing = [m["fact"] for m in finding["missing"]]
    return bool(missing) and all(path.startswith(_DEPENDS) for path in missing)


def _finding(finding: dict[str, Any], lang: str, width: int, *, verbose: bool, brief: bool = False) -> Iterator[Line]:
    """Title, explanation, grounds, what is missing, fixes. `brief` leaves the explanation and all but the first of each out."""
    brief = brief and not verbose
    yield from _head(finding, lang, width, word(finding["verdict"], lang), _STYLE[finding["severity"]])
    label = max(cells(word(key, lang)) for key in _labels(finding)) + 2

    def labelled(key: str, text: str, style: str = "") -> Iterator[Line]:
        name = word(key, lang) if key else ""
        first = "  " + name + " " * (label - cells(name))
        yield from ((line, style) for line in indented(text, width, first, " " * (label + 2)))

    explanation = finding["explanation"] if verbose else _beginning(finding["explanation"])
    if not brief:
        yield from ((line, "") for line in indented(explanation, width, "  ", "  "))
    shown = finding["because"] if verbose else _telling(finding["because"], 1 if brief else _GROUNDS)
    for i, item in enumerate(shown):
        text = visible(f"{item['fact']} = {item['value']}")
        source = visible(f"({item['source']})")
        if not verbose:
            source = shortened(_near(source), 48)
            text = shortened(text, max(2 * (width - label - 2) - cells(source) - 4, 40))
        yield from labelled("because" if i == 0 else "", f"{text} {source}", "")
    if (rest := len(finding["because"]) - len(shown)) and not brief:
        yield from labelled("", word("more-grounds", lang, n=rest), "dim")
    waiting = finding["missing"] if verbose else finding["missing"][: 1 if brief else _MISSING]
    for i, item in enumerate(waiting):
        yield from labelled("missing" if i == 0 else "", f"{item['fact']}{word('colon', lang)}{item['how']}")
    yield from _fixes(
        finding, lang, labelled, label, most=len(finding["fix"]["options"]) if verbose else 1 if brief else _OPTIONS
    )
    if finding["url"] and not brief:
        yield "  " + word("see", lang) + " " * (label - cells(word("see", lang))) + visible(finding["url"]), "dim"


def _labels(finding: dict[str, Any]) -> list[str]:
    shown = {
        "because": finding["because"],
        "missing": finding["missing"],
        "fix": finding["fix"]["options"],
        "or": finding["fix"]["options"][1:],
        "see": finding["url"],
    }
    return [key for key, there in shown.items() if there] or ["see"]


def _near(source: str) -> str:
    """A file of the target by its name in site-packages: the target stands above, and a path cut short says nothing."""
    return _SITE.sub("", source)


def _telling(because: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The grounds to show where there is little room: what the log said first, for that is what the reader has seen."""
    if most == 1:
        return [item for item in because if item["fact"] == "log"][:1] or because[:1]
    return because[:most]


def _fixes(finding: dict[str, Any], lang: str, labelled: Any, label: int, *, most: int) -> Iterator[Line]:
    options = finding["fix"]["options"]
    shown = options[:most]
    for i, option in enumerate(shown):
        cost = word("priced", lang, cost=option["cost"]) if option["cost"] and most > _OPTIONS else ""
        text = option["text"] if i == 0 else _OR.sub("", option["text"])
        yield from labelled("fix" if i == 0 else "or", text[:1].upper() + text[1:] + cost, "green" if i == 0 else "")
        for command in _commands(option):
            yield " " * (label + 4) + visible(command), "bold"
    if (rest := len(options) - len(shown)) and most > 1:
        yield from labelled("", word("more-fixes", lang, n=rest, id=finding["id"]), "dim")


def _head(finding: dict[str, Any], lang: str, width: int, state: str, style: str) -> Iterator[Line]:
    """Severity and title, then the tag, which is not broken where it fits a line."""
    lines = indented(f"{word(finding['severity'], lang)} {finding['title']}", width, "", "  ")
    tag = f"[{finding['id']}, {state}]"
    if cells(lines[-1]) + 2 + cells(tag) <= width:
        lines[-1] += "  " + visible(tag)
    else:
        lines += indented(tag, width, "  ", "  ")
    yield from ((line, style) for line in lines)


def _beginning(text: str) -> str:
    """The first sentences, up to what the eye takes in at once; `explain` has the rest."""
    text = text.strip()
    if cells(text) <= _ENOUGH:
        return text
    end = 0
    for i, char in enumerate(text):
        stop = char in ".!?" and text[i + 1 : i + 2] == " " and (text[i - 1].isalnum() or text[i - 1] in ")`'\"]")
        last = char in "。！？" or stop
        if last and (not end or cells(text[: i + 1]) <= _ENOUGH):
            end = i + 1
    return f"{text[:end]} …" if end else shortened(text, 2 * _ENOUGH)


def _depending(findings: list[dict[str, Any]], lang: str, width: int) -> Iterator[Line]:
    yield from ((line, "bold") for line in wrapped(word("depends", lang, n=len(findings)), width))
    for finding in findings[:_ONE_LINERS]:
        yield from ((line, "") for line in indented(f"{finding['id']}  {finding['title']}", width, "  ", "    "))
        hows = list(dict.fromkeys(m["how"] for m in finding["missing"][:_MISSING]))
        how = word("semicolon", lang).join(a for a in hows if not any(a != b and a in b for b in hows))
        yield from (
            (line, "dim")
            for line in indented(f"{word('missing', lang)}{word('colon', lang)}{how}", width, "    ", "    ")
        )
    if len(findings) > _ONE_LINERS:
        yield f"  {word('more-verbose', lang, n=len(findings) - _ONE_LINERS)}", "dim"


def _settled(finding: dict[str, Any], lang: str, width: int) -> Iterator[Line]:
    state = word(finding["status"], lang)
    yield from _head(
        finding, lang, width, f"{state}{word('colon', lang)}{finding['note']}" if finding["note"] else state, "dim"
    )


def _commands(option: dict[str, Any]) -> list[str]:
    commands = option["commands"]
    first = next(iter(commands.values()), None)
    lines = [first] if first else []
    lines += [f"{name}={value}" for name, value in option["env"].items()]
    return lines + list(option["flags"])


def _smoke(facts: Facts, lang: str, width: int) -> Iterator[Line]:
    """What came of the ladder, in a sentence: who waited for it is told also where nothing failed."""
    if isinstance(facts.smoke, Known):
        from envdoctor.render.smoke import verdict_line

        text, style = verdict_line(facts.smoke.value, lang)
        yield from ((line, style) for line in wrapped(f"smoke{word('colon', lang)}{text}", width))


def _tail(report: dict[str, Any], lang: str, width: int, *, verbose: bool) -> Iterator[Line]:
    active = [finding for finding in report["findings"] if finding["status"] == "active"]
    parts = []
    for severity in ("error", "warning", "info"):
        n = sum(finding["severity"] == severity for finding in active)
        if n:
            parts.append(word(f"{severity}-count" if n == 1 else f"{severity}-counts", lang, n=n))
    if parts:
        yield word("comma", lang).join(parts), "bold"
    coverage = report["coverage"]
    known, rest = len(coverage["known"]), coverage["not_covered"]
    if known + rest:
        text = word("covered", lang, known=known, all=known + rest)
        newer = coverage["newer_than_checked"]
        if newer:
            names = ", ".join(newer if verbose else newer[:6]) + (" …" if len(newer) > 6 and not verbose else "")
            text += f"{word('semicolon', lang)}{word('newer', lang, names=names)}"
        yield from ((line, "dim") for line in wrapped(text + word("stop", lang), width))
    matrix = report["matrix"]
    yield word("matrix", lang, date=matrix["date"], n=matrix["entries"]) + word("stop", lang), "dim"
    if active and not verbose:
        yield from ((line, "dim") for line in wrapped(word("next", lang, id=active[0]["id"]), width))


def _facts(report: dict[str, Any], lang: str) -> Iterator[Line]:
    yield "", ""
    yield word("facts", lang), "bold"
    for path, value, source in flat_facts(report["facts"]):
        yield visible(f"  {path} = {value}  ({source})"), ""
    for item in report["unknown"]:
        colon = word("colon", lang)
        yield visible(f"  {item['fact']}{colon}{word('unknown', lang)}{colon}{item['reason']}"), "dim"


def says_nothing(report: dict[str, Any]) -> bool:
    """Whether the report knows no fact (lines of a log apart) and has no finding: then nothing can be concluded from it."""
    return not report["findings"] and not flat_facts({k: v for k, v in report["facts"].items() if k != "log"})


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
