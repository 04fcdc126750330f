"""Whole processes timed from outside, in rounds: each round runs every command once, so a slow minute slows all of them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is run. `statuses` are those that mean that it did its work; `before` clears what an earlier run left."""

    name: str
    arguments: Sequence[str]
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (0, 1)
    before: Callable[[], object] = lambda: None


@dataclass
class Samples:
    """What the rounds gave: seconds of wall clock and of processor, one each a round, and the largest peak in MiB."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mib: float = 0.0

    @property
    def median(self) -> float:
        """Seconds of wall clock."""
        return statistics.median(self.wall)


class FailedError(Exception):
    """A command that is to be measured does not work."""


#: a shell that forbids bytecode or buffers nothing would measure something that no user meets
_NOT_HANDED_ON = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH")


def rounds(commands: Iterable[Command], count: int, tell: Callable[[str], None] = lambda _: None) -> dict[str, Samples]:
    """Runs them `count` times in turn, after one round that warms the page cache and the bytecode. Raises FailedError."""
    every = tuple(commands)
    found = {command.name: Samples() for command in every}
    for turn in range(count + 1):
        tell(f"round {turn} of {count}" if turn else "first round (not counted)")
        for command in every:
            wall, cpu, peak = once(command)
            samples = found[command.name]
            samples.peak_mib = max(samples.peak_mib, peak)
            if turn:
                samples.wall.append(wall)
                samples.cpu.append(cpu)
    return found


def once(command: Command) -> tuple[float, float, float]:
    """Seconds of wall clock and of processor (with its children), and MiB at the peak."""
    command.before()
    env = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON} | dict(command.environment)
    launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py")), *command.arguments]
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as errors:
        source.write(command.stdin)
        source.seek(0)
        run = subprocess.run(launcher, stdin=source, stdout=subprocess.PIPE, stderr=errors, env=env, check=False)
        errors.seek(0)
        said = errors.read()[-600:].decode(errors="replace").strip()
    if run.returncode:
        raise FailedError(f"{command.name}: {said}")
    status, wall, cpu, peak = json.loads(run.stdout)
    if status not in command.statuses:
        raise FailedError(f"{command.name}: status {status}: {said}")
    return wall, cpu, peak


def pair_ratio(one: Samples, other: Samples) -> float:
    """How many times as long `one` takes: the median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(one.wall, other.wall, strict=True))


def pair_difference(one: Samples, other: Samples) -> float:
    """How many seconds longer `one` takes: the median of the rounds' own differences."""
    return statistics.median(a - b for a, b in zip(one.wall, other.wall, strict=True))


def fresh(path: Path) -> Callable[[], object]:
    """Removes a file that would let the next run do less."""
    return lambda: path.unlink(missing_ok=True)
