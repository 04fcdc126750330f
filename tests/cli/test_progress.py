"""Progress: silent for what is quick and where nobody watches, wiped away on a terminal, never a reason to fail."""

from __future__ import annotations

import io
import sys
import time

import pytest

from envdoctor.cli.progress import Steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(Terminal):
    def write(self, _: str, /) -> int:
        raise BrokenPipeError


def run(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, seconds: float) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with Steps(wait=0.02) as steps:
        steps.begin("reading\x1b[2J")
        time.sleep(seconds)
        steps.begin("matching")
    return stream.getvalue()


def test_what_is_quick_is_silent(monkeypatch: pytest.MonkeyPatch):
    assert run(monkeypatch, Terminal(), seconds=0) == ""


def test_a_terminal_is_wiped_and_never_sent_what_was_read(monkeypatch: pytest.MonkeyPatch):
    said = run(monkeypatch, Terminal(), seconds=0.2)
    assert said == "envdoctor: reading�[2J ...\r\x1b[K"


def test_a_narrow_terminal_gets_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Steps(wait=0.02) as steps:
        steps.begin("x" * 100)
        time.sleep(0.2)
        shown = sys.stderr.getvalue()
    assert 30 < len(shown) < 40  # a line that wraps could not be wiped away


def test_a_log_is_spared(monkeypatch: pytest.MonkeyPatch):
    assert run(monkeypatch, io.StringIO(), seconds=0.2) == ""


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch):
    run(monkeypatch, Closed(), seconds=0.1)
