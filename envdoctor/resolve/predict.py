"""A solution as the Facts that its installed environment would show: what the matrix is matched against."""

from __future__ import annotations

import re
from dataclasses import replace

from envdoctor.facts import Distribution, Distributions, Fact, Facts, Target, Torch, Workload, known, unknown
from envdoctor.knowledge.derived import DerivedTables
from envdoctor.resolve.solution import Solution

SOURCE = "lock"
_MEASURED = "published wheel (matrix/derived)"
#: "nvidia-cuda-runtime-cu12 12.4.127" and, from CUDA 13 on, "nvidia-cuda-runtime 13.0.96": what torch's wheel is built for
_RUNTIME = re.compile(r"nvidia-cuda-runtime(?:-cu\d+)?")


def predicted(
    machine: Facts,
    solution: Solution,
    *,
    python: str,
    workload: Workload | None = None,
    tables: DerivedTables | None = None,
) -> Facts:
    """The machine's facts with the solution in the place of its environment.

    What cannot be known before the installation (paths, extensions) is unknown with that reason.
    """
    return replace(
        machine,
        target=Target(
            python=known(python, SOURCE),
            implementation=known("cpython", SOURCE),
            abi_tag=known("cp" + python.replace(".", ""), SOURCE),
        ),
        distributions=Distributions(
            installed=tuple(
                Distribution(name=p.name, version=p.version, source=SOURCE)
                for _, p in sorted(solution.packages.items())
            ),
            complete=known(True, SOURCE),
        ),
        torch=_torch(solution, tables),
        workload=machine.workload if workload is None else workload,
        log=(),
        environment=(),
    )


def _torch(solution: Solution, tables: DerivedTables | None) -> Torch:
    package = solution.packages.get("torch")
    if package is None:
        return Torch()
    cuda = cuda_of(solution, tables)
    archs = tables.torch_archs(package.version) if tables and not package.local else ()
    return Torch(
        version=known(package.version, SOURCE),
        cuda=cuda,
        archs=known(tuple(_arch(a) for a in archs), _MEASURED) if archs else unknown("this build was not measured"),
    )


def _arch(target: str) -> str:
    """`sm_90a` -> "9.0a"; `compute_120` (PTX) -> "12.0+PTX"."""
    kind, _, digits = target.partition("_")
    number = digits.rstrip("af")
    text = f"{number[:-1]}.{number[-1]}{digits[len(number) :]}"
    return f"{text}+PTX" if kind == "compute" else text


def cuda_of(solution: Solution, tables: DerivedTables | None = None) -> Fact[str]:
    """The CUDA version that the solution's torch is built for ("12.4"; "none" for a CPU build)."""
    package = solution.packages.get("torch")
    if package is None:
        return unknown("there is no torch in the lock")
    if package.local == "cpu":
        return known("none", SOURCE)
    if re.fullmatch(r"cu\d{3,4}", package.local):
        return known(f"{package.local[2:-1]}.{package.local[-1]}", SOURCE)
    row = tables.torch(package.version) if tables and not package.local else None
    if row is not None and row.cuda:
        return known(row.cuda, _MEASURED)
    runtimes = sorted(p.version for p in solution.packages.values() if _RUNTIME.fullmatch(p.name))
    if len(runtimes) != 1:
        return unknown("torch's CUDA build does not follow from the lock")
    return known(".".join(runtimes[0].split(".")[:2]), SOURCE)
