"""Reading files of a checkpoint safely: regular files only, inside their folder, capped in size and depth."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from envdoctor.errors import system_says
from envdoctor.facts.checkpoint import Damage
from envdoctor.text import Text
from envdoctor.values import dataclass

LFS_PREFIX = b"version https://git-lfs.github.com/spec/"
#: the configuration of the largest multi-modal models is some 100 kB
MAX_CONFIG_BYTES = 4 << 20
_HTML_STARTS = (b"<!doctype html", b"<html")


class Unreadable(Exception):  # noqa: N818  it carries a value, it is no failure of ours
    """A file that is not what it should be; `damage` is what the report shows."""

    def __init__(self, kind: str, file: str, says: Text) -> None:
        super().__init__(says)
        self.damage = Damage(kind=kind, file=file, says=says)


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A checkpoint folder, and the places outside it that its links may lead to (caches of downloads)."""

    path: Path
    real: Path
    link_roots: tuple[Path, ...] = ()


def open_folder(path: Path, cache_homes: Sequence[Path]) -> Folder:
    """The folder with its links resolved once. A snapshot in a cache may link to the blobs beside it."""
    real = path.resolve()
    roots = [home.resolve() for home in cache_homes]
    if real.parent.name == "snapshots":
        roots.append(real.parent.parent / "blobs")
    return Folder(path=path, real=real, link_roots=tuple(roots))


def inside(folder: Folder, name: str) -> Path:
    """The file `name` of the folder with links resolved. Raises Unreadable where it lies outside."""
    if "\0" in name or len(name) > 1024:
        raise Unreadable("path-escape", _short(name), Text(en="the file name is not usable", zh="文件名不可用"))
    plain = Path(name)
    if plain.is_absolute() or ".." in plain.parts:
        raise Unreadable(
            "path-escape",
            _short(name),
            Text(
                en="the name leads out of the checkpoint's folder; not followed", zh="文件名指向检查点目录之外，未读取"
            ),
        )
    try:
        real = (folder.real / plain).resolve()
    except (OSError, RuntimeError) as error:
        raise Unreadable(
            "unreadable-file",
            _short(name),
            Text(en=f"cannot be resolved: {type(error).__name__}", zh=f"路径无法解析：{type(error).__name__}"),
        ) from None
    if real.is_relative_to(folder.real) or any(real.is_relative_to(root) for root in folder.link_roots):
        return real
    # `huggingface-cli download --local-dir` linked large files into the cache's blobs up to huggingface_hub 0.22
    if real.parent.name == "blobs" and real.parent.parent.name.startswith("models--"):
        return real
    raise Unreadable(
        "link-outside",
        _short(name),
        Text(
            en="is a link that leads out of the checkpoint's folder; not followed",
            zh="是指向检查点目录之外的链接，未读取",
        ),
    )


def open_regular(folder: Folder, name: str) -> tuple[BinaryIO, int]:
    """An open file and its size in bytes. Raises FileNotFoundError, or Unreadable with the reason."""
    real = inside(folder, name)
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(name) from None
    except OSError as error:
        raise Unreadable(
            "unreadable-file",
            _short(name),
            Text(en=f"cannot be opened: {system_says(error)}", zh=f"无法打开：{system_says(error).zh}"),
        ) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise Unreadable("unreadable-file", _short(name), Text(en="is not a regular file", zh="不是普通文件"))
    return os.fdopen(descriptor, "rb"), status.st_size


def refuse_stand_ins(name: str, start: bytes) -> None:
    """Raises Unreadable for a Git LFS stub or a saved web page where a data file should be."""
    if start.startswith(LFS_PREFIX):
        raise Unreadable(
            "lfs-stub",
            _short(name),
            Text(
                en="is a Git LFS pointer, not the file itself; run `git lfs pull`",
                zh="是 Git LFS 指针，不是文件本身；请执行 `git lfs pull`",
            ),
        )
    if start.lstrip()[:16].lower().startswith(_HTML_STARTS):
        raise Unreadable(
            "bad-header",
            _short(name),
            Text(
                en="is a web page (an error page of a download), not the file itself",
                zh="是网页（下载时的错误页面），不是文件本身",
            ),
        )


def read_json(folder: Folder, name: str, limit: int = MAX_CONFIG_BYTES, kind: str = "bad-config") -> Any:
    """The JSON value of a file. Raises FileNotFoundError where there is none, Unreadable where it cannot be used."""
    handle, size = open_regular(folder, name)
    with handle:
        if size > limit:
            raise Unreadable(
                kind,
                name,
                Text(
                    en=f"is {size} bytes long; at most {limit} are read",
                    zh=f"大小为 {size} 字节，最多读取 {limit} 字节",
                ),
            )
        try:
            data = handle.read(size)
        except OSError as error:
            raise Unreadable(
                "unreadable-file",
                name,
                Text(en=f"cannot be read: {system_says(error)}", zh=f"无法读取：{system_says(error).zh}"),
            ) from None
    refuse_stand_ins(name, data[:512])
    return parse_json(data, name, kind)


def parse_json(data: bytes, name: str, kind: str) -> Any:
    """JSON text to values. Raises Unreadable for what is no JSON, or nested deeper than the parser goes."""
    if not data.strip():
        raise Unreadable(kind, name, Text(en="is empty", zh="为空"))
    try:
        return json.loads(data)
    except RecursionError:
        raise Unreadable(
            kind,
            name,
            Text(en="is nested too deeply to be a configuration or a header", zh="嵌套过深，不像配置或文件头"),
        ) from None
    except (ValueError, UnicodeError) as error:
        raise Unreadable(
            kind, name, Text(en=f"is not valid JSON: {str(error)[:120]}", zh=f"不是有效的 JSON：{str(error)[:120]}")
        ) from None


def _short(name: str) -> str:
    return name if len(name) <= 200 else f"{name[:197]}..."
