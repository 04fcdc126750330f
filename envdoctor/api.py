"""The five functions of the Python API, over frozen values. `import envdoctor` loads none of this until it is used."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.diagnose import Diagnosis
from envdoctor.diagnose import diagnose as _diagnose
from envdoctor.facts import Facts
from envdoctor.knowledge import Matrix, load_matrix

if TYPE_CHECKING:
    from envdoctor.facts.smoke import SmokeReport
    from envdoctor.resolve.made import Lock


def probe(*, python: str | Path | None = None) -> Facts:
    """What is known of this machine and of a target environment, read from outside; nothing of the target is imported.

    Args:
        python: the target's interpreter, or the folder of its environment (default: the active environment, `.venv` here,
            else the running interpreter).

    Returns:
        Facts; sizes are bytes. Every fact has its source, or is unknown with the reason. Takes at most about 5 seconds.

    Raises:
        UsageError: `python` is no Python environment.
    """
    from envdoctor.probe import probe as look

    return look(python=python, environ=dict(os.environ), cwd=Path.cwd())


def diagnose(facts: Facts | str, *, matrix: Matrix | None = None) -> Diagnosis:
    """Match facts, or a pasted text, against the matrix. Pure for Facts: no I/O but the first loading of the matrix.

    Args:
        facts: what `probe` gave, or any text that somebody pasted.
        matrix: knowledge to match against (default: that of this installation).

    Returns:
        Findings, most likely cause first, and what of the environment the matrix knows.

    Raises:
        UndeterminedError: this installation holds no matrix that can be read.
    """
    known = matrix or load_matrix()
    if isinstance(facts, str):
        from envdoctor.ingest import ingest

        facts = ingest(facts, gpu_table=known.tables["gpus"])
    return _diagnose(facts, known)


def lock(requirements: Sequence[str] = (), *, stack: str | None = None, facts: Facts | None = None) -> Lock:
    """Pins that work together on the machine of `facts`. Needs the package index.

    Args:
        requirements: PEP 508 requirements (`vllm==0.6.3`).
        stack: a named stack of the matrix (`vllm-awq`), which requirements refine.
        facts: the machine (default: nothing is known of it, the default CUDA builds are taken).

    Raises:
        ImpossibleError: proven impossible; says what contradicts what, and on whose word.
        SolverError, BudgetError: the index does not answer, or 12 solves did not suffice.
        UsageError: no requirement, or an unknown stack.
    """
    from envdoctor import resolve

    return resolve.lock(requirements, stack=stack, facts=facts)


def smoke(*, python: Path | None = None, device: str | None = None, rungs: Sequence[str] | None = None) -> SmokeReport:
    """Run the ladder of tiny programs with the target's interpreter, each in a process of its own.

    Args:
        python: the interpreter (default: the running one).
        device: `auto`, `cpu` or `cuda:N`.
        rungs: `driver`, `torch`, `kernel`, `engine`, `checkpoint` (default: all).

    Returns:
        One result a check; times in seconds, bandwidths in GB/s (1e9 bytes per second).

    Raises:
        UsageError: no such interpreter, device or rung.
    """
    from envdoctor.smoke import run_ladder

    return run_ladder(python=python, device=device, rungs=rungs)


def ticket(facts: Facts, output: str | Path, *, logs: Sequence[Path] = (), force: bool = False) -> Path:
    """Write one redacted zip that can be attached to an issue; it is scanned again before it gets its name.

    Args:
        facts: what to diagnose and to report.
        output: the archive; its folder must exist.
        logs: logs of the failure, of which excerpts go in.
        force: overwrite an existing file.

    Raises:
        LeakError: something that must not leave was found in the finished archive; no file is written.
        UsageError: the file exists, its folder does not, or a log cannot be read.
    """
    from envdoctor.render.report import report
    from envdoctor.ticket import build_ticket, write_ticket

    matrix = load_matrix()
    made = report(facts, _diagnose(facts, matrix), matrix)
    return write_ticket(build_ticket(made, logs=logs), Path(output), force=force)
