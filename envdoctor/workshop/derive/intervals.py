"""Sets of torch versions written as intervals over the measured ones: `2.3.0..2.7.1`, `*` for all, `none` for none."""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["as_intervals"]


def as_intervals(chosen: Collection[str], measured: Sequence[str]) -> str:
    """`chosen` as text. `measured` is every measured version in ascending order; an interval holds all those between its ends."""
    runs: list[list[str]] = []
    open_run = False
    for version in measured:
        if version in chosen:
            if open_run:
                runs[-1].append(version)
            else:
                runs.append([version])
        open_run = version in chosen
    if not runs:
        return "none"
    if len(runs) == 1 and len(runs[0]) == len(measured):
        return "*"
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs)
