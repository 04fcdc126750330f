"""`lock` beside plain `uv pip compile` of the same requirements: same machine, same cache, one after the other.

    python benchmarks/lock.py [--rounds 5] [REQUIREMENT...]

Both ask the configured index; a first, untimed round of each warms uv's cache. What counts is the median of the whole process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

#: pins that the matrix has nothing against, so that both solve once
REQUIREMENTS = ("torch==2.5.1", "transformers==4.46.3", "numpy==1.26.4")


def measure(requirements: Sequence[str] = REQUIREMENTS, *, rounds: int = 5, python: str = "3.11") -> dict[str, float]:
    """Seconds (medians) of plain uv, of the lock without and with an era, and their ratios to plain uv."""
    from uv import find_uv_bin

    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        wanted = home / "wanted.in"
        wanted.write_text("".join(f"{r}\n" for r in requirements))
        ours = [sys.executable, "-m", "envdoctor", "lock", *requirements, "--python-version", python]
        ours += ["--output", str(home / "ours.txt")]
        calls = {
            "uv": [
                find_uv_bin(), "pip", "compile", "-q", "--generate-hashes", "--python-version", python,
                "--python-platform", "linux", "-o", str(home / "uv.txt"), str(wanted),
            ],
            "lock-no-era": [*ours, "--no-era"],
            "lock": ours,
        }  # fmt: skip
        times: dict[str, list[float]] = {name: [] for name in calls}
        for turn in range(rounds + 1):
            for label, call in calls.items():
                (home / "uv.txt").unlink(missing_ok=True)  # uv would keep the pins of an existing file
                start = time.perf_counter()
                run = subprocess.run(call, capture_output=True, text=True, check=False)
                spent = time.perf_counter() - start
                if run.returncode:
                    raise SystemExit(f"{label}: {run.stderr.strip()[-400:]}")
                if turn:
                    times[label].append(spent)
    medians = {name: statistics.median(found) for name, found in times.items()}
    return medians | {f"{name} / uv": medians[name] / medians["uv"] for name in ("lock-no-era", "lock")}


def main() -> None:
    """Prints the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", nargs="*", default=list(REQUIREMENTS))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for name, value in measure(given.requirements, rounds=given.rounds).items():
        print(f"{name:20} {value:8.3f}")


if __name__ == "__main__":
    main()
