"""How loading and matching grow: 100 to 10,000 entries, 10 to 1,000 distributions. In one process, medians of many runs.

python benchmarks/matrix.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from envdoctor.diagnose import diagnose
from envdoctor.facts import Distribution, Distributions, Facts, known
from envdoctor.knowledge import Matrix
from envdoctor.knowledge.build import compile_matrix

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
packages = ["package-{p}"]
[[when.all]]
package = "package-{p}"
versions = [{{ introduced = "1.0", fixed = "2.0" }}]
[[when.all]]
fact = "workload.engine"
is = "vllm"
[[signature]]
name = "s"
pattern = '''the line number {n} of a log'''
[[fix]]
pins = {{ package-{p} = ">=2.0" }}
[fix.text]
en = "upgrade"
zh = "升级"
"""


def median_ms(work: Callable[[], object], rounds: int = 15) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def made(entries: int) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "entries" / "made"
        folder.mkdir(parents=True)
        for n in range(entries):
            (folder / f"ED-2026-{n:04d}.toml").write_text(ENTRY.format(n=n, p=n), "utf-8")
        return compile_matrix(Path(name))


def environment(count: int) -> Facts:
    dists = tuple(Distribution(name=f"package-{n}", version="1.5", source="x") for n in range(count))
    return Facts(distributions=Distributions(installed=dists, complete=known(True, "x")))


def main() -> None:
    print(
        f"{'entries':>8} {'load ms':>8} {'match 10':>9} {'match 100':>10} {'match 1000':>11}   (installed distributions)"
    )
    for entries in (100, 1000, 10_000):
        text = made(entries)
        matrix = Matrix(text)
        load = median_ms(lambda text=text: Matrix(text))
        rows = [median_ms(lambda m=matrix, n=count: diagnose(environment(n), m), rounds=5) for count in (10, 100, 1000)]
        print(f"{entries:8} {load:8.2f} {rows[0]:9.2f} {rows[1]:10.2f} {rows[2]:11.2f}")


if __name__ == "__main__":
    main()
