"""The smoke ladder: tiny programs run by the target's own interpreter, each saying what it proved. Front door: `run_ladder`."""

from __future__ import annotations

from envdoctor.smoke.ladder import run_ladder
from envdoctor.smoke.process import Limits
from envdoctor.smoke.session import Progress

__all__ = ["Limits", "Progress", "run_ladder"]
