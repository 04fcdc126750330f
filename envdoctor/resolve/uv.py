"""Runs uv: a child without a shell, in a process group of its own, with a deadline and bounded output."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import IO, Protocol

from envdoctor.resolve.errors import SolverError
from envdoctor.text import Text
from envdoctor.values import dataclass

_OUTPUT_CAP = 64 * 1024 * 1024  # bytes; the log of a large solve is under 2 MB


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run of uv gave."""

    status: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """The port: runs uv with arguments and text for its standard input. Raises SolverError when there is no answer."""

    def __call__(self, arguments: Sequence[str], *, text: str = "", timeout_s: float = 300.0) -> Outcome: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class UvRunner:
    """The real one. `environment` replaces the variables of the same name; `folder` is where uv looks for its configuration."""

    executable: str
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, arguments: Sequence[str], *, text: str = "", timeout_s: float = 300.0) -> Outcome:
        env = {**os.environ, **self.environment, "UV_NO_PROGRESS": "1"}
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            source.write(text.encode())
            source.seek(0)
            try:
                child = subprocess.Popen(
                    [self.executable, *arguments], stdin=source, stdout=out, stderr=err, cwd=self.folder, env=env,
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise SolverError(
                    Text(en=f"uv cannot be started: {error}", zh=f"uv 无法启动：{error}"),
                    advice=Text(en="install envdoctor-gpu again", zh="请重新安装 envdoctor-gpu"),
                ) from None
            try:
                status = child.wait(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                _end(child)
                raise SolverError(
                    Text(en=f"uv gave no answer in {timeout_s:.0f} s", zh=f"uv 在 {timeout_s:.0f} 秒内没有响应"),
                    advice=Text(en="check the index and the network, then try again", zh="请检查索引与网络，然后重试"),
                ) from None
            except BaseException:  # interrupted: nothing may go on in the background
                _end(child)
                raise
            return Outcome(status=status, stdout=_read(out), stderr=_read(err))


def find_uv(**settings: str) -> UvRunner:
    """A runner for the uv that envdoctor's own installation brought. Raises SolverError where there is none."""
    from uv import find_uv_bin

    try:
        return UvRunner(executable=os.fsdecode(find_uv_bin()), environment=settings)
    except FileNotFoundError as error:
        raise SolverError(
            Text(en=f"uv is not installed beside envdoctor: {error}", zh=f"envdoctor 所在环境中没有 uv：{error}"),
            advice=Text(en="pip install uv", zh="请执行 pip install uv"),
        ) from None


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read(_OUTPUT_CAP).decode("utf-8", "replace")
