"""Masks text, with one name for one secret over everything that goes through one redactor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from envdoctor.ticket.redact import address, armour, assign, url, wraps
from envdoctor.ticket.redact.clean import clean
from envdoctor.ticket.redact.literal import Literal, LiteralFinder
from envdoctor.ticket.redact.shapes import SHAPES
from envdoctor.ticket.redact.span import MASK, Span, merged, outside_masks
from envdoctor.ticket.redact.tokens import TOKENS

_MOST_ROUNDS = 12
_BY_LOOKS = frozenset({"ipv4", "ipv6", "mac", "url-host", "url-path", "socket-address"})  # what `keep` can overrule


class Redactor:
    """Masks the secrets of texts. Feed it in a fixed order: ordinals are given in the order of first sight.

    `literals` are what the machine knows by name; `keep` are strings that are no addresses whatever they look like (versions of
    installed distributions, hosts and paths of the evidence that the matrix cites). The cost is linear in the text.
    """

    def __init__(self, literals: Iterable[Literal] = (), *, keep: Iterable[str] = ()) -> None:
        self._literals = LiteralFinder(literals)
        self._keep = frozenset(keep)
        self._names: dict[tuple[str, str], str] = {}
        self._last: Counter[str] = Counter()
        self._memo: dict[str, str] = {}
        self.counts: Counter[str] = Counter()  #: masks set, by rule

    def reserve(self, texts: Iterable[str]) -> None:
        """Keeps the ordinals that masked texts already hold from being given to anything else. Call before the first `redact`."""
        for text in texts:
            for match in MASK.finditer(text):
                self._last[match.group(1)] = max(self._last[match.group(1)], int(match.group(2)))

    def redact(self, text: str) -> str:
        """The text, cleaned of terminal codes and with every secret masked. Doing it twice gives the same."""
        known = self._memo.get(text)
        if known is not None:
            return known
        self.reserve((text,))
        out = clean(text)
        for _ in range(_MOST_ROUNDS):
            spans = self._found(out)
            if not spans:
                break
            out = clean(self._masked(out, spans))
        else:
            out = "\n".join("[withheld]" if self._found(line) else line for line in out.split("\n"))
        if len(text) < 4096:
            self._memo[text] = out
        return out

    def redact_tokens(self, text: str) -> str:
        """The text with what can be nothing but a credential masked (tokens, keys, users in addresses), and all else as it is."""
        lowered = text.lower()
        spans = [span for shape in TOKENS for span in shape.find(text, lowered)]
        if "-----BEGIN" in text:
            spans += armour.find(text)
        spans += [span for span in url.find(text) if span.rule == "url-user-info"]
        return self._masked(text, outside_masks(text, merged(spans))) if spans else text

    def find(self, text: str) -> list[Span]:
        """What would be masked in a text, without masking it (the second look at a finished file)."""
        return self._found(clean(text))

    def survivors(self, text: str) -> tuple[Literal, ...]:
        """Literals that stand in a finished text in spite of everything."""
        return tuple(self._literals.survivors(MASK.sub(" ", text)))

    def mask(self, kind: str, identity: str, rule: str) -> str:
        """The mask of something that is secret as a whole."""
        self.counts[rule] += 1
        return self._name(kind, identity)

    def _found(self, text: str) -> list[Span]:
        spans = [
            span
            for span in self._candidates(text)
            if not (span.rule in _BY_LOOKS and text[span.start : span.end] in self._keep)
        ]
        return outside_masks(text, merged(spans)) if spans else []

    def _candidates(self, text: str) -> Iterator[Span]:
        yield from self._literals.find(text)
        if len(text) < 4:
            return
        lowered = text.lower()
        for shape in SHAPES:
            yield from shape.find(text, lowered)
        if "-----BEGIN" in text:
            yield from armour.find(text)
        yield from url.find(text)
        yield from address.find(text)
        yield from assign.find(text)
        yield from wraps.find(text, self._literals.find)

    def _name(self, kind: str, identity: str) -> str:
        key = (kind, identity)
        name = self._names.get(key)
        if name is None:
            self._last[kind] += 1
            name = self._names[key] = f"<{kind}-{self._last[kind]}>"
        return name

    def _masked(self, text: str, spans: list[Span]) -> str:
        parts: list[str] = []
        place = 0
        for span in spans:
            self.counts[span.rule] += 1
            parts += (text[place : span.start], self._name(span.kind, span.identity))
            place = span.end
        parts.append(text[place:])
        return "".join(parts)
