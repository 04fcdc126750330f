"""How time grows: with the matrix, the environment, the number of pasted reports, and the length of a text."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.environments import CHECKOUT, Environments, made_up
from benchmarks.timing import Command, once, rounds

ENTRIES = (100, 1000, 10_000)
DISTRIBUTIONS = (10, 100, 1000)
REPORTS = (1, 10, 100, 1000)
TEXTS_MIB = (0.1, 1, 10, 30)
_PASTED = CHECKOUT / "tests/ingest/cases"
_MIB = 1 << 20


def inside(there: Environments, what: str, *arguments: str) -> Any:
    """Runs `inside.py` with envdoctor's own interpreter."""
    script = Path(__file__).with_name("inside.py")
    command = [str(there.own / "bin/python"), str(script), what, *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def extensions(there: Environments, count: int) -> dict[str, Any]:
    """Judging the five extension packages beside importing torch there, in turns."""
    python = str(there.extended / "bin/python")
    asked = [python, "-W", "ignore", "-c", "import torch; print(torch.version.cuda or '')"]
    cuda = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    imports, own, found = [], [], {}
    imported = Command(name="import torch", arguments=[python, "-W", "ignore", "-c", "import torch"])
    for _ in range(count):
        imports.append(once(imported)[0])
        found = inside(there, "extensions", str(there.extended), cuda)
        own.append(found["seconds"])
    ratio = statistics.median(a / b for a, b in zip(own, imports, strict=True))
    return {"own_s": statistics.median(own), "import_s": statistics.median(imports), "ratio": ratio, **found}


def distributions(there: Environments, home: Path, count: int) -> list[dict[str, float]]:
    """A whole diagnosis of environments of 10 to 1,000 made-up distributions."""
    commands = []
    for number in DISTRIBUTIONS:
        python = made_up(home / f"made-up-{number}", number) / "bin/python"
        arguments = [there.envdoctor, "diagnose", "--python", str(python), "--format", "json"]
        commands.append(Command(name=str(number), arguments=arguments))
    return [{"distributions": float(name), "seconds": s.median} for name, s in rounds(commands, count).items()]


def reports(there: Environments, tell: Callable[[str], None]) -> list[dict[str, float]]:
    """1 to 1,000 pasted reports: in one process with the Python API (with its start), and a process for each."""
    texts = sorted(_PASTED.glob("*.txt"))
    rows = []
    for number in REPORTS:
        tell(f"{number} pasted reports")
        start = time.perf_counter()
        inside(there, "reports", str(_PASTED), str(number))
        together = time.perf_counter() - start
        start = time.perf_counter()
        for i in range(number):
            text = str(texts[i % len(texts)])
            once(Command(name=text, arguments=[there.envdoctor, "diagnose", "--from", text], statuses=(0, 1, 3)))
        rows.append({"reports": float(number), "one_process_s": together, "processes_s": time.perf_counter() - start})
    return rows


_LOG_LINES = (
    "INFO 11-21 10:00:{n:02d} loader.py:{n}] Loading weights took {n}.31 seconds",
    "(VllmWorkerProcess pid={n}) INFO 11-21 10:00:00 model_runner.py:1072] Starting to load model /models/m-{n}...",
    "  File \"/usr/lib/python3.11/site-packages/vllm/engine/part_{n}.py\", line {n}, in step",
    "    output = self.model_executor.execute_model(execute_model_req={n})",
    "Avg prompt throughput: {n}.0 tokens/s, Avg generation throughput: {n}.5 tokens/s, Running: {n} reqs",
)  # fmt: skip


def _text(kind: str, size: int) -> bytes:
    luck = random.Random(1)
    if kind == "garbage":
        return luck.randbytes(size)
    if kind == "one line":
        return (b"torch==2.1.0 numpy>=" * (size // 20 + 1))[:size]
    block = "".join(f"{line}\n".format(n=n) for n in range(500) for line in _LOG_LINES).encode()
    return (block * (size // len(block) + 1))[:size]


def texts(there: Environments, tell: Callable[[str], None]) -> list[dict[str, float]]:
    """A pasted text of 0.1 to 30 MiB: a server's log, random bytes, one endless line."""
    rows = []
    for mib in TEXTS_MIB:
        tell(f"texts of {mib} MiB")
        row = {"mib": mib}
        for kind in ("log", "garbage", "one line"):
            command = Command(
                name=f"{kind} of {mib} MiB",
                arguments=[there.envdoctor, "diagnose", "--from", "-"],
                stdin=_text(kind, int(mib * _MIB)),
                statuses=(0, 1, 3),
            )
            row[kind] = statistics.median(once(command)[0] for _ in range(3))
        rows.append(row)
    return rows
