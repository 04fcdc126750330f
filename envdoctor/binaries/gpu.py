"""Whether GPU code runs on a GPU. Pure: no files are read here.

The rules are those of the CUDA C++ Programming Guide (application compatibility) and of the PTX ISA (`.target`):
machine code runs on GPUs of the same major and an equal or higher minor capability, code of an `a` target on that chip
only, code of an `f` target on its family; PTX runs on every later GPU, if the driver knows its ISA version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from envdoctor.facts.extensions import (
    CodeKind,
    DistributionGpu,
    ExtensionFact,
    GpuCode,
    GpuContainer,
    GpuMatch,
    GpuVerdict,
    Loading,
)
from envdoctor.values import dataclass

# NVIDIA does not promise that code moves between these (Jetson, DRIVE) and other chips of the same major capability.
_TEGRA = frozenset({53, 62, 72, 87, 88, 101, 110})


@dataclass(frozen=True, kw_only=True, slots=True)
class PtxRange:
    """A driver compiles PTX up to ISA version `takes`, such as `(8, 4)`; where `exact`, it refuses every newer one."""

    takes: tuple[int, int]
    exact: bool


def sm_number(capability: str) -> int:
    """86 for "8.6", 120 for "12.0". Raises `ValueError` for anything else."""
    major, _, minor = capability.partition(".")
    if not (major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit() and len(minor) == 1):
        raise ValueError(f"{capability!r} is no compute capability such as 8.6")
    return int(major) * 10 + int(minor)


def group(containers: Iterable[tuple[GpuCode, ...]]) -> tuple[GpuContainer, ...]:
    """Containers with the same targets as one value with a count, the most frequent first."""
    counted = Counter(tuple(dict.fromkeys(code)) for code in containers)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], [(c.kind.value, c.sm, c.suffix) for c in item[0]]))
    return tuple(GpuContainer(code=code, count=count) for code, count in ordered)


def code_match(code: GpuCode, sm: int, ptx: PtxRange | None) -> GpuMatch:
    """How one piece of code fits GPUs of `sm`: NATIVE, PTX, UNKNOWN or NONE. `ptx` is what the driver takes, if known."""
    if not _target_reaches(code, sm):
        return GpuMatch.NONE
    if code.kind is CodeKind.SASS:
        crosses = code.sm != sm and (code.sm in _TEGRA) != (sm in _TEGRA)
        return GpuMatch.UNKNOWN if crosses else GpuMatch.NATIVE
    isa = _isa(code.ptx_isa)
    if ptx is None or isa is None:
        return GpuMatch.UNKNOWN
    if isa <= ptx.takes:
        return GpuMatch.PTX
    return GpuMatch.NONE if ptx.exact else GpuMatch.UNKNOWN


def _target_reaches(code: GpuCode, sm: int) -> bool:
    if code.suffix == "a":
        return code.sm == sm
    same_major = code.sm // 10 == sm // 10
    if code.suffix == "f" or code.kind is CodeKind.SASS:
        return same_major and code.sm <= sm
    return code.sm <= sm


def _isa(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def container_match(code: Sequence[GpuCode], sm: int, ptx: PtxRange | None) -> GpuMatch:
    """How one container fits: its best piece of code counts."""
    matches = {code_match(piece, sm, ptx) for piece in code}
    for best in (GpuMatch.NATIVE, GpuMatch.PTX, GpuMatch.UNKNOWN):
        if best in matches:
            return best
    return GpuMatch.NONE


def file_match(containers: Iterable[GpuContainer], sm: int, ptx: PtxRange | None) -> GpuMatch:
    """How all containers of a file fit together (see `GpuMatch`). Containers that hold no code at all don't count."""
    return _together({container_match(c.code, sm, ptx) for c in containers if c.code})


def _together(matches: set[GpuMatch]) -> GpuMatch:
    if not matches:
        return GpuMatch.UNKNOWN
    if len(matches) == 1:
        return next(iter(matches))
    if GpuMatch.NONE in matches or GpuMatch.PARTIAL in matches:
        return GpuMatch.UNKNOWN if matches == {GpuMatch.NONE, GpuMatch.UNKNOWN} else GpuMatch.PARTIAL
    return GpuMatch.UNKNOWN if GpuMatch.UNKNOWN in matches else GpuMatch.PTX


def verdicts(
    containers: Sequence[GpuContainer], capabilities: Iterable[str], ptx: PtxRange | None
) -> tuple[GpuVerdict, ...]:
    """One verdict for each distinct capability, in their order; none where the file holds no GPU code."""
    if not any(container.code for container in containers):
        return ()
    return tuple(
        GpuVerdict(capability=capability, match=_match_of(containers, capability, ptx))
        for capability in dict.fromkeys(capabilities)
    )


def _match_of(containers: Sequence[GpuContainer], capability: str, ptx: PtxRange | None) -> GpuMatch:
    try:
        return file_match(containers, sm_number(capability), ptx)
    except ValueError:  # a driver may answer "[N/A]"
        return GpuMatch.UNKNOWN


def isa_by_cuda(table: Mapping[str, Any]) -> dict[str, str]:
    """CUDA version to PTX ISA version, out of the matrix table `ptx-isa`."""
    return {row["cuda"]: row["ptx_isa"] for row in table["row"]}


def ptx_range(driver_cuda: str | None, isa_by_cuda: Mapping[str, str]) -> PtxRange | None:
    """The PTX that a driver takes, by the CUDA version that it implements ("12.4"); `None` where that is not known.

    `isa_by_cuda` is the measured table matrix/tables/ptx-isa.toml. A version that is not in it takes at least what the
    one before it does.
    """
    wanted = _isa(".".join((driver_cuda or "").split(".")[:2]))
    if wanted is None:
        return None
    below = [(version, isa) for version, isa in _rows(isa_by_cuda) if version <= wanted]
    if not below:
        return None
    version, isa = max(below)
    return PtxRange(takes=isa, exact=version == wanted)


def _rows(isa_by_cuda: Mapping[str, str]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for cuda, isa in isa_by_cuda.items():
        version, number = _isa(cuda), _isa(isa)
        if version is not None and number is not None:
            yield version, number


def by_distribution(extensions: Iterable[ExtensionFact]) -> tuple[DistributionGpu, ...]:
    """One verdict per distribution and capability over the files that would be loaded, sorted by name.

    Wheels bring a file per GPU generation (a Hopper-only kernel library beside one for all), so a file without code for
    this GPU says nothing alone; a distribution without any says that its kernels cannot run. Files that are wholly made
    for single chips or families (`a`, `f`) are extras: they count where they fit.
    """
    files: dict[tuple[str, str | None, str], dict[str, GpuMatch]] = {}
    for extension in extensions:
        if extension.distribution is None or extension.loading in (Loading.NEVER, Loading.PLUGIN):
            continue
        extra = all(code.suffix for container in extension.gpu_code for code in container.code)
        for verdict in extension.gpu_verdicts:
            if extra and verdict.match is GpuMatch.NONE:
                continue
            key = (extension.distribution, extension.distribution_version, verdict.capability)
            files.setdefault(key, {})[extension.path] = verdict.match
    return tuple(
        DistributionGpu(
            distribution=name,
            version=version,
            capability=capability,
            match=_together(set(matches.values())),
            files=tuple(sorted(matches)),
        )
        for (name, version, capability), matches in sorted(files.items(), key=lambda item: str(item[0]))
    )
