"""The difference of two reports, as text for a terminal and as Markdown. Takes the dict of `envdoctor diff --format json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS: dict[str, tuple[str, str]] = {
    "same": ("The findings are the same.", "诊断结果相同。"),
    "differ": ("The findings differ.", "诊断结果不同。"),
    "nothing": ("Nothing changed that is known.", "已知信息没有任何变化。"),
    "appeared": ("new", "新增"),
    "gone": ("gone", "消失"),
    "newer": ("newer", "升级"),
    "older": ("older", "降级"),
    "changed": ("changed", "改变"),
    "unknown": ("one side does not say", "一方未提供"),
    "what": ("What", "项目"),
    "before": ("Before", "之前"),
    "after": ("After", "之后"),
    "how": ("How", "变化"),
}
_LONGEST = 400


def _word(key: str, lang: str) -> str:
    return _WORDS[key][1 if lang == "zh" else 0]


def _shown(value: Any) -> str:
    text = "-" if value is None else " ".join(str(value).split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def diff_text(difference: Mapping[str, Any], lang: str = "en") -> str:
    """One line a change, most telling first; changes where one side is silent are counted, not listed."""
    changes = difference["changes"]
    lines = [_word("differ" if difference["findings_differ"] else "same", lang)]
    told = [c for c in changes if c["how"] != "unknown"]
    width = min(44, max((len(c["path"]) for c in told), default=0))
    for change in told:
        before, after = _shown(change["before"]), _shown(change["after"])
        said = after if change["before"] is None else before if change["after"] is None else f"{before} -> {after}"
        lines.append(f"  {change['path']:<{width}}  {_word(change['how'], lang)}: {said}")
    if not changes:
        lines.append(_word("nothing", lang))
    silent = len(changes) - len(told)
    if silent:
        lines.append(f"  (+{silent}: {_word('unknown', lang)})")
    return "\n".join(lines) + "\n"


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
