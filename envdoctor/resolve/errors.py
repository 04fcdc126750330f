"""What a lock can end with instead of a file."""

from __future__ import annotations

from envdoctor.errors import EnvdoctorError, UndeterminedError
from envdoctor.text import Text


class ImpossibleError(EnvdoctorError):
    """No set of versions satisfies the request (exit status 1).

    Three sentences: what contradicts what (`conflict`), on whose word (`authority`), what to change (`change`).
    """

    exit_status = 1

    def __init__(self, *, conflict: Text, authority: Text, change: Text) -> None:
        message = Text(
            en=f"no lock is possible: {conflict}\n  on whose word: {authority}",
            zh=f"无法锁定：{conflict.zh}\n  依据：{authority.zh}",
        )
        super().__init__(message, advice=change)
        self.conflict = conflict
        self.authority = authority
        self.change = change


class SolverError(UndeterminedError):
    """The solver could not answer: no index, no interpreter, a failed download, a time limit (exit status 3)."""


class BudgetError(UndeterminedError):
    """The solves or the time that a request may cost are used up (exit status 3): neither a lock nor a proof."""


class ProofError(EnvdoctorError):
    """The lock was built and does not hold (exit status 1)."""

    exit_status = 1
