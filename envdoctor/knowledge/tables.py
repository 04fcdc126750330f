"""Typed readers of the tables under `matrix/tables/`: what a release needs, has code for, or loads on.

Every function takes `tables` (`Matrix.tables`: table name -> parsed TOML) and answers None for what no row states. A row is
taken for its own release, or for the closed range that the table gives; never the nearest one. Local version parts
(`2.4.0+cu121`) are ignored in look-ups of releases; pre-releases and vendor builds (`2.5.0a0+nv24.8`) are releases of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from envdoctor.facts.truth import Truth
from envdoctor.values import dataclass
from envdoctor.versions import Interval, Scheme, at_least, compare, within

Tables: TypeAlias = Mapping[str, Any]
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchBuild:
    """One build of a torch release for Linux x86_64. `archs`: compute capabilities with code; None: not known."""

    version: str
    label: str  #: cu121, cu130, ...
    cuda: str  #: "12.1"
    default: bool  #: the wheel that the index gives without a label
    archs: tuple[str, ...] | None
    ptx: bool = False  #: the newest arch is there as PTX as well, so that later GPUs can compile it
    python: str | None = None
    nccl: str | None = None
    cudnn: str | None = None
    triton: str | None = None
    glibc: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VllmPin:
    """What a vLLM wheel requires, as specifiers (`==2.4.0`); None: not required."""

    version: str
    torch: str
    torchvision: str | None
    torchaudio: str | None
    xformers: str | None
    transformers: str | None
    numpy: str | None
    compressed_tensors: str | None
    flashinfer: str | None
    python: str | None
    glibc: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LmdeployPin:
    """What an LMDeploy wheel requires, as specifiers; None: any."""

    version: str
    torch: str
    torchvision: str | None
    triton: str | None
    transformers: str | None
    numpy: str | None
    python: str | None
    glibc: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformersNeeds:
    """What a transformers release requires, as specifiers; None: nothing is stated."""

    version: str
    torch: str | None
    python: str | None
    tokenizers: str | None
    huggingface_hub: str | None
    accelerate: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VllmArchs:
    """Compute capabilities that a vLLM release's official binary has code for."""

    cuda: str  #: the CUDA major of the default build
    archs: tuple[str, ...]
    ptx: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BitsandbytesBuild:
    """The CUDA versions that a bitsandbytes wheel carries a library for, and what it requires."""

    version: str
    cuda: tuple[str, ...] | None  #: None: that wheel was not opened
    torch: str | None
    python: str | None


def torch_build(tables: Tables, version: str, local: str | None = None) -> TorchBuild | None:
    """The build of a torch release. `version` may carry the label itself (`2.4.0+cu121`); `local` has precedence.

    None for a release that is not in the table, a label that was not published for it, and builds without CUDA.
    """
    public, _, own = version.partition("+")
    label = local if local else own or None
    row = _release(_rows(tables, "torch-builds"), public)
    if row is None:
        return None
    default = cuda_label(row["cuda"])
    common: dict[str, Any] = {key: row.get(key) for key in ("python", "nccl", "cudnn", "triton", "glibc")}
    if label is None or label == default:
        found = TorchBuild(
            version=row["version"], label=default, cuda=row["cuda"], default=True, archs=_archs(row), **common
        )
        other = _labelled(tables, default, public)
        return found if other is None or found.archs is not None else _with_archs(found, other)
    cuda = label_cuda(label)
    if cuda is None or label not in row.get("builds", ()):
        return None
    found = TorchBuild(
        version=row["version"], label=label, cuda=cuda, default=False, archs=None,
        python=common["python"], glibc=common["glibc"],
    )  # fmt: skip
    other = _labelled(tables, label, public)
    return found if other is None else _with_archs(found, other)


def _with_archs(build: TorchBuild, row: Row) -> TorchBuild:
    return replace(build, archs=_archs(row), ptx=bool(row.get("ptx", False)))


def _labelled(tables: Tables, label: str, version: str) -> Row | None:
    rows = [row for row in _rows(tables, "torch-builds", "labels") if row["label"] == label]
    return _minor_range(rows, version)


def cuda_label(cuda: str) -> str:
    """`12.1` -> `cu121`, `13.0` -> `cu130`."""
    major, _, minor = cuda.partition(".")
    return f"cu{major}{minor.partition('.')[0]}"


def label_cuda(label: str) -> str | None:
    """`cu121` -> `12.1`; None for anything else (`cpu`, `rocm6.1`, vendor suffixes)."""
    digits = label.removeprefix("cu")
    return f"{digits[:-1]}.{digits[-1]}" if label.startswith("cu") and digits.isdigit() and len(digits) == 3 else None


