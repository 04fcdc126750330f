"""Measures the whole speed table and writes it into docs/: `python -m benchmarks`.

    python -m pip install -e . --group benchmarks
    python -m benchmarks [--rounds 7] [--home FOLDER]

Builds its environments with uv (some 8 GB, kept for the next run) and needs the package index. About 15 minutes on two cores.
Where no CPU build of torch can be had from uv's own index of them: `--torch 'torch==2.13.0+cpu' --find-links FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks import growth, page, rows
from benchmarks.environments import CHECKOUT, EXTENSIONS, Environments, Torch, build
from benchmarks.timing import Command, rounds

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "envdoctor-benchmarks"
_HANG_ROUNDS = 3


def main() -> int:
    """Builds, measures, writes; ends with 1 where a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--home", type=Path, default=_CACHE, help="where environments and results.json are kept")
    parser.add_argument("--python", default="3.11", help="the Python of all environments")
    parser.add_argument("--torch", default="torch", help="the requirement of torch")
    parser.add_argument("--find-links", default="", help="a folder or page with the wheel of torch")
    parser.add_argument("--write-only", action="store_true", help="write the last results again, measure nothing")
    given = parser.parse_args()
    kept = given.home / "results.json"
    if not given.write_only:
        links = ("--find-links", given.find_links) if given.find_links else Torch.arguments
        torch = Torch(requirement=given.torch, arguments=links)
        there = build(given.home.absolute(), torch, given.python, _tell)
        results = measure(there, given.home.absolute(), given.rounds)
        kept.write_text(json.dumps(results, indent=1), "utf-8")
    results = json.loads(kept.read_text("utf-8"))
    publish(results, CHECKOUT / "docs")
    found = page.budgets(results)
    for budget in found:
        print("  ".join(budget.cells()))
    return 0 if all(budget.held for budget in found) else 1


def measure(there: Environments, home: Path, count: int) -> dict[str, Any]:
    """Everything, one part after the other; within a part the commands take turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def part(label: str, commands: list[Command], turns: int = count) -> dict[str, Any]:
            found = rounds(commands, turns, lambda turn: _tell(f"{label}: {turn}"))
            return {name: asdict(samples) for name, samples in found.items()}

        return {
            "machine": _machine(there, count),
            "whole": part("whole commands", rows.whole(there)),
            "tickets": part("tickets", rows.tickets(there, folder)),
            "locks": part("lock", rows.locks(there, folder)),
            "smokes": part("smoke", rows.smokes(there)),
            "hang": part("hang", [rows.hang(there, folder)], min(count, _HANG_ROUNDS)),
            "extensions": _told("extensions", lambda: growth.extensions(there, count)),
            "matrix": _told("matrix", lambda: growth.inside(there, "matrix", *map(str, growth.ENTRIES))),
            "real": _told("the published matrix", lambda: growth.inside(there, "real", str(there.plain))),
            "distributions": _told("distributions", lambda: growth.distributions(there, home, count)),
            "reports": growth.reports(there, _tell),
            "texts": growth.texts(there, _tell),
        }


def _told(what: str, work: Callable[[], Any]) -> Any:
    _tell(what)
    return work()


def publish(results: page.Results, docs: Path) -> None:
    """Writes the tables and the pictures."""
    from benchmarks import plot

    page.write(docs / "benchmarks.md", page.tables(results))
    plot.commands(results["whole"], docs / "speed.svg")
    plot.growth(results, docs / "growth.svg")


def _machine(there: Environments, count: int) -> dict[str, Any]:
    def site(folder: Path) -> Path:
        return next(folder.glob("lib/python3*/site-packages"))

    def version(folder: Path, name: str) -> str:
        found = next(site(folder).glob(f"{name.replace('-', '_')}-*.dist-info")).name
        return found.removesuffix(".dist-info").partition("-")[2]

    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    model = next((line.partition(":")[2].strip() for line in cpu.splitlines() if line.startswith("model name")), "?")
    python = [str(there.plain / "bin/python"), "-c", "import platform; print(platform.python_version())"]
    peers = [f"{name} {version(folder, name)}" for name, folder in there.peers.items()]
    uv = subprocess.run([there.uv, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "rounds": count,
        "processor": model,
        "cpus": os.cpu_count(),
        "architecture": platform.machine(),
        "python": subprocess.run(python, capture_output=True, text=True, check=True).stdout.strip(),
        "envdoctor": version(there.own, "envdoctor-gpu"),
        "torch": version(there.plain, "torch"),
        "distributions": len(list(site(there.plain).glob("*.dist-info"))),
        "native": len(list(site(there.plain).rglob("*.so*"))),
        "native_extended": len(list(site(there.extended).rglob("*.so*"))),
        "extensions": [f"{name} {version(there.extended, name)}" for name in EXTENSIONS],
        "peers": [*peers, f"vLLM's collect_env {there.vllm_version}", f"uv {uv}"],
    }


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
