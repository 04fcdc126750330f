"""What was read from the compiled extensions of a target: values only, see `envdoctor.binaries` for the reading."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CodeKind(str, Enum):
    """Machine code for one architecture, or PTX that the driver compiles when it is loaded."""

    SASS = "sass"
    PTX = "ptx"


class GpuMatch(str, Enum):
    """How a library's GPU code fits a GPU.

    native: every container holds machine code that runs on it. ptx: every container runs, at least one through compilation by the
    driver. partial: some containers run, some do not (which ones a call needs cannot be told). none: no container runs. unknown: it
    depends on the driver, about which too little is known.
    """

    NATIVE = "native"
    PTX = "ptx"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuCode:
    """One piece of GPU code: `sm` is 86 for compute capability 8.6; `suffix` is "", "a" (that chip only) or "f" (its family).

    `ptx_isa` is the PTX ISA version, such as "8.4", for PTX only.
    """

    kind: CodeKind
    sm: int
    suffix: str = ""
    ptx_isa: str | None = None
