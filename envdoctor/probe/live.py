"""The ports on the machine that this process runs on."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from envdoctor.patterns import lazy
from envdoctor.probe.ports import OUTPUT_LIMIT, READ_LIMIT, Kind, Outcome, Pending, Status, Uname
from envdoctor.text import Text

_ENV = "/usr/bin/env"
_ENV_SAYS = lazy(r"(?:/\S*/)?env: ")
_ENV_CANNOT_RUN, _ENV_NOT_FOUND = 126, 127  # how `env` ends when it cannot start the program
_SLICE_S = 0.02  # how often a child that holds its output open is asked whether it has ended
_GRACE_S = 0.05  # how long a killed child is given to be reaped

#: children that did not end when they were killed; kept so that nothing waits for them
_abandoned: list[subprocess.Popen[bytes]] = []


class LiveView:
    """The real file system."""

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        # Not blocking: a fifo that somebody put where a text file belongs must not hold the report.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            parts: list[bytes] = []
            while limit > 0 and (part := os.read(descriptor, min(limit, 1 << 20))):
                parts.append(part)
                limit -= len(part)
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def open(self, path: str) -> BinaryIO:
        if self.kind(path) != "file":
            raise FileNotFoundError(path)
        return open(path, "rb")  # noqa: PTH123 - the caller closes it; paths are text here

    def names(self, folder: str) -> list[str]:
        return sorted(os.listdir(folder))  # noqa: PTH208 - paths are text here, and this is called for every folder

    def kind(self, path: str) -> Kind | None:
        try:
            mode = os.stat(path).st_mode & 0o170000  # noqa: PTH116
        except (OSError, ValueError):
            return None
        return "file" if mode == 0o100000 else "folder" if mode == 0o040000 else "other"

    def is_link(self, path: str) -> bool:
        return os.path.islink(path)  # noqa: PTH114

    def executable(self, path: str) -> bool:
        return self.kind(path) == "file" and os.access(path, os.X_OK)

    def real(self, path: str) -> str:
        return os.path.realpath(path)

    def capacity(self, path: str) -> int | None:
        if not hasattr(os, "statvfs"):
            return None
        with contextlib.suppress(OSError):
            size = os.statvfs(path)
            return size.f_frsize * size.f_blocks
        return None

    def uname(self) -> Uname:
        if hasattr(os, "uname"):
            here = os.uname()
            return Uname(system=here.sysname, release=here.release, machine=here.machine, version=here.version)
        import platform

        return Uname(system=platform.system(), release=platform.release(), machine=platform.machine())

    def libc(self) -> str:
        with contextlib.suppress(AttributeError, OSError, ValueError):
            return os.confstr("CS_GNU_LIBC_VERSION") or ""
        return ""


class LiveRunner:
    """Real child processes: all three descriptors redirected, in a session of their own, never waited for too long."""

    def now(self) -> float:
        return time.monotonic()

    def start(self, label: str, command: Sequence[str], environ: Mapping[str, str]) -> Pending:
        # `env` stands between: starting a child waits until its program is loaded, and a program on a file system
        # that hangs (the WSL2 mount of nvidia-smi, a dead NFS) would hold this process. Loading `env` does not.
        arguments = list(command)
        if "=" not in arguments[0] and os.access(_ENV, os.X_OK):
            arguments.insert(0, _ENV)
        try:
            child = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**environ, "LC_ALL": "C", "LANGUAGE": ""},
                start_new_session=sys.platform != "win32",
            )
        except FileNotFoundError:
            return _Settled(
                Outcome(status="not-found", reason=Text(en=f"{label}: no such program", zh=f"{label}：没有这个程序"))
            )
        except (OSError, ValueError) as error:
            return _Settled(
                Outcome(
                    status="failed", reason=Text(en=f"{label} did not start: {error}", zh=f"{label} 无法启动：{error}")
                )
            )
        return _Child(label, child)


class _Settled:
    """A command whose outcome is known from the start."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def result(self, deadline: float) -> Outcome:
        del deadline
        return self._outcome


class _Child:
    """A running child. Its pipes end here: when it is abandoned they are closed, and it holds nothing of ours."""

    def __init__(self, label: str, child: subprocess.Popen[bytes]) -> None:
        self._label = label
        self._child = child
        self._texts: dict[int, bytearray] = {}
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                if sys.platform != "win32":
                    os.set_blocking(pipe.fileno(), False)
                self._texts[pipe.fileno()] = bytearray()
        self._order = list(self._texts)
        self._outcome: Outcome | None = None

    def result(self, deadline: float) -> Outcome:
        if self._outcome is None:
            try:
                ended = self._watch(deadline)
            except BaseException:  # an interrupt by the user: leave no child behind
                self._abandon()
                raise
            self._outcome = self._settle(ended)
        return self._outcome

    def _watch(self, deadline: float) -> bool:
        """Read what it prints until it ended (true) or the deadline passed."""
        if sys.platform == "win32":  # no select on pipes there, and nothing but the target's interpreter is run
            with contextlib.suppress(subprocess.TimeoutExpired):
                texts = self._child.communicate(timeout=max(0.0, deadline - time.monotonic()))
                for descriptor, text in zip(self._order, texts, strict=True):
                    self._texts[descriptor] += text
            return self._child.returncode is not None
        waiting = list(self._texts)
        pause = 0.0005
        while True:
            left = deadline - time.monotonic()
            if waiting:
                ready, _, _ = select.select(waiting, [], [], max(0.0, min(left, _SLICE_S)))
                for descriptor in ready:
                    if not self._take(descriptor):
                        waiting.remove(descriptor)
            else:
                time.sleep(max(0.0, min(left, pause)))
                pause = min(pause * 2, _SLICE_S)
            if self._child.poll() is not None:
                for descriptor in waiting:
                    self._take(descriptor)
                return True
            if left <= 0:
                return False

    def _take(self, descriptor: int) -> bool:
        """Read what is there; false at the end of the pipe, or when the output is larger than is kept."""
        text = self._texts[descriptor]
        while len(text) < OUTPUT_LIMIT:
            try:
                part = os.read(descriptor, 1 << 16)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not part:
                return False
            text += part
        return False

    def _settle(self, ended: bool) -> Outcome:
        stdout, stderr = (bytes(self._texts[d][:OUTPUT_LIMIT]).decode("utf-8", "replace") for d in self._order)
        code = self._child.returncode if ended else None
        self._abandon()
        if not ended:
            reason = Text(en=f"{self._label} did not answer", zh=f"{self._label} 没有响应")
            return Outcome(status="no-answer", stdout=stdout, stderr=stderr, reason=reason)
        if code in (_ENV_CANNOT_RUN, _ENV_NOT_FOUND) and _ENV_SAYS.match(stderr):
            status: Status = "not-found" if code == _ENV_NOT_FOUND else "failed"
            return Outcome(
                status=status,
                code=code,
                stderr=stderr,
                reason=Text(en=f"{self._label} did not start", zh=f"{self._label} 无法启动"),
            )
        return Outcome(status="exited", code=code, stdout=stdout, stderr=stderr)

    def _abandon(self) -> None:
        """Close our ends and kill its whole group, without waiting for it to die: it may not be able to."""
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        if self._child.returncode is not None:
            return
        _kill(self._child)
        stop = time.monotonic() + _GRACE_S
        while self._child.poll() is None:
            if time.monotonic() > stop:
                _abandoned.append(self._child)
                return
            time.sleep(0.002)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
