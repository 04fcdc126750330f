"""Files that a call names: regular ones only, up to a size, with one clear line for everything else."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from envdoctor.errors import UsageError, system_says
from envdoctor.text import Text

CAP = 64 * 1024 * 1024
STDIN_CAP = 32 * 1024 * 1024
FOLDER = Text(en="is a folder", zh="是目录")
DEVICE = Text(en="is a pipe or device, not a file", zh="是管道或设备，不是文件")


def read_file(path: Path, option: str, *, cap: int = CAP) -> bytes:
    """The bytes of a file. Raises UsageError where it is none, is a device or pipe, or is larger than `cap` bytes."""
    try:
        # O_NONBLOCK: opening a pipe must not wait for somebody who writes
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        why = _reason(error)
        advice = Text(en="give the path of a file that exists", zh="请给出存在的文件路径")
        if isinstance(error, PermissionError):
            advice = Text(
                en="make it readable, or copy it to where you can read it", zh="请修改权限，或复制到可读的位置"
            )
        raise UsageError(Text(en=f"{option} {path}: {why}", zh=f"{option} {path}：{why.zh}"), advice=advice) from None
    try:
        _regular(os.fstat(descriptor).st_mode, path, option)
    except UsageError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as handle:
        data = handle.read(cap + 1)
    if len(data) > cap:
        raise UsageError(
            Text(en=f"{option} {path}: larger than {cap >> 20} MiB", zh=f"{option} {path}：超过 {cap >> 20} MiB"),
            advice=Text(en="give the part around the error", zh="请只给出报错附近的部分"),
        )
    return data


def _regular(mode: int, path: Path, option: str) -> None:
    if stat.S_ISDIR(mode):
        raise UsageError(
            Text(en=f"{option} {path}: {FOLDER}", zh=f"{option} {path}：{FOLDER.zh}"),
            advice=Text(en="give the file in it", zh="请给出其中的文件"),
        )
    if not stat.S_ISREG(mode):
        advice = Text(en="save it to a file first", zh="请先保存为文件")
        if option == "--from":
            advice = Text(en="use `--from -` to read standard input", zh="读取标准输入请用 `--from -`")
        raise UsageError(Text(en=f"{option} {path}: {DEVICE}", zh=f"{option} {path}：{DEVICE.zh}"), advice=advice)


def _reason(error: OSError | ValueError) -> Text:
    return system_says(error) if isinstance(error, OSError) else Text(en="is no usable path", zh="不是可用的路径")


def cache_folder() -> Path:
    """The user's cache folder; one that does not exist where the user has no home (a container run under a bare number)."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named) if named else Path.home() / ".cache"
    except RuntimeError:
        return Path("/nonexistent/.cache")


def read_stdin() -> bytes:
    """All of standard input, up to a cap that no pasted report reaches. Raises UsageError beyond it."""
    if sys.stdin.isatty():
        from envdoctor.cli.language import tell

        tell(Text(en="paste the report, then press Ctrl-D", zh="请粘贴报告，然后按 Ctrl-D"))
    data = sys.stdin.buffer.read(STDIN_CAP + 1)
    if len(data) > STDIN_CAP:
        raise UsageError(
            Text(en=f"--from -: more than {STDIN_CAP >> 20} MiB", zh=f"--from -：超过 {STDIN_CAP >> 20} MiB"),
            advice=Text(en="paste the part around the error", zh="请只粘贴报错附近的部分"),
        )
    return data
