"""The difference of two reports, as text for a terminal and as Markdown. Takes the dict of `envdoctor diff --format json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envdoctor.render.plain import cells, indented
from envdoctor.render.words import word

_LONGEST = 400


def _word(key: str, lang: str) -> str:
    return word(f"diff.{key}", lang)


def _shown(value: Any) -> str:
    text = "-" if value is None else " ".join(str(value).split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def diff_text(difference: Mapping[str, Any], lang: str = "en", columns: int | None = None) -> str:
    """One line a change, most telling first; changes where one side is silent are counted, not listed.

    `columns`: longer lines are broken, as for a terminal.
    """
    changes = difference["changes"]
    lines = [_word("differ" if difference["findings_differ"] else "same", lang)]
    told = [c for c in changes if c["how"] != "unknown"]
    width = min(44, max((len(c["path"]) for c in told), default=0))
    for change in told:
        before, after = _shown(change["before"]), _shown(change["after"])
        said = after if change["before"] is None else before if change["after"] is None else f"{before} -> {after}"
        lines.append(f"  {change['path']:<{width}}  {_word(change['how'], lang)}{word('colon', lang)}{said}")
    if not changes:
        lines.append(_word("nothing", lang))
    silent = len(changes) - len(told)
    if silent:
        lines.append(f"  {word('diff.silent', lang, n=silent)}")
    if columns is not None:
        lines = [piece for line in lines for piece in _broken(line, columns)]
    return "\n".join(lines) + "\n"


def _broken(line: str, columns: int) -> list[str]:
    if cells(line) <= columns:
        return [line]
    margin = " " * (len(line) - len(line.lstrip()))
    return indented(line, columns, margin, margin + "    ")


def diff_markdown(difference: Mapping[str, Any], lang: str = "en") -> str:
    """The same as a table for an issue."""
    lines = [f"**{_word('differ' if difference['findings_differ'] else 'same', lang)}**", ""]
    if difference["changes"]:
        lines += [
            "| " + " | ".join(_word(key, lang) for key in ("what", "how", "before", "after")) + " |",
            "|---|---|---|---|",
        ]
    for change in difference["changes"]:
        cells = [
            f"`{_cell(change['path'])}`",
            _word(change["how"], lang),
            _cell(change["before"]),
            _cell(change["after"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return _shown(value).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
