"""Where output goes: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from envdoctor.errors import UndeterminedError, UsageError


def write_output(text: str, output: Path | None) -> None:
    """Print, or write to a temporary name beside `output` and rename."""
    if output is None:
        stream = sys.stdout
        try:
            stream.write(text)
        except UnicodeEncodeError:  # an ASCII locale: show what can be shown
            stream.write(text.encode(stream.encoding or "ascii", "replace").decode(stream.encoding or "ascii"))
        stream.flush()
        return
    folder = output.parent
    if not folder.is_dir():
        raise UsageError(f"--output: the folder {folder} does not exist")
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{output.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(output)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise UndeterminedError(f"cannot write {output}: {error.strerror or error}") from None


def language(chosen: str | None) -> str:
    """`--lang`, else the locale: zh for Chinese ones, else en."""
    if chosen is not None:
        if chosen not in ("en", "zh"):
            raise UsageError(f"--lang {chosen}: en or zh")
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"
