"""The recorded hosts, told in Chinese: no sentence of ours is left in English anywhere on the page."""

from __future__ import annotations

import io
import re
from functools import cache

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.facts import Facts
from envdoctor.knowledge import load_matrix
from envdoctor.render.markdown import render_markdown
from envdoctor.render.plain import cells
from envdoctor.render.report import report
from envdoctor.render.terminal import terminal_text
from tests.probe.replay import HOSTS, replay

NAMES = sorted(path.name for path in HOSTS.iterdir() if path.is_dir())
#: three and more English words in a row: quoted are commands, and what NVML itself said
_WORDS = re.compile(r"(?<![\w./-])[A-Za-z]*[a-z]{2,}(?: [a-z]{2,}){2,}(?![\w/-])")
_QUOTED = re.compile(r"`[^`]*`|“[^”]*”|\"[^\"]*\"")


@cache
def facts(name: str) -> Facts:
    return replay(name)


def english_lines(text: str) -> list[str]:
    lines = (line for line in text.splitlines() if not line.strip().startswith(("uv pip", "pip ", "python -m")))
    return [line for line in lines if "NVML: " not in line and _WORDS.search(_QUOTED.sub("", line))]


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_host_in_chinese(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    matrix = load_matrix()
    made = report(facts(name), diagnose(facts(name), matrix), matrix, lang="zh")
    whole = terminal_text(facts(name), made, verbose=True, out=io.StringIO())
    for text in (whole, render_markdown(facts(name), made)):
        assert not english_lines(text)
    brief = terminal_text(facts(name), made, out=io.StringIO())
    assert max(cells(line) for line in brief.splitlines() if "https://" not in line) <= 80
