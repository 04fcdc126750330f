"""The measured figures as Markdown tables, written between the markers of docs/benchmarks.md; the prose around them stays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import rows
from benchmarks.timing import Samples, pair_difference, pair_ratio

Results = Mapping[str, Any]
_PART = "<!-- measured: {name} -->\n"
_END = "<!-- end -->\n"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """One row of the design's speed table and what came out."""

    what: str
    measured: float
    limit: float
    unit: str  #: "times", "s", "ms" or "MiB"

    @property
    def held(self) -> bool:
        """Whether it is within the limit."""
        return self.measured <= self.limit

    def cells(self) -> tuple[str, ...]:
        """What, measured, limit, verdict."""
        digits = {"times": 3, "s": 2, "ms": 1, "MiB": 0}[self.unit]
        verdict = "held" if self.held else f"**missed by {100 * (self.measured / self.limit - 1):.0f} %**"
        return (
            self.what,
            f"{self.measured:.{digits}f} {self.unit}",
            f"{self.limit:.{digits}f} {self.unit}",
            verdict,
        )


def budgets(results: Results) -> list[Budget]:
    """Every row of the speed table of the design."""
    whole, locks, smokes = (_samples(results[part]) for part in ("whole", "locks", "smokes"))
    thousand = next(row for row in results["matrix"] if row["entries"] == 1000)
    diagnose = whole[rows.DIAGNOSE]
    return [
        Budget(
            what="diagnose as JSON beside torch's collect_env, no extension packages",
            measured=pair_ratio(diagnose, whole[rows.COLLECT]),
            limit=1 / 6,
            unit="times",
        ),
        Budget(
            what="the same with five extension packages",
            measured=pair_ratio(whole[rows.DIAGNOSE_EXTENDED], whole[rows.COLLECT_EXTENDED]),
            limit=1 / 3,
            unit="times",
        ),
        Budget(what="memory of both, at the peak", measured=_most(whole), limit=60, unit="MiB"),
        Budget(
            what="terminal output on top of JSON",
            measured=1000 * pair_difference(whole[rows.TERMINAL], diagnose),
            limit=80,
            unit="ms",
        ),
        Budget(
            what="all extensions judged, beside `import torch`",
            measured=results["extensions"]["ratio"],
            limit=1 / 3,
            unit="times",
        ),
        Budget(what="loading a matrix of 1,000 entries", measured=thousand["load_ms"], limit=5, unit="ms"),
        Budget(
            what="matching an environment that names 10 of 1,000 entries",
            measured=thousand["match_10_ms"],
            limit=5,
            unit="ms",
        ),
        Budget(
            what="lock beside plain `uv pip compile`, nothing vetoed",
            measured=pair_ratio(locks[rows.LOCK], locks[rows.COMPILE]),
            limit=1.3,
            unit="times",
        ),
        Budget(
            what="smoke on a CPU beyond `import torch`, torch alone",
            measured=pair_difference(smokes[rows.SMOKE_BARE], smokes[rows.IMPORT_BARE]),
            limit=1,
            unit="s",
        ),
        Budget(
            what="a report though `nvidia-smi` never answers",
            measured=_samples(results["hang"])[rows.HANG].median,
            limit=5,
            unit="s",
        ),
    ]


def _most(whole: Mapping[str, Samples]) -> float:
    return max(whole[name].peak_mib for name in (rows.DIAGNOSE, rows.DIAGNOSE_EXTENDED))


def _samples(part: Mapping[str, Mapping[str, Any]]) -> dict[str, Samples]:
    return {name: Samples(**values) for name, values in part.items()}


def tables(results: Results) -> dict[str, str]:
    """The generated parts of the page by name."""
    return {
        "machine": _machine(results),
        "budgets": _table(("budget", "measured", "limit", ""), [b.cells() for b in budgets(results)]),
        "commands": _commands(results),
        "lock": _lock(results),
        "matrix": _matrix(results),
        "growth": _growth(results),
    }


