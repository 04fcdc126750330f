"""Climbs the ladder: driver, torch, kernel, engine kernel, checkpoint, each with the target's own interpreter.

Programs that need torch share one process, so that torch is imported once; what may have failed because of an earlier
program is run again alone in a fresh one, and that result counts. A rung below which the ground is missing is not tried
and says so.
"""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from envdoctor.errors import UsageError, system_says
from envdoctor.facts.smoke import Number, Outcome, Rung, RungResult, SmokeReport
from envdoctor.nearest import one_of
from envdoctor.smoke import canary_files, reference
from envdoctor.smoke.process import Limits
from envdoctor.smoke.session import Job, OnProgress, Progress, Session, run_jobs
from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass

PROGRAMS = {
    Rung.DRIVER: "driver",
    Rung.TORCH: "torch_basics",
    Rung.KERNEL: "int4_kernels",
    Rung.ENGINE: "engine_kernels",
    Rung.CHECKPOINT: "checkpoint",
}
DEADLINES = {Rung.DRIVER: 20.0}
OLDEST = (3, 8)
DEVICE = re.compile(r"auto|cpu|cuda:\d{1,3}")


def run_ladder(
    *,
    python: Path | None = None,
    device: str | None = None,
    rungs: Sequence[str] | None = None,
    on_progress: OnProgress | None = None,
    limits: Limits | None = None,
) -> SmokeReport:
    """Runs the ladder and reports every check; the report's `exit_status` is the command's.

    `python`: the target's interpreter (default: the running one); `device`: "auto", "cpu" or "cuda:N"; `rungs`: names
    of the rungs to run (default: all). Raises UsageError where one of these is not what it should be. Ctrl-C and
    SIGTERM end the run, and nothing of it stays behind.
    """
    climb = _Climb(
        python=_checked(python),
        device=_checked_device(device),
        wanted=_checked_rungs(rungs),
        limits=limits or Limits(),
        tell=on_progress or (lambda _: None),
    )
    started = time.monotonic()
    with _terminable():
        version = climb.greet()
        results = climb.results(version)
    return SmokeReport(
        python=str(climb.python),
        python_version=version,
        device=climb.device,
        results=results,
        seconds=round(time.monotonic() - started, 3),
    )


def _checked(python: Path | None) -> Path:
    path = python if python is not None else Path(sys.executable)
    if not path.is_file():
        raise UsageError(
            Text(en=f"there is no interpreter at {path}", zh=f"{path} 处没有解释器"),
            advice=Text(
                en="Give the path of a Python executable with --python.",
                zh="请用 --python 给出 Python 可执行文件的路径。",
            ),
        )
    return path.absolute()


def _checked_device(device: str | None) -> str:
    name = "cuda:0" if device == "cuda" else device or "auto"
    if not DEVICE.fullmatch(name):
        raise UsageError(
            Text(en=f"--device {name}: not known", zh=f"--device {name}：不认识的取值"),
            advice=Text(en="one of auto, cpu, cuda:0, cuda:1 and so on", zh="可选：auto、cpu、cuda:0、cuda:1 等"),
        )
    return name


