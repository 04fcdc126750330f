"""The speed table: envdoctor beside its peers, in one run, round by round, as ratios of medians.

    python benchmarks/speed.py TARGET [--peer NAME=COMMAND]... [--rounds 5] [--output docs/benchmarks.md]

TARGET is the folder of an environment with torch. Every command is a whole process, timed from outside; each round runs all
of them once, so that a machine that slows down slows all of them. Peers that are not installed are given as commands, e.g.
`--peer "env-doctor=/path/env-doctor check --json"`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ENVDOCTOR = [str(Path(sys.executable).parent / "envdoctor")]


@dataclass
class Timed:
    name: str
    command: list[str]
    stdin: bytes = b""
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_kib: int = 0

    def once(self) -> None:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
        )
        child.stdin.write(self.stdin)
        child.stdin.close()
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
        self.seconds.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        self.peak_kib = max(self.peak_kib, used.ru_maxrss)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def commands(target: Path, peers: list[str]) -> list[Timed]:
    python = str(target / "bin/python")
    sample = (
        b"PyTorch version: 2.4.0+cu121\n[pip3] vllm==0.6.3\n[pip3] numpy==1.26.4\nRuntimeError: CUDA out of memory\n"
    )
    found = [
        Timed("envdoctor diagnose --format json", [*ENVDOCTOR, "diagnose", "--python", python, "--format", "json"]),
        Timed("envdoctor diagnose (terminal)", [*ENVDOCTOR, "diagnose", "--python", python]),
        Timed(
            "envdoctor diagnose --from (pasted)", [*ENVDOCTOR, "diagnose", "--from", "-", "--format", "json"], sample
        ),
        Timed("python -m torch.utils.collect_env", [python, "-m", "torch.utils.collect_env"]),
        Timed("python -c 'import torch'", [python, "-c", "import torch"]),
    ]
    if (target / "bin/pip").exists():
        found.append(Timed("pip check", [python, "-m", "pip", "check"]))
    uv = Path(sys.executable).parent / "uv"
    if uv.exists():
        found.append(Timed("uv pip check", [str(uv), "pip", "check", "--python", python]))
    for peer in peers:
        name, _, command = peer.partition("=")
        found.append(Timed(name, shlex.split(command)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--budget", type=float, default=1 / 6, help="share of collect_env (a third with five extensions)"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = commands(args.target.absolute(), args.peer)
    for row in rows:  # one round that does not count: page cache and bytecode
        row.once()
        row.seconds.clear()
        row.cpu.clear()
    for _ in range(args.rounds):
        for row in rows:
            row.once()
    peer = next(row for row in rows if "collect_env" in row.name)
    distributions = len(list(args.target.glob("lib/python3*/site-packages/*.dist-info")))
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    print(f"{distributions} distributions; {args.rounds} rounds, medians")
    print(f"{'command':44} {'wall s':>8} {'min':>7} {'max':>7} {'cpu s':>7} {'MiB':>6} {'/ collect_env':>14}")
    for row in rows:
        print(
            f"{row.name:44} {row.median:8.3f} {min(row.seconds):7.3f} {max(row.seconds):7.3f} "
            f"{statistics.median(row.cpu):7.3f} {row.peak_kib / 1024:6.0f} {row.median / peer.median:14.3f}"
        )
    own = rows[0]
    held = own.median <= args.budget * peer.median and own.peak_kib < 60 * 1024
    print(f"budget {args.budget:.3f} of collect_env and 60 MiB: {'held' if held else 'BROKEN'}")
    print(f"terminal output on top: {1000 * (rows[1].median - own.median):.0f} ms (budget 80 ms)")
    if args.json:
        found = [{"name": row.name, "wall": row.median, "cpu": statistics.median(row.cpu)} for row in rows]
        args.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
