"""A recorded host: a folder of files and command outputs that replays through the same probes.

<host>/files/...            the file system, from its root on; symbolic links are kept as `links` of host.toml
<host>/commands/LABEL.out   what the command of that label printed (`.err`: on stderr; `.code`: its exit status,
                            or the word `no-answer`); a label without files is a program that does not exist
<host>/host.toml            system, release, machine, libc; programs and nodes: paths of executables and device nodes;
                            [capacity] path = bytes; [links] path = target; [environ] the environment variables
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from envdoctor.errors import InputError
from envdoctor.probe.ports import OUTPUT_LIMIT, READ_LIMIT, Kind, Outcome, Pending, Uname
from envdoctor.text import Text
from envdoctor.toml import tomllib

_LINK_DEPTH = 16


def _meant(name: str) -> str:
    """A recorded name as the host has it: a colon is written %3A, which archives and Windows checkouts can hold."""
    return name.replace("%3A", ":")


class RecordedView:
    """The files of a recorded host. Nothing outside the folder is seen."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "files"
        try:
            self.host: dict[str, Any] = tomllib.loads((folder / "host.toml").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                Text(en=f"{folder}: not a recorded host: {error}", zh=f"{folder}：不是录制的主机数据：{error}")
            ) from None
        self._links: dict[str, str] = self.host.get("links", {})
        self._programs = frozenset(self.host.get("programs", ()))
        self._nodes = frozenset(self.host.get("nodes", ()))

    def _place(self, path: str) -> Path:
        return self._root / self.real(path).lstrip("/").replace(":", "%3A")

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        with self._place(path).open("rb") as stream:
            return stream.read(limit)

    def open(self, path: str) -> BinaryIO:
        return self._place(path).open("rb")

    def names(self, folder: str) -> list[str]:
        real = self.real(folder)
        linked = {posixpath.basename(link) for link in self._links if posixpath.dirname(link) == real}
        try:
            found = {_meant(entry.name) for entry in self._place(folder).iterdir()}
        except FileNotFoundError:
            if not linked:
                raise
            found = set()
        return sorted(found | linked)

    def kind(self, path: str) -> Kind | None:
        place, real = self._place(path), self.real(path)
        if real in self._programs or place.is_file():
            return "file"
        return "other" if real in self._nodes else "folder" if place.is_dir() else None

    def is_link(self, path: str) -> bool:
        return posixpath.normpath(path) in self._links

    def executable(self, path: str) -> bool:
        return self.real(path) in self._programs

    def real(self, path: str) -> str:
        path = posixpath.normpath(path)
        for _ in range(_LINK_DEPTH):
            link = next((link for link in self._links if path == link or path.startswith(f"{link}/")), None)
            if link is None:
                break
            target = posixpath.join(posixpath.dirname(link), self._links[link])
            path = posixpath.normpath(target + path[len(link) :])
        return path

    def capacity(self, path: str) -> int | None:
        size = self.host.get("capacity", {}).get(path)
        return size if isinstance(size, int) else None

    def uname(self) -> Uname:
        host = self.host
        return Uname(system=host.get("system", "Linux"), release=host.get("release", ""), machine=host["machine"])

    def libc(self) -> str:
        return str(self.host.get("libc", ""))


class RecordedRunner:
    """The commands of a recorded host. The clock stands still: a recorded `no-answer` comes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "commands"
        self.started: list[tuple[str, tuple[str, ...]]] = []

    def now(self) -> float:
        return 0.0

    def start(self, label: str, command: Sequence[str], environ: Mapping[str, str]) -> Pending:
        del environ
        self.started.append((label, tuple(command)))
        return _Replayed(self._outcome(label))

    def _outcome(self, label: str) -> Outcome:
        code = self._text(label, "code").strip()
        if code == "no-answer":
            return Outcome(
                status="no-answer",
                stdout=self._text(label, "out"),
                reason=Text(en=f"{label} did not answer", zh=f"{label} 没有响应"),
            )
        if not code and not (self._folder / f"{label}.out").exists():
            return Outcome(status="not-found", reason=Text(en=f"{label}: no such program", zh=f"{label}：没有这个程序"))
        return Outcome(
            status="exited", code=int(code or 0), stdout=self._text(label, "out"), stderr=self._text(label, "err")
        )

    def _text(self, label: str, what: str) -> str:
        try:
            return (self._folder / f"{label}.{what}").read_bytes()[:OUTPUT_LIMIT].decode("utf-8", "replace")
        except OSError:
            return ""


class _Replayed:
    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def result(self, deadline: float) -> Outcome:
        del deadline
        return self._outcome
