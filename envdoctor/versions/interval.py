"""Half-open intervals of ordered events: introduced <= version < fixed."""

from __future__ import annotations

from collections.abc import Iterable

from envdoctor.facts.truth import Truth, all_of, any_of, negate
from envdoctor.values import dataclass
from envdoctor.versions.schemes import Scheme, position


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """`introduced` None: from the beginning. `fixed` None: to the newest version that was checked, and beyond it open."""

    introduced: str | None = None
    fixed: str | None = None

    def __str__(self) -> str:
        low = f">={self.introduced}" if self.introduced else ""
        high = f"<{self.fixed}" if self.fixed else ""
        return ",".join(part for part in (low, high) if part) or "any"


def at_least(scheme: Scheme, version: str, event: str) -> Truth:
    """Whether `version` is at or after `event`.

    None where either is no version of the scheme, and where a pre-release or vendor build of exactly `event` stands
    before or at it and the answer depends on which. An event that is itself a pre-release is compared exactly.
    """
    place, other = position(scheme, version), position(scheme, event)
    if place is None or other is None:
        return None
    if place.around is None or other.around is not None:
        return bool(place.key >= other.key)
    if place.around == other.key:
        return None
    return bool(place.around > other.key)


def within(scheme: Scheme, version: str, intervals: Iterable[Interval], *, checked: str | None = None) -> Truth:
    """Whether `version` lies in one of the intervals.

    `checked` is the newest version that anybody looked at: beyond it an interval without an end answers unknown.
    """
    return any_of(_inside(scheme, version, interval, checked) for interval in intervals)


def _inside(scheme: Scheme, version: str, interval: Interval, checked: str | None) -> Truth:
    low: Truth = True if interval.introduced is None else at_least(scheme, version, interval.introduced)
    if interval.fixed is not None:
        return all_of([low, negate(at_least(scheme, version, interval.fixed))])
    if checked is not None and at_least(scheme, version, checked) is not False:
        newer = position(scheme, version), position(scheme, checked)
        if newer[0] is not None and newer[1] is not None and newer[0].key > newer[1].key:
            return all_of([low, None])
    return low
