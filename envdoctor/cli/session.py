"""From what the user asked for to a report: sources -> Facts -> Diagnosis -> report. Shared by several commands."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envdoctor.cli.config import DTYPES, SHORT_DTYPES, Config
from envdoctor.cli.language import tell
from envdoctor.cli.progress import Steps
from envdoctor.cli.reading import cache_folder
from envdoctor.cli.refusals import ELSEWHERE_OR_HERE
from envdoctor.cli.sources import facts_from, with_logs
from envdoctor.diagnose import Diagnosis, diagnose, with_further
from envdoctor.diagnose.ignores import IgnoreProblem, apply_ignores
from envdoctor.errors import UsageError
from envdoctor.facts import ENGINES, TASKS, Checkpoint, Fact, Facts, Unknown, known, unknown, value_of
from envdoctor.knowledge import Matrix, load_matrix
from envdoctor.nearest import one_of
from envdoctor.render.report import report
from envdoctor.render.words import word
from envdoctor.text import Text
from envdoctor.values import dataclass

if TYPE_CHECKING:
    from envdoctor.facts.extensions import ExtensionFact
    from envdoctor.facts.smoke import SmokeReport
    from envdoctor.smoke import Progress

_TP_MAX = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The call, as given."""

    python: Path | None = None
    model: str | None = None
    engine: str | None = None
    task: str | None = None
    tp: int | None = None
    dtype: str | None = None
    logs: tuple[Path, ...] = ()
    source: str | None = None
    smoke: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Everything that a command may show."""

    facts: Facts
    diagnosis: Diagnosis
    report: dict[str, Any]
    matrix: Matrix
    ignore_problems: tuple[IgnoreProblem, ...] = ()


def run_diagnosis(wanted: Wanted, *, config: Config, lang: str, read_stdin: Callable[[], bytes]) -> Result:
    """Collect facts, match, apply ignores, and make the report."""
    check_call(wanted)
    matrix = load_matrix()
    with Steps() as steps:
        steps.begin(word("reading", lang))
        facts = collect(wanted, matrix, read_stdin)
        if wanted.smoke:
            facts = replace(facts, smoke=climb(facts, tell=lambda progress: follow(steps, progress, lang)))
        steps.begin(word("matching", lang))
        return judged(facts, matrix, config=config, lang=lang)


def follow(steps: Steps, progress: Progress, lang: str) -> None:
    """Show a smoke check that began, until it has ended."""
    if progress.result is not None:
        steps.end()
        return
    place = f" [{progress.device}]" if progress.device else ""
    steps.begin(f"{word(f'smoke.{progress.rung.value}', lang)}{word('colon', lang)}{progress.name}{place}")


def judged(facts: Facts, matrix: Matrix, *, config: Config, lang: str) -> Result:
    """Diagnose facts that are there already."""
    today = datetime.now(timezone.utc).date()
    further = tuple(_further(folder) for folder in config.matrix_folders)
    found = with_further(diagnose(facts, matrix), facts, further)
    diagnosis, problems = apply_ignores(found, config.ignores, (matrix, *further), today)
    return Result(
        facts=facts,
        diagnosis=diagnosis,
        report=report(facts, diagnosis, matrix, lang=lang),
        matrix=matrix,
        ignore_problems=problems,
    )


def _further(folder: Path) -> Matrix:
    """A matrix folder of the project's own. Raises UsageError where it is none; entries that cannot be read say so."""
    from envdoctor.knowledge import matrix_from

    if not (folder / "entries").is_dir():
        raise UsageError(
            Text(en=f"matrix folder {folder}: holds no entries/", zh=f"知识库目录 {folder}：没有 entries/ 目录"),
            advice=Text(en="mend `matrix` in the configuration", zh="请修正配置中的 `matrix`"),
        )
    return matrix_from(folder)


def check_call(wanted: Wanted) -> None:
    """Refuse what cannot be meant. Raises UsageError."""
    if wanted.engine is not None:
        one_of("--engine", wanted.engine, ENGINES)
    if wanted.task is not None:
        one_of("--task", wanted.task, TASKS)
    if wanted.tp is not None and not 1 <= wanted.tp <= _TP_MAX:
        raise UsageError(
            Text(
                en=f"--tp {wanted.tp}: tensor parallel size is a number of GPUs, from 1 to {_TP_MAX}",
                zh=f"--tp {wanted.tp}：张量并行数是 GPU 的数量，取值 1 到 {_TP_MAX}",
            )
        )
    if wanted.dtype is not None:
        one_of("--dtype", wanted.dtype, DTYPES)
    if wanted.source == "":
        raise UsageError(
            Text(en="--from is empty", zh="--from 的值为空"),
            advice=Text(en="name a file, or `-` for standard input", zh="请给出文件名；`-` 表示标准输入"),
        )
    if wanted.source is not None and wanted.python is not None:
        raise UsageError(ELSEWHERE_OR_HERE)


