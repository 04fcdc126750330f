from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envdoctor.errors import InputError
from envdoctor.knowledge.derived import DerivedTables, expand, read_folder

MEASURED = ["2.2.2", "2.3.1", "2.6.0", "2.11.0"]


def wheel(version: str, **fields: Any) -> dict[str, Any]:
    common = {"file": f"x-{version}.whl", "size": 7, "sha256": "ab" * 32, "uploaded": "2024-01-02", "python": "cp310"}
    return {"version": version, **common, "requires_python": ">=3.8", "floors": {"GLIBC": "2.17"}, **fields}


def tables() -> dict[str, Any]:
    def torch(version: str, cuda: str | None, gpu: str) -> dict[str, Any]:
        return wheel(version, cuda=cuda, gpu=gpu, containers=10, requires_dist=["filelock"], arch_flags=None)

    library = {"path": "x.so", "gpu": "sm_80 compute_80:1", "containers": 2}
    return {
        "torch": {
            "schema": 1,
            "distribution": "torch",
            "made": "2026-01-01",
            "rows": [
                torch("2.2.2", "12.1", "sm_50 sm_80 sm_90"),
                torch("2.3.1", "12.1", "sm_50 sm_80 sm_90"),
                torch("2.6.0", "12.4", "sm_50 sm_90:9 sm_90a:2"),
                torch("2.11.0", "13.0", "sm_75 sm_120 compute_120:8"),
            ],
        },
        "my-ext": {
            "schema": 1,
            "distribution": "my-ext",
            "made": "2026-01-01",
            "measured": MEASURED,
            "symbols": {"2.2.2": ["old"], "2.3.1..2.11.0": ["new", "newer"], "none": ["gone"]},
            "requires": [["torch>=2"], []],
            "rows": [
                wheel("0.1", requires=0, torch="2.2.2", libraries=[{**library, "needs": {"*": 4, "2.2.2": [0]}}]),
                wheel(
                    "0.2.0",
                    requires=1,
                    torch="2.3.1..2.11.0",
                    libraries=[
                        {**library, "cuda": [12], "needs": {"*": 4, "2.3.1..2.11.0": [1]}},
                        {"path": "y.so", "needs": {"*": 3}, "other_gpu": "rocm", "problem": "GPU code: stripped"},
                    ],
                ),
                wheel("0.3", requires=1, torch="none", libraries=[{"path": "x.so", "needs": {"*": 0, "none": [0]}}]),
                wheel("0.4", requires=1, torch=None, libraries=[]),
            ],
        },
    }


def test_loads_on_takes_symbols_and_cuda_into_account() -> None:
    derived = DerivedTables(tables())
    assert derived.distributions == ("my-ext",)
    assert derived.measured("My_Ext") == tuple(MEASURED)
    assert derived.loads_on("My_Ext", "0.1") == ("2.2.2",)
    assert derived.loads_on("my-ext", "0.2") == ("2.3.1", "2.6.0")  # 2.11.0 has the symbols, and brings CUDA 13
    assert derived.loads_on("my-ext", "0.3") == ()


def test_unknown_is_not_never() -> None:
    derived = DerivedTables(tables())
    for distribution, version in [("my-ext", "0.4"), ("my-ext", "0.5"), ("other", "0.1"), ("my-ext", "no version")]:
        assert derived.loads_on(distribution, version) is None
    assert derived.rows("other") == ()
    assert derived.torch_archs("2.4.0") == ()
    assert derived.row("my-ext", "0.1+cu118") is None
    assert DerivedTables({}).torch_rows == ()


def test_rows_carry_the_wheels_own_metadata() -> None:
    row = DerivedTables(tables()).rows("my-ext")[1]
    assert (row.version, row.requires_dist, row.torch) == ("0.2.0", (), ("2.3.1", "2.6.0", "2.11.0"))
    first, second = row.libraries
    assert (first.cuda, first.everywhere, dict(first.needs)) == ((12,), 4, {"2.3.1..2.11.0": ("newer",)})
    assert dict(first.gpu) == {"sm_80": 2, "compute_80": 1}
    assert (second.other_gpu, second.problem) == ("rocm", "GPU code: stripped")
    assert dict(row.floors) == {"GLIBC": "2.17"}


def test_missing_symbols_are_named() -> None:
    derived = DerivedTables(tables())
    assert derived.missing_symbols("my-ext", "0.2", "2.2.2+cu118") == ("newer",)
    assert derived.missing_symbols("my-ext", "0.2", "2.6.0") == ()
    assert derived.missing_symbols("my-ext", "0.3", "2.6.0") == ("gone",)
    assert derived.missing_symbols("my-ext", "0.3", "2.5.0") == ()


def test_archs_of_a_torch_leave_out_what_few_kernels_have() -> None:
    derived = DerivedTables(tables())
    assert derived.torch_archs("2.6.0+cu124") == ("sm_50", "sm_90")
    assert derived.torch_archs("2.11") == ("sm_75", "sm_120", "compute_120")


def test_interval_of_an_unknown_version() -> None:
    with pytest.raises(InputError, match=r"'2\.4\.0'"):
        expand("2.4.0", MEASURED)


@pytest.mark.parametrize("damage", [{"symbols": {}}, {"requires": []}, {"measured": ["2.2.2"]}, {"rows": [{}]}])
def test_a_damaged_table_is_said(damage: dict[str, Any]) -> None:
    data = tables()
    data["my-ext"] |= damage
    with pytest.raises(InputError, match=r"my-ext: damaged|not measured"):
        DerivedTables(data).rows("my-ext")


def test_a_table_of_another_schema_is_refused() -> None:
    data = tables()
    data["my-ext"]["schema"] = 2
    with pytest.raises(InputError, match="my-ext: not of schema 1"):
        DerivedTables(data)


def test_read_folder(tmp_path: Path) -> None:
    for name, table in tables().items():
        (tmp_path / f"{name}.json").write_text(json.dumps(table))
    (tmp_path / "README.md").write_text("not a table")
    assert read_folder(tmp_path) == tables()
    assert list(read_folder(tmp_path)) == ["my-ext", "torch"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"distribution": 1}', "[" * 100_000])
def test_read_folder_says_which_file_is_no_table(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(InputError, match=r"bad\.json: not a derived table"):
        read_folder(tmp_path)
