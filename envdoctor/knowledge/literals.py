"""The text that every hit of a pattern must contain: looked for first, so that most patterns never run."""

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