def collect(wanted: Wanted, matrix: Matrix, read_stdin: Callable[[], bytes]) -> Facts:
    """Facts from the chosen sources: a pasted text, or the live machine; then checkpoint, workload and logs."""
    if wanted.source is not None:
        facts = facts_from(wanted.source, matrix, read_stdin)
    else:
        from envdoctor.probe import probe

        if wanted.python is None:
            _say_what_is_gone()
        facts = probe(python=wanted.python, environ=dict(os.environ), cwd=Path.cwd())
        facts = replace(facts, extensions=compiled(facts, matrix))
    facts = with_logs(facts, wanted.logs, matrix, tell if wanted.source is None else None)
    if wanted.model is not None:
        facts = replace(facts, checkpoint=_checkpoint(wanted.model, matrix))
    return _with_workload(facts, wanted)


def _say_what_is_gone() -> None:
    """An environment that the shell takes for active and that is no more: another one is looked at."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        folder = os.environ.get(name)
        if folder and not Path(folder).is_dir():
            tell(
                Text(
                    en=f"{name} names {folder}, which is gone: another environment is looked at",
                    zh=f"{name} 指向的 {folder} 已不存在，改为诊断其他环境",
                )
            )


def compiled(facts: Facts, matrix: Matrix) -> Fact[tuple[ExtensionFact, ...]]:
    """The compiled extensions of a live target, judged from their files; unknown where there is nothing to judge."""
    sites, tag = value_of(facts.target.site_packages), value_of(facts.target.abi_tag)
    installed = {dist.name for dist in facts.distributions.installed}
    if not sites or not tag or "torch" not in installed:
        return unknown(
            Text(en="no torch in the target: nothing is judged against it", zh="目标环境中没有 torch，无从比对编译扩展")
        )
    from envdoctor.binaries import inspect_extensions, isa_by_cuda, read_system

    executable = value_of(facts.target.executable)
    torch_dir = next((Path(site) / "torch" for site in sites if (Path(site) / "torch" / "version.py").is_file()), None)
    cuda, machine = value_of(facts.torch.cuda), value_of(facts.host.architecture) or platform.machine()
    gpus = value_of(facts.gpus) or ()
    found = inspect_extensions(
        site_packages=[Path(site) for site in sites],
        torch_dir=torch_dir,
        python_tag=tag,
        gpu_capabilities=sorted({cc for gpu in gpus if (cc := value_of(gpu.compute_capability))}),
        driver_cuda=value_of(facts.driver.cuda),
        system=read_system(machine=machine, environ=os.environ),
        torch_cuda=cuda if cuda and cuda[:1].isdigit() else None,
        executable=Path(executable) if executable else None,
        isa_by_cuda=isa_by_cuda(matrix.tables["ptx-isa"]),
    )
    return known(found, Text(en="files in site-packages", zh="site-packages 中的文件"))


def climb(facts: Facts, *, tell: Callable[[Progress], None]) -> Fact[SmokeReport]:
    """Run the smoke ladder with the target's interpreter."""
    from envdoctor.smoke import run_ladder

    executable = value_of(facts.target.executable)
    if not executable or not Path(executable).exists():
        return unknown(
            Text(en="the target has no interpreter that could run anything", zh="目标环境没有可以运行的解释器")
        )
    return known(run_ladder(python=Path(executable), on_progress=tell), Text(en="smoke ladder", zh="冒烟测试"))


def _checkpoint(model: str, matrix: Matrix) -> Checkpoint:
    from envdoctor.probe.checkpoint import read_checkpoint

    home = Path(os.environ.get("HF_HOME") or cache_folder() / "huggingface")
    caches = [Path(os.environ["HF_HUB_CACHE"])] if os.environ.get("HF_HUB_CACHE") else [home / "hub"]
    return read_checkpoint(model, cache_homes=caches, models_table=matrix.tables["models"])


def _with_workload(facts: Facts, wanted: Wanted) -> Facts:
    workload = facts.workload
    if wanted.engine is not None:
        workload = replace(workload, engine=known(wanted.engine.lower(), "--engine"))
    if wanted.task is not None:
        workload = replace(workload, task=known(wanted.task.lower(), "--task"))
    if wanted.tp is not None:
        workload = replace(workload, tensor_parallel=known(wanted.tp, "--tp"))
    if wanted.dtype is not None:
        dtype = wanted.dtype.lower()
        workload = replace(workload, dtype=known(SHORT_DTYPES.get(dtype, dtype), "--dtype"))
    if wanted.model is not None and isinstance(workload.model, Unknown):
        workload = replace(workload, model=known(wanted.model, "--model"))
    return replace(facts, workload=workload)
