"""A lock: pins with their hashes and reasons, and what it was made for. Values only; writing is in `write`."""

from __future__ import annotations

from envdoctor.resolve.solution import Package, Solution
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One package of a lock. `reasons` are short sentences; `built`: it will be built from its source."""

    package: Package
    reasons: tuple[Text, ...]
    built: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a lock says of itself, line by line, in a fixed order. Nothing here changes from run to run."""

    request: tuple[str, ...]
    python: str
    platform: str
    machine: tuple[Text, ...]
    needs: tuple[Text, ...]
    era: Text
    matrix: Text
    tool: Text
    index: Text
    notes: tuple[Text, ...] = ()
    proof: tuple[Text, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """The result of `lock`. `solves`: how many times uv was asked; not part of what is written."""

    pins: tuple[Pin, ...]
    header: Header
    solution: Solution
    solves: int = 0
    left_out: tuple[str, ...] = ()  #: names that something asks for and that are not among the pins