def runs_on(archs: Iterable[str], capability: str, *, ptx: bool = False) -> Truth:
    """Whether code for `archs` runs on a GPU of that compute capability.

    A GPU runs code of its own major number with an equal or lower minor one; PTX of the newest arch is compiled for later
    GPUs. None where the capability is no version. https://docs.nvidia.com/cuda/cuda-c-programming-guide/#compute-capability
    """
    if compare(Scheme.CAPABILITY, capability, "0") is None:
        return None
    known = [arch for arch in archs if compare(Scheme.CAPABILITY, arch, "0") is not None]
    major = capability.partition(".")[0]
    if any(arch.partition(".")[0] == major and at_least(Scheme.CAPABILITY, capability, arch) for arch in known):
        return True
    if not ptx or not known:
        return False
    newest = max(known, key=lambda arch: tuple(int(part) for part in arch.split(".")))
    return at_least(Scheme.CAPABILITY, capability, newest)


def vllm_pin(tables: Tables, version: str) -> VllmPin | None:
    """What a vLLM release requires."""
    row = _release(_rows(tables, "vllm-pins"), version)
    if row is None:
        return None
    fields = ("torchvision", "torchaudio", "xformers", "transformers", "numpy", "compressed_tensors", "flashinfer")
    more = {key: row.get(key) for key in (*fields, "python", "glibc")}
    return VllmPin(version=row["version"], torch=row["torch"], **more)


def newest_for(tables: Tables, package: str, torch: str) -> str | None:
    """The newest release of vllm, torchvision, torchaudio or xformers that requires exactly this torch; None: none is known."""
    rows = _rows(tables, "vllm-pins") if package == "vllm" else _rows(tables, "torch-family", package.replace("-", "_"))
    exact = f"=={torch.partition('+')[0]}"
    return next((str(row["version"]) for row in reversed(rows) if row.get("torch") == exact), None)


def vllm_archs(tables: Tables, version: str) -> VllmArchs | None:
    """What the official binary of a vLLM release has code for; None between the ranges that were read."""
    row = _release_range(_rows(tables, "vllm-archs"), version)
    if row is None:
        return None
    return VllmArchs(cuda=row["cuda"], archs=tuple(row["archs"]), ptx=bool(row.get("ptx", False)))


def vllm_min_capability(tables: Tables, backend: str, vllm_version: str) -> str | None:
    """The lowest compute capability of a quantization backend (`awq_marlin`) or of `bfloat16` in a vLLM release.

    None: no such backend, none at that release, or a release newer than was read.
    """
    checked = tables["vllm-min-capability"].get("checked") if "vllm-min-capability" in tables else None
    for row in _rows(tables, "vllm-min-capability"):
        if row["backend"] == backend and _in_interval(row, vllm_version, checked) is True:
            return str(row["capability"])
    return None


def lmdeploy_pin(tables: Tables, version: str) -> LmdeployPin | None:
    """What an LMDeploy release requires."""
    row = _release(_rows(tables, "lmdeploy-pins"), version)
    if row is None:
        return None
    more = {key: row.get(key) for key in ("torchvision", "triton", "transformers", "numpy", "python", "glibc")}
    return LmdeployPin(version=row["version"], torch=row["torch"], **more)


def sglang_needs(tables: Tables, version: str) -> Mapping[str, str]:
    """What an SGLang release requires: distribution -> specifier. Empty where the release is not known."""
    row = _release(_rows(tables, "sglang-pins"), version)
    return {name.replace("_", "-"): spec for name, spec in (row or {}).items() if name != "version"}


def sgl_kernel_torch(tables: Tables, version: str) -> str | None:
    """The torch that a release of sgl-kernel (sglang-kernel) was built for: that of the newest SGLang which pins both."""
    for row in reversed(_rows(tables, "sglang-pins")):
        pinned = row.get("sglang_kernel", row.get("sgl_kernel"))
        if isinstance(pinned, str) and pinned == f"=={version}" and "torch" in row:
            return str(row["torch"])
    return None


def transformers_needs(tables: Tables, version: str) -> TransformersNeeds | None:
    """What a transformers release requires."""
    row = _release(_rows(tables, "transformers"), version)
    if row is None:
        return None
    more = {key: row.get(key) for key in ("torch", "python", "tokenizers", "huggingface_hub", "accelerate")}
    return TransformersNeeds(version=row["version"], **more)


