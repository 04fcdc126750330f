"""What a recognizer gives: one thing that a line says, how far the line can be trusted, and nothing merged yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from envdoctor.ingest.text import Line
from envdoctor.text import Text, in_zh
from envdoctor.values import dataclass

# How a line came to say it, most reliable first. Where two lines disagree, the lower rank wins.
OUTPUT = 0  #: a program printed it about this machine
COMMAND = 1  #: the command or code that was run
FORM = 2  #: the user filled it into a form, or wrote it as `name: value`
ERROR = 3  #: an error message mentions it
PROSE = 4  #: a sentence mentions it
TRACE = 5  #: follows from a path in a traceback
WEAK = 6  #: follows from circumstances

CLAIM = "claim"  #: the line describes the environment or the attempt, so it is no part of the failure's output


@dataclass(frozen=True, slots=True)
class Found:
    """`path` names the fact (`host.kernel`) or a collection (`gpu`, `package`, `variable`, `flag`, `unmet`, `toolkit`)."""

    path: str
    value: Any
    line: int
    rank: int = OUTPUT
    note: str = ""  #: how it was concluded, where the line does not say it literally

    @property
    def source(self) -> str:
        """What a fact made of this gives as its source."""
        return at_line(self.line, self.note)


@dataclass(frozen=True, slots=True)
class Page:
    """The whole text as lines, and once more in lower case for quick looks whether a recognizer has anything to do."""

    lines: Sequence[Line]
    lower: str

    def mentions(self, *words: str) -> bool:
        """Whether any of the words (lower case) stands anywhere in the text."""
        return any(word in self.lower for word in words)


Recognizer: TypeAlias = Callable[[Page], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Package:
    """A sighting of a distribution. `name` is normalized."""

    name: str
    version: str
    editable: bool = False
    direct_url: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A sighting of `count` GPUs of one name. `index` None where the text does not number them; sizes are bytes."""

    name: str | None
    index: int | None = None
    count: int = 1
    memory: int | None = None
    free: int | None = None
    compute_capability: str | None = None
    uuid: str | None = None
    ecc_errors: int | None = None
    mig: bool | None = None


def at_line(number: int, note: str = "") -> Text:
    """The source of what stands in a line of the text."""
    if not note:
        return Text(en=f"line {number}", zh=f"第 {number} 行")
    return Text(en=f"line {number} ({note})", zh=f"第 {number} 行（{in_zh(note)}）")
