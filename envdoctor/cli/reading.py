"""Files that a call names: regular ones only, up to a size, with one clear line for everything else."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from envdoctor.errors import UsageError

CAP = 64 * 1024 * 1024
STDIN_CAP = 32 * 1024 * 1024


def read_file(path: Path, option: str, *, cap: int = CAP) -> bytes:
    """The bytes of a file. Raises UsageError where it is none, is a device or pipe, or is larger than `cap` bytes."""
    try:
        # O_NONBLOCK: opening a pipe must not wait for somebody who writes
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise UsageError(f"{option} {path}: {_reason(error)}", advice="give the path of a file that exists") from None
    try:
        _regular(os.fstat(descriptor).st_mode, path, option)
    except UsageError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as handle:
        data = handle.read(cap + 1)
    if len(data) > cap:
        raise UsageError(f"{option} {path}: larger than {cap >> 20} MiB", advice="give the part around the error")
    return data


def _regular(mode: int, path: Path, option: str) -> None:
    if stat.S_ISDIR(mode):
        raise UsageError(f"{option} {path}: is a folder", advice="give the file in it")
    if not stat.S_ISREG(mode):
        advice = "use `--from -` to read standard input" if option == "--from" else "save it to a file first"
        raise UsageError(f"{option} {path}: is a pipe or device, not a file", advice=advice)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "is no usable path"


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
        sys.stderr.write("envdoctor: paste the report, then press Ctrl-D\n")
    data = sys.stdin.buffer.read(STDIN_CAP + 1)
    if len(data) > STDIN_CAP:
        raise UsageError(f"--from -: more than {STDIN_CAP >> 20} MiB", advice="paste the part around the error")
    return data
