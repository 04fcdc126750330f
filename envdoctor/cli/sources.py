"""What is read besides the machine: reports, tickets and pasted texts (`--from`), and logs (`--log`)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

from envdoctor.cli.reading import read_file
from envdoctor.errors import InputError, UndeterminedError, UsageError
from envdoctor.facts import Facts, value_of
from envdoctor.ingest import ingest, merge
from envdoctor.knowledge import Matrix
from envdoctor.text import Text, same

_TICKET = b"PK\x03\x04"
_PICTURE = Text(en="is a picture: paste the text that it shows", zh="是图片：请粘贴其中的文字")
_DOCUMENT = Text(en="is a PDF: paste its text", zh="是 PDF：请粘贴其中的文字")
_COMPRESSED = Text(en="is compressed: unpack it first", zh="是压缩文件：请先解压")
#: what people attach in the place of a text, by its first bytes
_NO_TEXT = {
    b"\x89PNG": _PICTURE, b"\xff\xd8\xff": _PICTURE, b"GIF8": _PICTURE, b"RIFF": _PICTURE, b"%PDF": _DOCUMENT,
    b"\x1f\x8b": _COMPRESSED, b"BZh": _COMPRESSED, b"\xfd7zXZ": _COMPRESSED, b"\x28\xb5\x2f\xfd": _COMPRESSED,
    b"7z\xbc\xaf": _COMPRESSED, b"Rar!": _COMPRESSED,
}  # fmt: skip


def facts_from(source: str, matrix: Matrix, read_stdin: Callable[[], bytes]) -> Facts:
    """The facts of a file or of standard input (`-`), whatever its name says it is. Raises UsageError, UndeterminedError."""
    if source == "-":
        data, name = read_stdin(), Text(en="pasted text", zh="粘贴的文本")
    else:
        _check_name(source)
        data, name = read_file(Path(source), "--from"), same(Path(source).name)
    if data.startswith(_TICKET) or source.lower().endswith(".zip"):
        from envdoctor.facts import decode
        from envdoctor.ticket import read_ticket

        return decode(Facts, read_ticket(io.BytesIO(data), name=name)["facts"])
    if not data.strip():
        raise UndeterminedError(
            Text(en=f"{name}: there is nothing in it", zh=f"{name.zh}：内容为空"),
            advice=Text(en="paste the error and the versions you know", zh="请粘贴报错内容和已知的版本号"),
        )
    _check_text(data, name)
    return ingest(data, source=name, gpu_table=matrix.tables["gpus"])


def with_logs(facts: Facts, logs: Iterable[Path], matrix: Matrix, tell: Callable[[Text], None] | None) -> Facts:
    """The facts with what the logs say. `tell` hears where a log seems to be another machine's."""
    for path in logs:
        data = read_file(path, "--log")
        _check_text(data, same(f"--log {path}"))
        found = ingest(data, source=path.name, gpu_table=matrix.tables["gpus"])
        here, there = _torch(facts), _torch(found)
        if tell and there and here.partition("+")[0] != there.partition("+")[0]:
            tell(
                Text(
                    en=f"{path} speaks of torch {there}, the target has {f'torch {here}' if here else 'none'}: "
                    "a log of another machine is given with --from",
                    zh=f"{path} 中的 torch 是 {there}，而目标环境{f'装的是 torch {here}' if here else '没有 torch'}："
                    "如果日志来自另一台机器，请用 --from",
                )
            )
        facts = merge(facts, found)
    return facts


def _torch(facts: Facts) -> str:
    listed = next((item.version for item in facts.distributions.installed if item.name == "torch"), None)
    return value_of(facts.torch.version) or listed or ""


def _check_name(source: str) -> None:
    if source.startswith(("http://", "https://")):
        raise UsageError(
            Text(
                en=f"--from {source}: is an address, and nothing is fetched",
                zh=f"--from {source}：是网址，不会联网读取",
            ),
            advice=Text(
                en="save its text to a file, or paste it: --from -", zh="请把内容存为文件，或直接粘贴：--from -"
            ),
        )
    if any(mark in source for mark in ("\n", ": ", "==")) and not Path(source[:4000]).exists():
        raise UsageError(
            Text(en="--from takes the name of a file, and this is a text", zh="--from 需要文件名，这里给的是文本"),
            advice=Text(en="paste it: envdoctor diagnose --from -", zh="请直接粘贴：envdoctor diagnose --from -"),
        )


def _check_text(data: bytes, name: Text) -> None:
    for start, what in _NO_TEXT.items():
        if data.startswith(start):
            raise InputError(Text(en=f"{name}: {what}", zh=f"{name.zh}：{what.zh}"))
