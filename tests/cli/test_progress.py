"""Progress: silent for what is quick, wiped away on a terminal, a plain line in a CI log, never a reason to fail."""

from __future__ import annotations

import io
import sys
import time

import pytest

from envdoctor.cli.progress import Steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    def write(self, _: str, /) -> int:
        raise BrokenPipeError


def run(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, seconds: float, quiet: bool = False) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with Steps(wait=0.02) as steps:
        steps.begin("reading\x1b[2J", quiet=quiet)
        time.sleep(seconds)
        steps.begin("matching", quiet=quiet)
    return stream.getvalue()


def test_what_is_quick_is_silent(monkeypatch: pytest.MonkeyPatch):
    assert run(monkeypatch, Terminal(), seconds=0) == ""


def test_a_terminal_is_wiped_and_never_sent_what_was_read(monkeypatch: pytest.MonkeyPatch):
    said = run(monkeypatch, Terminal(), seconds=0.2)
    assert said == "envdoctor: reading�[2J ...\r\x1b[K"


def test_a_log_gets_a_line_unless_it_is_quiet(monkeypatch: pytest.MonkeyPatch):
    assert run(monkeypatch, io.StringIO(), seconds=0.2) == "envdoctor: reading�[2J ...\n"
    assert run(monkeypatch, io.StringIO(), seconds=0.2, quiet=True) == ""


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch):
    run(monkeypatch, Closed(), seconds=0.1)
