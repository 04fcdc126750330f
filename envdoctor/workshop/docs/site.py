"""The folder that the site generator reads: hand-written pages, generated ones, and the files that they link to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envdoctor.errors import EnvdoctorError
from envdoctor.knowledge import matrix_from
from envdoctor.text import Text
from envdoctor.workshop.docs.commands import command_pages
from envdoctor.workshop.docs.entries import entry_pages, read_entries
from envdoctor.workshop.docs.reference import coverage_page, facts_page, fields_page, stacks_page
from envdoctor.workshop.schema import schema_text

#: files outside of docs/ that the site shows too: their place in the repository, and their page
ELSEWHERE = {
    "matrix/README.md": "matrix-format.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"(?<=\]\()(?P<to>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"^(```+).*?^\1`*$", re.MULTILINE | re.DOTALL)
_CONFIG = "zensical.toml"


def generated_pages(*, source: Path, command: Any) -> dict[str, str]:
    """Every page that is made from code and data, by its path in the site. `command`: what typer makes of the app."""
    matrix, entries = matrix_from(source), read_entries(source)
    return {
        **command_pages(command),
        **entry_pages(entries),
        "stacks.md": stacks_page(matrix),
        "coverage.md": coverage_page(matrix, entries),
        "report-fields.md": fields_page(),
        "facts.md": facts_page(),
        "report.schema.json": schema_text(),
    }


def stage(*, root: Path, pages: Mapping[str, str], output: Path) -> Path:
    """Make `output` anew: the configuration beside `pages/`. Raises EnvdoctorError where two pages claim one place.

    Hand-written pages link to each other and to the repository as the repository is laid out; links to what the site
    shows elsewhere are turned here.
    """
    shutil.rmtree(output, ignore_errors=True)
    folder = output / "pages"
    folder.mkdir(parents=True)
    for path in sorted((root / "docs").rglob("*")):
        relative = path.relative_to(root / "docs")
        if path.is_file() and path.suffix not in (".py", ".toml", ".pyc"):
            _place(folder / relative, path, root)
    for name, target in ELSEWHERE.items():
        if (root / name).exists():
            _place(folder / target, root / name, root)
    for relative_name, content in pages.items():
        target_path = folder / relative_name
        if target_path.exists():
            raise EnvdoctorError(
                Text(
                    en=f"{relative_name} is generated and also stands in docs/",
                    zh=f"{relative_name} 由程序生成，同时也存在于 docs/ 中",
                )
            )
        target_path.parent.mkdir(parents=True, exist_ok=True)
        target_path.write_text(content, "utf-8")
    shutil.copyfile(root / "docs" / _CONFIG, output / _CONFIG)
    return output / _CONFIG


def _place(target: Path, path: Path, root: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".md":
        shutil.copyfile(path, target)
        return
    target.write_text(turned(path.read_text("utf-8"), place=path.relative_to(root)), "utf-8")


def turned(content: str, *, place: Path) -> str:
    """The page with its links as the site needs them; code blocks stay as they are."""
    parts, at = [], 0
    for fence in _FENCE.finditer(content):
        parts += [_turn_links(content[at : fence.start()], place), fence.group()]
        at = fence.end()
    return "".join([*parts, _turn_links(content[at:], place)])


def _turn_links(content: str, place: Path) -> str:
    def turn(found: re.Match[str]) -> str:
        to, anchor = found["to"], found["anchor"] or ""
        if "://" in to or to.startswith("mailto:"):
            return found.group()
        parts: list[str] = []
        for part in (*place.parent.parts, *to.split("/")):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        target = "/".join(parts)
        if target in ELSEWHERE:
            target = ELSEWHERE[target]
        elif target.startswith("docs/"):
            target = target[5:]
        elif target == "docs":
            target = "index.md"
        else:
            return found.group()  # the strict build names it
        depth = len(place.parent.parts) - 1 if place.parts[0] == "docs" else 0
        return "../" * max(depth, 0) + target + anchor

    return _LINK.sub(turn, content)
