"""A live machine and a log that came with it: what was probed stays, what the log alone knows is added."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from envdoctor.facts import Facts, Known, Unknown

V = TypeVar("V")


def merge(live: Facts, extra: Facts) -> Facts:
    """`live` with the unknown facts of it taken from `extra`, distributions joined, and the log lines of both.

    A live probe wins wherever it knows something. Distributions of `extra` are added only where the live list is not
    known to be complete: a name that a complete list lacks is not installed, whatever the log says.
    """
    merged = _fill(live, extra)
    distributions = live.distributions
    if not (isinstance(distributions.complete, Known) and distributions.complete.value):
        names = {d.name for d in distributions.installed}
        added = tuple(d for d in extra.distributions.installed if d.name not in names)
        installed = tuple(sorted((*distributions.installed, *added), key=lambda d: d.name))
        distributions = replace(distributions, installed=installed)
    distributions = replace(
        distributions, unmet=tuple(dict.fromkeys((*distributions.unmet, *extra.distributions.unmet)))
    )
    seen = {variable.name for variable in live.environment}
    environment = (*live.environment, *(v for v in extra.environment if v.name not in seen))
    flags = live.workload.flags or extra.workload.flags
    return replace(
        merged,
        distributions=distributions,
        environment=environment,
        workload=replace(merged.workload, flags=flags),
        log=(*live.log, *extra.log),
    )


def _fill(live: V, extra: V) -> V:
    """Unknown facts of a frozen value taken from another of the same type; sections are filled one by one."""
    changes: dict[str, Any] = {}
    for field in fields(live):  # type: ignore[arg-type]
        mine, other = getattr(live, field.name), getattr(extra, field.name)
        if isinstance(mine, Unknown) and isinstance(other, Known):
            changes[field.name] = other
        elif is_dataclass(mine) and not isinstance(mine, (Known, Unknown)):
            filled = _fill(mine, other)
            if filled != mine:
                changes[field.name] = filled
    return replace(live, **changes) if changes else live  # type: ignore[type-var]
