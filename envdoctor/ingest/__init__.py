"""Pasted text (collect_env dumps, nvidia-smi, package lists, commands, tracebacks, prose) to Facts. Pure, bounded, linear.

Loaded when first used: a live diagnosis without a pasted text never pays for the recognizers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envdoctor.ingest.gpus import GpuTable, Model
    from envdoctor.ingest.merging import merge
    from envdoctor.ingest.pasted import ingest

__all__ = ["GpuTable", "Model", "ingest", "merge"]

_PLACES = {"GpuTable": "gpus", "Model": "gpus", "ingest": "pasted", "merge": "merging"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"envdoctor.ingest.{_PLACES[name]}"), name)