def driver_minimum(tables: Tables, cuda: str, platform: str) -> str | None:
    """The oldest driver that runs programs of a CUDA version's major, for `linux` or `windows` (WSL2 counts as windows)."""
    major = cuda.partition(".")[0]
    for row in _rows(tables, "cuda-driver", "majors"):
        if row["cuda"] == major:
            found = row.get(platform)
            return str(found) if found is not None else None
    return None


def family_torch(tables: Tables, package: str, version: str) -> str | None:
    """The torch that a release of torchvision, torchaudio, xformers, compressed-tensors or llmcompressor requires."""
    row = _release(_rows(tables, "torch-family", package.replace("-", "_")), version)
    found = row.get("torch") if row is not None else None
    return found if isinstance(found, str) else None


def torchao_loads_on(tables: Tables, version: str, torch: str) -> Truth:
    """Whether the C++ extensions of a torchao release load on a torch release; None where that was not checked."""
    row = _release(_rows(tables, "torch-family", "torchao"), version)
    if row is None:
        return None
    if "torch_at_least" in row:
        return at_least(Scheme.PEP440, torch, row["torch_at_least"])
    return any(compare(Scheme.PEP440, torch, item) == 0 for item in row["torch"])


def numpy2_works(tables: Tables, torch: str) -> Truth:
    """Whether a torch release was built so that it can exchange arrays with numpy 2."""
    since = tables["torch-family"].get("numpy2_since", {}).get("torch") if "torch-family" in tables else None
    return at_least(Scheme.PEP440, torch, since) if since else None


def bitsandbytes_cuda(tables: Tables, version: str) -> BitsandbytesBuild | None:
    """The CUDA libraries inside a bitsandbytes wheel, and what it requires."""
    row = _release(_rows(tables, "bitsandbytes-cuda"), version)
    if row is None:
        return None
    cuda = row.get("cuda")
    return BitsandbytesBuild(
        version=row["version"],
        cuda=tuple(cuda) if cuda is not None else None,
        torch=row.get("torch"),
        python=row.get("python"),
    )


def kernels_load_on(tables: Tables, package: str, version: str, torch: str) -> Truth:
    """Whether the compiled kernels of `autoawq-kernels` or `auto-gptq` load on a torch release (by their symbols)."""
    if package == "autoawq-kernels":
        rows = _rows(tables, "autoawq", "kernels")
        row = _closed(rows, version, "introduced", "last")
    elif package == "auto-gptq":
        row = _release(_rows(tables, "auto-gptq"), version)
    else:
        return None
    if row is None:
        return None
    first, last = row["loads_on"]
    after, newer = at_least(Scheme.PEP440, torch, first), compare(Scheme.PEP440, torch, last)
    if after is None or newer is None:
        return None
    return after and newer <= 0


def _rows(tables: Tables, table: str, key: str = "rows") -> list[Row]:
    """The rows of a table; empty where this matrix does not have it."""
    found = tables[table].get(key, []) if table in tables else []
    return found if isinstance(found, list) else []


def _release(rows: Iterable[Row], version: str) -> Row | None:
    """The row of exactly this release."""
    public, rows = version.partition("+")[0], list(rows)
    for row in rows:
        if row["version"] == public:
            return row
    # spelled in another way: 2.4 for 2.4.0, 0.8.5-1 for 0.8.5.post1
    return next((row for row in rows if compare(Scheme.PEP440, public, row["version"]) == 0), None)


def _release_range(rows: Iterable[Row], version: str) -> Row | None:
    """The row whose inclusive range of releases holds this one."""
    return _closed(rows, version, "from", "to")


def _closed(rows: Iterable[Row], version: str, first: str, last: str) -> Row | None:
    for row in rows:
        low, high = compare(Scheme.PEP440, version, row[first]), compare(Scheme.PEP440, version, row[last])
        if low is not None and high is not None and low >= 0 and high <= 0:
            return row
    return None


def _minor_range(rows: Iterable[Row], version: str) -> Row | None:
    """The row whose inclusive range of minor releases holds this one (2.8.1 lies in 2.7 to 2.8)."""
    minor = ".".join(version.split(".")[:2])
    return _closed(rows, minor, "from", "to")


def _in_interval(row: Row, version: str, checked: str | None = None) -> Truth:
    interval = Interval(introduced=row.get("introduced"), fixed=row.get("fixed"))
    return within(Scheme.PEP440, version, [interval], checked=checked)


def _archs(row: Row) -> tuple[str, ...] | None:
    found = row.get("archs")
    return tuple(found) if found is not None else None
