"""Rung engine-kernel: one packed layer through the int4 packages that are installed, against float64."""

from __future__ import annotations

from typing import Any


def run(rung: Any) -> None:
    with rung.check("engine kernels", rung.options["device"] if rung.options["device"] != "auto" else ""):
        raise rung.CannotRun("no engine kernel check is shipped yet")
