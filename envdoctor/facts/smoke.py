"""What the smoke ladder found: one value per check that was run, and the report of a whole run.

A rung result is a fact like any other: it says what was run, where, and what came of it. It judges nothing about causes.
"""

from __future__ import annotations

from enum import Enum

from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass


class Outcome(str, Enum):
    """How one check ended. Only `passed` is green; `cannot-run` is neither passed nor failed and carries its reason."""

    PASSED = "passed"
    WRONG_NUMBERS = "failed-wrong-numbers"
    NAN = "nan"
    UNEXPECTED = "unexpected"  # the numbers may be right, but something happened that must not (tensors left to chance)
    ERROR = "error"  # an ordinary exception
    IMPORT_ERROR = "import-error"
    SEGFAULT = "segfault"
    ABORT = "abort"
    ILLEGAL_INSTRUCTION = "illegal-instruction"
    KILLED = "killed"  # another signal, or an exit in mid-check
    OUT_OF_MEMORY = "out-of-memory"
    HANG = "hang"
    CANNOT_RUN = "cannot-run"


class Rung(str, Enum):
    """The steps of the ladder, lowest first."""

    DRIVER = "driver"
    TORCH = "torch"
    KERNEL = "kernel"
    ENGINE = "engine-kernel"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """One measured number: `value` is None where it was not finite; `limit` is the derived tolerance, if it has one."""

    name: str
    value: float | None
    limit: float | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RungResult:
    """One check of one rung.

    `device` is "cpu", "cuda:N" or ""; `detail` one or two lines for a person; `said` the text that a model wrote, if one did;
    `unexpected` names what should not have been there (newly initialised tensors, slow paths); `reference` is True for the
    built-in reference, which proves nothing about the target.
    """

    rung: Rung
    name: str
    outcome: Outcome
    device: str = ""
    seconds: float = 0.0
    detail: Text = NOTHING
    numbers: tuple[Number, ...] = ()
    said: str | None = None
    unexpected: tuple[str, ...] = ()
    stderr_tail: str = ""
    reference: bool = False

    @property
    def failed(self) -> bool:
        """True for every outcome that is neither `passed` nor `cannot-run`."""
        return self.outcome not in (Outcome.PASSED, Outcome.CANNOT_RUN)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeReport:
    """One run of the ladder with one interpreter, in the order the checks ended (lowest rung first)."""

    python: str
    python_version: str
    device: str  # what was asked for: "auto", "cpu", "cuda:0"
    results: tuple[RungResult, ...]
    seconds: float = 0.0

    @property
    def failures(self) -> tuple[RungResult, ...]:
        """The checks that failed, lowest rung first: the first one is the layer to look at."""
        return tuple(result for result in self.results if result.failed)

    @property
    def only_reference(self) -> bool:
        """True when no check of the target could run, so that nothing is known about it."""
        return all(result.reference or result.outcome is Outcome.CANNOT_RUN for result in self.results)

    @property
    def exit_status(self) -> int:
        """1: a rung failed; 3: nothing but the built-in reference could run; 0: what could run has passed."""
        if self.failures:
            return 1
        return 3 if self.only_reference else 0
