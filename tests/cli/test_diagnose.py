"""`envdoctor diagnose` end to end: statuses, formats, ignores, languages, reading its own report back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]
BROKEN = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"
HEALTHY = (
    "PyTorch version: 2.4.1+cu121\n[pip3] numpy==1.26.4\n[pip3] torch==2.4.1+cu121\nNvidia driver version: 550.54.14\n"
)


def report(run: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(run.out)
    return data


def test_a_finding_is_named_with_grounds_and_fix(envdoctor: Runner):
    run = envdoctor("diagnose", "--from", "-", "--format", "json", stdin=BROKEN)
    assert run.status == 1
    first = report(run)["findings"][0]
    assert first["verdict"] == "match"
    assert first["cause"] == {"class": "numpy-abi", "packages": ["numpy", "torch"]}
    assert first["fix"]["pins"] == {"numpy": "<2"}
    assert {b["fact"] for b in first["because"]} >= {"package.numpy", "package.torch"}
    assert all(b["source"].startswith("line ") for b in first["because"])


def test_a_healthy_report_leaves_with_0(envdoctor: Runner):
    run = envdoctor("diagnose", "--from", "-", "--format", "json", stdin=HEALTHY)
    assert run.status == 0
    assert [f for f in report(run)["findings"] if f["severity"] == "error"] == []


def test_the_threshold_decides_the_status_and_not_the_text(envdoctor: Runner):
    assert envdoctor("diagnose", "--from", "-", "--fail-on", "never", stdin=BROKEN).status == 0


def test_the_report_is_deterministic_and_reads_itself_back(envdoctor: Runner, tmp_path: Path):
    first = envdoctor("diagnose", "--from", "-", "--format", "json", stdin=BROKEN).out
    assert envdoctor("diagnose", "--from", "-", "--format", "json", stdin=BROKEN).out == first
    (tmp_path / "report.json").write_text(first)
    again = envdoctor("diagnose", "--from", "report.json", "--format", "json")
    assert json.loads(again.out) == json.loads(first)


@pytest.mark.parametrize("format_", ["terminal", "markdown", "html"])
@pytest.mark.parametrize(("lang", "word"), [("en", "numpy"), ("zh", "不兼容")])
def test_every_format_in_both_languages(envdoctor: Runner, format_: str, lang: str, word: str):
    run = envdoctor("diagnose", "--from", "-", "--format", format_, "--lang", lang, stdin=BROKEN)
    assert run.status == 1
    assert word in run.out
    assert "EC-numpy-2" in run.out


def test_the_locale_chooses_the_language(envdoctor: Runner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "依据" in envdoctor("diagnose", "--from", "-", stdin=BROKEN).out


def test_output_goes_to_a_file_whole(envdoctor: Runner, tmp_path: Path):
    run = envdoctor("diagnose", "--from", "-", "--format", "json", "--output", "r.json", stdin=BROKEN)
    assert run.out == ""
    assert json.loads((tmp_path / "r.json").read_text())["schema_version"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_an_ignore_with_a_reason_silences_the_status_and_is_shown(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "envdoctor.toml").write_text(
        '[[ignore]]\nid = "EC-numpy-2"\nreason = "we never call numpy()"\nuntil = "2999-01-01"\n'
    )
    run = envdoctor("diagnose", "--from", "-", "--format", "json", stdin=BROKEN)
    found = next(f for f in report(run)["findings"] if f["id"] == "EC-numpy-2")
    assert (found["status"], found["note"]) == ("ignored", "we never call numpy()")
    assert "EC-numpy-2" not in [f["id"] for f in report(run)["findings"] if f["status"] == "active"]


@pytest.mark.parametrize(
    ("entry", "until", "says"),
    [
        ("EC-numpy-2", 'until = "2020-01-01"', "expired on 2020-01-01"),
        ("EC-memory-fit", 'until = "2999-01-01"', "matches nothing"),
        ("EC-no-such-check", 'until = "2999-01-01"', "names no entry"),
        ("EC-numpy-2", "until-fixed = true", "a version that fixes it exists"),
    ],
)
def test_an_ignore_without_effect_is_reported(envdoctor: Runner, tmp_path: Path, entry: str, until: str, says: str):
    (tmp_path / "envdoctor.toml").write_text(f'[[ignore]]\nid = "{entry}"\nreason = "x"\n{until}\n')
    run = envdoctor("diagnose", "--from", "-", stdin=BROKEN)
    assert says in run.err
    assert run.status == 1


def test_a_log_joins_a_pasted_report(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "fail.log").write_text(
        "ValueError: Weight input_size_per_partition = 14784 is not divisible by min_thread_k = 128.\n"
    )
    run = envdoctor("diagnose", "--from", "-", "--log", "fail.log", "--format", "json", stdin=HEALTHY + "vllm==0.5.4\n")
    first = report(run)["findings"][0]
    assert first["id"] == "EC-tensor-parallel-split"
    assert any("fail.log, line 1" in b["source"] for b in first["because"])


@pytest.mark.parametrize(
    "stdin", [b"\x00\xff\xfe" * 500, b"[" * 100_000, b'{"schema_version": 1, "facts": []}', "错误" * 1000]
)
def test_hostile_text_gets_a_report_or_a_line(envdoctor: Runner, stdin: bytes | str):
    run = envdoctor("diagnose", "--from", "-", "--format", "json", stdin=stdin)
    assert run.status in (0, 1, 2, 3)
    assert "internal error" not in run.err


def test_the_live_machine_gives_a_report(envdoctor: Runner):
    run = envdoctor("diagnose", "--format", "json")
    assert run.status in (0, 1)
    facts = report(run)["facts"]
    assert facts["target"]["python"]["value"].count(".") == 2
    assert facts["host"]["os"]["value"] == "linux"


def test_a_project_may_bring_a_matrix_folder_of_its_own(envdoctor: Runner, tmp_path: Path):
    entry = (Path(__file__).parents[1] / "workshop" / "good-entry.toml").read_text("utf-8")
    folder = tmp_path / "own" / "entries" / "house"
    folder.mkdir(parents=True)
    (folder / "ED-2026-9999.toml").write_text(entry, "utf-8")
    (tmp_path / "envdoctor.toml").write_text('matrix = ["own"]\n')
    pasted = "optimum==1.19.2\nSome weights ... newly initialized: ['x.bias']\n"
    run = envdoctor("diagnose", "--from", "-", "--format", "json", stdin=pasted)
    assert "ED-2026-9999" in [f["id"] for f in report(run)["findings"]]
    (tmp_path / "envdoctor.toml").write_text('matrix = ["nowhere"]\n')
    assert envdoctor("diagnose", "--from", "-", stdin=pasted).status == 2


@pytest.mark.parametrize("format_", ["markdown", "html"])
def test_what_is_made_to_be_pasted_carries_no_token(envdoctor: Runner, format_: str):
    secrets = ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "hunter2pass", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz01234567")
    line = f"A module that was compiled using NumPy 1.x cannot be run in NumPy 2: {secrets[0]} https://bob:{secrets[1]}@x.example {secrets[2]}"
    run = envdoctor("diagnose", "--from", "-", "--format", format_, stdin=f"{BROKEN}{line}\n")
    assert "x.example" in run.out
    assert [secret for secret in secrets if secret in run.out] == []
    assert "<token-1>" in run.out if format_ == "markdown" else "&lt;token-1&gt;" in run.out
