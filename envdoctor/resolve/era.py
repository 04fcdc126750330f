"""One era: floating companions are chosen from the time of the pinned anchors, because packages rarely declare upper bounds."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime, timedelta

from envdoctor.resolve.request import Asked
from envdoctor.resolve.solution import Solution
from envdoctor.text import Text
from envdoctor.values import dataclass

#: How long after the newest anchor's upload the era ends. Measured, see docs/lock.md.
WINDOW = timedelta(days=21)
#: a floating release this much older than the newest file of the solution is an anchor although nobody pinned it
STALE = timedelta(days=365)
#: a name whose first upload is this much younger than those who need it is not theirs: it looks re-registered
STRANGER = timedelta(days=180)
#: what moves with torch and transformers; `einops` may be old without dating a stack
_HEAVY = ("torch", "transformers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A release that dates the request."""

    name: str
    version: str
    uploaded: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Era:
    """Where it ends and why. `derived` False: the user set it."""

    end: datetime
    anchors: tuple[Anchor, ...] = ()
    derived: bool = True

    @property
    def says(self) -> Text:
        """The end, and where it comes from."""
        end = f"{self.end:%Y-%m-%d}"
        if not self.derived:
            return Text(en=f"{end} (set by the user)", zh=f"{end}（由用户指定）")
        newest = max(self.anchors, key=lambda a: a.uploaded)
        day, days, name = f"{newest.uploaded:%Y-%m-%d}", WINDOW.days, f"{newest.name} {newest.version}"
        return Text(en=f"{end} ({name} of {day} and {days} days)", zh=f"{end}（{name} 发布于 {day}，再加 {days} 天）")


def datable(asked: Sequence[Asked]) -> tuple[Asked, ...]:
    """What of a request can date it: exact pins; where there is none, upper bounds."""
    exact = tuple(a for a in asked if a.exact)
    return exact or tuple(a for a in asked if a.bounded)


def era_of(anchors: Sequence[Anchor]) -> Era | None:
    """The era of these anchors: the newest one's upload and the window."""
    if not anchors:
        return None
    newest = max(a.uploaded for a in anchors)
    end = (newest + WINDOW).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Era(end=end, anchors=tuple(sorted(anchors, key=lambda a: a.name)))


def anchors_in(solution: Solution, names: Sequence[str]) -> tuple[Anchor, ...]:
    """The named packages of a solution that have an upload time."""
    found = []
    for name in names:
        package = solution.packages.get(name)
        if package is not None and package.uploaded is not None:
            found.append(Anchor(name=name, version=package.version, uploaded=package.uploaded))
    return tuple(found)


def implied_anchors(solution: Solution, asked: Sequence[Asked], *, limited: Container[str] = ()) -> tuple[Anchor, ...]:
    """Old releases that date a request which pins nothing: an asked project that has stopped, or a torch held back.

    A torch that something holds back dates everything beside it. Where torch is fresh, one fresh heavy name that was asked for
    is enough: then the newest is what the user wants. `limited`: names that a veto holds at their version; they say nothing.
    """
    times = [p.uploaded for p in solution.packages.values() if p.uploaded is not None]
    if not times:
        return ()
    fresh_from = max(times) - STALE
    names = [a.name for a in asked if a.name in _HEAVY or _is_heavy(a.name, solution)]
    held = anchors_in(solution, [*dict.fromkeys((*names, "torch"))])
    stale = tuple(a for a in held if a.uploaded < fresh_from)
    if any(a.name == "torch" for a in stale):
        return tuple(a for a in stale if a.name == "torch" or a.name not in limited)
    return stale if len(stale) == len(held) else ()


def _is_heavy(name: str, solution: Solution) -> bool:
    return any(need.dependent == name for heavy in _HEAVY for need in solution.needs.get(heavy, ()))
