"""Secrets that a terminal, a log viewer or a panel broke over several lines.

The text is read a second time with its line breaks taken out. What crosses a break counts where the part before the break
is not a whole secret yet, or where what stands after it is no word of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise

from envdoctor.ticket.redact.span import Span
from envdoctor.ticket.redact.tokens import TOKENS
from envdoctor.values import dataclass

_BREAK = re.compile(r"[ \t]{0,200}(?:[│┃|╎║][ \t]{0,4})?\\?\n(?:[ \t]{0,200}[│┃|╎║>+])?[ \t]{0,200}")
_TIME_OR_LEVEL = re.compile(r"[0-9]{4}-[0-9]{2}|[0-9]{1,2}:[0-9]{2}|[0-9]+\.[0-9]+|[A-Z]{4,8}$|[0-9]{1,6}$")
_SHORTEST_LITERAL = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Joined:
    """The text without its breaks; `breaks[i]` is (place in `text`, characters of the original taken out so far)."""

    text: str
    places: tuple[int, ...]
    removed: tuple[int, ...]

    def original(self, place: int, *, end: bool = False) -> int:
        """Where a place of the joined text stands in the original; an `end` at a break stays before it."""
        index = bisect_right(self.places, place - 1 if end else place)
        return place + (self.removed[index - 1] if index else 0)

    def breaks_in(self, start: int, end: int) -> tuple[int, ...]:
        low = bisect_right(self.places, start)
        out = []
        while low < len(self.places) and self.places[low] < end:
            out.append(self.places[low])
            low += 1
        return tuple(out)


def _join(text: str) -> _Joined:
    parts, places, removed = [], [], []
    last = total = length = 0
    for match in _BREAK.finditer(text):
        parts.append(text[last : match.start()])
        length += match.start() - last
        total += match.end() - match.start()
        places.append(length)
        removed.append(total)
        last = match.end()
    parts.append(text[last:])
    return _Joined(text="".join(parts), places=tuple(places), removed=tuple(removed))


def _word(run: str) -> bool:
    """A run of characters that is a word, a time or a level of its own rather than the rest of a secret."""
    if _TIME_OR_LEVEL.match(run):
        return True
    letters = [c for c in run if c.isalnum()]
    if any(c.isdigit() for c in letters):
        return False
    return run[1:] == run[1:].lower() and len(run) < 20


def _accepted_end(joined: _Joined, start: int, end: int, complete: Callable[[str], bool]) -> int:
    """Where a match that crosses breaks really ends."""
    for place in joined.breaks_in(start, end):
        if not complete(joined.text[start:place]):
            continue
        following = joined.breaks_in(place, end)
        if _word(joined.text[place : following[0] if following else end]):
            return place
    return end


def _pieces(joined: _Joined, start: int, end: int, *, kind: str, rule: str, identity: str) -> Iterator[Span]:
    """One span per line of what was broken, all with the identity of the whole."""
    edges = [start, *joined.breaks_in(start, end), end]
    for low, high in pairwise(edges):
        yield Span(
            start=joined.original(low), end=joined.original(high, end=True), kind=kind, rule=rule, identity=identity
        )


def find(text: str, literals: Callable[[str], Iterator[Span]]) -> Iterator[Span]:
    """Tokens and literals that are broken over lines."""
    if "\n" not in text:
        return
    joined = _join(text)
    lowered = joined.text.lower()
    for shape in TOKENS:
        for span in shape.find(joined.text, lowered):
            if not joined.breaks_in(span.start, span.end):
                continue
            end = _accepted_end(
                joined,
                span.start,
                span.end,
                lambda s, shape=shape: any(f.start == 0 for f in shape.find(s, s.lower())),  # type: ignore[misc]
            )
            if joined.breaks_in(span.start, end):
                identity = joined.text[span.start : end]
                yield from _pieces(joined, span.start, end, kind=span.kind, rule=span.rule, identity=identity)
    for span in literals(joined.text):
        if span.end - span.start >= _SHORTEST_LITERAL and joined.breaks_in(span.start, span.end):
            yield from _pieces(joined, span.start, span.end, kind=span.kind, rule=span.rule, identity=span.identity)
