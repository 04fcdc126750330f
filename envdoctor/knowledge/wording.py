"""Messages known again by their words, without keeping the words: a digest of each run of words.

The tables of `matrix/messages` say whose a message is. They hold digests, for whose message it is is a fact, and the
sentences are their authors'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from envdoctor.patterns import lazy

__all__ = ["digest", "runs_of", "words_of"]

_WORD = lazy(r"[A-Za-z0-9_]+(?:[.'+-][A-Za-z0-9_]+)*")
_MOST_WORDS = 120  #: of a message; what a library says of itself stands in its first lines
_BYTES = 5  #: of some 40,000 messages, two share a digest with a chance of about 1 in 1,000


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, as they stand."""
    return tuple(found.group() for found in _WORD.finditer(text))


def digest(words: Sequence[str]) -> str:
    """Ten hexadecimal digits for a run of words; case does not matter."""
    return blake2b(" ".join(words).lower().encode(), digest_size=_BYTES).hexdigest()


def runs_of(text: str, count: int) -> Mapping[str, str]:
    """digest -> passage of `text`, for every run of `count` words in it."""
    found = list(_WORD.finditer(text))[:_MOST_WORDS]
    return {
        digest([word.group() for word in found[at : at + count]]): text[found[at].start() : found[at + count - 1].end()]
        for at in range(len(found) - count + 1)
    }
