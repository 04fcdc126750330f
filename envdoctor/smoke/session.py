"""Turns what a child said, and how it ended, into rung results."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from envdoctor.facts.smoke import Number, Outcome, Rung, RungResult
from envdoctor.smoke.details import read_detail
from envdoctor.smoke.process import Child, Ending, Limits, program_texts, signal_name
from envdoctor.text import Text
from envdoctor.values import dataclass

SIGNALS = {
    signal.SIGSEGV: Outcome.SEGFAULT,
    signal.SIGBUS: Outcome.SEGFAULT,
    signal.SIGABRT: Outcome.ABORT,
    signal.SIGILL: Outcome.ILLEGAL_INSTRUCTION,
    signal.SIGKILL: Outcome.OUT_OF_MEMORY,
}
FROM_PROGRAM = {outcome.value for outcome in Outcome}
TAIL_LINES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One program of one rung, with what it is told."""

    rung: Rung
    program: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Something happened: a check began (`result` is None) or ended."""

    rung: Rung
    name: str
    device: str = ""
    result: RungResult | None = None

    def __str__(self) -> str:
        place = f" [{self.device}]" if self.device else ""
        state = f"{self.result.outcome.value}, {self.result.seconds:.2f} s" if self.result else "..."
        return f"{self.rung.value}: {self.name}{place} {state}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What one process brought: its results, the jobs it did not finish (it died in the first of them), the version."""

    results: tuple[RungResult, ...]
    unfinished: tuple[Job, ...]
    python_version: str
    ending: Ending


OnProgress = Callable[[Progress], None]


def run_jobs(
    python: Path,
    jobs: Sequence[Job],
    *,
    limits: Limits,
    on_progress: OnProgress | None = None,
    texts: Mapping[str, str] | None = None,
) -> Session:
    """What one process brought: its results, the jobs it did not finish (it died in the first), the Python version."""
    plan = [{"rung": job.rung.value, "program": job.program, "options": dict(job.options)} for job in jobs]
    listener = _Listener(jobs=list(jobs), tell=on_progress or (lambda _: None))
    with Child(python, plan, limits=limits, texts=texts if texts is not None else program_texts()) as child:
        endings: list[Ending] = []
        for message in child.messages(endings.append):
            listener.hear(message.data, message.stderr)
        listener.end(endings[0], child.tail())
    return Session(
        results=tuple(listener.results),
        unfinished=tuple(jobs[listener.finished :]),
        python_version=listener.version,
        ending=endings[0],
    )


@dataclass(kw_only=True, slots=True)
class _Listener:
    """Follows the messages of one child: which rung and which check is going on."""

    jobs: list[Job]
    tell: OnProgress
    results: list[RungResult] = field(default_factory=list)
    finished: int = 0
    version: str = ""
    rung: Rung | None = None
    check: tuple[str, str] | None = None

    def hear(self, data: Mapping[str, Any], stderr: str) -> None:
        event = data.get("event")
        if event == "hello":
            self.version = _clean(data.get("python"), 40)
        elif event == "begin" and self.finished < len(self.jobs):
            self.rung = self.jobs[self.finished].rung
        elif event == "check" and self.rung:
            self.check = (_clean(data.get("name"), 120), _clean(data.get("device"), 20))
            self.tell(Progress(rung=self.rung, name=self.check[0], device=self.check[1]))
        elif event == "result" and self.rung:
            self._add(_result(self.rung, data, stderr))
            self.check = None
        elif event == "end":
            self.finished += 1
            self.rung = None

    def end(self, ending: Ending, stderr: str) -> None:
        """Says what became of a check that never ended."""
        if not self.jobs or (self.finished >= len(self.jobs) and ending.cause == "exit"):
            return
        outcome, detail = _fate(ending, started=bool(self.version))
        rung = self.rung or self.jobs[min(self.finished, len(self.jobs) - 1)].rung
        name, device = self.check or ("program", "")
        self._add(
            RungResult(rung=rung, name=name, outcome=outcome, device=device, detail=detail, stderr_tail=_tail(stderr))
        )

    def _add(self, result: RungResult) -> None:
        self.results.append(result)
        self.tell(Progress(rung=result.rung, name=result.name, device=result.device, result=result))


def _fate(ending: Ending, *, started: bool) -> tuple[Outcome, Text]:
    if ending.cause == "hang":
        return Outcome.HANG, ending.detail
    if ending.cause == "memory":
        return Outcome.OUT_OF_MEMORY, ending.detail
    if ending.cause == "processes":
        return Outcome.KILLED, ending.detail
    if ending.cause == "protocol":
        return Outcome.ERROR, ending.detail
    code = ending.code or 0
    if code < 0:
        name = signal_name(-code)
        text = Text(en=f"the process died of {name}", zh=f"进程因 {name} 终止")
        if -code == signal.SIGKILL:
            text = Text(
                en=f"{text}, which this program did not send: most likely the kernel ran out of memory",
                zh=f"{text.zh}，该信号不是本程序发出的，多半是系统内存耗尽",
            )
        return SIGNALS.get(
            signal.Signals(-code) if -code in list(signal.Signals) else signal.SIGTERM, Outcome.KILLED
        ), text
    what = Text(en="in the middle of a check", zh="在检查过程中")
    if not started:
        what = Text(en="before it ran anything", zh="在运行任何检查之前")
    return Outcome.KILLED, Text(
        en=f"the process ended with exit status {code} {what}", zh=f"进程{what.zh}退出，退出码 {code}"
    )


def _result(rung: Rung, data: Mapping[str, Any], stderr: str) -> RungResult:
    outcome = Outcome(data["outcome"]) if data.get("outcome") in FROM_PROGRAM else Outcome.ERROR
    said = data.get("said")
    unexpected = data.get("unexpected")
    return RungResult(
        rung=rung,
        name=_clean(data.get("name"), 120),
        outcome=outcome,
        device=_clean(data.get("device"), 20),
        seconds=_number(data.get("seconds")) or 0.0,
        detail=read_detail(data.get("detail"), _clean),
        numbers=tuple(_numbers(data.get("numbers"))),
        said=_clean(said, 500) if isinstance(said, str) else None,
        unexpected=tuple(_clean(name, 200) for name in unexpected[:200]) if isinstance(unexpected, list) else (),
        stderr_tail=_tail(stderr) if outcome not in (Outcome.PASSED, Outcome.CANNOT_RUN) else "",
    )


def _numbers(raw: Any) -> list[Number]:
    if not isinstance(raw, list):
        return []
    return [
        Number(
            name=_clean(item.get("name"), 120),
            value=_number(item.get("value")),
            limit=_number(item.get("limit")),
            unit=_clean(item.get("unit"), 20),
        )
        for item in raw[:50]
        if isinstance(item, dict)
    ]


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return None
    return float(raw) if math.isfinite(raw) else None


def _clean(raw: Any, limit: int) -> str:
    """Text from the target as one line without control characters: it may hold anything, a terminal's commands included."""
    text = " ".join(str(raw if raw is not None else "")[: 2 * limit].split())
    return "".join(c for c in text if c.isprintable())[:limit]


def _tail(text: str) -> str:
    lines = text.splitlines()[-TAIL_LINES:]
    return "\n".join(line[:300] for line in lines)