def _checked_rungs(rungs: Sequence[str] | None) -> tuple[Rung, ...]:
    known = {rung.value: rung for rung in Rung}
    wanted = {"engine-kernel" if name == "engine" else name for name in rungs or known}
    for name in sorted(wanted - set(known)):
        one_of("--rung", name, (*known, "engine"))
    return tuple(rung for rung in Rung if rung.value in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Climb:
    python: Path
    device: str
    wanted: tuple[Rung, ...]
    limits: Limits
    tell: OnProgress

    def greet(self) -> str:
        """Starts the interpreter with nothing to do; its version, or UsageError where it does not answer as Python does."""
        try:
            session = run_jobs(
                self.python, [], limits=replace(self.limits, deadline_s=min(20.0, self.limits.deadline_s))
            )
        except OSError as problem:
            raise UsageError(
                Text(
                    en=f"{self.python} cannot be started: {system_says(problem)}",
                    zh=f"{self.python} 无法启动：{system_says(problem).zh}",
                )
            ) from None
        if session.python_version:
            return session.python_version
        if session.ending.cause == "hang":
            return ""
        raise UsageError(
            Text(
                en=f"{self.python} does not answer as a Python 3.8 or newer does",
                zh=f"{self.python} 的响应不像 Python 3.8 及以上版本",
            ),
            advice=Text(
                en="Give the path of a Python executable with --python.",
                zh="请用 --python 给出 Python 可执行文件的路径。",
            ),
        )

    def results(self, version: str) -> tuple[RungResult, ...]:
        found: list[RungResult] = []
        if not version:
            found += [
                self._cannot(rung, Text(en="the interpreter did not start within 20 s", zh="解释器在 20 秒内没有启动"))
                for rung in self.wanted
            ]
        elif tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
            found += [
                self._cannot(
                    rung,
                    Text(
                        en=f"the rung programs need Python 3.8; this is {version}",
                        zh=f"测试程序需要 Python 3.8，而这是 {version}",
                    ),
                )
                for rung in self.wanted
            ]
        else:
            if Rung.DRIVER in self.wanted:
                found += self._driver()
            seen = any(result.outcome is Outcome.PASSED and result.name == "devices" for result in found)
            found += self._torch_rungs(driver_sees_gpu=seen)
        if Rung.CHECKPOINT in self.wanted and not _spoke(found):
            found.append(self._reference())
        order = list(Rung)
        return tuple(sorted(found, key=lambda result: order.index(result.rung)))

    def _driver(self) -> list[RungResult]:
        if self.device == "cpu":
            return [self._cannot(Rung.DRIVER, Text(en="only the CPU was asked for", zh="只要求使用 CPU"))]
        return list(self._run([Rung.DRIVER], {}).results)

    def _torch_rungs(self, *, driver_sees_gpu: bool) -> list[RungResult]:
        left = [rung for rung in self.wanted if rung is not Rung.DRIVER]
        options = {"driver_sees_gpu": driver_sees_gpu}
        found: list[RungResult] = []
        while left:
            session = self._run(left, options)
            done = left[: len(left) - len(session.unfinished)]
            died_in = left[len(done)] if session.unfinished else None
            for rung in [*done, *([died_in] if died_in else [])]:
                results = [result for result in session.results if result.rung is rung]
                if rung is not left[0] and any(_doubtful(result) for result in results):
                    results = list(self._run([rung], options).results)
                found += results
            left = left[len(done) + (1 if died_in else 0) :]
            why = _no_ground(found)
            if why:
                found += [self._cannot(rung, why) for rung in left]
                break
        return found

    def _run(self, rungs: Sequence[Rung], options: Mapping[str, Any]) -> Session:
        shared = {"device": self.device, "canary": str(canary_files.folder()), **options}
        jobs = [Job(rung=rung, program=PROGRAMS[rung], options=shared) for rung in rungs]
        deadline = min(self.limits.deadline_s, *(DEADLINES.get(rung, self.limits.deadline_s) for rung in rungs))
        return run_jobs(self.python, jobs, limits=replace(self.limits, deadline_s=deadline), on_progress=self.tell)

    def _cannot(self, rung: Rung, why: Text) -> RungResult:
        result = RungResult(rung=rung, name="program", outcome=Outcome.CANNOT_RUN, detail=why)
        self.tell(Progress(rung=rung, name=result.name, result=result))
        return result

    def _reference(self) -> RungResult:
        self.tell(Progress(rung=Rung.CHECKPOINT, name="reference", device="cpu"))
        started = time.monotonic()
        expected = canary_files.load_expected()
        wanted = expected.formats["gptq"]
        spoken = reference.speak("gptq")
        error = max(abs(a - b) for a, b in zip(spoken.logits[0], wanted.first_logits, strict=True))
        right = spoken.tokens == wanted.tokens and error < 1e-6
        result = RungResult(
            rung=Rung.CHECKPOINT,
            name="reference",
            outcome=Outcome.PASSED if right else Outcome.WRONG_NUMBERS,
            device="cpu",
            seconds=round(time.monotonic() - started, 3),
            detail=Text(
                en="envdoctor's own reference; it says what an engine should say and nothing about this environment",
                zh="envdoctor 自带的参考实现：只说明引擎应当输出什么，与该环境本身无关",
            ),
            numbers=(Number(name="logit error", value=error, limit=1e-6),),
            said=spoken.text,
            reference=True,
        )
        self.tell(Progress(rung=Rung.CHECKPOINT, name="reference", device="cpu", result=result))
        return result


def _spoke(results: Sequence[RungResult]) -> bool:
    """Whether the target itself ran the canary, rightly or wrongly."""
    return any(r.rung is Rung.CHECKPOINT and r.name != "setup" and r.outcome is not Outcome.CANNOT_RUN for r in results)


def _doubtful(result: RungResult) -> bool:
    """Whether a failure in a shared process may be the fault of an earlier rung, so that it is run again in a process of its own.

    A process that died may have been harmed before; on a GPU any failure may (a broken context stays broken). A hang is not tried
    again: its deadline has been waited for.
    """
    if result.outcome is Outcome.HANG or not result.failed:
        return False
    answered = (Outcome.NAN, Outcome.WRONG_NUMBERS, Outcome.UNEXPECTED, Outcome.ERROR, Outcome.IMPORT_ERROR)
    return result.outcome not in answered or result.device.startswith("cuda")


def _no_ground(results: Sequence[RungResult]) -> Text:
    """Why nothing above the torch rung needs to be tried; "" where torch is there."""
    for result in results:
        if result.rung is Rung.TORCH and result.name == "import" and result.outcome is not Outcome.PASSED:
            return (
                result.detail
                if result.outcome is Outcome.CANNOT_RUN
                else Text(en="torch does not import (see the rung torch)", zh="torch 无法导入（见 torch 层级）")
            )
        if result.rung is Rung.TORCH and result.name == "device" and result.outcome is Outcome.CANNOT_RUN:
            return result.detail
    return NOTHING


@contextmanager
def _terminable() -> Iterator[None]:
    """Turns SIGTERM into an ordinary way out, so that `finally` runs; only where the main thread is ours to do so."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
