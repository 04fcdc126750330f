"""Replays a recorded host of `tests/probe/hosts` through the same code as the live machine."""

from __future__ import annotations

from pathlib import Path

from envdoctor.facts import Facts, Known, Unknown
from envdoctor.probe import probe
from tests.probe.recorded import RecordedRunner, RecordedView

HOSTS = Path(__file__).parent / "hosts"


def replay(name: str, python: str | None = None, **changes: str) -> Facts:
    """The facts of a recorded host; `changes` are environment variables on top of the recorded ones."""
    return replay_folder(HOSTS / name, python, **changes)


def replay_folder(folder: Path, python: str | None = None, **changes: str) -> Facts:
    view = RecordedView(folder)
    environ = {**view.host.get("environ", {}), **changes}
    return probe(python=python, environ=environ, cwd="/home/user", view=view, runner=RecordedRunner(folder))


def value(fact: object) -> object:
    """The value of a fact that must be known."""
    assert isinstance(fact, Known), fact
    return fact.value


def reason(fact: object) -> str:
    """The reason of a fact that must be unknown."""
    assert isinstance(fact, Unknown), fact
    return fact.reason
