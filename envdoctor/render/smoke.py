"""The smoke ladder for a person: a line per check while it runs, the sentence or the garbage, and where it broke first."""

from __future__ import annotations

from typing import IO

from envdoctor.facts.smoke import Outcome, RungResult, SmokeReport
from envdoctor.render.plain import indented
from envdoctor.render.words import word
from envdoctor.text import said

STYLES = {Outcome.PASSED: "green", Outcome.CANNOT_RUN: "dim"}


def _word(key: str, lang: str) -> str:
    return word(f"smoke.{key}", lang)


def result_lines(result: RungResult, lang: str = "en") -> list[tuple[str, str]]:
    """One check as (text, style) lines."""
    colon = word("colon", lang)
    head = f"{_word(result.rung.value, lang)}{colon}{result.name}"
    place = f" [{result.device}]" if result.device else ""
    seconds = f"  {result.seconds:.2f} s" if result.seconds >= 0.01 else ""
    style = STYLES.get(result.outcome, "bold red")
    lines = [(f"{_word(result.outcome.value, lang)}  {head}{place}{seconds}", style)]
    if result.detail:
        lines.append((f"    {said(result.detail, lang)}", ""))
    if result.said is not None:
        lines.append((f'    {_word("says", lang)}{colon}"{result.said}"', "bold"))
    if result.unexpected:
        lines.append((f"    {_word('unexpected-names', lang)}{colon}{', '.join(result.unexpected)}", ""))
    if result.failed and result.stderr_tail:
        lines.append((f"    {_word('stderr', lang)}{colon.rstrip()}", "dim"))
        lines += [(f"      {line}", "dim") for line in result.stderr_tail.splitlines()]
    return lines


def verdict_line(report: SmokeReport, lang: str = "en") -> tuple[str, str]:
    """The sentence at the end; it never says more than was run."""
    if report.failures:
        first = report.failures[0]
        text = word("smoke.first", lang, rung=_word(first.rung.value, lang), name=first.name)
        return text, "bold red"
    if report.only_reference:
        spoke = any(result.reference and result.outcome is Outcome.PASSED for result in report.results)
        return _word("only-reference" if spoke else "nothing-ran", lang), "yellow"
    return _word("all-passed", lang), "bold green"


def smoke_text(report: SmokeReport, *, lang: str = "en", out: IO[str] | None = None) -> str:
    """The ladder as it goes to `out` (default: standard output), with colours where that is a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False, emoji=False, markup=False)
    width = max(40, console.width) - 1
    with console.capture() as captured:
        for text, style in [
            (f"{_word('target', lang)}{report.python} (Python {report.python_version})", "dim"),
            *(line for result in report.results for line in result_lines(result, lang)),
            verdict_line(report, lang),
        ]:
            margin = " " * (len(text) - len(text.lstrip(" ")))
            for line in indented(text, width, margin, margin):
                console.print(Text(line, style=style), soft_wrap=True)
    return captured.get()
