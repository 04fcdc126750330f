"""Which interpreter a command means."""

from __future__ import annotations

import os
from pathlib import Path

from envdoctor.errors import UndeterminedError
from envdoctor.facts import value_of


def interpreter_of(python: Path | None) -> Path:
    """The target's interpreter, chosen as `diagnose` chooses it. Raises UsageError or UndeterminedError where there is none."""
    from envdoctor.probe import probe

    facts = probe(python=python, environ=dict(os.environ), cwd=Path.cwd())
    executable = value_of(facts.target.executable)
    if not executable or not Path(executable).exists():
        raise UndeterminedError("the target has no interpreter that answers", advice="name one with --python")
    return Path(executable)
