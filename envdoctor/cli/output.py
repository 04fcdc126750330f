"""Where output goes: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

from envdoctor.errors import UndeterminedError, UsageError, system_says
from envdoctor.patterns import lazy
from envdoctor.text import Text

#: what a terminal without Unicode is shown instead
_PLAIN = {
    "·": "-",
    "…": "...",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "×": "x",
    "–": "-",
    "—": "-",
    "’": "'",
    "“": '"',
    "”": '"',
}
_HIDDEN_IN_JSON = lazy(r"[^\x20-\x7e\n]")


def prepare_streams() -> None:
    """Makes standard output and error take any text: what their encoding lacks is shown by the nearest ASCII, or `?`.

    A closed descriptor (`>&-`) is replaced by the null device, so that nothing stumbles over it.
    """
    codecs.register_error("envdoctor", _nearest)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _nothing(mode))
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="envdoctor")


def _nothing(mode: str) -> Any:
    return open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123 - stands in for a stream as long as the process runs


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


def shows(text: str, stream: TextIO) -> bool:
    """Whether the encoding of `stream` has these characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write_output(text: str, output: Path | None) -> None:
    """Print; or write to a temporary name beside `output` and rename. A link is followed, a device or pipe is written to.

    Raises UsageError where `output` cannot be meant, UndeterminedError where the disk is full or refuses.
    """
    if output is None:
        print_out(text)
        return
    check_output(output)
    place = Path(os.path.realpath(output))  # a link stays a link
    data = text.encode("utf-8", "replace")
    try:
        if place.exists() and not place.is_file():
            _write_special(place, data)
        else:
            _write_whole(place, data)
    except OSError as error:
        why = system_says(error)
        raise UndeterminedError(
            Text(en=f"--output {output}: cannot be written: {why}", zh=f"--output {output}：无法写入：{why.zh}"),
            advice=Text(en="choose another place", zh="请换一个位置"),
        ) from None


def print_out(text: str) -> None:
    """To standard output. A reader that went away (`| head`) changes nothing: the status is still that of the findings."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()


def forget_output() -> None:
    """Keeps the interpreter from complaining at exit about output that nobody takes."""
    if not drop(sys.stdout):
        sys.stdout = _nothing("w")


def drop(stream: TextIO) -> bool:
    """What is still to be written to `stream` goes nowhere. False where it has no descriptor."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return False
    return True


def check_output(output: Path | None) -> None:
    """Refuses a place that nothing can be written to, before the work is done. Raises UsageError."""
    if output is None:
        return
    if output.is_dir():
        raise UsageError(
            Text(en=f"--output {output}: is a folder", zh=f"--output {output}：是目录"),
            advice=Text(en="give the name of a file in it", zh="请给出其中的文件名"),
        )
    if Path(os.path.realpath(output)).is_symlink():
        raise UsageError(
            Text(en=f"--output {output}: is a link that leads in a circle", zh=f"--output {output}：是循环的符号链接"),
            advice=Text(en="name another place", zh="请另选位置"),
        )
    if not output.parent.is_dir():
        raise UsageError(
            Text(
                en=f"--output: the folder {output.parent} does not exist", zh=f"--output：目录 {output.parent} 不存在"
            ),
            advice=Text(en="make it, or name another place", zh="请先创建该目录，或换一个位置"),
        )


def _write_special(place: Path, data: bytes) -> None:
    """Devices and pipes (/dev/stdout, /dev/null) are written to, never replaced; a pipe that nobody reads is refused."""
    descriptor = os.open(place, os.O_WRONLY | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)


def _write_whole(place: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".envdoctor-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        temporary.chmod(_mode(place))
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def _mode(place: Path) -> int:
    """The mode of the file that is replaced, else what the user's umask leaves of 0666."""
    if place.exists():
        return stat.S_IMODE(place.stat().st_mode)
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask


def columns() -> int:
    """The width of the terminal, within what reads well; 80 where there is none."""
    import shutil

    return max(40, min(110, shutil.get_terminal_size((80, 24)).columns)) - 1


def json_text(data: Any) -> str:
    """JSON for people and programs: Unicode as it is, but characters that are not printed (ESC, direction marks) as escapes."""
    text = json.dumps(data, ensure_ascii=not shows("中·", sys.stdout), indent=1) + "\n"
    return _HIDDEN_IN_JSON.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    return char if char.isprintable() else json.dumps(char)[1:-1]
