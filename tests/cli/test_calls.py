"""Wrong calls are refused with one clear line and status 2; nothing to read is 3; never a traceback."""

from __future__ import annotations

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
        (["diff", "a.json", "b.json"], "a.json"),
        (["ticket", "--output", "no/such/folder/t.zip", "--from", "-"], "folder"),
    ],
)
def test_wrong_calls(envdoctor: Runner, arguments: list[str], says: str):
    run = envdoctor(*arguments, stdin="torch==2.2.1\n")
    assert run.status == 2, run
    assert says in run.err
    assert "Traceback" not in run.err + run.out
    assert len(run.err.strip().splitlines()) <= 4


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
