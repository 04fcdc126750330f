"""Every way a rung can fail, with programs that really do it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from envdoctor.facts.smoke import Outcome, Rung, RungResult
from envdoctor.smoke.process import Child, Limits, program_texts
from envdoctor.smoke.session import Job, Session, run_jobs

HERE = Path(sys.executable)


def run(body: str, *, limits: Limits | None = None, after: str | None = None) -> Session:
    """Runs one program (and another after it) whose single check has this body."""
    texts = {"host": program_texts()["host"], "bad": program(body)}
    jobs = [Job(rung=Rung.KERNEL, program="bad")]
    if after is not None:
        texts["after"] = program(after)
        jobs.append(Job(rung=Rung.ENGINE, program="after"))
    return run_jobs(HERE, jobs, limits=limits or Limits(deadline_s=20), texts=texts)


def program(body: str) -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip(), "        ")
    return (
        f"import os, sys, time, ctypes, signal\ndef run(rung):\n    with rung.check('it', 'cpu') as check:\n{lines}\n"
    )


def only(session: Session) -> RungResult:
    assert len(session.results) == 1
    return session.results[0]


@pytest.mark.parametrize(
    ("body", "outcome", "says"),
    [
        ("ctypes.string_at(0)", Outcome.SEGFAULT, "SIGSEGV"),
        ("os.abort()", Outcome.ABORT, "SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGILL)", Outcome.ILLEGAL_INSTRUCTION, "SIGILL"),
        ("os.kill(os.getpid(), signal.SIGFPE)", Outcome.KILLED, "SIGFPE"),
        ("os.kill(os.getpid(), signal.SIGKILL)", Outcome.OUT_OF_MEMORY, "kernel"),
        ("os._exit(3)", Outcome.KILLED, "exit status 3"),
        ("os._exit(0)", Outcome.KILLED, "exit status 0"),
        ("import no_such_module_here", Outcome.IMPORT_ERROR, "no_such_module_here"),
        ("rung.need('no_such_module_here')", Outcome.CANNOT_RUN, "not installed"),
        ("raise rung.CannotRun('no wings')", Outcome.CANNOT_RUN, "no wings"),
        ("raise MemoryError('full')", Outcome.OUT_OF_MEMORY, "full"),
        ("raise RuntimeError('kernel refused')", Outcome.ERROR, "kernel refused"),
        ("check.number('x', float('nan'))", Outcome.NAN, "nan"),
        ("check.number('x', float('inf'), 1.0)", Outcome.NAN, "inf"),
        ("check.number('x', 2.0, 1.0)", Outcome.WRONG_NUMBERS, "limit"),
        ("check.number('x', 1.0, 1.0)", Outcome.PASSED, ""),
        ("os.write(int(sys.argv[1]), b'\\x00garbage\\n'); time.sleep(9)", Outcome.ERROR, "garbage"),
    ],
)
def test_kinds_are_told_apart(body: str, outcome: Outcome, says: str) -> None:
    result = only(run(body))
    assert result.outcome is outcome
    assert says in result.detail
    assert result.rung is Rung.KERNEL
    assert result.name == "it"


def test_an_illegal_instruction_that_the_processor_refuses() -> None:
    body = """
    import mmap
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\\x0f\\x0b" if os.uname().machine == "x86_64" else b"\\x00\\x00\\x00\\x00")  # ud2, udf
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    ctypes.CFUNCTYPE(None)(address)()
    """
    assert only(run(body)).outcome is Outcome.ILLEGAL_INSTRUCTION


def test_a_hang_ends_at_the_deadline() -> None:
    started = time.monotonic()
    result = only(run("while True: time.sleep(1)", limits=Limits(deadline_s=0.6)))
    assert result.outcome is Outcome.HANG
    assert "0.6 s" in result.detail
    assert time.monotonic() - started < 8


def test_ignoring_signals_does_not_help_a_hang() -> None:
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)"
    assert only(run(body, limits=Limits(deadline_s=0.6))).outcome is Outcome.HANG


def test_eating_memory_is_stopped() -> None:
    body = "hold = []\nwhile True: hold.append(bytearray(b'x') * (16 << 20)); time.sleep(0.01)"
    result = only(run(body, limits=Limits(deadline_s=30, memory_bytes=200 << 20)))
    assert result.outcome is Outcome.OUT_OF_MEMORY
    assert "limit is 0.20 GiB" in result.detail


def test_memory_eaten_by_a_child_counts() -> None:
    body = """
    if os.fork() == 0:
        hold = bytearray(b"x") * (400 << 20)
        time.sleep(60)
    time.sleep(60)
    """
    result = only(run(body, limits=Limits(deadline_s=30, memory_bytes=200 << 20)))
    assert result.outcome is Outcome.OUT_OF_MEMORY


def test_a_program_that_keeps_forking_is_stopped() -> None:
    body = "for _ in range(60):\n    if os.fork() == 0: time.sleep(60); os._exit(0)\ntime.sleep(60)"
    result = only(run(body, limits=Limits(deadline_s=30, processes=20)))
    assert result.outcome is Outcome.KILLED
    assert "processes" in result.detail


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_forked_children_and_daemons_do_not_survive(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    body = f"""
    for leave in (False, True):
        pid = os.fork()
        if pid == 0:
            if leave: os.setsid()
            with open({str(note)!r}, "a") as file: file.write("%d\\n" % os.getpid())
            time.sleep(60)
            os._exit(0)
    while not os.path.exists({str(note)!r}) or len(open({str(note)!r}).readlines()) < 2: time.sleep(0.01)
    check.detail = ["left two behind"]
    """
    result = only(run(body))
    assert result.outcome is Outcome.PASSED
    pids = [int(line) for line in note.read_text().split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids)


def test_noise_on_stdout_and_stderr_is_kept_short_and_does_no_harm() -> None:
    result = only(
        run("for n in range(20000): print('\\x1b[31mnoise', n)\nsys.stderr.write('the end\\n'); raise ValueError('x')")
    )
    assert result.outcome is Outcome.ERROR
    assert len(result.stderr_tail) < 12 * 301
    assert "\x1b" not in result.stderr_tail
    assert "ValueError: x" in result.stderr_tail


def test_a_segfault_shows_where(tmp_path: Path) -> None:
    result = only(run("ctypes.string_at(0)"))
    assert "Segmentation fault" in result.stderr_tail


def test_the_program_after_a_crash_is_left_for_another_process() -> None:
    session = run("os.abort()", after="check.detail = ['here']")
    assert [job.rung for job in session.unfinished] == [Rung.KERNEL, Rung.ENGINE]
    session = run("raise RuntimeError('x')", after="check.detail = ['here']")
    assert [result.outcome for result in session.results] == [Outcome.ERROR, Outcome.PASSED]
    assert session.unfinished == ()


def test_a_program_that_does_not_compile_is_an_error() -> None:
    texts = {"host": program_texts()["host"], "bad": "def run(rung) garbage"}
    result = only(run_jobs(HERE, [Job(rung=Rung.TORCH, program="bad")], limits=Limits(deadline_s=20), texts=texts))
    assert result.outcome is Outcome.ERROR
    assert "SyntaxError" in result.detail


def test_the_folder_is_gone_afterwards() -> None:
    result = only(run("check.detail = [os.getcwd() + ' ' + os.environ['TMPDIR']]"))
    places = result.detail.split()
    assert len(set(places)) == 1
    assert "envdoctor-smoke-" in places[0]
    assert not Path(places[0]).exists()


def test_programs_do_not_shadow_modules() -> None:
    result = only(run("check.detail = [' '.join(p for p in sys.path if 'envdoctor-smoke' in p) or 'clean']"))
    assert result.detail == "clean"


def test_no_core_file_is_written() -> None:
    result = only(run("import resource; check.detail = [str(resource.getrlimit(resource.RLIMIT_CORE))]"))
    assert result.detail == "(0, 0)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_cleans_up(tmp_path: Path, number: signal.Signals) -> None:
    """The whole tool is stopped in mid-rung: the rung dies with it, and (unless it was SIGKILL) the folder goes too."""
    note = tmp_path / "pid"
    script = tmp_path / "tool.py"
    texts = {
        "host": program_texts()["host"],
        "bad": program(f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"),
    }
    script.write_text(
        textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from envdoctor.facts.smoke import Rung
        from envdoctor.smoke.ladder import _terminable
        from envdoctor.smoke.process import Limits
        from envdoctor.smoke.session import Job, run_jobs
        with _terminable():
            run_jobs(Path(sys.executable), [Job(rung=Rung.TORCH, program="bad")], limits=Limits(), texts={texts!r})
        """)
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    tool = subprocess.Popen([sys.executable, str(script)], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    pid = int(note.read_text())
    assert alive(pid)
    tool.send_signal(number)
    tool.wait(timeout=20)
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)
    if number is not signal.SIGKILL:
        assert not list(tmp_path.glob("envdoctor-smoke-*"))


def test_the_callers_memory_limit_is_measured_when_none_is_given() -> None:
    assert 0 < Limits().memory() <= 16 << 30


def test_a_child_that_closes_its_pipes_is_still_watched() -> None:
    body = "os.close(int(sys.argv[1])); os.close(1); os.close(2)\ntime.sleep(60)"
    assert only(run(body, limits=Limits(deadline_s=0.8))).outcome is Outcome.HANG


def test_closing_twice_is_harmless() -> None:
    child = Child(HERE, [], limits=Limits(), texts={"host": program_texts()["host"]})
    child.close()
    assert child.close() == 0
    assert not child.folder.exists()
