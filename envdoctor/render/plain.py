"""Text that is safe to print and fits: control and direction characters made visible, lines broken at a width in cells.

Whatever was read (a pasted log, a package name, a path) passes through `visible` before it reaches a terminal: an escape
sequence could rewrite what the reader sees, and a direction character could turn it round (https://trojansource.codes).
"""

from __future__ import annotations

import unicodedata

from envdoctor.patterns import lazy

_HIDDEN = "\N{REPLACEMENT CHARACTER}"
#: what must not begin a line in Chinese typesetting
_CLOSING = "，。、；：！？）》」』”’…"
#: what must not end one
_OPENING = "（《「『“‘"
_LAST = lazy(rf"[{_OPENING}]*(?:[^\s\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]+|[^\s])[{_CLOSING}]*$")
_TOKEN = lazy(r"\s+|[^\s\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]+|.")


def visible(text: str) -> str:
    """`text` on one line, with every character that is not printed replaced by U+FFFD; spaces of any kind are spaces."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else _HIDDEN for c in text)


def visible_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(c) for c in text)


def _cells_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shortened(text: str, width: int) -> str:
    """`text`, cut with an ellipsis where it takes more than `width` cells."""
    if cells(text) <= width:
        return text
    out, used = [], 1
    for char in text:
        used += _cells_of(char)
        if used > width:
            break
        out.append(char)
    return "".join(out).rstrip() + "…"


def wrapped(text: str, width: int) -> list[str]:
    """`text` as lines of at most `width` cells, broken at spaces and between Chinese characters; no line ends in a space.

    A word that is longer than a line is broken where the line ends, so that nothing is lost.
    """
    lines: list[str] = []
    line, used = "", 0
    for token in _TOKEN.findall(visible(text).strip()):
        size = cells(token)
        if used + size > width and token in _CLOSING and (last := _LAST.search(line)) and last.start():
            lines.append(line[: last.start()].rstrip())  # what the mark belongs to goes down with it
            line, used = last.group(), cells(last.group())
        if used + size > width and not token.isspace() and token not in _CLOSING:
            kept = line.rstrip().rstrip(_OPENING)
            carried = line.rstrip()[len(kept) :] if kept else ""
            if line.strip():
                lines.append((kept or line).rstrip())
            line, used = carried, cells(carried)
            while used + size > width:
                head = _head(token, width - used)
                lines.append(line + head)
                line, used = "", 0
                token = token[len(head) :]  # noqa: PLW2901 - the rest of the word is what is placed next
                size = cells(token)
        if line or not token.isspace():
            line, used = line + token, used + size
    if line.strip():
        lines.append(line.rstrip())
    return lines


def _head(token: str, width: int) -> str:
    used = 0
    for i, char in enumerate(token):
        used += _cells_of(char)
        if used > width:
            return token[: max(i, 1)]
    return token


def indented(text: str, width: int, first: str, rest: str) -> list[str]:
    """`wrapped`, the first line begun with `first`, the others with `rest` (both as wide)."""
    lines = wrapped(text, max(width - cells(rest), 16)) or [""]
    return [((first if i == 0 else rest) + line).rstrip() for i, line in enumerate(lines)]
