"""Builds a lock in a throw-away environment and looks whether it holds: installation, diagnosis, imports, smoke rungs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from envdoctor.diagnose import Finding, diagnose
from envdoctor.facts import Facts
from envdoctor.knowledge import Matrix
from envdoctor.resolve.errors import ProofError, SolverError
from envdoctor.resolve.made import Lock
from envdoctor.resolve.uv import Runner
from envdoctor.resolve.write import text_of

Say = Callable[[str], None]
_INSTALL_S = 3600.0
_IMPORT_S = 300.0
_SAID = 400  # characters of a failing program's last line


def prove_lock(
    lock: Lock,
    *,
    matrix: Matrix,
    run: Runner,
    machine: Facts,
    imports: Sequence[str] = (),
    index_arguments: Sequence[str] = (),
    smoke: bool = True,
    say: Say = lambda _: None,
) -> Lock:
    """The lock with its proof in the header. Raises ProofError where it does not hold, SolverError where that cannot be tried."""
    with tempfile.TemporaryDirectory(prefix="envdoctor-proof-") as name:
        home = Path(name)
        python = _build(lock, home, run, index_arguments, say)
        lines = [f"installed in a throw-away environment: {len(lock.pins)} packages"]
        say("diagnosing what was installed")
        lines.append(_diagnosed(python, home, matrix, machine))
        for line in imports:
            say(f"running: {line}")
            _run_line(python, line, home)
        if imports:
            lines.append(f"ran: {'; '.join(imports)}")
        if smoke:
            lines.append(_smoked(python, say))
    return replace(lock, header=replace(lock.header, proof=tuple(line for line in lines if line)))


def _interpreter(version: str) -> str:
    """What uv is asked for: the running interpreter where it is of that version, else the version."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return sys.executable if version == own else version


def _build(lock: Lock, home: Path, run: Runner, index_arguments: Sequence[str], say: Say) -> Path:
    file = home / "requirements.txt"
    file.write_text(text_of(lock, "requirements"), "utf-8")
    venv = home / "venv"
    made = run(
        ["venv", "--quiet", "--no-python-downloads", "--python", _interpreter(lock.header.python), str(venv)],
        timeout_s=120,
    )
    if made.status:
        raise SolverError(
            f"no environment with Python {lock.header.python} can be made here: {_last(made.stderr)}",
            advice=f"install Python {lock.header.python}, or prove the lock where it is",
        )
    say("installing the lock in a throw-away environment")
    python = venv / "bin" / "python"
    synced = run(
        ["pip", "sync", "--quiet", "--require-hashes", "--python", str(python), *index_arguments, str(file)],
        timeout_s=_INSTALL_S,
    )
    if synced.status:
        raise ProofError(f"the lock does not install: {_last(synced.stderr)}")
    return python


def _diagnosed(python: Path, home: Path, matrix: Matrix, machine: Facts) -> str:
    from envdoctor.probe import probe

    facts = probe(python=python, environ={"PATH": os.environ.get("PATH", "")}, cwd=home)
    facts = replace(facts, driver=machine.driver, gpus=machine.gpus, host=machine.host, workload=machine.workload)
    serious = serious_findings(facts, matrix)
    if serious:
        raise ProofError(
            "the installed environment is not clean: " + "; ".join(f"{f.id} {f.title.en}" for f in serious),
            advice="the lock's prediction was wrong: please report it with the lock",
        )
    return "diagnosed: no finding that blocks or corrupts"


def serious_findings(facts: Facts, matrix: Matrix) -> tuple[Finding, ...]:
    """What a clean report must not have."""
    return tuple(
        f for f in diagnose(facts, matrix).findings if f.verdict == "match" and f.effect in ("blocks", "corrupts")
    )


def _run_line(python: Path, line: str, home: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env |= {"HF_HUB_OFFLINE": "1", "PYTHONNOUSERSITE": "1"}
    child = subprocess.Popen(
        [str(python), "-W", "ignore", "-c", line], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, cwd=home, env=env, start_new_session=True,
    )  # fmt: skip
    try:
        _, err = child.communicate(timeout=_IMPORT_S)
    except BaseException as error:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise ProofError(f"`{line}` gave no answer in {_IMPORT_S:.0f} s") from None
        raise
    if child.returncode:
        raise ProofError(f"`{line}` fails: {_last(err.decode('utf-8', 'replace'))}")


def _smoked(python: Path, say: Say) -> str:
    from envdoctor.smoke import run_ladder

    say("climbing the smoke ladder")
    report = run_ladder(python=python)
    if report.failures:
        first = report.failures[0]
        raise ProofError(
            f"smoke: {first.rung.value} {first.name} failed on {first.device or 'this machine'}: {first.detail}"
        )
    ran = [r for r in report.results if not r.reference and r.outcome.value == "passed"]
    return (
        f"smoke: {len(ran)} checks passed ({', '.join(dict.fromkeys(f'{r.rung.value} {r.name}' for r in ran))})"
        if ran
        else ""
    )


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "it said nothing")[:_SAID]
