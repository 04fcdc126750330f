"""Which code runs where."""

from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.binaries.gpu import (
    PtxRange,
    code_match,
    file_match,
    group,
    isa_by_cuda,
    ptx_range,
    sm_number,
    verdicts,
)
from envdoctor.facts.extensions import CodeKind, GpuCode, GpuContainer, GpuMatch
from envdoctor.toml import tomllib

TABLE = Path(__file__).parents[2] / "matrix/tables/ptx-isa.toml"
CUDA_12_4 = PtxRange(takes=(8, 4), exact=True)


def sass(sm: int, suffix: str = "") -> GpuCode:
    return GpuCode(kind=CodeKind.SASS, sm=sm, suffix=suffix)


def ptx(sm: int, isa: str, suffix: str = "") -> GpuCode:
    return GpuCode(kind=CodeKind.PTX, sm=sm, suffix=suffix, ptx_isa=isa)


@pytest.mark.parametrize(
    ("code", "capability", "expected"),
    [
        (sass(86), "8.6", "native"),
        (sass(86), "8.9", "native"),
        (sass(86), "8.0", "none"),
        (sass(80), "9.0", "none"),
        (sass(90), "10.0", "none"),
        (sass(120), "12.1", "native"),
        (sass(80), "8.7", "unknown"),  # a Jetson: NVIDIA promises nothing
        (sass(87), "8.7", "native"),
        (sass(87), "8.9", "unknown"),
        (sass(90, "a"), "9.0", "native"),
        (sass(100, "a"), "10.3", "none"),
        (sass(100, "f"), "10.3", "native"),
        (sass(100, "f"), "10.0", "native"),
        (sass(103, "f"), "10.0", "none"),
        (sass(100, "f"), "12.0", "none"),
        (sass(120, "f"), "12.1", "native"),
        (ptx(80, "8.0"), "8.9", "ptx"),
        (ptx(80, "8.0"), "12.0", "ptx"),
        (ptx(80, "8.0"), "7.5", "none"),
        (ptx(80, "8.5"), "8.9", "none"),  # this driver does not know ISA 8.5
        (ptx(90, "8.0", "a"), "9.0", "ptx"),
        (ptx(90, "8.0", "a"), "10.0", "none"),
        (ptx(100, "8.0", "f"), "10.3", "ptx"),
        (ptx(100, "8.0", "f"), "12.0", "none"),
    ],
)
def test_one_piece_of_code(code: GpuCode, capability: str, expected: str) -> None:
    assert code_match(code, sm_number(capability), CUDA_12_4).value == expected


def test_ptx_is_unknown_where_the_driver_is() -> None:
    assert code_match(ptx(80, "8.0"), 89, None) is GpuMatch.UNKNOWN
    newer = PtxRange(takes=(8, 4), exact=False)
    assert code_match(ptx(80, "8.4"), 89, newer) is GpuMatch.PTX
    assert code_match(ptx(80, "8.5"), 89, newer) is GpuMatch.UNKNOWN


def test_each_container_is_judged_and_not_the_union() -> None:
    one, other = (sass(80),), (sass(86), ptx(86, "8.0"))
    containers = group([one, one, other])
    assert containers == (GpuContainer(code=one, count=2), GpuContainer(code=other, count=1))
    assert file_match(containers, 86, CUDA_12_4) is GpuMatch.NATIVE
    assert file_match(containers, 80, CUDA_12_4) is GpuMatch.PARTIAL
    assert file_match(containers, 90, CUDA_12_4) is GpuMatch.PARTIAL
    assert file_match(containers, 75, CUDA_12_4) is GpuMatch.NONE
    assert file_match(containers, 90, None) is GpuMatch.UNKNOWN


def test_files_without_code_get_no_verdict() -> None:
    assert verdicts((), ["8.9"], None) == ()
    assert verdicts((GpuContainer(code=()),), ["8.9"], None) == ()


def test_a_capability_that_the_driver_does_not_tell_is_unknown() -> None:
    (verdict,) = verdicts((GpuContainer(code=(sass(80),)),), ["[N/A]"], None)
    assert verdict.match is GpuMatch.UNKNOWN


@pytest.mark.parametrize("text", ["8", "8.60", "eight.six", "", "-8.6", "8.6a"])
def test_what_is_no_capability_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no compute capability"):
        sm_number(text)


def test_the_measured_table_of_ptx_versions() -> None:
    table = isa_by_cuda(tomllib.loads(TABLE.read_text(encoding="utf-8")))
    assert ptx_range("12.4", table) == CUDA_12_4
    assert ptx_range("12.4.1", table) == CUDA_12_4
    assert ptx_range("12.7", table) == PtxRange(takes=(8, 5), exact=False)
    assert ptx_range("99.0", table) == PtxRange(takes=(9, 5), exact=False)
    assert ptx_range("10.2", table) is None
    assert ptx_range(None, table) is None
    versions = [tuple(map(int, cuda.split("."))) for cuda in table]
    assert versions == sorted(versions)
    isas = [tuple(map(int, isa.split("."))) for isa in table.values()]
    assert isas == sorted(isas)
