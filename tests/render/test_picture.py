"""The picture on the README's first screen is what the command prints now."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_picture", ROOT / "docs" / "make-picture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("COLUMNS", str(module.COLUMNS))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return module


def lines_of(svg: str) -> list[str]:
    """The text of a picture, a line for each that has text; how a release of rich draws around it does not matter."""
    rows: dict[str, str] = {}
    for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        if "clip-path" in element.attrib:
            rows[element.attrib["y"]] = rows.get(element.attrib["y"], "") + (element.text or "").replace("\xa0", " ")
    return [row.strip() for row in rows.values() if row.strip()]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_picture_is_what_the_command_prints(maker: ModuleType, lang: str):
    drawn = maker.PICTURES[lang].read_text("utf-8")
    assert lines_of(drawn) == lines_of(maker.picture(maker.printed(lang), lang)), "run: python docs/make-picture.py"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_picture_has_colours_and_fetches_nothing(maker: ModuleType, lang: str):
    drawn = maker.PICTURES[lang].read_text("utf-8")
    assert "#cc555a" in drawn
    assert "url(http" not in drawn
    assert "<script" not in drawn


@pytest.mark.parametrize(("name", "lang"), [("README.md", "en"), ("README.zh.md", "zh")])
def test_the_readme_shows_it_beside_its_command(maker: ModuleType, name: str, lang: str):
    readme = (ROOT / name).read_text("utf-8")
    assert f"(docs/{maker.PICTURES[lang].name})" in readme
    assert " ".join(maker.COMMANDS[lang].replace("\\\n", " ").split()) in readme
    assert (ROOT / maker.REPORT).is_file()
