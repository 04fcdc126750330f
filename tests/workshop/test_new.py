"""`matrix new`: a skeleton that the gate refuses for the right reasons, that harms nobody, and that can be filled in."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.errors import UndeterminedError, UsageError
from envdoctor.facts import Facts
from envdoctor.knowledge import matrix_from
from envdoctor.knowledge.build import read_toml
from envdoctor.workshop.lint import lint, lint_entry
from envdoctor.workshop.new import new_entry, next_id
from tests.cli.conftest import envdoctor  # noqa: F401 (a fixture)

DAY = date(2026, 11, 21)
Runner = Callable[..., Any]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "matrix" / "entries" / "vllm").mkdir(parents=True)
    return tmp_path / "matrix"


def test_the_next_id_is_after_the_highest_of_the_year():
    assert next_id({"ED-2026-0007", "ED-2026-0120", "ED-2025-0900", "EC-numpy-2"}, 2026) == "ED-2026-0121"
    assert next_id(set(), 2027) == "ED-2027-0001"
    with pytest.raises(UsageError, match="used up"):
        next_id({"ED-2026-9999"}, 2026)


def test_a_skeleton_says_everything_that_is_missing(source: Path):
    path = new_entry(source, "vllm", today=DAY)
    assert path == source / "entries" / "vllm" / "ED-2026-0001.toml"
    assert set(lint_entry(read_toml(path), path.stem, {})) == {
        "title.zh: is empty (if you don't write Chinese, ask for it in the change)",
        "explanation.zh: is empty (if you don't write Chinese, ask for it in the change)",
        "fix[0].text.zh: is empty (if you don't write Chinese, ask for it in the change)",
        "title.en: is empty",
        "explanation.en: is empty",
        "fix[0].text.en: is empty",
        "evidence[0].says: is empty",
        "evidence[0].url: an https address is missing",
        "evidence[0].date: YYYY, YYYY-MM or YYYY-MM-DD",
        "case[0].name: is empty",
        "case[1].name: is empty",
        "when: neither a condition nor a signature: nothing can reach it",
    }


def test_a_matrix_with_a_skeleton_still_works_and_the_skeleton_matches_nothing(source: Path):
    new_entry(source, "vllm", today=DAY)
    matrix = matrix_from(source)
    assert len(matrix) == 1
    assert [f.id for f in diagnose(Facts(), matrix).findings if f.id.startswith("ED-")] == []


def test_filled_in_it_passes_the_gate(source: Path):
    path = new_entry(source, "vllm", today=DAY)
    text = path.read_text("utf-8")
    for key in ("[title]", "[explanation]", "[fix.text]"):
        head, tail = text.split(key, 1)
        text = head + key + tail.replace('en = ""', 'en = "words"', 1).replace('zh = ""', 'zh = "中文"', 1)
    text = text.replace('url = ""', 'url = "https://github.com/a/b/issues/1"').replace('date = ""', 'date = "2026-11"')
    text = text.replace('says = ""', 'says = "it"').replace('name = ""', 'name = "a case"')
    text = text.replace("[[fix]]", '[[when.all]]\npackage = "vllm"\nversions = [{ fixed = "0.5.0" }]\n\n[[fix]]', 1)
    path.write_text(text, "utf-8")
    assert [p.says for p in lint(source) if p.file.startswith("entries")] == []


@pytest.mark.parametrize("family", ["", "../checks", "vLLM", "a b", "-x", "a/b"])
def test_a_family_is_a_plain_folder_name(source: Path, family: str):
    with pytest.raises(UsageError, match="no family"):
        new_entry(source, family, today=DAY)
    assert list(source.rglob("*.toml")) == []


def test_ids_are_never_used_twice(source: Path):
    first = new_entry(source, "vllm", today=DAY, entry_id="ED-2026-0040")
    before = first.read_text("utf-8")
    with pytest.raises(UsageError, match="taken"):
        new_entry(source, "sglang", today=DAY, entry_id="ED-2026-0040")
    with pytest.raises(UsageError, match="ED-2026-NNNN"):
        new_entry(source, "vllm", today=DAY, entry_id="ED-2025-0041")
    assert new_entry(source, "sglang", today=DAY).stem == "ED-2026-0041"
    assert first.read_text("utf-8") == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(source: Path):
    (source / "entries").chmod(0o500)
    with pytest.raises(UndeterminedError, match="cannot write"):
        new_entry(source, "sglang", today=DAY)


def test_a_family_that_is_a_file(source: Path):
    (source / "entries" / "sglang").write_text("a file")
    with pytest.raises(UndeterminedError, match="cannot write"):
        new_entry(source, "sglang", today=DAY)


def test_the_command(envdoctor: Runner, source: Path):  # noqa: F811
    run = envdoctor("matrix", "new", "vllm", "--source", str(source))
    assert run.status == 0
    (path,) = source.rglob("*.toml")
    assert run.out.startswith(f"{path}: still missing\n")
    assert "  title.en: is empty\n" in run.out
    assert f"envdoctor matrix test {path.stem}" in run.err


def test_the_command_outside_of_a_checkout(envdoctor: Runner):  # noqa: F811
    run = envdoctor("matrix", "new", "vllm")
    assert run.status == 2
    assert "--source" in run.err
