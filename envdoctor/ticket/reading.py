"""Reads a ticket that somebody else sent: nothing is unpacked, one member is read, and its size is checked while reading."""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from envdoctor.errors import InputError, UsageError

FILE_CAP = 64 << 20
MOST_MEMBERS = 256
DIRECTORY_CAP = 128 << 10
REPORT_CAP = 32 << 20
TOTAL_CAP = 256 << 20
REPORT = "report.json"
SCHEMA_VERSION = 1
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x07"


def _check_end(stream: IO[bytes], size: int, name: str) -> None:
    """Refuses a directory that is too large before anything parses it (a million members cost seconds and gigabytes)."""
    stream.seek(max(0, size - 22 - 20))
    tail = stream.read(42)
    record = tail[-22:]
    if len(record) < 22 or record[:4] != _END or record[20:22] != b"\0\0":
        raise InputError(f"{name}: is not a zip file, or is cut off")
    if tail[:4] == _END_64:
        raise InputError(f"{name}: is no ticket: it uses zip64")
    members = int.from_bytes(record[10:12], "little")
    directory = int.from_bytes(record[12:16], "little")
    if members > MOST_MEMBERS or directory > DIRECTORY_CAP:
        raise InputError(f"{name}: is no ticket: {members} members, a ticket has at most {MOST_MEMBERS}")


def _problem(info: zipfile.ZipInfo) -> str | None:
    name = info.filename
    mode = info.external_attr >> 16
    if (
        name.startswith(("/", "\\"))
        or "\\" in name
        or ".." in name.split("/")
        or ":" in name
        or "\0" in info.orig_filename
    ):
        return "a member's name leads out of its folder"
    if stat.S_ISLNK(mode):
        return "it holds a link"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it uses an unusual compression"
    return None


def _report_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    infos = archive.infolist()
    for info in infos:
        problem = _problem(info)
        if problem:
            raise InputError(f"{name}: is refused: {problem}")
    if sum(info.file_size for info in infos) > TOTAL_CAP:
        raise InputError(f"{name}: is refused: it would unpack to more than {TOTAL_CAP >> 20} MiB")
    # Some tools put everything into one folder when they zip a ticket again.
    found = [
        info
        for info in infos
        if info.filename == REPORT or (info.filename.count("/") == 1 and info.filename.endswith("/" + REPORT))
    ]
    if len(found) != 1:
        raise InputError(f"{name}: is no ticket: it holds {'no' if not found else 'more than one'} {REPORT}")
    if found[0].file_size > REPORT_CAP:
        raise InputError(f"{name}: is refused: its {REPORT} is larger than {REPORT_CAP >> 20} MiB")
    return found[0]


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    try:
        report = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError(f"{name}: its {REPORT} is not JSON that can be read") from None
    if not isinstance(report, dict) or not isinstance(report.get("facts"), dict):
        raise InputError(f"{name}: its {REPORT} is not a report of envdoctor")
    version = report.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{name}: its report has schema version {version!r:.20}; this envdoctor reads version {SCHEMA_VERSION}",
            advice="use the envdoctor that wrote it, or a newer one",
        )
    return report


def read_ticket(path: Path) -> dict[str, Any]:
    """The report of a ticket, as a dict of schema version 1.

    Raises:
        UsageError: the file cannot be opened.
        InputError: it is no ticket, or one that is refused: too large, too many members, names that lead out of the folder,
            links, encryption, a report that is none. One line each.
    """
    name = path.name
    try:
        size = path.stat().st_size
        if size > FILE_CAP:
            raise InputError(f"{name}: is refused: larger than {FILE_CAP >> 20} MiB")
        with path.open("rb") as stream:
            _check_end(stream, size, name)
            with zipfile.ZipFile(stream) as archive:
                info = _report_member(archive, name)
                with archive.open(info) as member:
                    data = member.read(REPORT_CAP + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
        UnicodeError,
    ):
        raise InputError(f"{name}: is not a zip file that can be read") from None
    if len(data) > REPORT_CAP:
        raise InputError(f"{name}: is refused: its {REPORT} is larger than {REPORT_CAP >> 20} MiB")
    return _parsed(data, name)
