"""Looks after the processes of a rung: what they hold in memory, and which of them are still there. Reads /proc only."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from envdoctor.values import dataclass

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a process group holds: resident bytes in all (pages shared by a fork count twice) and how many processes."""

    resident: int
    processes: int


def resident(pid: int, proc: Path = PROC) -> int:
    """Resident bytes of one process; 0 where it is gone."""
    try:
        return int((proc / str(pid) / "statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError, ValueError):
        return 0


def group_usage(group: int, proc: Path = PROC) -> Usage:
    """Sums over every living process of the process group."""
    total = count = 0
    for pid in _pids(proc):
        try:
            text = (proc / str(pid) / "stat").read_bytes()
            # the command name is in parentheses and may hold anything, so the fields are counted from the last one
            state, _parent, process_group = text[text.rindex(b")") + 1 :].split()[:3]
        except (OSError, ValueError):
            continue
        if int(process_group) == group and state not in (b"Z", b"X"):
            total += resident(pid, proc)
            count += 1
    return Usage(resident=total, processes=count)


def kill_group(group: int) -> None:
    """SIGKILL to the whole group; silent where there is none left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_marked(marker: str, proc: Path = PROC) -> int:
    """Kills what left the group (a daemon of its own session) by the run's marker in its environment; returns how many."""
    killed = 0
    for pid in _pids(proc):
        if pid == os.getpid():
            continue
        try:
            if marker.encode() not in (proc / str(pid) / "environ").read_bytes():
                continue
            os.kill(pid, signal.SIGKILL)
            killed += 1
        except (OSError, ProcessLookupError):
            continue
    return killed


def available_memory(proc: Path = PROC) -> int:
    """Bytes that new processes may take: the host's MemAvailable, or what the control group has left if that is less."""
    found = 1 << 40
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found = int(line.split()[1]) * 1024
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            left = int(Path(limit).read_text(encoding="ascii")) - int(Path(used).read_text(encoding="ascii"))
            found = min(found, max(left, 0))
    return found


def _pids(proc: Path) -> list[int]:
    try:
        return [int(name) for name in os.listdir(proc) if name.isdigit()]  # noqa: PTH208 (a tenth of iterdir's time)
    except OSError:
        return []
