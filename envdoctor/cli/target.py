"""Which interpreter a command means."""

from __future__ import annotations

import os
from pathlib import Path

from envdoctor.errors import UndeterminedError
from envdoctor.facts import value_of
from envdoctor.text import Text


def interpreter_of(python: Path | None) -> Path:
    """The target's interpreter, chosen as `diagnose` chooses it. Raises UsageError or UndeterminedError where there is none."""
    from envdoctor.probe import probe

    facts = probe(python=python, environ=dict(os.environ), cwd=Path.cwd())
    executable = value_of(facts.target.executable)
    if not executable or not Path(executable).exists():
        raise UndeterminedError(
            Text(en="the target has no interpreter that answers", zh="目标环境没有可以运行的解释器"),
            advice=Text(en="name one with --python", zh="请用 --python 指定"),
        )
    return Path(executable)
