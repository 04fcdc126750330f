"""The language of this call: `--lang`, else the configuration, else the locale.

Help texts and refusals are said before a command runs, so `spoken` reads `--lang` from the arguments themselves; once a
command has settled its language (`language`), everything that follows in this process is said in it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import EllipsisType

import typer

from envdoctor.nearest import one_of
from envdoctor.text import Text, said

LANGUAGES = ("en", "zh")
_LONGEST = 4000
LANG = typer.Option(
    None,
    "--lang",
    help=Text(
        en="en or zh (default: as configured, else from the locale).",
        zh="en 或 zh（默认依次取自配置文件、系统区域设置）。",
    ),
    show_default=False,
)
_settled: list[str] = []  # of this call; at most one


def language(chosen: str | None, configured: str | EllipsisType | None = ...) -> str:
    """Settles the language of the call. `configured`: of the configuration, where the command has read it already.

    Raises UsageError on another language than en and zh.
    """
    if chosen is not None:
        chosen = one_of("--lang", chosen, LANGUAGES)
    named = chosen or _argument(sys.argv[1:]) or (_configured() if isinstance(configured, EllipsisType) else configured)
    _settled[:] = [named or _locale()]
    if _settled[0] == "zh":
        _make_room()
    return _settled[0]


def spoken() -> str:
    """The language to say something in right now."""
    if _settled:
        return _settled[0]
    lang = _argument(sys.argv[1:]) or _configured() or _locale()
    if lang == "zh":
        _make_room()
    return lang


def begin() -> None:
    """A new call: nothing is settled."""
    _settled.clear()


def _argument(arguments: Sequence[str]) -> str | None:
    """The last `--lang` among the arguments, if it names a language; what stands behind `--` is no option."""
    options = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    named = [after for option, after in pairwise(options) if option == "--lang"]
    named += [option.partition("=")[2] for option in options if option.startswith("--lang=")]
    return named[-1] if named and named[-1] in LANGUAGES else None


def _make_room() -> None:
    """Who asks for Chinese where the encoding has none (`LC_ALL=C`, cp1252) gets UTF-8, and not a row of question marks."""
    from envdoctor.cli.output import shows

    for stream in (sys.stdout, sys.stderr):
        if not shows("中文", stream) and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")


def _configured() -> str | None:
    """`lang` of the configuration. One that cannot be read is no matter here: the commands that need it say so."""
    from envdoctor.cli.config import read_config
    from envdoctor.errors import EnvdoctorError

    try:
        return read_config(Path.cwd()).lang
    except (EnvdoctorError, OSError):
        return None


def _locale() -> str:
    """zh for Chinese locales whose encoding can show it, else en."""
    from envdoctor.cli.output import shows

    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") and shows("中文", sys.stdout) else "en"


def tell(text: str, advice: str | None = None) -> None:
    """A line of the tool itself on standard error, and below it what to do."""
    lang = spoken()
    colon = "：" if lang == "zh" else ": "
    note(f"envdoctor{colon}{said(text, lang)}")
    if advice:
        note(f"  {said(advice, lang)}")


def note(text: str) -> None:
    """A line on standard error, inert and of bounded length. Who does not listen misses it: the status says what happened."""
    from envdoctor.cli.output import drop
    from envdoctor.render.plain import visible_lines

    shown = visible_lines(text)
    try:
        typer.echo(shown if len(shown) < _LONGEST else shown[:_LONGEST] + " ...", err=True)
    except OSError:
        drop(sys.stderr)
