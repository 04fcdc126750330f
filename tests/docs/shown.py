"""What the documentation shows: its pages, the commands in them, and the blocks of code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from envdoctor.cli.commands import application

ROOT = Path(__file__).parents[2]
COMMAND: Any = typer.main.get_command(application())
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "matrix" / "README.md")
    if path.name != "CHANGELOG.md"
)
_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?:(?:    .*)?\n)+")
_INLINE = re.compile(r"(?<!`)`(?P<code>envdoctor [^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Command:
    """One line that a page shows, and whether it is a synopsis (it has brackets, bars or dots) or can be typed."""

    page: str
    line: str

    @property
    def synopsis(self) -> bool:
        return bool(re.search(r"[\[\]|]|\.\.\.| (?:ID|COMMAND|NAME|REQUIREMENT|A B|FAMILY)\b", self.line))

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The fenced blocks of a page in one of the languages."""
    for found in _FENCE.finditer(page.read_text("utf-8")):
        if found["language"] in languages:
            yield found["body"]


def shell_lines() -> Iterator[Command]:
    """Every line of every shell block, and every `envdoctor` line of indented ones."""
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        for body in blocks(page, "sh", "shell", "bash"):
            yield from (Command(name, line.strip()) for line in body.splitlines() if line.strip())
        for body in blocks(page, "console"):
            yield from (Command(name, line[2:].strip()) for line in body.splitlines() if line.startswith("$ "))
        rest = _FENCE.sub("", page.read_text("utf-8"))
        for found in _INDENTED.finditer(rest):
            lines = (line.strip() for line in found.group().splitlines())
            yield from (Command(name, line) for line in lines if line.startswith("envdoctor "))


def inline() -> Iterator[Command]:
    """Commands that stand between backticks in a sentence."""
    for page in PAGES:
        rest = _FENCE.sub("", page.read_text("utf-8"))
        yield from (Command(page.relative_to(ROOT).as_posix(), found["code"]) for found in _INLINE.finditer(rest))


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    """The command that `envdoctor ...` means, and the words after its name. Raises KeyError where there is none."""
    command, rest = COMMAND, words[1:]
    while rest and not rest[0].startswith("-") and getattr(command, "commands", None):
        command = command.commands[rest[0]]
        rest = rest[1:]
    return command, rest
