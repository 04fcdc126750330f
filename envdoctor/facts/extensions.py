"""What was read from the compiled extensions of a target: values only, see `envdoctor.binaries` for the reading.

Everything here is plain data, and everything in it was read from files: nothing was imported or run.
"""

from __future__ import annotations

from enum import Enum

from envdoctor.text import Text
from envdoctor.values import dataclass


class CodeKind(str, Enum):
    """Machine code for one architecture, or PTX that the driver compiles when it is loaded."""

    SASS = "sass"
    PTX = "ptx"


class GpuMatch(str, Enum):
    """How GPU code fits a GPU.

    native: every container holds machine code that runs on it. ptx: every container runs, at least one only because the
    driver compiles its PTX. partial: some containers run and some do not (which one a call needs cannot be told from
    outside). none: no container runs, a call ends with "no kernel image is available". unknown: it depends on something
    that is not known, such as the PTX versions that this driver takes.
    """

    NATIVE = "native"
    PTX = "ptx"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


class Loading(str, Enum):
    """How a file comes to be loaded, which decides what a fault in it means.

    module: Python imports it. operators: it links torch and is no module, so its package hands it to
    `torch.ops.load_library`. linked: one of those needs it. selected: its package picks it for this torch's CUDA
    version. plugin: something may open it by path, and does not have to. never: in this environment nothing opens it.
    """

    MODULE = "module"
    OPERATORS = "operators"
    LINKED = "linked"
    SELECTED = "selected"
    PLUGIN = "plugin"
    NEVER = "never"


class LibraryKind(str, Enum):
    """Whose library it is. `other` ones (codecs, math libraries) are named but not judged: they are often optional."""

    TORCH = "torch"
    CUDA = "cuda"
    DRIVER = "driver"
    RUNTIME = "runtime"  #: the C, C++ and OpenMP runtime
    PYTHON = "python"
    OPTIONAL = "optional"  #: engines that a wheel brings a variant for: TensorRT, ROCm, XPU
    OTHER = "other"


class PythonFit(str, Enum):
    """Whether the interpreter would take the file, by the ABI tag in its name."""

    MATCH = "match"
    STABLE = "stable"  #: abi3, and this interpreter takes it
    UNTAGGED = "untagged"  #: the name says nothing
    MISMATCH = "mismatch"


class SymbolMeaning(str, Enum):
    """What the absence of a symbol says about the torch that an extension was built for."""

    TORCH_UP_TO_2_2 = "torch<2.3"
    TORCH_2_3_TO_2_7 = "torch>=2.3,<2.8"
    TORCH_FROM_2_8 = "torch>=2.8"
    OLD_CXX_ABI = "old-libstdcxx-abi"  #: default torch wheels up to 2.6
    NEW_CXX_ABI = "new-libstdcxx-abi"  #: default torch wheels from 2.7
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuCode:
    """One piece of GPU code: `sm` is 86 for capability 8.6; `suffix` is "", "a" (that chip only) or "f" (its family).

    `ptx_isa` is the version of the PTX instruction set, such as "8.4"; `None` for machine code.
    """

    kind: CodeKind
    sm: int
    suffix: str = ""
    ptx_isa: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuContainer:
    """`count` containers of a file that hold code for the same targets."""

    code: tuple[GpuCode, ...]
    count: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuVerdict:
    """How a file's GPU code fits GPUs of one compute capability ("8.9")."""

    capability: str
    match: GpuMatch


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingSymbol:
    """A symbol of torch that the file needs and that nobody exports here."""

    mangled: str
    demangled: str
    says: SymbolMeaning = SymbolMeaning.UNKNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingLibrary:
    """A library that the loader would not find. `needed_by` is the file that asks: this one, or one that it needs."""

    name: str
    kind: LibraryKind
    needed_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShadowedLibrary:
    """The loader takes `used` although the environment brings `hidden` under the same name for it."""

    name: str
    used: str
    hidden: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmetVersion:
    """`library`, found at `path`, does not offer `version` (such as `GLIBC_2.32`); `has` is its highest of that family."""

    library: str
    version: str
    path: str
    has: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionFact:
    """One native file of the target's site-packages, and how it fits this torch, this system and these GPUs.

    `path` is relative to its site-packages folder. What could not be read stands in `unreadable` (the whole file) or
    `gpu_unreadable` (its GPU code), with the reason; the fields about that are then at their default and say nothing.
    """

    path: str
    distribution: str | None = None  #: normalized name of the distribution that owns it
    distribution_version: str | None = None
    loading: Loading = Loading.PLUGIN
    python_tag: str | None = None  #: cp311, abi3, cp313t: from the name
    python_fit: PythonFit = PythonFit.UNTAGGED
    links_torch: bool = False
    cuda_major: int | None = None  #: of the CUDA libraries that it links
    cxx11_abi: bool | None = None  #: the libstdc++ ABI of its torch symbols, where they show it
    built_for_torch: str | None = None  #: a range such as ">=2.3,<2.8", where its symbols show one
    missing_symbols: tuple[MissingSymbol, ...] = ()
    missing_libraries: tuple[MissingLibrary, ...] = ()
    needs_torch_first: bool = False  #: some of its libraries are only found once torch was imported
    found_elsewhere: tuple[
        str, ...
    ] = ()  #: not on the loader's path, but in the environment: its package preloads them
    shadowed_libraries: tuple[ShadowedLibrary, ...] = ()
    glibc_needed: str | None = None  #: "2.28"
    glibcxx_needed: str | None = None  #: "3.4.30"
    cxxabi_needed: str | None = None  #: "1.3.13"
    unmet_versions: tuple[UnmetVersion, ...] = ()
    gpu_code: tuple[GpuContainer, ...] = ()
    gpu_verdicts: tuple[GpuVerdict, ...] = ()
    gpu_unreadable: Text | None = None
    unreadable: Text | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverLibrary:
    """The `libcuda.so.1` that a program would load. `stub`: a toolkit's empty one; `outside_wsl`: not Windows' own."""

    path: str
    stub: bool = False
    outside_wsl: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DistributionGpu:
    """How all files of a distribution that hold GPU code and would be loaded fit one compute capability, together.

    none: not one of them has code for it. partial: some have. A file for another GPU generation beside one that fits is
    how wheels are built, and no fault.
    """

    distribution: str
    version: str | None
    capability: str
    match: GpuMatch
    files: tuple[str, ...]
