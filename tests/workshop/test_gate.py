"""The gate: the shipped matrix passes it, and broken entries do not."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from envdoctor.errors import UndeterminedError
from envdoctor.knowledge.build import compile_matrix, entry_files
from envdoctor.toml import tomllib
from envdoctor.workshop.gate import test_matrix as run_matrix
from envdoctor.workshop.lint import lint, lint_entry

SOURCE = Path(__file__).parents[2] / "matrix"
GOOD = (Path(__file__).parent / "good-entry.toml").read_text("utf-8")


def test_the_matrix_passes_the_gate():
    assert [f"{p.file}: {p.says}" for p in lint(SOURCE)] == []


def test_every_case_gives_the_verdict_it_expects():
    results = run_matrix(SOURCE)
    assert [r for r in results if not r.passed] == []
    assert len(results) >= 2 * len(entry_files(SOURCE))


def test_compiling_is_deterministic():
    assert compile_matrix(SOURCE) == compile_matrix(SOURCE)


def test_the_good_entry_is_good():
    assert list(lint_entry(tomllib.loads(GOOD), "ED-2026-9999", {})) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "ED-2026-9999"', 'id = "ED-26-1"', "is not ED-YYYY-NNNN"),
        ('id = "ED-2026-9999"', 'id = "ED-2025-9999"', "the id says 2025"),
        ("published = 2026-11-21", "", "date is missing"),
        ("modified = 2026-11-21", "modified = 2026-11-20", "before published"),
        ('effect = "blocks"', 'effect = "blocks"\nrank = 1', "unknown key"),
        ('url = "https://github.com/a/b/issues/1"', 'url = "http://x"', "https"),
        (
            '[[evidence]]\ntype = "report"\nurl = "https://github.com/a/b/issues/1"\ndate = "2024-09"\nsays = "it"',
            "",
            "at least one source",
        ),
        ('zh = "测试标题"', 'zh = "title"', "is not Chinese"),
        ('expect = "silent"', 'expect = "match"', "near miss"),
        ('expect = "match"', 'expect = "silent"', "none that must apply"),
        ('pins = { optimum = ">=1.20.0" }', 'pins = { optimum = ">2,<1" }', "nothing satisfies"),
        ('pins = { optimum = ">=1.20.0" }', 'pins = { optimum = "newest" }', "no specifier"),
        ('pins = { optimum = ">=1.20.0" }', 'pins = { optimum = ">=1.19.0" }', "leave its versions"),
        (
            "[fix.text]",
            'commands = { pip = "pip install torch --index-url https://index.example/cu128" }\n[fix.text]',
            "names an index",
        ),
        ("pattern = '''newly initialized'''", "pattern = '''(a|b)+(?=c)'''", "pattern"),
        ("pattern = '''newly initialized'''", "pattern = '''.+'''", "plain characters"),
        ("pattern = '''newly initialized'''", "pattern = '''(a+)+long literal'''", "too long"),
        (
            'versions = [{ fixed = "1.20.0" }]',
            'versions = [{ introduced = "1.20.0" }]',
            "newest version that was checked",
        ),
    ],
)
def test_broken_entries_are_held_back(old: str, new: str, says: str):
    assert old in GOOD
    problems = list(lint_entry(tomllib.loads(GOOD.replace(old, new, 1)), "ED-2026-9999", {}))
    assert any(says in problem for problem in problems), problems


def made(folder: Path, **files: str) -> Path:
    (folder / "entries" / "family").mkdir(parents=True)
    for stem, text in files.items():
        (folder / "entries" / "family" / f"{stem.replace('_', '-')}.toml").write_text(text, "utf-8")
    return folder


def says(folder: Path) -> list[str]:
    return [p.says for p in lint(folder) if p.file.startswith("entries")]


def test_what_is_superseded_exists(tmp_path: Path):
    text = GOOD.replace('effect = "blocks"', 'effect = "blocks"\nsupersedes = ["EC-no-such-check", "EC-numpy-2"]')
    assert says(made(tmp_path, ED_2026_9999=text)) == ["supersedes: EC-no-such-check is no entry"]


def test_an_id_is_used_once(tmp_path: Path):
    folder = made(tmp_path, ED_2026_9999=GOOD, ED_2026_9998=GOOD)
    assert any("is also that of" in line for line in says(folder))


@pytest.mark.parametrize("text", ["not = toml = at all", 'id = "ED-2026-9999"', "[title]\nen = 1"])
def test_a_file_that_is_no_entry_is_a_problem_and_not_a_crash(tmp_path: Path, text: str):
    assert says(made(tmp_path, ED_2026_9999=text))


def test_a_case_with_the_wrong_verdict_fails(tmp_path: Path):
    wrong = GOOD.replace('"package.optimum" = "1.19.2"', '"package.optimum" = "1.21.0"', 1)
    results: Any = run_matrix(made(tmp_path, ED_2026_9999=wrong))
    assert [(r.name, r.expected, r.got) for r in results if not r.passed] == [("old", "match", "silent")]


def test_a_plain_installation_is_told_what_the_gate_needs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(UndeterminedError, match="google-re2"):
        lint(SOURCE)
    assert any("google-re2" in says for says in lint_entry(tomllib.loads(GOOD), "ED-2026-9999", {}))


def test_files_that_are_none_are_problems_and_no_end_of_the_gate(tmp_path: Path):
    folder = tmp_path / "entries" / "odd"
    folder.mkdir(parents=True)
    (folder / "deep.toml").write_text("x = " + "[" * 100_000)
    (folder / "binary.toml").write_bytes(bytes(range(256)))
    (folder / "empty.toml").touch()
    os.mkfifo(folder / "pipe.toml")
    (folder / "endless.toml").symlink_to("/dev/zero")
    (folder / "circle.toml").symlink_to("circle.toml")
    (folder / "folder.toml").mkdir()
    said = {problem.file.rpartition("/")[2]: str(problem.says) for problem in lint(tmp_path) if "odd" in problem.file}
    assert set(said) == {path.name for path in folder.iterdir()}
    assert "not TOML" in said["deep.toml"]
    assert "not a regular file" in said["pipe.toml"]
    assert "not a regular file" in said["endless.toml"]
