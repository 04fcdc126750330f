"""(Facts, Findings, wanted) -> Lock. uv solves, the matrix vetoes; `lock`, `lock_fix` and `prove` are the front door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envdoctor.resolve.errors import BudgetError, ImpossibleError, ProofError, SolverError
    from envdoctor.resolve.fix import Change, Fix
    from envdoctor.resolve.front import lock, lock_fix, prove
    from envdoctor.resolve.made import Lock, Pin
    from envdoctor.resolve.request import Asked, EraChoice, LockRequest, parse_asked, parse_era
    from envdoctor.resolve.stacks import find_stack, stack_names
    from envdoctor.resolve.write import text_of, write_text

_HOMES = {
    "BudgetError": "errors", "ImpossibleError": "errors", "ProofError": "errors", "SolverError": "errors",
    "Change": "fix", "Fix": "fix", "lock": "front", "lock_fix": "front", "prove": "front", "Lock": "made", "Pin": "made",
    "Asked": "request", "EraChoice": "request", "LockRequest": "request", "parse_asked": "request",
    "parse_era": "request", "find_stack": "stacks", "stack_names": "stacks", "text_of": "write", "write_text": "write",
}  # fmt: skip

__all__ = [
    "Asked", "BudgetError", "Change", "EraChoice", "Fix", "ImpossibleError", "Lock", "LockRequest", "Pin", "ProofError",
    "SolverError", "find_stack", "lock", "lock_fix", "parse_asked", "parse_era", "prove", "stack_names", "text_of",
    "write_text",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
