"""Writes a ticket: the same members give the same bytes; the finished archive is scanned before it gets its name."""

from __future__ import annotations

import html
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envdoctor.errors import UndeterminedError, UsageError, system_says
from envdoctor.text import Text, same
from envdoctor.ticket.bundle import Ticket
from envdoctor.ticket.redact import Redactor
from envdoctor.ticket.redact.shapes import CERTAIN_RULES
from envdoctor.ticket.redact.span import MASK

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ADDRESSES = {"ipv4", "ipv6", "mac"}


class LeakError(UndeterminedError):
    """Something that must not leave is still in the finished ticket. Names the field, never the value; no file was written."""

    def __init__(self, field: str, rule: Text) -> None:
        super().__init__(
            Text(
                en=f"no ticket was written: {field} still holds something private ({rule})",
                zh=f"未写出诊断包：{field} 仍含有隐私内容（{rule.zh}）",
            ),
            advice=Text(
                en=f"leave it out with --withhold '{field}', or look at it with --preview",
                zh=f"请用 --withhold '{field}' 去掉该字段，或用 --preview 查看",
            ),
        )
        self.field = field
        self.rule = rule


def packed(ticket: Ticket) -> bytes:
    """The archive. No clock, no owner, no order of a file system goes into it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for member in ticket.members:
            info = zipfile.ZipInfo(member.name, date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, member.data)
    return buffer.getvalue()


def scan(data: bytes, redactor: Redactor) -> None:
    """Opens a finished archive and looks through all of it, names included. Raises LeakError with the field that is to blame."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            text = archive.read(info).decode("utf-8", "replace")
            _check(info.filename, Text(en="the name of a member", zh="文件名"), redactor)
            if info.filename.endswith(".json"):
                for path, value in _strings(json.loads(text), ""):
                    _check(value, _field(info.filename, path), redactor)
            else:
                _check(text, info.filename, redactor, rendered=not info.filename.startswith("logs/"))


def _field(member: str, path: str) -> str:
    if member == "report.json":
        return path.removeprefix("facts.")
    return f"{member} ({path})"


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield Text(en=f"{path} (a name in it)", zh=f"{path}（其中的名称）"), str(key)
            # `value` and `source` of a fact are no fields of their own
            inner = (
                path
                if key in {"value", "source", "unknown"}
                and isinstance(value.get("source", value.get("unknown")), str)
                and "name" not in value
                else (f"{path}.{key}" if path else str(key))
            )
            yield from _strings(item, inner)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _strings(item, f"{path}[{i}]")
    elif isinstance(value, str):
        yield path, value


def _check(text: str, field: str, redactor: Redactor, *, rendered: bool = False) -> None:
    """Raises LeakError where something is left. What was rendered from the checked report has other neighbours around its
    words: there, only what is recognizable without them counts."""
    if rendered:
        text = html.unescape(text)
    for literal in redactor.survivors(text):
        raise LeakError(field, Text(en=f"a {literal.kind} of this machine", zh=f"本机的 {literal.kind}"))
    for span in redactor.find(text):
        if span.rule in CERTAIN_RULES or (
            not rendered and span.rule not in _ADDRESSES and not MASK.fullmatch(span.identity)
        ):
            raise LeakError(field, same(span.rule))


def write_ticket(ticket: Ticket, output: Path, *, force: bool = False) -> Path:
    """Writes the ticket to `output`, whole or not at all, and returns its path.

    Raises:
        LeakError: the scan of the finished archive found something; no file is left.
        UsageError: the folder is not there, or the file is and `force` is not given.
        UndeterminedError: the disk is full or refuses.
    """
    check_ticket_output(output, force=force)
    output = Path(os.path.realpath(output))  # a link stays a link
    data = packed(ticket)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=".envdoctor-")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        scan(temporary.read_bytes(), ticket.redactor)
        if force:
            temporary.replace(output)
        else:
            _link(temporary, output)
    except OSError as error:
        why = system_says(error)
        raise UndeterminedError(
            Text(en=f"--output {output}: cannot be written: {why}", zh=f"--output {output}：无法写入：{why.zh}"),
            advice=Text(en="choose another place", zh="请另选位置"),
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return output


def check_ticket_output(output: Path | None, *, force: bool = False) -> None:
    """Refuses a place that no ticket can be written to, before the work is done. Raises UsageError."""
    if output is None:
        return
    if not output.parent.is_dir():
        raise UsageError(
            Text(
                en=f"--output {output}: the folder {output.parent} does not exist",
                zh=f"--output {output}：目录 {output.parent} 不存在",
            )
        )
    if output.is_dir():
        raise UsageError(Text(en=f"--output {output}: is a folder", zh=f"--output {output}：是目录"))
    if output.exists() and not output.is_file():
        raise UsageError(
            Text(
                en=f"--output {output}: is a device or pipe, not a file",
                zh=f"--output {output}：是设备或管道，不是文件",
            )
        )
    if not force and output.exists():
        raise UsageError(
            Text(en=f"--output {output}: exists already", zh=f"--output {output}：已存在"),
            advice=Text(en="use another name, or --force to replace it", zh="请换一个文件名，或用 --force 覆盖"),
        )


def _link(temporary: Path, output: Path) -> None:
    """Gives the file its name without ever replacing one that came up meanwhile."""
    try:
        os.link(temporary, output)
    except FileExistsError:
        raise UsageError(
            Text(en=f"--output {output}: exists already", zh=f"--output {output}：已存在"),
            advice=Text(en="use another name, or --force to replace it", zh="请换一个文件名，或用 --force 覆盖"),
        ) from None
    except OSError:  # a file system without links
        if output.exists():
            raise UsageError(
                Text(en=f"--output {output}: exists already", zh=f"--output {output}：已存在"),
                advice=Text(en="use another name, or --force to replace it", zh="请换一个文件名，或用 --force 覆盖"),
            ) from None
        temporary.replace(output)