def _machine(results: Results) -> str:
    there = results["machine"]
    return (
        f"{there['date']}, envdoctor {there['envdoctor']}, {there['rounds']} rounds, medians."
        f" {there['processor']}, {there['cpus']} CPUs, {there['architecture']}, Python {there['python']}, no GPU.\n"
        f"Target: torch {there['torch']}, {there['distributions']} distributions, {there['native']} native files.\n"
        f"With extension packages: {', '.join(there['extensions'])}, {there['native_extended']} native files.\n"
        f"Peers: {', '.join(there['peers'])}.\n"
    )


def _commands(results: Results) -> str:
    peer = _samples(results["whole"])[rows.COLLECT]
    lines = []
    for part in ("whole", "tickets", "smokes", "hang"):
        for name, samples in _samples(results[part]).items():
            if name.startswith("(") or (part == "smokes" and name == rows.IMPORT):
                continue
            share = f"{samples.median / peer.median:.3f}" if part == "whole" else ""
            lines.append(
                (
                    f"`{name}`",
                    f"{samples.median:.3f}",
                    f"{min(samples.wall):.3f} to {max(samples.wall):.3f}",
                    f"{_median(samples.cpu):.3f}",
                    f"{samples.peak_mib:.0f}",
                    share,
                )
            )
    return _table(("command", "wall s", "range", "CPU s", "MiB", "share of torch's collect_env"), lines)


def _lock(results: Results) -> str:
    found = _samples(results["locks"])
    lines = [
        (f"`{name}`", f"{s.median:.2f}", f"{_median(s.cpu):.2f}", f"{pair_ratio(s, found[rows.COMPILE]):.2f}")
        for name, s in found.items()
    ]
    return _table(("command", "wall s", "CPU s", "times plain uv"), lines)


def _matrix(results: Results) -> str:
    names = ("load_ms", "match_10_ms", "match_100_ms", "match_1000_ms")
    lines = [
        (f"{row['entries']:,.0f} made up", *(f"{row[name]:.2g}" if row[name] < 10 else f"{row[name]:.0f}" for name in names))
        for row in results["matrix"]
    ]  # fmt: skip
    real = results["real"]
    lines.append((f"{real['entries']:.0f} published", f"{real['load_ms']:.1f}", "", "", ""))
    after = (
        f"\nThe published matrix against the target above: {real['match_ms']:.1f} ms the first time, when entries are"
        f" parsed, {real['match_again_ms']:.1f} ms again.\n"
    )
    return _table(("entries", "load ms", "match 10", "match 100", "match 1,000 distributions"), lines) + after


def _growth(results: Results) -> str:
    distributions = [(f"{r['distributions']:,.0f}", f"{r['seconds']:.2f}") for r in results["distributions"]]
    reports = [
        (
            f"{r['reports']:,.0f}", f"{r['one_process_s']:.2f}", f"{r['reports'] / r['one_process_s']:.0f}",
            f"{r['processes_s']:.1f}", f"{r['reports'] / r['processes_s']:.1f}",
        )
        for r in results["reports"]
    ]  # fmt: skip
    kinds = [key for key in results["texts"][0] if key != "mib"]
    texts = [(f"{r['mib']:g}", *(f"{r[kind]:.2f}" for kind in kinds)) for r in results["texts"]]
    return "\n".join(
        (
            _table(("distributions", "whole diagnosis s"), distributions),
            _table(("pasted reports", "one process s", "a second", "a process each s", "a second"), reports),
            _table(("pasted text MiB", *(f"{kind} s" for kind in kinds)), texts),
        )
    )


def _median(values: Sequence[float]) -> float:
    return Samples(wall=list(values)).median


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    every = [tuple(head), ("---",) * len(head), *lines]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in every)


def write(page: Path, parts: Mapping[str, str]) -> None:
    """Puts each part between `<!-- measured: NAME -->` and `<!-- end -->`. Raises ValueError where a marker is missing."""
    text = page.read_text("utf-8")
    for name, part in parts.items():
        begin = _PART.format(name=name)
        pattern = re.compile(re.escape(begin) + r".*?" + re.escape(_END), re.DOTALL)
        text, count = pattern.subn(lambda _, part=part, begin=begin: f"{begin}\n{part}\n{_END}", text)
        if count != 1:
            raise ValueError(f"{page}: {count} places are marked `measured: {name}`")
    page.write_text(text, "utf-8")
