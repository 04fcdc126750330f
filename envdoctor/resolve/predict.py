"""A solution as the Facts that its installed environment would show: what the matrix is matched against."""

from __future__ import annotations

import re
from dataclasses import replace

from envdoctor.facts import (
    Checkpoint,
    Cuda,
    Distribution,
    Distributions,
    Driver,
    Fact,
    Facts,
    Known,
    Target,
    Torch,
    Workload,
    known,
    unknown,
    value_of,
)
from envdoctor.patterns import lazy
from envdoctor.resolve.builds import TorchBuilds
from envdoctor.resolve.solution import Solution
from envdoctor.text import Text

SOURCE = "lock"
#: "nvidia-cuda-runtime-cu12 12.4.127" and, from CUDA 13 on, "nvidia-cuda-runtime 13.0.96": what torch's wheel is built for
_RUNTIME = lazy(r"nvidia-cuda-runtime(?:-cu\d+)?")


def predicted(
    machine: Facts,
    solution: Solution,
    *,
    python: str,
    workload: Workload | None = None,
    builds: TorchBuilds | None = None,
) -> Facts:
    """The machine's facts with the solution in the place of its environment.

    What cannot be known before the installation (paths, extensions) is unknown with that reason.
    """
    if not value_of(machine.gpus):  # no GPU here and none named: the lock is for a machine that is not known
        machine = replace(machine, driver=Driver(), gpus=unknown(Text(en="none was named", zh="未指明")), cuda=Cuda())
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
        torch=_torch(solution, builds),
        workload=machine.workload if workload is None else workload,
        checkpoint=_checkpoint(machine, workload),
        extensions=unknown(Text(en="nothing is installed yet", zh="尚未安装")),
        smoke=unknown(Text(en="nothing is installed yet", zh="尚未安装")),
        log=(),
        environment=(),
    )


def _checkpoint(machine: Facts, workload: Workload | None) -> Checkpoint:
    """What a stack is for says how its checkpoints are quantized."""
    checkpoint = machine.checkpoint
    if workload is None or isinstance(checkpoint.quant_method, Known):
        return checkpoint
    return replace(checkpoint, quant_method=workload.quantization)


def _torch(solution: Solution, builds: TorchBuilds | None) -> Torch:
    package = solution.packages.get("torch")
    if package is None:
        return Torch()
    row = builds.of(package.version) if builds else None
    return Torch(
        version=known(package.version, SOURCE),
        cuda=cuda_of(solution, builds),
        archs=known(row.archs, row.source)
        if row and row.archs
        else unknown(Text(en="this build was not measured", zh="该构建未测量")),
    )


def cuda_of(solution: Solution, builds: TorchBuilds | None = None) -> Fact[str]:
    """The CUDA version that the solution's torch is built for ("12.4"; "none" for a CPU build)."""
    package = solution.packages.get("torch")
    if package is None:
        return unknown(Text(en="there is no torch in the lock", zh="锁定结果中没有 torch"))
    if package.local == "cpu":
        return known("none", SOURCE)
    if re.fullmatch(r"cu\d{3,4}", package.local):
        return known(f"{package.local[2:-1]}.{package.local[-1]}", SOURCE)
    row = builds.of(package.version) if builds else None
    if row is not None and row.cuda:
        return known(row.cuda, row.source)
    runtimes = sorted(p.version for p in solution.packages.values() if _RUNTIME.fullmatch(p.name))
    if len(runtimes) != 1:
        return unknown(
            Text(en="torch's CUDA build does not follow from the lock", zh="从锁定结果无法推知 torch 的 CUDA 构建")
        )
    return known(".".join(runtimes[0].split(".")[:2]), SOURCE)
