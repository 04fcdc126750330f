"""The examples of the pages: the worked entry passes the gate, the Python runs, the configuration is read."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from envdoctor.cli.config import read_config
from envdoctor.knowledge.build import read_toml
from envdoctor.workshop.gate import test_matrix as run_matrix
from envdoctor.workshop.lint import lint
from tests.docs.shown import PAGES, ROOT, blocks

DOCS = ROOT / "docs"
PYTHON = [(page.name, i, body) for page in PAGES for i, body in enumerate(blocks(page, "python"))]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A matrix of the worked example alone."""
    (text,) = blocks(DOCS / "writing-entries.md", "toml")
    (tmp_path / "entries" / "optimum").mkdir(parents=True)
    path = tmp_path / "entries" / "optimum" / "ED-2026-9001.toml"
    path.write_text(text, "utf-8")
    for name in ("checks", "tables", "derived", "groups.toml"):
        (tmp_path / name).symlink_to(ROOT / "matrix" / name)
    return path


def test_the_gate_accepts_the_worked_example(example: Path):
    assert [p.says for p in lint(example.parents[2]) if p.file.startswith("entries")] == []


def test_its_cases_give_what_they_expect(example: Path):
    results = run_matrix(example.parents[2], "ED-2026-9001")
    assert len(results) == 4
    assert [r for r in results if not r.passed] == []


def test_the_worked_example_is_a_real_entry_shortened(example: Path):
    shown, real = read_toml(example), read_toml(ROOT / "matrix" / "entries" / "optimum" / "ED-2026-0003.toml")
    assert shown["aliases"] == real["aliases"]
    assert shown["when"]["all"][0] == real["when"]["all"][0]
    assert {item["url"] for item in shown["evidence"]} <= {item.get("url") for item in real["evidence"]}


@pytest.mark.parametrize(("name", "number", "body"), PYTHON, ids=[f"{name}-{i}" for name, i, _ in PYTHON])
def test_python_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, number: int, body: str):
    monkeypatch.chdir(tmp_path)
    report = '{"findings": [{"id": "EC-x", "status": "active", "verdict": "match", "cause": {"packages": []}, "fix": {"pins": {}}}]}'
    done = subprocess.CompletedProcess(args=[], returncode=1, stdout=report, stderr="")
    if "subprocess.run(" in body:
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    space: dict[str, Any] = {}
    exec(compile(body, f"{name}:{number}", "exec"), space)
    assert space


def test_the_configuration_is_read(tmp_path: Path):
    (text,) = blocks(DOCS / "configuration.md", "toml")
    (tmp_path / "envdoctor.toml").write_text(text)
    config = read_config(tmp_path)
    assert (config.fail_on, config.engine, config.tp, config.lang) == ("warning", "vllm", 2, "en")
    assert [(i.id, bool(i.until), i.until_fixed) for i in config.ignores] == [
        ("EC-numpy-2", True, False),
        ("EC-pip-conflict", False, True),
    ]


def test_the_planned_machine_is_understood():
    from envdoctor.facts import value_of
    from envdoctor.ingest import ingest
    from envdoctor.knowledge import load_matrix

    (text,) = blocks(DOCS / "preparing-a-machine.md", "text")
    facts = ingest(text, gpu_table=load_matrix().tables["gpus"])
    (gpu,) = value_of(facts.gpus) or ()
    assert value_of(gpu.compute_capability) == "8.9"
    assert value_of(facts.driver.version) == "550.54.14"
    assert {d.name: d.version for d in facts.distributions.installed} == {"torch": "2.4.0", "vllm": "0.6.3"}


def test_every_python_function_of_the_api_is_on_its_page():
    import envdoctor

    page = (DOCS / "python-api.md").read_text("utf-8")
    for name in envdoctor.__all__:
        if not name.startswith("_"):
            assert f"| `{name}(" in page
