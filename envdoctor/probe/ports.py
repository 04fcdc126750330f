"""What a probe may use of the machine: a view of its files, and a runner of commands. Nothing else.

Both are small protocols, so that a recorded host (a folder of files and command outputs) replays through the same
code as the live machine. Paths are POSIX text, absolute; `OSError` is the one error that a view raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO, Literal, Protocol

from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass

Kind = Literal["file", "folder", "other"]
Status = Literal["exited", "no-answer", "not-found", "failed"]

#: what one read gives at most, where the caller does not ask for less or more
READ_LIMIT = 1 << 20
#: what is kept of one output of a command
OUTPUT_LIMIT = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Uname:
    """`system` is Linux, Darwin or Windows; `release` and `machine` are what uname(2) says."""

    system: str
    release: str
    machine: str
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a command did: `exited` with a code, gave `no-answer` in time, was `not-found`, or `failed` to start."""

    status: Status
    code: int | None = None
    stdout: str = ""
    stderr: str = ""
    reason: Text = NOTHING

    @property
    def ok(self) -> bool:
        """The command ended by itself, with status 0."""
        return self.status == "exited" and self.code == 0

    @property
    def says(self) -> str:
        """The first lines of what it printed, errors first, for a person: at most 400 characters."""
        lines = [line.strip() for text in (self.stderr, self.stdout) for line in text.splitlines() if line.strip()]
        return " / ".join(lines[:3])[:400]


class View(Protocol):
    """The machine's files and the few answers that come without running anything."""

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The first `limit` bytes of a file."""

    def open(self, path: str) -> BinaryIO:
        """The file, seekable, for reading."""

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted."""

    def kind(self, path: str) -> Kind | None:
        """What is there, links followed; None where there is nothing, or nothing that may be seen."""

    def is_link(self, path: str) -> bool:
        """There is a symbolic link, dangling or not."""

    def executable(self, path: str) -> bool:
        """There is a file that this process may execute."""

    def real(self, path: str) -> str:
        """The path with its symbolic links resolved."""

    def capacity(self, path: str) -> int | None:
        """The size in bytes of the file system that holds `path`."""

    def uname(self) -> Uname:
        """Name and release of the system."""

    def libc(self) -> str:
        """The C library in `confstr`'s words, such as `glibc 2.35`; empty where it has no such words (musl)."""


class Pending(Protocol):
    """A command that was started."""

    def result(self, deadline: float) -> Outcome:
        """What it did. Returns when it ended or at `deadline` (in `Runner.now` seconds), never later.

        A command that has not ended by then is abandoned: killed if it can be killed, and not waited for.
        """


class Runner(Protocol):
    """Starts commands."""

    def now(self) -> float:
        """A monotonic clock, in seconds."""

    def start(self, label: str, command: Sequence[str], environ: Mapping[str, str]) -> Pending:
        """Start `command` without a shell and return at once. `label` names it in a recording, such as `nvcc`."""


def text_of(view: View, path: str, limit: int = READ_LIMIT) -> str | None:
    """The text of a small file, leniently decoded; None where it cannot be read."""
    try:
        return view.read(path, limit).decode("utf-8", "replace")
    except OSError:
        return None


def printable(text: str) -> str:
    """The text as any encoder takes it: bytes that were no UTF-8 (names, variables) become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def names_of(view: View, folder: str) -> list[str]:
    """The names in a folder; none where it cannot be listed."""
    try:
        return view.names(folder)
    except OSError:
        return []


def find_program(view: View, name: str, search: str) -> str | None:
    """The program that `search` (the value of PATH) finds, as an absolute path. Folders of the working directory,
    which a relative entry means, are left out."""
    for folder in search.split(":"):
        if folder.startswith("/") and view.executable(f"{folder.rstrip('/')}/{name}"):
            return f"{folder.rstrip('/')}/{name}"
    return None
