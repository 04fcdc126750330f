"""The front door: one look at the live (or recorded) machine and its target environment, as Facts."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from envdoctor.facts import Cuda, Distributions, Driver, Fact, Facts, Gpu, Host, Target, Torch, Wsl, unknown
from envdoctor.probe import cuda, wsl
from envdoctor.probe.driver import driver as nvidia
from envdoctor.probe.environment import environment
from envdoctor.probe.guard import blank, guarded
from envdoctor.probe.host import host
from envdoctor.probe.ports import Runner, View
from envdoctor.probe.target.choice import choose
from envdoctor.probe.target.interpreter import Interpreter
from envdoctor.probe.target.interpreter import start as ask_interpreter
from envdoctor.probe.target.target import Seen, target
from envdoctor.text import Text, same

_ELSEWHERE = Text(
    en="GPUs are probed on Linux and WSL2 only; give a pasted report of this system with --from",
    zh="只在 Linux 与 WSL2 上探测 GPU；请用 --from 给出该系统的报告",
)


def probe(
    *,
    python: Path | str | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    view: View | None = None,
    runner: Runner | None = None,
    deadline_s: float = 4.0,
) -> Facts:
    """Host, driver, GPUs, CUDA, target environment and environment variables; checkpoint, workload and log stay open.

    `python` is the target: an interpreter, or the folder of an environment; None takes the active environment, `.venv`
    in `cwd`, or the running interpreter. `view` and `runner` are the live machine's unless a recorded host is given.
    What does not answer within `deadline_s` seconds is abandoned, and its facts are unknown with that reason (the
    report is to be out 5 s after the start of the process: the rest is for starting, matching and printing).

    Raises UsageError where `python` is no Python environment. A probe that fails makes its own facts unknown.
    """
    from envdoctor.probe.live import LiveRunner, LiveView

    view = view or LiveView()
    runner = runner or LiveRunner()
    if environ is None:
        import os

        environ = os.environ
    folder = posixpath.join(str(Path.cwd()), str(cwd)) if cwd is not None else str(Path.cwd())
    look = _Look(view, runner, environ, posixpath.normpath(folder), runner.now() + deadline_s)
    return look.facts(None if python is None else str(python))


class _Look:
    """One look: whatever runs is started first and waited for last, and the files are read meanwhile."""

    def __init__(self, view: View, runner: Runner, environ: Mapping[str, str], cwd: str, deadline: float) -> None:
        self._view = view
        self._runner = runner
        self._environ = environ
        self._cwd = cwd
        self._deadline = deadline

    def facts(self, python: str | None) -> Facts:
        view, runner, environ = self._view, self._runner, self._environ
        choice = choose(view, python, environ, self._cwd)
        here = view.uname()
        linux = here.system == "Linux"
        on_wsl2 = linux and wsl.is_wsl2(view, here).value
        pending = ask_interpreter(choice, runner, environ)
        driver_asked = nvidia.start(view, runner, environ, on_wsl2=on_wsl2) if linux else None
        cuda_asked = cuda.start(view, runner, environ) if linux else None

        outcome = pending.result(self._deadline) if pending is not None else None
        seen = guarded(
            Text(en="the target", zh="目标环境"), lambda: target(choice, outcome, view, environ, self._cwd), _no_target
        )
        interpreter = seen.interpreter
        machine = guarded(
            Text(en="the host", zh="主机信息"),
            lambda: host(view, environ, interpreter.fields.get("libc", "")),
            _no_host,
        )
        driver, gpus = guarded(Text(en="the driver", zh="驱动信息"), lambda: self._driver(driver_asked), _no_driver)
        return Facts(
            host=machine,
            driver=driver,
            gpus=gpus,
            cuda=guarded(same("CUDA"), lambda: self._cuda(cuda_asked, interpreter), lambda why: blank(Cuda, why)),
            target=seen.target,
            distributions=seen.distributions,
            torch=seen.torch,
            environment=environment(environ),
        )

    def _driver(self, asked: nvidia.Asked | None) -> tuple[Driver, Fact[tuple[Gpu, ...]]]:
        if asked is None:
            return _no_driver(_ELSEWHERE)
        return nvidia.finish(asked, self._view, self._runner, self._environ, self._deadline)

    def _cuda(self, asked: cuda.Asked | None, interpreter: Interpreter) -> Cuda:
        if asked is None:
            return blank(Cuda, Text(en="read on Linux and WSL2 only", zh="只在 Linux 与 WSL2 上读取"))
        programs = (f"{interpreter.prefix}/bin",) if interpreter.prefix else ()
        return cuda.finish(asked, self._view, self._environ, programs, self._deadline)


def _no_target(reason: Text) -> Seen:
    why = unknown(reason)
    nobody = Interpreter(executable="", source="", prefix="", fields={}, site=(), reason=reason)
    return Seen(
        target=blank(Target, reason), distributions=Distributions(complete=why), torch=blank(Torch, reason),
        interpreter=nobody,
    )  # fmt: skip


def _no_host(reason: Text) -> Host:
    return blank(Host, reason, wsl=blank(Wsl, reason))


def _no_driver(reason: Text) -> tuple[Driver, Fact[tuple[Gpu, ...]]]:
    return blank(Driver, reason), unknown(reason)
