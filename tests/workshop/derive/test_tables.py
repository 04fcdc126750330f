from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.knowledge.derived import expand
from envdoctor.workshop.derive.index import PublishedWheel
from envdoctor.workshop.derive.intervals import as_intervals
from envdoctor.workshop.derive.reading import Library, WheelReading
from envdoctor.workshop.derive.tables import (
    Measured,
    cuda_majors,
    extension_table,
    gpu_text,
    measure_support,
    outside_needs,
    render,
)

VERSIONS = ("2.1.2", "2.2.2", "2.3.1", "2.4.1", "2.10.0")


@given(st.sets(st.sampled_from(VERSIONS)))
def test_intervals_there_and_back(chosen: set[str]) -> None:
    assert set(expand(as_intervals(chosen, VERSIONS), VERSIONS)) == chosen


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (VERSIONS, "*"),
        ((), "none"),
        (("2.2.2",), "2.2.2"),
        (("2.3.1", "2.4.1", "2.10.0"), "2.3.1..2.10.0"),
        (("2.1.2", "2.2.2", "2.4.1"), "2.1.2..2.2.2,2.4.1"),
    ],
)
def test_interval_texts(chosen: tuple[str, ...], text: str) -> None:
    assert as_intervals(chosen, VERSIONS) == text


def library(path: str, **fields: object) -> Library:
    return Library(path=path, size=1, floors={}, **fields)  # type: ignore[arg-type]


def measured(name: str, version: str, *libraries: Library) -> Measured:
    filename = f"{name}-{version}-cp39-abi3-manylinux2014_x86_64.whl"
    wheel = PublishedWheel(distribution=name, version=version, filename=filename, url="", sha256="ab" * 32)
    return Measured(
        wheel=wheel, size=10, reading=WheelReading(requires_dist=(), requires_python=None, libraries=libraries)
    )


def test_needs_are_answered_only_by_libraries_that_are_linked() -> None:
    reading = measured(
        "x",
        "1",
        library("x/_C.so", needed=("liba.so",), imports=("a", "b", "c")),
        library("x/lib/liba.so", needed=("libb.so",), exports=("a",)),
        library("x/lib/libb.so", needed=("liba.so",), exports=("b",)),
        library("x/other.so", exports=("c",)),
    ).reading
    assert outside_needs(reading)["x/_C.so"] == {"c"}


def test_classes_rows_and_order() -> None:
    torches = [
        measured("torch", version, library("torch/lib/libc10.so", exports=exports))
        for version, exports in {"2.10.0": ("new", "all"), "2.2.2": ("old", "all"), "2.3.1": ("new", "all")}.items()
    ]
    rows = [
        measured("x", "0.10", library("x.so", imports=("new", "all"), needed=("libcudart.so.12",))),
        measured("x", "0.9", library("x.so", imports=("old", "all")), library("y.so", imports=("gone", "all"))),
        measured("x", "0.8", library("x.so", imports=("old", "all"))),
    ]
    support = measure_support(torches, {"new", "old", "all", "gone"})
    table = extension_table("x", rows, support, head={"made": "2026-01-01"})
    assert table["measured"] == ["2.2.2", "2.3.1", "2.10.0"]
    assert table["symbols"] == {"2.2.2": ["old"], "2.3.1..2.10.0": ["new"], "none": ["gone"]}
    assert [(row["version"], row["torch"]) for row in table["rows"]] == [
        ("0.8", "2.2.2"),
        ("0.9", "none"),
        ("0.10", "2.3.1..2.10.0"),
    ]
    assert table["rows"][2]["libraries"] == [{"path": "x.so", "cuda": [12], "needs": {"*": 1, "2.3.1..2.10.0": [0]}}]
    text = render(table)
    assert json.loads(text) == table
    assert render(extension_table("x", rows[::-1], support, head={"made": "2026-01-01"})) == text


@pytest.mark.parametrize(
    ("needed", "majors"),
    [
        (("libcudart.so.11.0", "libcublas.so.11"), [11]),
        (("libcudart.so.12", "libcublasLt.so.12"), [12]),
        (("libcudart.so.13",), [13]),
        (("libcudart-987eca32.so.11.7.99",), []),  # a copy inside the wheel
        (("libcusparse.so.12", "libcuda.so.1", "libc10_cuda.so"), []),  # their numbers are not CUDA's
    ],
)
def test_cuda_majors(needed: tuple[str, ...], majors: list[int]) -> None:
    assert cuda_majors(library("x.so", needed=needed)) == majors


def test_gpu_text_counts_only_what_not_every_container_holds() -> None:
    assert (
        gpu_text(library("x.so", gpu={"sm_80": 3, "sm_90a": 1, "compute_90": 3}, containers=3))
        == "sm_80 sm_90a:1 compute_90"
    )
    assert gpu_text(library("x.so", gpu=None)) == ""


def test_variants_for_other_gpus_do_not_raise_the_floor() -> None:
    def built(path: str, floor: str, needed: str) -> Library:
        return Library(path=path, size=1, floors={"GLIBC": floor}, needed=(needed,))

    wheel = measured(
        "x",
        "1",
        built("x_cuda.so", "2.17", "libcudart.so.12"),
        built("x_cuda2.so", "2.4", "libcudart.so.12"),
        built("x_rocm.so", "2.34", "libhipblas.so.2"),
        built("x_xpu.so", "2.35", "libsycl.so.8"),
    )
    row = extension_table("x", [wheel], measure_support([], ()), head={})["rows"][0]
    assert row["floors"] == {"GLIBC": "2.17"}
    assert [line.get("other_gpu") for line in row["libraries"]] == [None, None, "rocm", "xpu"]
