"""Memory that a process may use: the machine's, or the tightest of its control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.facts import Known, Unknown
from envdoctor.probe.memory import usable_memory
from tests.probe.recorded import RecordedView

GIB = 1 << 30


def view(folder: Path, files: dict[str, str]) -> RecordedView:
    (folder / "host.toml").write_text('machine = "x86_64"\n')
    for path, text in {"/proc/meminfo": f"MemTotal: {64 * GIB // 1024} kB\n", **files}.items():
        place = folder / "files" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return RecordedView(folder)


@pytest.mark.parametrize(
    ("files", "gib"),
    [
        ({}, 64),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"}, 64),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": f"{8 * GIB}\n"}, 8),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": f"{512 * GIB}\n"}, 64),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": f"{4 * GIB}\n"}, 4),
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/memory.max": f"{16 * GIB}\n",
                "/sys/fs/cgroup/a/b/memory.max": f"{12 * GIB}\n",
            },
            12,
        ),
        (
            {
                "/proc/self/cgroup": "9:memory:/docker/abc\n8:cpu:/docker/abc\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": f"{6 * GIB}\n",
            },
            6,
        ),
        (
            {
                "/proc/self/cgroup": "9:memory:/x\n",
                "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n",
            },
            64,
        ),
        ({"/proc/self/cgroup": "nonsense\n0::/../../etc\n::::\n", "/sys/fs/cgroup/memory.max": "-5\n"}, 64),
    ],
)
def test_limits(tmp_path: Path, files: dict[str, str], gib: int) -> None:
    memory = usable_memory(view(tmp_path, files))
    assert isinstance(memory, Known)
    assert memory.value == gib * GIB


def test_unreadable(tmp_path: Path) -> None:
    memory = usable_memory(view(tmp_path, {"/proc/meminfo": "nothing\n"}))
    assert isinstance(memory, Unknown)
    assert "MemTotal" in memory.reason
