"""How much memory this process may use: what the machine has, or the limit of its control groups."""

from __future__ import annotations

import posixpath
import re

from envdoctor.facts import Fact, Known, Witness, known, unknown
from envdoctor.probe.ports import View, text_of
from envdoctor.text import Text

MEMINFO = "/proc/meminfo"
_CGROUP = "/sys/fs/cgroup"
_UNLIMITED = 1 << 60  # cgroup v1 states "no limit" as the largest multiple of the page size
_DEPTH = 32


def machine_memory(view: View) -> Fact[int]:
    """The memory of the machine (under WSL2 and in a virtual machine: what it was given), in bytes."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", text_of(view, MEMINFO, 1 << 16) or "", re.MULTILINE)
    return (
        known(int(match[1]) * 1024, MEMINFO)
        if match
        else unknown(Text(en=f"{MEMINFO} does not state MemTotal", zh=f"{MEMINFO} 中没有 MemTotal"))
    )


def usable_memory(view: View) -> Fact[int]:
    """The machine's memory, or the tightest limit of the control groups that hold this process, in bytes."""
    total = machine_memory(view)
    limit = _limit(view)
    if limit is None:
        return total
    size, source = limit
    if not isinstance(total, Known):
        return known(size, source)
    if size >= total.value:
        return total
    return known(size, source, (Witness(value=str(total.value), source=total.source),))


def _limit(view: View) -> tuple[int, str] | None:
    groups = (text_of(view, "/proc/self/cgroup", 1 << 16) or "").splitlines()
    files: list[str] = []
    for line in groups:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers == "":
            files += _up(_CGROUP, path, "memory.max")
        elif "memory" in controllers.split(","):
            files += _up(f"{_CGROUP}/memory", path, "memory.limit_in_bytes")
    # Inside a container the path above may not be visible: then the mount's root is the group itself.
    files += [f"{_CGROUP}/memory.max", f"{_CGROUP}/memory/memory.limit_in_bytes"]
    limits = []
    for file in dict.fromkeys(files):
        text = (text_of(view, file, 64) or "").strip()
        if text.isdigit() and 0 < int(text) < _UNLIMITED:
            limits.append((int(text), file))
    return min(limits, default=None)


def _up(root: str, path: str, name: str) -> list[str]:
    """The file in a group and in each group above it."""
    files = []
    path = posixpath.normpath("/" + path.strip().lstrip("/"))
    for _ in range(_DEPTH):
        if path == "/" or ".." in path.split("/"):
            break
        files.append(f"{root}{path}/{name}")
        path = posixpath.dirname(path)
    return files
