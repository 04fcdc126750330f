"""Log signatures: which lines of the failure's output an entry recognises."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate

from envdoctor.facts import LogLine
from envdoctor.knowledge import Matrix, Signature
from envdoctor.knowledge.literals import vocabulary
from envdoctor.values import dataclass

#: a line is cut before any pattern sees it: patterns are linear on RE2, and this bounds Python's engine as well
LINE_CAP = 2000
#: hits kept per signature: the first ones name the cause, the rest repeats it
HIT_CAP = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureHit:
    """One line that one signature recognised, with the named groups of its pattern."""

    signature: Signature
    line: LogLine
    groups: Mapping[str, str]


def find_signatures(matrix: Matrix, log: Sequence[LogLine]) -> dict[int, tuple[SignatureHit, ...]]:
    """Entry number -> hits, in the order of the entry's signatures, then of lines.

    A pattern runs only on lines that hold its literal text; cost is one search for a word a signature, over the log's words.
    """
    if not log:
        return {}
    lines = [(line, line.text[:LINE_CAP]) for line in log]
    lowered = [text.lower() for _, text in lines]
    haystack = "\n".join(lowered)
    ends = list(accumulate(len(text) + 1 for text in lowered))
    hits: dict[int, tuple[SignatureHit, ...]] = {}
    words = vocabulary(haystack)
    for literal, number, which, probe in matrix.literals():
        if probe not in words or literal not in haystack:
            continue
        signature = matrix.core(number).signatures[which]
        if not all(_any_line(pattern, lines) for pattern in signature.also):
            continue
        found = _hits(signature, lines, haystack, ends)
        if found:
            hits[number] = hits.get(number, ()) + found
    return hits


def _hits(
    signature: Signature, lines: list[tuple[LogLine, str]], haystack: str, ends: list[int]
) -> tuple[SignatureHit, ...]:
    pattern = _compiled(signature.pattern)
    out: list[SignatureHit] = []
    at = haystack.find(signature.literal)
    while at >= 0 and len(out) < HIT_CAP:
        number = bisect_right(ends, at)
        if number == len(ends):
            break
        line, text = lines[number]
        found = pattern.search(text)
        if found:
            groups = {name: value for name, value in found.groupdict().items() if value is not None}
            out.append(SignatureHit(signature=signature, line=line, groups=groups))
        at = haystack.find(signature.literal, ends[number])
    return tuple(out)


def _any_line(pattern: str, lines: list[tuple[LogLine, str]]) -> bool:
    compiled = _compiled(pattern)
    return any(compiled.search(text) for _, text in lines)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
