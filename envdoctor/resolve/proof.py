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
from envdoctor.text import NOTHING, Text, in_zh, same

Say = Callable[[Text], None]
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
        count = len(lock.pins)
        lines = [
            Text(en=f"installed in a throw-away environment: {count} packages", zh=f"已在临时环境中安装 {count} 个包")
        ]
        say(Text(en="diagnosing what was installed", zh="正在诊断安装结果"))
        lines.append(_diagnosed(python, home, matrix, machine))
        for line in imports:
            say(Text(en=f"running: {line}", zh=f"正在运行：{line}"))
            _run_line(python, line, home)
        if imports:
            ran = "; ".join(imports)
            lines.append(Text(en=f"ran: {ran}", zh=f"已运行：{ran}"))
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
        python_version, why = lock.header.python, _last(made.stderr)
        raise SolverError(
            Text(
                en=f"no environment with Python {python_version} can be made here: {why}",
                zh=f"这里无法创建 Python {python_version} 的环境：{why.zh}",
            ),
            advice=Text(
                en=f"install Python {python_version}, or prove the lock where it is",
                zh=f"请安装 Python {python_version}，或到有它的机器上验证",
            ),
        )
    say(Text(en="installing the lock in a throw-away environment", zh="正在临时环境中安装"))
    python = venv / "bin" / "python"
    synced = run(
        ["pip", "sync", "--quiet", "--require-hashes", "--python", str(python), *index_arguments, str(file)],
        timeout_s=_INSTALL_S,
    )
    if synced.status:
        why = _last(synced.stderr)
        raise ProofError(Text(en=f"the lock does not install: {why}", zh=f"锁定的版本无法安装：{why.zh}"))
    return python


def _diagnosed(python: Path, home: Path, matrix: Matrix, machine: Facts) -> Text:
    from envdoctor.probe import probe

    facts = probe(python=python, environ={"PATH": os.environ.get("PATH", "")}, cwd=home)
    facts = replace(facts, driver=machine.driver, gpus=machine.gpus, host=machine.host, workload=machine.workload)
    serious = serious_findings(facts, matrix)
    if serious:
        raise ProofError(
            Text(
                en="the installed environment is not clean: " + "; ".join(f"{f.id} {f.title}" for f in serious),
                zh="安装后的环境仍有问题：" + "；".join(f"{f.id} {f.title.zh}" for f in serious),
            ),
            advice=Text(
                en="the lock's prediction was wrong: please report it with the lock",
                zh="锁定时的预测有误，请附上锁定文件反馈",
            ),
        )
    return Text(en="diagnosed: no finding that blocks or corrupts", zh="已诊断：没有会导致失败或结果错误的问题")


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
            raise ProofError(
                Text(
                    en=f"`{line}` gave no answer in {_IMPORT_S:.0f} s",
                    zh=f"`{line}` 在 {_IMPORT_S:.0f} 秒内没有结束",
                )
            ) from None
        raise
    if child.returncode:
        why = _last(err.decode("utf-8", "replace"))
        raise ProofError(Text(en=f"`{line}` fails: {why}", zh=f"`{line}` 运行失败：{why.zh}"))


def _smoked(python: Path, say: Say) -> Text:
    from envdoctor.smoke import run_ladder

    say(Text(en="climbing the smoke ladder", zh="正在运行冒烟测试"))
    report = run_ladder(python=python)
    if report.failures:
        first = report.failures[0]
        name, detail = f"{first.rung.value} {first.name}", first.detail
        raise ProofError(
            Text(
                en=f"smoke: {name} failed on {first.device or 'this machine'}: {detail}",
                zh=f"冒烟测试：{name} 在 {first.device or '本机'} 上失败：{in_zh(detail)}",
            )
        )
    ran = [r for r in report.results if not r.reference and r.outcome.value == "passed"]
    if not ran:
        return NOTHING
    names = ", ".join(dict.fromkeys(f"{r.rung.value} {r.name}" for r in ran))
    return Text(en=f"smoke: {len(ran)} checks passed ({names})", zh=f"冒烟测试：{len(ran)} 项通过（{names}）")


def _last(text: str) -> Text:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return same(lines[-1][:_SAID]) if lines else Text(en="it said nothing", zh="没有输出")
