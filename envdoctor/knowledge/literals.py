"""The text that every hit of a pattern must contain: looked for first, so that most patterns never run.

A long log is searched for a thousand of them, which takes longer than all the rest. So each has a *probe*: its longest word,
marked where it has to begin or end. A text cannot contain a literal whose probe is not in the text's `vocabulary`, and
that is short, because logs say the same words again and again.
"""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants as _ops
    from re import _parser as _regex
else:
    import sre_constants as _ops
    import sre_parse as _regex


def required_literal(pattern: str) -> str:
    """The longest run of plain characters that any match of `pattern` contains, in lower case; "" where there is none."""
    runs: list[str] = []
    current: list[str] = []
    _walk(_regex.parse(pattern, re.IGNORECASE & 0), runs, current)
    runs.append("".join(current))
    return max(runs, key=len).lower()


_WORD = re.compile("[a-z]+")


def vocabulary(text: str) -> str:
    """The words (runs of a to z) of a lower-case text, each once, each between two line ends."""
    return "\n" + "\n".join(dict.fromkeys(_WORD.findall(text))) + "\n"


def probe(literal: str) -> str:
    """What the vocabulary of every text that contains `literal` contains; "" where that says nothing."""
    word = max(_WORD.finditer(literal), key=lambda found: len(found[0]), default=None)
    if word is None:
        return ""
    # at an end of the literal, the text's word may go on
    return ("\n" if word.start() else "") + word[0] + ("\n" if word.end() < len(literal) else "")


def _walk(tree: Any, runs: list[str], current: list[str]) -> None:
    for op, value in tree:
        if op is _ops.LITERAL:
            current.append(chr(value))
        elif op is _ops.SUBPATTERN and value[1] == 0:
            _walk(value[3], runs, current)
        elif op in (_ops.MAX_REPEAT, _ops.MIN_REPEAT) and value[0] >= 1:
            _flush(runs, current)
            _walk(value[2], runs, current)
            _flush(runs, current)
        elif op is not _ops.AT:
            _flush(runs, current)


def _flush(runs: list[str], current: list[str]) -> None:
    runs.append("".join(current))
    current.clear()
