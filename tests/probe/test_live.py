"""Children that hang, crash, flood or hold on: none may keep the report, or the pipe that it is written to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envdoctor.facts import value_of
from envdoctor.probe import probe
from envdoctor.probe.live import LiveRunner, LiveView
from envdoctor.probe.ports import OUTPUT_LIMIT, Outcome, find_program

Fake = Callable[[str, str], str]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="live probing is done on Linux")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """Writes an executable shell script; what it leaves running (its pid in `pid`) is ended afterwards."""

    def write(name: str, body: str) -> str:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ncd {tmp_path}\n{textwrap.dedent(body)}\n")
        path.chmod(0o755)
        return str(path)

    yield write
    for file in tmp_path.glob("pid*"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text()), signal.SIGKILL)


def run(program: str, seconds: float, *arguments: str) -> tuple[Outcome, float]:
    runner = LiveRunner()
    begin = time.monotonic()
    outcome = runner.start("fake", [program, *arguments], dict(os.environ)).result(runner.now() + seconds)
    return outcome, time.monotonic() - begin


def test_output_and_status(fake: Fake) -> None:
    outcome, _ = run(fake("tool", "echo out; echo err >&2; exit 3"), 20)
    assert (outcome.status, outcome.code, outcome.stdout, outcome.stderr) == ("exited", 3, "out\n", "err\n")
    assert outcome.says == "err / out"


def test_locale_is_asked_for_and_input_is_empty(fake: Fake) -> None:
    outcome, _ = run(fake("tool", 'echo "$LC_ALL"; cat; echo end'), 20)
    assert outcome.stdout == "C\nend\n"


def test_bytes_of_another_locale_survive(fake: Fake) -> None:
    outcome, _ = run(fake("tool", r"printf 'a\376\377b'"), 20)
    assert outcome.stdout == "a\ufffd\ufffdb"


@pytest.mark.parametrize("path", ["/nowhere/tool", "/nowhere/a=b/tool"])
def test_missing_program(path: str) -> None:
    assert run(path, 20)[0].status == "not-found"


def test_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    assert not run(str(path), 20)[0].ok
    path.chmod(0o644)
    assert run(str(path), 20)[0].status == "failed"


def test_a_name_with_an_equals_sign_is_run_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a=b"
    path.write_text("#!/bin/sh\necho ran\n")
    path.chmod(0o755)
    assert run(str(path), 20)[0].stdout == "ran\n"


def test_crash_is_told_apart(fake: Fake) -> None:
    assert run(fake("tool", "kill -SEGV $$"), 20)[0].code == -signal.SIGSEGV


def test_sleeper_is_abandoned_at_the_deadline(fake: Fake) -> None:
    outcome, seconds = run(fake("tool", "echo first; sleep 60"), 0.5)
    assert outcome.status == "no-answer"
    assert outcome.stdout == "first\n"
    assert seconds < 8


def test_ignoring_signals_does_not_help(fake: Fake) -> None:
    outcome, seconds = run(fake("tool", "trap '' TERM INT HUP; while :; do sleep 1; done"), 0.5)
    assert outcome.status == "no-answer"
    assert seconds < 8


def test_a_child_that_cannot_be_killed_is_not_waited_for(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a process in uninterruptible sleep looks like from here: the signal has no effect.
    monkeypatch.setattr(os, "killpg", lambda pid, number: None)
    outcome, seconds = run(fake("tool", "echo $$ > pid; exec sleep 60"), 0.5)
    assert outcome.status == "no-answer"
    assert seconds < 8


def test_a_grandchild_that_holds_the_output_open_is_not_waited_for(fake: Fake) -> None:
    outcome, seconds = run(fake("tool", "setsid sleep 60 & echo $! > pid; echo answer"), 30)
    assert (outcome.status, outcome.stdout) == ("exited", "answer\n")
    assert seconds < 10


def test_closing_the_output_is_not_an_answer(fake: Fake) -> None:
    outcome, seconds = run(fake("tool", "exec >&- 2>&-; sleep 60"), 0.5)
    assert outcome.status == "no-answer"
    assert seconds < 8


def test_a_flood_is_cut(fake: Fake) -> None:
    outcome, seconds = run(fake("tool", "exec yes 0123456789"), 2)
    assert outcome.status == "no-answer"
    assert OUTPUT_LIMIT <= len(outcome.stdout) <= OUTPUT_LIMIT + (1 << 16)
    assert seconds < 5


def test_children_run_side_by_side(fake: Fake) -> None:
    runner = LiveRunner()
    slow = fake("tool", "sleep 1; echo done")
    begin = time.monotonic()
    started = [runner.start("fake", [slow], dict(os.environ)) for _ in range(4)]
    assert [pending.result(runner.now() + 30).stdout for pending in started] == ["done\n"] * 4
    assert time.monotonic() - begin < 3.9


PROGRAM = """
import os, sys
from envdoctor.facts import value_of
from envdoctor.probe import probe
facts = probe(python=sys.executable, deadline_s=float(sys.argv[1]))
print(value_of(facts.driver.status))
"""


@pytest.mark.parametrize(
    "body",
    [
        "sleep 60",
        "trap '' TERM INT HUP PIPE; while :; do sleep 1; done",
        "setsid sh -c 'trap \"\" TERM HUP; sleep 60' & echo $! > pid; sleep 60",
    ],
    ids=["sleeps", "ignores-signals", "leaves-a-daemon"],
)
def test_a_hung_nvidia_smi_does_not_hold_the_report_nor_its_pipe(fake: Fake, body: str) -> None:
    smi = fake("nvidia-smi", body)
    environ = {**os.environ, "PATH": f"{Path(smi).parent}:{os.environ['PATH']}"}
    begin = time.monotonic()
    # `cat` ends when the last holder of the pipe is gone: an abandoned child must not be one.
    with (
        subprocess.Popen([sys.executable, "-c", PROGRAM, "1"], stdout=subprocess.PIPE, env=environ) as doctor,
        subprocess.Popen(["cat"], stdin=doctor.stdout, stdout=subprocess.PIPE) as cat,
    ):
        assert doctor.stdout is not None
        doctor.stdout.close()
        out, _ = cat.communicate(timeout=30)
    assert out == b"not-answering\n"
    assert doctor.returncode == 0
    assert time.monotonic() - begin < 20  # generous: the imports of a busy machine are in it


def test_default_deadline_leaves_time_for_the_report(fake: Fake) -> None:
    smi = fake("nvidia-smi", "sleep 60")
    environ = {**os.environ, "PATH": f"{Path(smi).parent}:{os.environ['PATH']}"}
    begin = time.monotonic()
    facts = probe(python=sys.executable, environ=environ)
    seconds = time.monotonic() - begin
    assert value_of(facts.driver.status) == "not-answering"
    assert 3.5 < seconds < 6.5  # 4 and what a busy machine adds; benchmarks hold the 5 s


def test_a_fast_answer_is_not_delayed(fake: Fake) -> None:
    smi = fake("nvidia-smi", 'echo "0, NVIDIA L4, GPU-1, 550.54.14, 23034, 22000, 8.9, [N/A], 0"')
    environ = {**os.environ, "PATH": f"{Path(smi).parent}:{os.environ['PATH']}"}
    begin = time.monotonic()
    facts = probe(python=sys.executable, environ=environ)
    assert value_of(facts.driver.version) == "550.54.14"
    assert time.monotonic() - begin < 4


def test_a_fifo_in_place_of_a_file_does_not_hold_the_view(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "version.py")
    assert LiveView().read(str(tmp_path / "version.py")) == b""
    with pytest.raises(FileNotFoundError):
        LiveView().open(str(tmp_path / "version.py"))


def test_the_view_reads_no_more_than_asked(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 100)
    assert LiveView().read(str(tmp_path / "large"), 10) == b"x" * 10


def test_relative_entries_of_path_are_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert find_program(LiveView(), "nvidia-smi", ".::") is None
    assert find_program(LiveView(), "nvidia-smi", str(tmp_path)) == f"{tmp_path}/nvidia-smi"
