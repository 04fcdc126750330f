"""A lock: pins with their hashes and reasons, and what it was made for. Values only; writing is in `write`."""

from __future__ import annotations

from envdoctor.resolve.solution import Package, Solution
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One package of a lock. `reasons` are short sentences; `built`: it will be built from its source."""

    package: Package
    reasons: tuple[str, ...]
    built: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a lock says of itself, line by line, in a fixed order. Nothing here changes from run to run."""

    request: tuple[str, ...]
    python: str
    platform: str
    machine: tuple[str, ...]
    needs: tuple[str, ...]
    era: str
    matrix: str
    tool: str
    index: str
    notes: tuple[str, ...] = ()
    proof: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """The result of `lock`. `solves`: how many times uv was asked; not part of what is written."""

    pins: tuple[Pin, ...]
    header: Header
    solution: Solution
    solves: int = 0
    left_out: tuple[str, ...] = ()  #: names that something asks for and that are not among the pins
