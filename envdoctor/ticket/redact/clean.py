"""Text as a reader sees it: no terminal codes, no invisible characters, no endless lines.

A secret that is broken up by colour codes or zero-width characters is whole again here, so that the patterns see it.
"""

from __future__ import annotations

import re

LINE_CAP = 16_384
"""Characters of one line that are kept; no pattern ever runs on a longer line."""

_CUT = " [cut]"
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]"  # short escapes
)
# The same codes written out, as JSON lines, Python reprs, `cat -v`,
# or addresses do (`%1B%5B1m`, also encoded more than once).
_BACKSLASH = r"(?:\\{1,8}|(?:%(?:25){0,4}5[cC]){1,8})"
_WRITTEN_START = rf"(?:{_BACKSLASH}(?:x1[bB]|u001[bB]|033|e)|\^\[|%(?:25){{0,4}}1[bB])(?:\[|%(?:25){{0,4}}5[bB])"
_WRITTEN = re.compile(_WRITTEN_START + r"(?:[0-9;]|%(?:25){0,4}3[bB]){0,16}[A-Za-z]")
_INTRODUCER = re.compile(_WRITTEN_START)
_INVISIBLE = dict.fromkeys(
    [
        *range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0),
        0xAD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF,
        *range(0xE0000, 0xE0080), *range(0xD800, 0xE000),
    ]
)  # fmt: skip
_ODD_SPACES = dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F], " ")
_BREAKS = dict.fromkeys([0x0D, 0x85, 0x2028, 0x2029], "\n")
_TABLE = {**_INVISIBLE, **_ODD_SPACES, **_BREAKS}


def _cut(line: str) -> str:
    if len(line) <= LINE_CAP:
        return line
    kept = line[: LINE_CAP - len(_CUT)]
    # The last word may be half a secret that no pattern knows any more: it goes with the rest.
    head = kept.rpartition(" ")[0]
    return (head if head else kept[:64].partition("=")[0]) + _CUT


def _struck(text: str) -> str:
    """The text as it reads after its backspaces."""
    kept: list[str] = []
    for char in text:
        if char != "\x08":
            kept.append(char)
        elif kept and kept[-1] != "\n":
            kept.pop()
    return "".join(kept)


def clean(text: str) -> str:
    """The text without terminal codes, control and invisible characters; carriage returns are line breaks; lines are capped."""
    if text.isascii() and text.isprintable():  # the common case: nothing to do but the written codes and the cap
        cleaned = text
    else:
        cleaned = text.replace("\r\n", "\n")
        if "\x08" in cleaned:
            cleaned = _struck(cleaned)
        cleaned = _ESCAPES.sub("", cleaned).translate(_TABLE)
    for _ in range(3):
        shorter = _WRITTEN.sub("", cleaned)
        if shorter == cleaned:
            break
        cleaned = shorter
    else:
        cleaned = _INTRODUCER.sub(" ", cleaned)  # codes nested on purpose
    if len(cleaned) > LINE_CAP:
        cleaned = "\n".join(_cut(line) for line in cleaned.split("\n"))
    return cleaned
