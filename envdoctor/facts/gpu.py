"""Facts about the driver, the GPUs and the CUDA installations."""

from __future__ import annotations

from envdoctor.facts.known import NOT_STATED, Fact
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """The NVIDIA driver. Under WSL2 `version` is the Windows driver's, and `platform` says so."""

    #: working, absent, not-answering, library-mismatch, no-access (the module is loaded, but this process is given no
    #: device node: a container started without GPUs), failed
    status: Fact[str] = NOT_STATED
    version: Fact[str] = NOT_STATED  #: "550.54.14"; several witnesses where they disagree
    platform: Fact[str] = NOT_STATED  #: whose minimum versions count: linux or windows
    cuda: Fact[str] = NOT_STATED  #: newest CUDA that the driver itself implements ("12.4"); no ceiling within a major
    kernel_module: Fact[str] = NOT_STATED  #: proprietary or open
    says: Fact[str] = NOT_STATED  #: what the failing probe printed


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One GPU (or one MIG instance)."""

    index: int
    name: Fact[str] = NOT_STATED
    compute_capability: Fact[str] = NOT_STATED  #: "8.9"
    memory_bytes: Fact[int] = NOT_STATED
    memory_free_bytes: Fact[int] = NOT_STATED
    uuid: Fact[str] = NOT_STATED
    mig: Fact[bool] = NOT_STATED
    ecc_errors: Fact[int] = NOT_STATED  #: uncorrected, volatile
    vendor: Fact[str] = NOT_STATED  #: nvidia, amd, intel


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolkit:
    """A CUDA toolkit on disk."""

    path: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cuda:
    """Toolkits and loader settings. The runtime that torch uses is a distribution, not this."""

    toolkits: Fact[tuple[Toolkit, ...]] = NOT_STATED
    nvcc: Fact[str] = NOT_STATED  #: version of the nvcc that PATH finds ("12.4")
    stated: Fact[str] = (
        NOT_STATED  #: "CUDA: 12.4" of a form that does not say whether toolkit, driver or torch is meant
    )
    cudnn: Fact[str] = NOT_STATED  #: as a pasted report states it
    gcc: Fact[str] = NOT_STATED  #: version of the C compiler that builds would use; "none" where there is none
    ninja: Fact[bool] = NOT_STATED
    loader_path: Fact[tuple[str, ...]] = NOT_STATED  #: LD_LIBRARY_PATH, split
