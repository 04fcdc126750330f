"""What a call names is read bounded and only where it is a file; what was read never reaches the terminal raw."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]
ESC, RLO = "\x1b[2J\x1b]0;owned\x07", "\u202e"
BROKEN = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"


def raw(text: str) -> list[str]:
    return [c for c in text if not c.isprintable() and c != "\n"]


@pytest.fixture
def places(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    os.mkfifo(tmp_path / "fifo.zip")
    (tmp_path / "zero.zip").symlink_to("/dev/zero")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("option", ["--from", "--log"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/dev/zero", "pipe or device"),
        ("/dev/urandom", "pipe or device"),
        ("fifo", "pipe or device"),
        ("fifo.zip", "pipe or device"),
        ("zero.zip", "pipe or device"),
        ("dangling", "No such file"),
        ("folder", "is a folder"),
        ("a" * 300, "too long"),
    ],
)
def test_only_files_are_read(envdoctor: Runner, places: Path, option: str, name: str, says: str):
    run = envdoctor("diagnose", option, name)
    assert run.status == 2, run
    assert says in run.err
    assert len(run.err.splitlines()) == 2


def test_a_name_that_is_empty(envdoctor: Runner):
    assert "--from is empty" in envdoctor("diagnose", "--from", "").err
    assert "is a folder" in envdoctor("diagnose", "--log", "").err


def test_a_file_beyond_the_cap_is_refused_unread(envdoctor: Runner, tmp_path: Path):
    with (tmp_path / "large.log").open("wb") as file:
        file.truncate(70 << 20)  # a sparse file
    run = envdoctor("diagnose", "--from", "large.log")
    assert (run.status, "larger than 64 MiB" in run.err) == (2, True)


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40, b"hello, it does not work\n"])
def test_what_holds_nothing_known_is_undetermined_and_never_green(envdoctor: Runner, data: bytes):
    run = envdoctor("diagnose", "--from", "-", stdin=data)
    assert run.status == 3
    assert "Nothing was recognised" in run.out
    assert "No known problem" not in run.out
    assert "pip list" in run.err
    assert envdoctor("diagnose", "--from", "-", "--format", "json", stdin=data).status == 3


@pytest.mark.parametrize("format_", ["terminal", "markdown", "json", "html"])
def test_control_and_direction_characters_are_shown_and_not_obeyed(envdoctor: Runner, tmp_path: Path, format_: str):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(
        json.dumps({"model_type": ESC + RLO, "quantization_config": {"quant_method": ESC}, "torch_dtype": RLO})
    )
    log = tmp_path / "fail.log"
    log.write_text(f"ImportError: {ESC}{RLO}undefined symbol: {RLO}_ZN3c10{ESC}\nINVALID{RLO}: numpy\n", "utf-8")
    for verbose in ([], ["--verbose"]):
        run = envdoctor(
            "diagnose", "--from", "-", "--log", "fail.log", "--model", str(model), "--format", format_, *verbose,
            stdin=BROKEN + f"{ESC}evil{RLO}==1.0\nCUDA error: {ESC}no kernel image is available {RLO}\n",
        )  # fmt: skip
        assert run.status == 1, run.err
        assert raw(run.out) == []
        assert raw(run.err) == []


def test_error_lines_show_hostile_arguments_inert(envdoctor: Runner):
    for arguments in (
        ["diagnose", "--from", f"{ESC}{RLO}x"],
        ["diagnose", "--model", f"./{ESC}{RLO}x"],
        ["diagnose", "--engine", ESC],
        ["explain", f"{RLO}{ESC}"],
        [f"{ESC}command"],
        ["lock", f"{ESC}{RLO}"],
    ):
        run = envdoctor(*arguments)
        assert run.status == 2, run
        assert raw(run.err) == [], arguments


def test_json_keeps_the_value_behind_its_escapes(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": f"a{RLO}b"}))
    run = envdoctor("diagnose", "--from", "-", "--model", str(tmp_path), "--format", "json", stdin=BROKEN)
    assert json.loads(run.out)["facts"]["checkpoint"]["model_type"]["value"] == f"a{RLO}b"
    assert r"a\u202eb" in run.out


@pytest.mark.parametrize("name", ["~/no/such", "../no/such", "Qwen/../../etc", "a b/c;d", "-", "🦙/x"])
def test_odd_model_names_are_refused_in_a_line(envdoctor: Runner, name: str):
    run = envdoctor("diagnose", "--from", "-", f"--model={name}", stdin=BROKEN)
    assert run.status == 2, run
    assert len(run.err.splitlines()) == 2


def test_a_zip_bomb_is_refused(envdoctor: Runner, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", b" " * (200 << 20))
    run = envdoctor("diagnose", "--from", "t.zip")
    assert (run.status, "refused" in run.err) == (2, True), run


@pytest.mark.parametrize(
    "change",
    [
        {"facts": []},
        {"facts": {"host": 3}},
        {"facts": {"gpus": {"value": [1], "source": "x"}}},
        {"facts": {"torch": {"version": {"value": [], "source": 1}}}},
        {"facts": {"distributions": {"installed": [{"name": 1}]}}},
        {"schema_version": 99},
        {"schema_version": "1\x1b[31m"},
    ],
)
def test_an_own_report_with_wrong_types_is_refused(envdoctor: Runner, change: dict[str, Any]):
    report = json.loads(envdoctor("diagnose", "--from", "-", "--format", "json", stdin=BROKEN).out)
    run = envdoctor("diagnose", "--from", "-", stdin=json.dumps({**report, **change}))
    assert run.status == (3 if "schema_version" in change else 2), (
        run
    )  # of another version: not wrong, not readable here
    assert len(run.err.splitlines()) <= 2
    assert raw(run.err) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = " + "[" * 100_000, "envdoctor.toml"),
        ("#" * (5 << 20), "larger than"),
        ("ignore = 3", "ignore"),
        ("ignore = [3]", "ignore[0]"),
        ('[[ignore]]\nid = 3\nreason = "x"\nuntil = 2999-01-01', "ignore[0]"),
        ('[[ignore]]\nid = "EC-numpy-2"\nreason = "x"\nuntil = 3', "no date"),
        ("tp = true", "tp"),
        ('engine = "steam"', "steam"),
        ('lang = "fr"', "fr"),
        ("tp = 0", "--tp 0"),
    ],
)
def test_hostile_configuration(envdoctor: Runner, tmp_path: Path, text: str, says: str):
    (tmp_path / "envdoctor.toml").write_text(text)
    run = envdoctor("diagnose", "--from", "-", stdin=BROKEN)
    assert run.status == 2, run
    assert says in run.err
    assert len(run.err) < 600


def test_a_date_with_a_time_ends_an_ignore_too(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "envdoctor.toml").write_text(
        '[[ignore]]\nid = "EC-numpy-2"\nreason = "x"\nuntil = 2999-01-01T00:00:00\n'
    )
    assert envdoctor("diagnose", "--from", "-", stdin=BROKEN).status == 0
