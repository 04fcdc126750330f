"""Runs one interpreter over a plan of rung programs and says how it went: messages in order, then how the process ended.

The child has a process group, a temporary folder and pipes of its own, a deadline and a memory limit. It is never
waited for without a limit: a process that SIGKILL does not end (a hung driver) is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from envdoctor.smoke import watch
from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass

MARKER = "ENVDOCTOR_SMOKE_RUN"
MARK = b"\x1e"  # the host writes it, and a number, to stderr when a check begins
LINE_LIMIT = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one process may take. Seconds count per check; `memory_bytes` is the group's resident size (None: three quarters of
    what is available when the process starts, at most 16 GiB)."""

    deadline_s: float = 120.0
    memory_bytes: int | None = None
    processes: int = 256
    stderr_bytes: int = 8192

    def memory(self) -> int:
        """The limit in bytes."""
        return self.memory_bytes if self.memory_bytes is not None else min(16 * GIB, watch.available_memory() * 3 // 4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How the process ended: `cause` is "exit", "hang", "memory", "processes" or "protocol"; `code` as Popen says it."""

    cause: str
    code: int | None
    detail: Text = NOTHING
    escaped: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One line of the result pipe, with the last of stderr as it stood then."""

    data: Mapping[str, Any]
    stderr: str


class Child:
    """One run of the host program. Use as a context manager: leaving it ends whatever still lives and removes the folder."""

    def __init__(
        self, python: Path, jobs: Sequence[Mapping[str, Any]], *, limits: Limits, texts: Mapping[str, str]
    ) -> None:
        self.limits = limits
        self.marker = f"{MARKER}={uuid.uuid4().hex}"
        self.folder = Path(tempfile.mkdtemp(prefix="envdoctor-smoke-"))
        self.stderr = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._fds: list[int] = []
        try:
            self._start(python, jobs, texts)
        except BaseException:
            self.close()
            raise

    def _start(self, python: Path, jobs: Sequence[Mapping[str, Any]], texts: Mapping[str, str]) -> None:
        programs, scratch = self.folder / "programs", self.folder / "tmp"
        programs.mkdir()
        scratch.mkdir()
        for name, text in texts.items():
            (programs / f"{name}.py").write_text(text, encoding="utf-8")
        (programs / "plan.json").write_text(json.dumps({"jobs": list(jobs)}), encoding="utf-8")
        read_result, write_result = os.pipe()
        read_error, write_error = os.pipe()
        self._fds = [read_result, read_error]
        try:
            self._process = subprocess.Popen(
                [str(python), str(programs / "host.py"), str(write_result), str(programs / "plan.json")],
                stdin=subprocess.DEVNULL,
                stdout=write_error,
                stderr=write_error,
                pass_fds=(write_result,),
                cwd=scratch,
                env=self._environment(scratch),
                start_new_session=True,
            )
        finally:
            os.close(write_result)
            os.close(write_error)
        for fd in self._fds:
            os.set_blocking(fd, False)
        self._memory = self.limits.memory()

    def _environment(self, scratch: Path) -> dict[str, str]:
        name, _, value = self.marker.partition("=")
        own = {
            name: value,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONUNBUFFERED": "1",
            # memory that nobody initialised is often zero, and a bug that reads it passes by luck (glibc fills it with a pattern)
            "MALLOC_PERTURB_": "1",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        places = (
            "TMPDIR",
            "TRITON_CACHE_DIR",
            "TORCHINDUCTOR_CACHE_DIR",
            "TORCH_EXTENSIONS_DIR",
            "XDG_CACHE_HOME",
            "HF_HOME",
        )
        return {**os.environ, **own, **dict.fromkeys(places, str(scratch))}

    @property
    def pid(self) -> int:
        """The process, which is also its group."""
        assert self._process is not None  # noqa: S101 (set in _start, before anybody has the object)
        return self._process.pid

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> int:
        """Ends the group and what escaped from it, closes the pipes, removes the folder; returns how many had escaped."""
        escaped = 0
        if self._process is not None:
            watch.kill_group(self._process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=2)
            escaped = watch.kill_marked(self.marker)
            self._process = None
        for fd in self._fds:
            os.close(fd)
        self._fds = []
        shutil.rmtree(self.folder, ignore_errors=True)
        return escaped

    def messages(self, on_end: Callable[[Ending], None]) -> Iterator[Message]:
        """The child's messages as they come; when it is over, calls `on_end` with how, and stops."""
        process = self._process
        assert process is not None  # noqa: S101 (as in pid)
        lines = _Lines()
        deadline = time.monotonic() + self.limits.deadline_s
        look = 0.0
        with selectors.DefaultSelector() as selector:
            for fd in self._fds:
                selector.register(fd, selectors.EVENT_READ)
            ending: Ending | None = None
            while ending is None:
                # ended before the last reading, so that what it wrote at the very end is not lost
                over = process.poll() is not None
                for fd in [key.fd for key, _ in selector.select(0 if over else 0.05)]:
                    if not self._read(fd, lines):
                        selector.unregister(fd)
                for data in lines.take():
                    if data.get("event") in ("hello", "begin", "check"):
                        deadline = time.monotonic() + self.limits.deadline_s
                    if self._fds[1] in selector.get_map():
                        self._read(self._fds[1], lines)  # what was written before the message is in the pipe by now
                    yield Message(data=data, stderr=self.tail(data.get("mark")))
                if lines.broken:
                    ending = Ending(cause="protocol", code=process.poll(), detail=lines.broken)
                elif over and not self._pending(selector):
                    ending = Ending(cause="exit", code=process.returncode)
                elif not over:
                    now = time.monotonic()
                    ending = self._overrun(process.pid, now, deadline, whole_group=now >= look)
                    look = now + 0.2 if now >= look else look
                if not over and not selector.get_map():
                    time.sleep(0.05)  # both pipes closed by the child: nothing to select on, yet it lives
        on_end(ending)

    def _pending(self, selector: selectors.BaseSelector) -> bool:
        return bool(selector.get_map()) and bool(selector.select(0)) and len(self.stderr) < LINE_LIMIT

    def _read(self, fd: int, lines: _Lines) -> bool:
        try:
            chunk = os.read(fd, 65536)
        except BlockingIOError:
            return True
        if fd == self._fds[0]:
            lines.feed(chunk)
        else:
            self.stderr = (self.stderr + chunk)[-self.limits.stderr_bytes :]
        return bool(chunk)

    def _overrun(self, pid: int, now: float, deadline: float, *, whole_group: bool) -> Ending | None:
        usage = watch.group_usage(pid) if whole_group else watch.Usage(resident=watch.resident(pid), processes=1)
        if usage.resident > self._memory:
            self._stop()
            detail = Text(
                en=f"held {usage.resident / GIB:.2f} GiB, the limit is {self._memory / GIB:.2f} GiB",
                zh=f"占用 {usage.resident / GIB:.2f} GiB，上限为 {self._memory / GIB:.2f} GiB",
            )
            return Ending(cause="memory", code=None, detail=detail)
        if usage.processes > self.limits.processes:
            self._stop()
            return Ending(
                cause="processes",
                code=None,
                detail=Text(en=f"started {usage.processes} processes", zh=f"启动了 {usage.processes} 个进程"),
            )
        if now > deadline:
            gone = self._stop()
            left = (
                NOTHING
                if gone
                else Text(en="; SIGKILL did not end it, it was left behind", zh="；SIGKILL 也未能结束它，已放弃等待")
            )
            return Ending(
                cause="hang",
                code=None,
                detail=Text(
                    en=f"no end after {self.limits.deadline_s:g} s{left}",
                    zh=f"{self.limits.deadline_s:g} 秒后仍未结束{left.zh}",
                ),
            )
        return None

    def _stop(self) -> bool:
        assert self._process is not None  # noqa: S101 (set in _start, before anybody has the object)
        watch.kill_group(self._process.pid)
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return False
        return True

    def tail(self, mark: object = None) -> str:
        """The last of what the child wrote to stdout and stderr (since the check that set `mark`, else since the last one)."""
        parts = self.stderr.split(MARK)
        wanted = [part for part in parts if isinstance(mark, int) and part.startswith(b"%d\n" % mark)]
        text = (wanted or parts)[-1].partition(b"\n")[2] if wanted or len(parts) > 1 else parts[-1]
        return "".join(c for c in text.decode("utf-8", "replace") if c in "\n\t" or c.isprintable()).strip()


class _Lines:
    """Splits the result pipe into JSON objects; `broken` says what was wrong with it."""

    def __init__(self) -> None:
        self._rest = b""
        self.broken = NOTHING

    def feed(self, chunk: bytes) -> None:
        self._rest += chunk

    def take(self) -> list[dict[str, Any]]:
        *whole, self._rest = self._rest.split(b"\n")
        found: list[dict[str, Any]] = []
        if len(self._rest) > LINE_LIMIT:
            self.broken = Text(
                en=f"a line of more than {LINE_LIMIT} bytes on the result pipe",
                zh=f"结果管道中有一行超过 {LINE_LIMIT} 字节",
            )
            self._rest = b""
        for line in whole:
            try:
                data = json.loads(line)
            except (ValueError, RecursionError):
                data = None
            if not isinstance(data, dict):
                self.broken = Text(
                    en=f"garbage on the result pipe: {line[:60]!r}", zh=f"结果管道中有无法识别的内容：{line[:60]!r}"
                )
                break
            found.append(data)
        return found


def program_texts() -> dict[str, str]:
    """The shipped rung programs by name."""
    root = resources.files("envdoctor.smoke") / "programs"
    return {
        entry.name.removesuffix(".py"): entry.read_text(encoding="utf-8")
        for entry in root.iterdir()
        if entry.name.endswith(".py") and entry.name != "__init__.py"
    }


def signal_name(number: int) -> str:
    """SIGSEGV and the like; the number where the system has no name for it."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
