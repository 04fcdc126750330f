"""Wrong calls are refused with one clear line and status 2; nothing to read is 3; never a traceback."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["diagnose", "--python", "/no/such/python"], "/no/such/python"),
        (["diagnose", "--python", "/bin/ls"], "/bin/ls"),
        (["diagnose", "--tp", "0"], "--tp 0"),
        (["diagnose", "--tp", "many"], "many"),
        (["diagnose", "--engine", "steam"], "--engine steam"),
        (["diagnose", "--task", "cook"], "--task cook"),
        (["diagnose", "--dtype", "nonsense"], "--dtype nonsense"),
        (["diagnose", "--format", "pdf"], "--format pdf"),
        (["diagnose", "--fail-on", "sometimes"], "--fail-on sometimes"),
        (["diagnose", "--lang", "fr"], "--lang fr"),
        (["diagnose", "--from", "no-such-file.txt"], "no-such-file.txt"),
        (["diagnose", "--from", "-", "--python", "python3"], "--from"),
        (["diagnose", "--log", "no-such.log"], "no-such.log"),
        (["diagnose", "--model", "./no-such-folder"], "no-such-folder"),
        (["diagnose", "--from", "-", "--output", "no/such/folder/report.json"], "folder"),
        (["diagnose", "--no-such-option"], "no-such-option"),
        (["no-such-command"], "no-such-command"),
        (["explain", "ED-1999-0001"], "ED-1999-0001"),
        (["matrix", "lint", "--source", "nowhere"], "nowhere"),
        (["smoke", "--format", "pdf"], "--format pdf"),
        (["smoke", "--device", "tpu"], "tpu"),
        (["lock"], "what for"),
        (["lock", "not a requirement"], "not a requirement"),
        (["lock", "--stack", "no-such-stack"], "no-such-stack"),
        (["lock", "torch", "--format", "pdf"], "--format pdf"),
        (["lock", "torch", "--output", "no/such/folder/lock.txt"], "folder"),
        (["lock", "torch", "--gpu", "Voodoo 2"], "Voodoo 2"),
        (["lock", "torch", "--driver", "new"], "--driver new"),
        (["lock", "--fix", "--stack", "vllm-awq"], "--stack"),
        (["lock", "torch", "--from", "-", "--python", "python3"], "--from"),
        (["diagnose", "--tp"], "--tp"),
        (["explain"], "ID"),
        (["diagnose", "extra"], "extra"),
        (["diff", "a.json", "b.json"], "a.json"),
        (["ticket", "--output", "no/such/folder/t.zip", "--from", "-"], "folder"),
    ],
)
def test_wrong_calls(envdoctor: Runner, arguments: list[str], says: str):
    run = envdoctor(*arguments, stdin="torch==2.2.1\n")
    assert run.status == 2, run
    assert says in run.err
    assert "Traceback" not in run.err + run.out
    lines = run.err.strip().splitlines()
    assert lines[0].startswith("envdoctor: ")
    assert len(lines) <= 2
    assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize("stdin", [b"", b"   \n\n"])
def test_nothing_to_read_is_undetermined(envdoctor: Runner, stdin: bytes):
    run = envdoctor("diagnose", "--from", "-", stdin=stdin)
    assert run.status == 3
    assert "nothing in it" in run.err


@pytest.mark.parametrize(
    "text",
    [
        "this is = not toml [",
        "[tool.envdoctor]\nunknown = 1",
        '[tool.envdoctor]\nfail-on = "rarely"',
        '[tool.envdoctor]\ntp = "two"',
        '[[tool.envdoctor.ignore]]\nid = "EC-numpy-2"',
        '[[tool.envdoctor.ignore]]\nid = "EC-numpy-2"\nreason = "x"\nuntil = "soon"',
        '[[tool.envdoctor.ignore]]\nid = "EC-numpy-2"\nreason = "x"',
    ],
)
def test_a_broken_configuration_is_a_wrong_call(envdoctor: Runner, tmp_path: Path, text: str):
    (tmp_path / "pyproject.toml").write_text(text)
    run = envdoctor("diagnose", "--from", "-", stdin="torch==2.2.1")
    assert run.status == 2
    assert "pyproject.toml" in run.err


def test_help_and_version(envdoctor: Runner):
    assert envdoctor("--version").out.startswith("envdoctor ")
    shown = envdoctor("--help")
    assert shown.status == 0
    for command in ("diagnose", "lock", "smoke", "ticket", "diff", "explain", "matrix"):
        assert command in shown.out


@pytest.mark.parametrize("arguments", [[], ["matrix"]])
def test_a_group_alone_shows_its_help(envdoctor: Runner, arguments: list[str]):
    run = envdoctor(*arguments)
    assert run.status == 2
    assert run.err.startswith("Usage: envdoctor")
    assert "--help" in run.err


def test_help_fits_80_columns_and_no_summary_is_cut(envdoctor: Runner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = envdoctor("--help").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown.split("Commands:")[1]
    assert "..." not in envdoctor("matrix", "--help").out.split("Commands:")[1]


def test_chinese_reaches_every_command(envdoctor: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    text = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.txt").write_text(text.replace("2.1.0", "1.26.4"))
    assert "依据" in envdoctor("diagnose", "--from", "a.txt").out
    assert "诊断结果不同" in envdoctor("diff", "a.txt", "b.txt").out
    ticket = envdoctor("ticket", "--from", "a.txt")
    assert "已遮蔽" in ticket.out
    assert "附上之前" in ticket.err
    assert "适用条件" in envdoctor("explain", "ED-2026-0003").out
    assert "环境" in envdoctor("matrix", "list").out
    assert "未识别" in envdoctor("diagnose", "--from", "-", stdin="hello").err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["diagnose", "--modle", "x"], "did you mean --model?"),
        (["diagnose", "--engine", "vlm"], "did you mean vllm?"),
        (["diagnose", "--task", "serv"], "did you mean serve?"),
        (["diagnose", "--dtype", "bfloat-16"], "did you mean bfloat16?"),
        (["diagnose", "--format", "jsn"], "did you mean json?"),
        (["diagnose", "--fail-on", "errors"], "did you mean error?"),
        (["diagnose", "--lang", "zh_CN"], "did you mean zh?"),
        (["diagnose", "--model"], "envdoctor diagnose --help"),
        (["diagnose", "--from", ""], "--from is empty"),
        (["matrix", "test", "--source"], "envdoctor matrix test --help"),
        (["matrix", "list", "--class", "known-bugs"], "did you mean known-bug?"),
        (["explain", "ED-2026-003"], "did you mean ED-2026-0003?"),
        (["explain", "3"], "did you mean ED-2026-0003?"),
        (["explain", "numpy2"], "did you mean EC-numpy-2?"),
        (["lock", "--stack", "vlm-awq"], "did you mean vllm-awq?"),
        (["lock", "torch", "--gpu", "4090"], "did you mean one of rtx 4090"),
        (["lock", "torch", "--gpu", "A10O"], "a100"),
        (["lock", "torch", "--era", "2024-01-01", "--no-era"], "give one of them"),
        (["lock", "torch", "--index-url", "nonsense"], "neither an address nor a folder"),
        (["lock", "torch", "--index-url", "https://"], "neither an address nor a folder"),
        (["lock", "torch=2.4"], "did you mean torch==2.4?"),
        (["lock", "requirements.txt"], "names a file"),
        (["smoke", "--rung", "torhc"], "did you mean torch?"),
        (["smoke", "--device", "gpu"], "--device gpu"),
        (["diff", ".", "."], "diff takes"),
    ],
)
def test_what_was_probably_meant_is_said(envdoctor: Runner, arguments: list[str], says: str):
    run = envdoctor(*arguments)
    assert run.status == 2, run
    assert says in run.err
    assert len(run.err.splitlines()) <= 2


def test_short_help_version_and_any_case(envdoctor: Runner):
    assert envdoctor("-V").out == envdoctor("--version").out
    assert envdoctor("diagnose", "-h").out == envdoctor("diagnose", "--help").out
    said = envdoctor(
        "diagnose", "--from", "-", "--format", "JSON", "--engine", "vLLM", "--dtype", "BF16", stdin="torch==2.2.1"
    )
    assert '"bfloat16"' in said.out


def test_a_list_without_entries_says_so(envdoctor: Runner):
    run = envdoctor("matrix", "list", "--package", "no-such-package")
    assert (run.status, run.out, run.err) == (0, "", "envdoctor: no entry is about that\n")
    assert envdoctor("matrix", "list", "--package", "Auto_GPTQ").out


TICKET_OF = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"


def test_a_ticket_is_known_by_what_it_is(envdoctor: Runner, tmp_path: Path):
    assert envdoctor("ticket", "--from", "-", "--output", "t.zip", stdin=TICKET_OF).status == 0
    data = (tmp_path / "t.zip").read_bytes()
    (tmp_path / "attachment").write_bytes(data)
    assert "EC-numpy-2" in envdoctor("diagnose", "--from", "attachment").out
    assert "EC-numpy-2" in envdoctor("diagnose", "--from", "-", stdin=data).out


@pytest.mark.parametrize(
    ("start", "says"), [(b"\x89PNG\r\n", "is a picture"), (b"%PDF-1.7", "is a PDF"), (b"\x1f\x8b\x08", "is compressed")]
)
@pytest.mark.parametrize("option", ["--from", "--log"])
def test_what_is_no_text_is_refused(envdoctor: Runner, tmp_path: Path, option: str, start: bytes, says: str):
    (tmp_path / "file").write_bytes(start + b"0" * 100)
    run = envdoctor("diagnose", option, "file")
    assert (run.status, says in run.err) == (2, True), run


def test_a_text_or_an_address_in_the_place_of_a_file(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "report.txt").write_text(TICKET_OF)
    assert "nothing is fetched" in envdoctor("diagnose", "--from", "https://github.com/a/b/issues/1").err
    assert "this is a text" in envdoctor("diagnose", "--from", "RuntimeError: CUDA error").err
    assert "did you mean --from report.txt?" in envdoctor("diagnose", "report.txt").err


def test_a_log_of_another_machine_is_said(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "run.log").write_text(TICKET_OF)
    assert "run.log speaks of torch 2.2.1+cu121, the target has none" in envdoctor("diagnose", "--log", "run.log").err


def test_a_ticket_of_a_newer_version_is_undetermined(envdoctor: Runner, tmp_path: Path):
    report = json.dumps({"schema_version": 7, "facts": {}, "tool": {}, "findings": []})
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("report.json", report)
    (tmp_path / "r.json").write_text(report)
    for name in ("t.zip", "r.json"):
        run = envdoctor("diff", name, name)
        assert (run.status, "or a newer one" in run.err) == (3, True), run


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('engine = "vlm"', ("envdoctor.toml: engine = vlm", "did you mean vllm?")),
        ('dtype = "bfloat"', ("envdoctor.toml: dtype = bfloat", "bfloat16")),
        ("tp = 1.5", ("tp must be a whole number",)),
        ('enigne = "vllm"', ("unknown key 'enigne'", "did you mean engine?")),
    ],
)
def test_a_wrong_value_is_named_where_it_stands(envdoctor: Runner, tmp_path: Path, line: str, says: tuple[str, ...]):
    (tmp_path / "envdoctor.toml").write_text(line + "\n")
    run = envdoctor("diagnose", "--from", "-", stdin=TICKET_OF)
    assert run.status == 2
    assert [text for text in says if text not in run.err] == []


def test_the_environment_around_what_was_given_is_named(envdoctor: Runner, tmp_path: Path):
    site = tmp_path / "env/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (tmp_path / "env/bin").mkdir()
    (tmp_path / "env/pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "env/bin/pip").write_text("#!/bin/sh\n")
    for given in ("env/bin", "env/bin/pip", str(site)):
        run = envdoctor("diagnose", "--python", given)
        assert (run.status, f"did you mean --python {tmp_path}/env?" in run.err) == (2, True), run


def test_an_active_environment_that_is_gone_is_said(envdoctor: Runner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VIRTUAL_ENV", "/no/such/env")
    assert "VIRTUAL_ENV names /no/such/env, which is gone" in envdoctor("diagnose").err
    assert "is gone" not in envdoctor("diagnose", "--from", "-", stdin=TICKET_OF).err
