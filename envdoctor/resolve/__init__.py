"""(Facts, Findings, wanted) -> Lock. uv solves, the matrix vetoes; `lock`, `lock_fix` and `prove` are the front door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envdoctor.resolve.errors import BudgetError, ImpossibleError, ProofError, SolverError
    from envdoctor.resolve.lock import make_lock
    from envdoctor.resolve.made import Lock, Pin
    from envdoctor.resolve.request import Asked, EraChoice, LockRequest, parse_asked, parse_era
    from envdoctor.resolve.write import text_of, write_text

_HOMES = {
    "BudgetError": "errors", "ImpossibleError": "errors", "ProofError": "errors", "SolverError": "errors",
    "make_lock": "lock", "Lock": "made", "Pin": "made", "Asked": "request", "EraChoice": "request",
    "LockRequest": "request", "parse_asked": "request", "parse_era": "request", "text_of": "write",
    "write_text": "write",
}  # fmt: skip

__all__ = [
    "Asked", "BudgetError", "EraChoice", "ImpossibleError", "Lock", "LockRequest", "Pin", "ProofError", "SolverError",
    "make_lock", "parse_asked", "parse_era", "text_of", "write_text",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
