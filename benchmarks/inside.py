"""Measured within one process of envdoctor's own environment: `python inside.py WHAT ARGUMENT...` prints JSON.

Stands alone: the interpreter that runs it has envdoctor, and nothing else of this folder.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ENTRY = """id = "ED-2026-{n:04d}"
published = 2026-11-21
modified = 2026-11-21
effect = "blocks"
[title]
en = "title {n}"
zh = "标题 {n}"
[explanation]
en = "Some sentences that say why, as long as entries are. They are read only when an entry is shown."
zh = "说明文字,长度与真实条目相仿。"
[cause]
class = "known-bug"
packages = ["package-{n}"]
[[when.all]]
package = "package-{n}"
versions = [{{ introduced = "1.0", fixed = "2.0" }}]
[[when.all]]
fact = "workload.engine"
is = "vllm"
[[signature]]
name = "s"
pattern = '''the line number {n} of a log'''
[[fix]]
pins = {{ package-{n} = ">=2.0" }}
[fix.text]
en = "upgrade"
zh = "升级"
"""


def median_ms(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def matrix(*sizes: str) -> list[dict[str, float]]:
    """Loading a matrix of so many made-up entries, and matching environments that each name 10, 100, 1,000 of them."""
    from envdoctor.diagnose import diagnose
    from envdoctor.facts import Distribution, Distributions, Facts, known
    from envdoctor.knowledge import Matrix
    from envdoctor.knowledge.build import compile_matrix

    def environment(count: int) -> Facts:
        installed = tuple(Distribution(name=f"package-{n}", version="1.5", source="x") for n in range(count))
        return Facts(distributions=Distributions(installed=installed, complete=known(True, "x")))

    rows = []
    for entries in map(int, sizes):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "entries" / "made"
            folder.mkdir(parents=True)
            for n in range(entries):
                (folder / f"ED-2026-{n:04d}.toml").write_text(ENTRY.format(n=n), "utf-8")
            text = compile_matrix(Path(name)).encode()  # as it lies in the installation
        there = Matrix(text)
        row = {"entries": float(entries), "load_ms": median_ms(lambda text=text: Matrix(text), 15)}
        for count in (10, 100, 1000):
            row[f"match_{count}_ms"] = median_ms(lambda m=there, c=count: diagnose(environment(c), m), 5)
        rows.append(row)
    return rows


def real(environment: str) -> dict[str, float]:
    """The published matrix: loading it, and matching a real environment, in milliseconds; the first time, and again."""
    from envdoctor import diagnose, probe
    from envdoctor.knowledge import load_matrix

    facts = probe(python=Path(environment))
    start = time.perf_counter()
    there = load_matrix()
    loaded = time.perf_counter()
    diagnose(facts, matrix=there)
    matched = time.perf_counter()
    return {
        "entries": float(len(there)),
        "load_ms": 1000 * (loaded - start),
        "match_ms": 1000 * (matched - loaded),
        "match_again_ms": median_ms(lambda: diagnose(facts, matrix=there), 9),
    }


def extensions(environment: str, torch_cuda: str) -> dict[str, object]:
    """Judging all native files of an environment from outside."""
    start = time.perf_counter()
    from envdoctor.binaries import inspect_extensions, read_system

    site = next(Path(environment).absolute().glob("lib/python3*/site-packages"))
    facts = inspect_extensions(
        site_packages=[site],
        torch_dir=site / "torch",
        python_tag="cp" + site.parent.name.removeprefix("python").replace(".", ""),
        gpu_capabilities=["8.9"],
        driver_cuda=None,
        system=read_system(machine=platform.machine(), environ=os.environ),
        torch_cuda=torch_cuda or None,
        executable=Path(environment) / "bin/python",
    )
    owners = sorted({fact.distribution or "?" for fact in facts})
    return {"seconds": time.perf_counter() - start, "files": len(facts), "owners": owners}


def reports(folder: str, count: str) -> dict[str, float]:
    """So many pasted reports in one process, with the Python API; the files of a folder in turn."""
    import envdoctor

    texts = [path.read_text("utf-8", "replace") for path in sorted(Path(folder).glob("*.txt"))]
    start = time.perf_counter()
    for number in range(int(count)):
        envdoctor.diagnose(texts[number % len(texts)])
    return {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    done = {"matrix": matrix, "real": real, "extensions": extensions, "reports": reports}[sys.argv[1]](*sys.argv[2:])
    json.dump(done, sys.stdout)
