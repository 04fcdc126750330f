"""Draws docs/diagnose.svg and docs/diagnose.zh.svg: what `envdoctor diagnose` prints for tests/render/example-report.txt.

Run it in a checkout after the report's texts or its looks have changed; a test compares the picture with a fresh one.
"""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from envdoctor.cli.config import Config
from envdoctor.cli.session import Wanted, run_diagnosis
from envdoctor.render.plain import cells
from envdoctor.render.terminal import terminal_text

ROOT = Path(__file__).resolve().parent.parent
REPORT = "tests/render/example-report.txt"
MODEL = "Qwen/Qwen2-72B-Instruct-GPTQ-Int4"
COMMAND = f"envdoctor diagnose --from {REPORT} \\\n    --model {MODEL}"
COMMANDS = {"en": COMMAND, "zh": f"{COMMAND} --lang zh"}
PICTURES = {"en": ROOT / "docs" / "diagnose.svg", "zh": ROOT / "docs" / "diagnose.zh.svg"}
COLUMNS = 92
_LENGTH = re.compile(r'(<text [^>]*textLength=")([\d.]+)("[^>]*>([^<]*[^\x00-\x7f][^<]*))(?=</text>)')
#: the line that names the matrix changes with every entry, and says nothing about the report
_DATED = re.compile(r"^.*(?:Matrix of \S+, \d+ entries|知识库日期 \S+共 \d+ 条).*\n", re.MULTILINE)


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(lang: str = "en") -> str:
    """The report with its colours, as a terminal gets it. Reads COLUMNS, NO_COLOR and TERM like the command."""
    result = run_diagnosis(
        Wanted(source=str(ROOT / REPORT), model=MODEL), config=Config(), lang=lang, read_stdin=lambda: b""
    )
    text = terminal_text(result.facts, result.report, out=_Screen())
    return _DATED.sub("", text)


def picture(text: str, lang: str = "en") -> str:
    """The text as SVG. Fonts are not fetched: the reader's own monospace font is used."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text.from_ansi(f"$ {COMMANDS[lang]}\n{text.rstrip()}"), soft_wrap=True)
    svg = console.export_svg(title="envdoctor diagnose", unique_id="envdoctor")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace(
        "Fira Code", "ui-monospace, Menlo, Consolas"
    )
    svg = _LENGTH.sub(_widened, svg)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _widened(found: re.Match[str]) -> str:
    """rich counts characters, but a Chinese one takes two cells."""
    text = html.unescape(found[4])
    return (
        f"{found[1]}{float(found[2]) / max(len(text), 1) * cells(text):.5g}{found[0][found.end(2) - found.start() :]}"
    )


if __name__ == "__main__":
    import os

    os.environ.update(COLUMNS=str(COLUMNS), TERM="xterm")
    os.environ.pop("NO_COLOR", None)
    for language, place in PICTURES.items():
        place.write_text(picture(printed(language), language), "utf-8")
