"""The terminal report: cause, grounds and fix within one screen, certain before possible, never two things at once."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.diagnose.ignores import Ignore, apply_ignores
from envdoctor.facts import known
from envdoctor.facts.smoke import Outcome, Rung, RungResult, SmokeReport
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix
from envdoctor.render.plain import cells
from envdoctor.render.report import report
from envdoctor.render.terminal import terminal_text
from envdoctor.render.words import WORDS

NUMPY = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"
SPLIT = (
    "GPU 0: NVIDIA GeForce RTX 4090\nvllm==0.5.4\n"
    "ValueError: Weight input_size_per_partition = 14784 is not divisible by min_thread_k = 128.\n"
)
DEPENDS = "[pip3] optimum==1.19.2\n[pip3] auto-gptq==0.7.1\n[pip3] transformers==4.40.1\n[pip3] torch==2.2.1\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def made(text: str, lang: str = "en", ignores: tuple[Ignore, ...] = ()) -> tuple[Any, dict[str, Any]]:
    matrix = load_matrix()
    facts = ingest(text, gpu_table=matrix.tables["gpus"])
    diagnosis, _ = apply_ignores(diagnose(facts, matrix), ignores, (matrix,), date(2026, 1, 1))
    return facts, report(facts, diagnosis, matrix, lang=lang)


def shown(text: str, lang: str = "en", *, verbose: bool = False, ignores: tuple[Ignore, ...] = ()) -> list[str]:
    return terminal_text(*made(text, lang, ignores), verbose=verbose, out=io.StringIO()).splitlines()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("text", [NUMPY, SPLIT, DEPENDS, NUMPY + SPLIT + DEPENDS, ""])
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_lines_fit_and_none_ends_in_a_space(lang: str, text: str, columns: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    facts, data = made(text, lang)
    lines = terminal_text(facts, data, out=io.StringIO()).splitlines()
    whole = {command for f in data["findings"] for o in f["fix"]["options"] for command in o["commands"].values()}
    for line in lines:
        assert line == line.rstrip()
        pasted = line.strip() in whole or "://" in line  # what is to be copied is never broken
        assert pasted or cells(line) <= min(columns, 110) + 1, line


def test_cause_grounds_and_fix_come_within_one_screen():
    screen = "\n".join(shown(NUMPY)[:24])
    for part in ("ERROR numpy 2.1.0", "EC-numpy-2, certain", "because  package", "fix", "'numpy<2'"):
        assert part in screen


def test_what_depends_on_the_user_is_named_and_nothing_is_called_healthy():
    text = "\n".join(shown(DEPENDS))
    assert "No known problem" not in text
    assert "Nothing certain was found." in text
    assert "depending on what you run" in text
    assert "--model" in text


def test_certain_findings_come_before_possible_ones_and_verbose_shows_all():
    text = NUMPY + DEPENDS
    facts, data = made(text)
    lines = "\n".join(terminal_text(facts, data, out=io.StringIO()).splitlines())
    certain = [lines.index(f["id"]) for f in data["findings"] if f["verdict"] == "match"]
    possible = [lines.index(f["id"]) for f in data["findings"] if f["verdict"] == "possible" and f["id"] in lines]
    assert certain
    assert possible
    assert max(certain) < min(possible)
    full = "\n".join(shown(text, verbose=True))
    for finding in data["findings"]:
        assert finding["id"] in full
        assert all(b["fact"] in full for b in finding["because"])
    assert "Facts" in full
    assert "package.optimum = 1.19.2" in full


def test_an_ignored_finding_takes_a_line_with_its_reason():
    ignore = Ignore(id="EC-numpy-2", reason="we never call numpy()", until=date(2999, 1, 1))
    text = " ".join(" ".join(shown(NUMPY, ignores=(ignore,))).split())
    assert "[EC-numpy-2, ignored: we never call numpy()]" in text
    assert "'numpy<2'" not in text


def test_colours_only_on_a_terminal_and_not_with_no_color(monkeypatch: pytest.MonkeyPatch):
    facts, data = made(NUMPY)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    assert "\x1b[" not in terminal_text(facts, data, out=io.StringIO())
    assert "\x1b[1;31m" in terminal_text(facts, data, out=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in terminal_text(facts, data, out=Terminal())


def test_long_values_are_cut_and_whole_with_verbose():
    facts, data = made(NUMPY)
    finding = data["findings"][0]
    finding["because"] = [{"fact": f"fact.{i}", "value": "x" * 500, "source": "s" * 500} for i in range(9)]
    finding["explanation"] = "First sentence. " + "Then many more words. " * 60
    data = json.loads(json.dumps(data))
    short = terminal_text(facts, data, out=io.StringIO())
    assert "and 5 more: --verbose" in short
    assert "x" * 200 not in "".join(short.split())
    assert len(short.splitlines()) < 40
    assert "x" * 500 in "".join(terminal_text(facts, data, verbose=True, out=io.StringIO()).split())


def test_every_word_has_both_languages_and_the_same_holes():
    import re

    for key, (english, chinese) in WORDS.items():
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", chinese)), key
        assert not re.search(r"[\u4e00-\u9fff][,;:]", chinese), f"{key}: half-width punctuation after Chinese"


@pytest.mark.parametrize(("lang", "doubled"), [("en", "or   Or"), ("zh", "或者  或")])
def test_no_word_is_said_twice(lang: str, doubled: str):
    assert doubled not in "\n".join(shown(NUMPY, lang)).replace("       ", "   ")
    assert not [line for line in shown(NUMPY, lang) if line.split()[:2] in (["or", "Or"], ["或者", "或"])]


def test_places_are_named_in_chinese_too():
    assert "第 2 行" in "\n".join(shown(NUMPY, "zh"))
    assert "line 2" in "\n".join(shown(NUMPY))


@pytest.mark.parametrize(
    ("source", "packages", "says"),
    [
        ("./.venv", "[pip3] envdoctor-gpu==0.1.0\n", "where envdoctor itself is installed"),
        ("VIRTUAL_ENV", "[pip3] numpy==1.26.4\n", "There is no torch in it"),
        ("VIRTUAL_ENV", "[pip3] torch==2.13.0\n", None),
        ("--python", "[pip3] numpy==1.26.4\n", None),
    ],
)
def test_it_says_which_environment_it_looked_at(source: str, packages: str, says: str | None):
    facts, data = made(packages)
    here = replace(
        facts.target, executable=known("/srv/env/bin/python", source), site_packages=known(("/srv/env/lib",), source)
    )
    lines = terminal_text(replace(facts, target=here), data, out=io.StringIO()).splitlines()
    assert f"target: /srv/env/bin/python ({source})" in lines
    named = [line for line in lines if "name it: --python" in " ".join(lines)]
    assert (says in " ".join(" ".join(lines).split())) if says else not named


def test_a_file_of_the_target_is_shown_by_its_name():
    facts, data = made(NUMPY)
    item = data["findings"][0]["because"][0]
    item["source"] = "/srv/a very/long path/to/env/lib/python3.11/site-packages/numpy-2.1.0.dist-info"
    shown = terminal_text(facts, data, out=io.StringIO())
    assert "(numpy-2.1.0.dist-info)" in shown
    assert "a very/long" in terminal_text(facts, data, verbose=True, out=io.StringIO())


def test_of_several_of_one_kind_the_first_explains():
    facts, data = made(NUMPY)
    again = {**data["findings"][0], "title": "another of its kind"}
    shown = terminal_text(facts, {**data, "findings": [*data["findings"][:1], again]}, out=io.StringIO())
    assert "another of its kind" in shown
    assert shown.count("was compiled against the C interface") == 1
    assert shown.count("fix ") == 2
    whole = terminal_text(facts, {**data, "findings": [*data["findings"][:1], again]}, verbose=True, out=io.StringIO())
    assert whole.count("was compiled against the C interface") == 2


def test_what_came_of_the_ladder_is_said():
    facts, data = made(NUMPY)
    passed = RungResult(rung=Rung.TORCH, name="import", outcome=Outcome.PASSED)
    climbed = SmokeReport(python="/e/bin/python", python_version="3.11.7", device="auto", results=(passed,))
    shown = terminal_text(replace(facts, smoke=known(climbed, "smoke ladder")), data, out=io.StringIO())
    assert "smoke: Every rung that could run has passed.\n1 error\n" in shown
