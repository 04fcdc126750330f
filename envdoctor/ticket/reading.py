"""Reads a ticket that somebody else sent: nothing is unpacked, one member is read, and its size is checked while reading."""

from __future__ import annotations

import io
import json
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from envdoctor.errors import InputError, UndeterminedError, UsageError, system_says
from envdoctor.text import Text, same

FILE_CAP = 64 << 20
MOST_MEMBERS = 256
DIRECTORY_CAP = 128 << 10
REPORT_CAP = 32 << 20
TOTAL_CAP = 256 << 20
REPORT = "report.json"
SCHEMA_VERSION = 1
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x07"


def _check_end(stream: IO[bytes], size: int, name: Text) -> None:
    """Refuses a directory that is too large before anything parses it (a million members cost seconds and gigabytes)."""
    stream.seek(max(0, size - 22 - 20))
    tail = stream.read(42)
    record = tail[-22:]
    if len(record) < 22 or record[:4] != _END or record[20:22] != b"\0\0":
        raise InputError(
            Text(en=f"{name}: is not a zip file, or is cut off", zh=f"{name.zh}：不是 zip 文件，或文件不完整")
        )
    if tail[:4] == _END_64:
        raise InputError(Text(en=f"{name}: is no ticket: it uses zip64", zh=f"{name.zh}：不是诊断包：使用了 zip64"))
    members = int.from_bytes(record[10:12], "little")
    directory = int.from_bytes(record[12:16], "little")
    if members > MOST_MEMBERS or directory > DIRECTORY_CAP:
        raise InputError(
            Text(
                en=f"{name}: is no ticket: {members} members, a ticket has at most {MOST_MEMBERS}",
                zh=f"{name.zh}：不是诊断包：含 {members} 个文件，诊断包最多 {MOST_MEMBERS} 个",
            )
        )


def _problem(info: zipfile.ZipInfo) -> Text | None:
    name = info.filename
    mode = info.external_attr >> 16
    if (
        name.startswith(("/", "\\"))
        or "\\" in name
        or ".." in name.split("/")
        or ":" in name
        or "\0" in info.orig_filename
    ):
        return Text(en="a member's name leads out of its folder", zh="其中有文件名指向目录之外")
    if stat.S_ISLNK(mode):
        return Text(en="it holds a link", zh="其中含有链接")
    if info.flag_bits & 0x1:
        return Text(en="it is encrypted", zh="已加密")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return Text(en="it uses an unusual compression", zh="使用了不常见的压缩方式")
    return None


def _report_member(archive: zipfile.ZipFile, name: Text) -> zipfile.ZipInfo:
    infos = archive.infolist()
    for info in infos:
        problem = _problem(info)
        if problem:
            raise InputError(Text(en=f"{name}: is refused: {problem}", zh=f"{name.zh}：拒绝读取：{problem.zh}"))
    if sum(info.file_size for info in infos) > TOTAL_CAP:
        raise InputError(
            Text(
                en=f"{name}: is refused: it would unpack to more than {TOTAL_CAP >> 20} MiB",
                zh=f"{name.zh}：拒绝读取：解压后超过 {TOTAL_CAP >> 20} MiB",
            )
        )
    # Some tools put everything into one folder when they zip a ticket again.
    found = [
        info
        for info in infos
        if info.filename == REPORT or (info.filename.count("/") == 1 and info.filename.endswith("/" + REPORT))
    ]
    if len(found) != 1:
        raise InputError(
            Text(
                en=f"{name}: is no ticket: it holds {'no' if not found else 'more than one'} {REPORT}",
                zh=f"{name.zh}：不是诊断包：其中{'没有' if not found else '有多个'} {REPORT}",
            )
        )
    if found[0].file_size > REPORT_CAP:
        raise InputError(
            Text(
                en=f"{name}: is refused: its {REPORT} is larger than {REPORT_CAP >> 20} MiB",
                zh=f"{name.zh}：拒绝读取：其中的 {REPORT} 超过 {REPORT_CAP >> 20} MiB",
            )
        )
    return found[0]


def _parsed(data: bytes, name: Text) -> dict[str, Any]:
    try:
        report = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError(
            Text(
                en=f"{name}: its {REPORT} is not JSON that can be read",
                zh=f"{name.zh}：其中的 {REPORT} 不是可读取的 JSON",
            )
        ) from None
    if not isinstance(report, dict) or not isinstance(report.get("facts"), dict):
        raise InputError(
            Text(
                en=f"{name}: its {REPORT} is not a report of envdoctor",
                zh=f"{name.zh}：其中的 {REPORT} 不是 envdoctor 的报告",
            )
        )
    version = report.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UndeterminedError(
            Text(
                en=f"{name}: its report has schema version {version!r:.20}; this envdoctor reads version {SCHEMA_VERSION}",
                zh=f"{name.zh}：其中报告的 schema 版本为 {version!r:.20}，本版 envdoctor 读取版本 {SCHEMA_VERSION}",
            ),
            advice=Text(
                en="use the envdoctor that wrote it, or a newer one", zh="请使用生成它的 envdoctor 版本，或更新的版本"
            ),
        )
    return report


def read_ticket(source: Path | IO[bytes], *, name: Text | None = None) -> dict[str, Any]:
    """The report of a ticket (a file, or an open one that can be read anywhere), as a dict of schema version 1.

    Raises:
        UsageError: the file cannot be opened.
        InputError: it is no ticket, or one that is refused: too large, too many members, names that lead out of the folder,
            links, encryption, a report that is none. One line each.
        UndeterminedError: another version of envdoctor wrote it.
    """
    if not isinstance(source, Path):
        return _parsed(_report_in(source, name or same("")), name or same(""))
    called = same(source.name)
    try:
        with source.open("rb") as stream:
            return _parsed(_report_in(stream, called), called)
    except OSError as error:
        raise UsageError(Text(en=f"{source}: {system_says(error)}", zh=f"{source}：{system_says(error).zh}")) from None


def _report_in(stream: IO[bytes], name: Text) -> bytes:
    try:
        size = stream.seek(0, io.SEEK_END)
        if size > FILE_CAP:
            raise InputError(
                Text(
                    en=f"{name}: is refused: larger than {FILE_CAP >> 20} MiB",
                    zh=f"{name.zh}：拒绝读取：超过 {FILE_CAP >> 20} MiB",
                )
            )
        _check_end(stream, size, name)
        with zipfile.ZipFile(stream) as archive:
            info = _report_member(archive, name)
            with archive.open(info) as member:
                data = member.read(REPORT_CAP + 1)
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
        raise InputError(
            Text(en=f"{name}: is not a zip file that can be read", zh=f"{name.zh}：不是可读取的 zip 文件")
        ) from None
    if len(data) > REPORT_CAP:
        raise InputError(
            Text(
                en=f"{name}: is refused: its {REPORT} is larger than {REPORT_CAP >> 20} MiB",
                zh=f"{name.zh}：拒绝读取：其中的 {REPORT} 超过 {REPORT_CAP >> 20} MiB",
            )
        )
    return data
