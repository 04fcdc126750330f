"""Where output goes: whole files, links followed, devices written to and never replaced, readers that leave, odd terminals."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]
BROKEN = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"


def test_a_full_device_is_said_and_stays_a_device(envdoctor: Runner):
    run = envdoctor("diagnose", "--from", "-", "--output", "/dev/full", stdin=BROKEN)
    assert (run.status, "No space left" in run.err) == (3, True)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_the_null_device_takes_the_report(envdoctor: Runner):
    assert envdoctor("diagnose", "--from", "-", "--output", "/dev/null", stdin=BROKEN).status == 1
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_ticket_never_replaces_a_device(envdoctor: Runner):
    run = envdoctor("ticket", "--from", "-", "--output", "/dev/null", "--force", stdin=BROKEN)
    assert (run.status, "device" in run.err) == (2, True)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("command", [["diagnose"], ["ticket", "--force"]])
def test_a_link_stays_a_link(envdoctor: Runner, tmp_path: Path, command: list[str]):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    envdoctor(*command, "--from", "-", "--output", "link", stdin=BROKEN)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() != b"old"


def test_a_link_that_leads_in_a_circle_is_refused(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "loop").symlink_to("loop")
    run = envdoctor("diagnose", "--from", "-", "--output", "loop", stdin=BROKEN)
    assert (run.status, "in a circle" in run.err, (tmp_path / "loop").is_symlink()) == (2, True, True)


def test_a_pipe_that_nobody_reads_is_refused(envdoctor: Runner, tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    run = envdoctor("diagnose", "--from", "-", "--output", "fifo", stdin=BROKEN)
    assert (run.status, "cannot be written" in run.err) == (3, True)


@pytest.mark.parametrize("command", [["diagnose"], ["ticket"], ["lock", "torch"]])
def test_a_folder_is_no_place_for_a_report(envdoctor: Runner, tmp_path: Path, command: list[str]):
    (tmp_path / "folder").mkdir()
    run = envdoctor(*command, "--from", "-", "--output", "folder", stdin=BROKEN)
    assert (run.status, "is a folder" in run.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_file_has_the_mode_of_the_umask_or_of_the_file_before(envdoctor: Runner, tmp_path: Path):
    before = os.umask(0o022)
    try:
        envdoctor("diagnose", "--from", "-", "--output", "r.txt", stdin=BROKEN)
        assert stat.S_IMODE((tmp_path / "r.txt").stat().st_mode) == 0o644
        (tmp_path / "r.txt").chmod(0o600)
        envdoctor("diagnose", "--from", "-", "--output", "r.txt", stdin=BROKEN)
        assert stat.S_IMODE((tmp_path / "r.txt").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def shell(line: str, tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own: what happens to descriptors cannot be seen from inside."""
    (tmp_path / "report.txt").write_text(BROKEN)
    command = f"{sys.executable} -m envdoctor diagnose --from report.txt"
    base = {
        k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHONIO", "PYTHONUTF8", "COLUMNS"))
    }
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("ENVDOCTOR", command)],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**base, **environ},
        timeout=60,
    )


def test_descriptors_that_are_full_closed_or_left(tmp_path: Path):
    full = shell("ENVDOCTOR > /dev/full", tmp_path)
    assert (full.returncode, b"No space left" in full.stderr, b"Traceback" in full.stderr) == (3, True, False)
    closed = shell("ENVDOCTOR <&- >&- 2>&-", tmp_path)
    assert (closed.returncode, closed.stderr) == (1, b"")
    left = shell("ENVDOCTOR --format html | true", tmp_path)
    assert (left.returncode, left.stderr) == (1, b"")  # what was found does not depend on who reads it


def test_a_refusal_that_nobody_reads_keeps_its_status(tmp_path: Path):
    run = shell("ENVDOCTOR --log no-such-file 2>&1 | true", tmp_path)
    assert (run.returncode, run.stderr) == (2, b"")
    assert shell("ENVDOCTOR --log no-such-file 2> /dev/full", tmp_path).returncode == 2


def test_who_asks_for_chinese_gets_it_in_every_locale(tmp_path: Path):
    for environ in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "cp1252"}):
        assert "依据" in shell("ENVDOCTOR --lang zh", tmp_path, **environ).stdout.decode("utf-8")
        assert "没有这个文件" in shell("ENVDOCTOR --lang zh --log no-such-file", tmp_path, **environ).stderr.decode(
            "utf-8"
        )


def test_a_matrix_listing_that_nobody_reads(tmp_path: Path):
    source = Path(__file__).parents[2] / "matrix"
    line = f"{sys.executable} -m envdoctor matrix test ED-2026-0003 --source {source} | true"
    run = shell(line, tmp_path)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "secret.log").write_text("x")
    (tmp_path / "secret.log").chmod(0)
    calls = (
        ["diagnose", "--log", "secret.log"],
        ["diagnose", "--from", "secret.log"],
        ["diff", "secret.log", "secret.log"],
    )
    for call in (*calls, ["ticket", "--preview", "--lock", "secret.log"]):
        run = envdoctor(*call)
        assert (run.status, "make it readable" in run.err) == (2, True), run


def test_a_working_folder_that_is_gone(tmp_path: Path):
    run = shell("mkdir gone && cd gone && rmdir ../gone && ENVDOCTOR", tmp_path)
    assert (run.returncode, b"working folder" in run.stderr, b"Traceback" in run.stderr) == (2, True, False)


@pytest.mark.parametrize(
    ("environ", "encoding", "word"),
    [
        ({"LANG": "C"}, "utf-8", "because"),
        ({"LC_ALL": "POSIX"}, "utf-8", "because"),
        ({"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}, "utf-8", "依据"),
        ({"LANG": "zh_CN.GBK", "PYTHONIOENCODING": "gbk"}, "gbk", "依据"),
        ({"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "ascii"}, "ascii", "because"),
        ({"LANG": "C", "PYTHONIOENCODING": "cp1252"}, "cp1252", "because"),
        ({"LANG": "C", "PYTHONIOENCODING": "cp936"}, "cp936", "because"),
    ],
)
def test_every_locale_and_code_page(tmp_path: Path, environ: dict[str, str], encoding: str, word: str):
    run = shell("ENVDOCTOR", tmp_path, **environ)
    assert (run.returncode, run.stderr) == (1, b"")
    text = run.stdout.decode(encoding)
    assert word in text
    assert "?" not in text.replace("{?}", "")


def test_a_user_without_a_home_is_served(envdoctor: Runner, monkeypatch: pytest.MonkeyPatch):
    """A container run as `--user 12345`: no HOME, no line in passwd."""

    def nobody(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    for name in ("HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    run = envdoctor("diagnose", "--model", "Qwen/Qwen2-72B-Instruct-GPTQ-Int4", "--format", "json")
    assert run.status in (0, 1), run.err
    from envdoctor.resolve.indexes import find_indexes

    assert find_indexes((), folder=Path.cwd(), environment={}).main == ()


def test_an_interrupt_is_one_line_anywhere(envdoctor: Runner, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    for place in (
        "envdoctor.cli.session.collect",
        "envdoctor.knowledge.load_matrix",
        "envdoctor.cli.app._check_folder",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, interrupted)
            run = envdoctor("explain", "EC-numpy-2") if "load_matrix" in place else envdoctor("diagnose")
        assert (run.status, run.err) == (130, "envdoctor: interrupted\n"), place
