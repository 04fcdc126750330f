"""A stretch of text that must not leave, and how overlapping ones become one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envdoctor.values import dataclass

KINDS = (
    "token", "secret", "key", "cookie", "email", "user", "home", "host", "domain", "path", "ip", "private-ip", "mac", "gpu",
    "serial", "machine",
)  # fmt: skip
"""Every kind a mask may carry. The word is for the reader: what stood here."""

MASK = re.compile(r"<(" + "|".join(KINDS) + r")-([0-9]{1,6})>")
"""A mask in text. A masked text is never masked again inside a mask: that makes masking twice the same as once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Characters `start` to `end` of a text are of a `kind`; `rule` found them; `identity` is what two equal secrets share."""

    start: int
    end: int
    kind: str
    rule: str
    identity: str


def merged(spans: Iterable[Span]) -> list[Span]:
    """Disjoint spans in order that cover all that the given ones cover; the larger of two that overlap gives the kind."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not out or span.start >= out[-1].end:
            out.append(span)
            continue
        last = out[-1]
        if span.end <= last.end:
            continue
        larger = last if last.end - last.start >= span.end - span.start else span
        out[-1] = Span(start=last.start, end=span.end, kind=larger.kind, rule=larger.rule, identity=larger.identity)
    return out


def outside_masks(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans with every mask that the text already holds cut out of them."""
    masks = [m.span() for m in MASK.finditer(text)]
    out: list[Span] = []
    for span in spans:
        start = span.start
        pieces: list[tuple[int, int]] = []
        for low, high in masks:
            if high <= start or low >= span.end:
                continue
            if low > start:
                pieces.append((start, low))
            start = max(start, high)
        if start < span.end:
            pieces.append((start, span.end))
        whole = pieces == [(span.start, span.end)]
        for low, high in pieces:
            identity = span.identity if whole else text[low:high]
            out.append(Span(start=low, end=high, kind=span.kind, rule=span.rule, identity=identity))
    return out
