"""The committed tables: agree with themselves, with independent measurements, and with the wheel they were made from."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from envdoctor.knowledge.derived import DerivedTables, expand, read_folder
from envdoctor.workshop.derive.index import find
from envdoctor.workshop.derive.reading import read_wheel
from envdoctor.workshop.derive.remote import Fetcher
from envdoctor.workshop.derive.tables import cuda_majors, gpu_text, outside_needs

FOLDER = Path(__file__).parents[3] / "matrix" / "derived"
DATA = read_folder(FOLDER)
TABLES = DerivedTables(DATA)

# Which torch each loads on, measured before and by another program: undefined symbols of the published extension against the
# exports of the published torch (nm). Ends are the first and the last version.
INDEPENDENT = {
    ("autoawq-kernels", "0.0.1"): ("2.1.0", "2.1.2"),
    ("autoawq-kernels", "0.0.2"): ("2.1.0", "2.1.2"),
    ("autoawq-kernels", "0.0.3"): ("2.1.0", "2.1.2"),
    ("autoawq-kernels", "0.0.4"): ("2.2.0", "2.2.2"),
    ("autoawq-kernels", "0.0.5"): ("2.2.0", "2.2.2"),
    ("autoawq-kernels", "0.0.6"): ("2.2.0", "2.2.2"),
    ("autoawq-kernels", "0.0.7"): ("2.3.0", "2.6.0"),
    ("autoawq-kernels", "0.0.8"): ("2.4.0", "2.6.0"),
    ("autoawq-kernels", "0.0.9"): ("2.4.0", "2.6.0"),
    ("auto-gptq", "0.4.2"): ("2.0.1", "2.1.2"),
    ("auto-gptq", "0.7.0"): ("2.2.0", "2.2.2"),
    ("auto-gptq", "0.7.1"): ("2.2.0", "2.2.2"),
}


@pytest.mark.parametrize(("distribution", "version"), INDEPENDENT)
def test_agrees_with_independent_measurements(distribution: str, version: str) -> None:
    first, last = INDEPENDENT[distribution, version]
    within = [torch for torch in TABLES.measured(distribution) if Version(first) <= Version(torch) <= Version(last)]
    assert within
    assert list(TABLES.loads_on(distribution, version) or ()) == within


@pytest.mark.parametrize(("symbol", "first", "last"), [
    ("_ZN3c104cuda9SetDeviceEi", "2.1.0", "2.2.2"),
    ("_ZN3c104cuda9SetDeviceEa", "2.3.0", "2.7.1"),
    ("_ZN3c104cuda14ExchangeDeviceEi", "2.1.0", "2.2.2"),
])  # fmt: skip
def test_known_breakpoints_of_torchs_abi(symbol: str, first: str, last: str) -> None:
    table = next(
        table for table in DATA.values() if any(symbol in names for names in table.get("symbols", {}).values())
    )
    text = next(text for text, names in table["symbols"].items() if symbol in names)
    assert [Version(first) <= Version(torch) <= Version(last) for torch in table["measured"]] == [
        torch in expand(text, table["measured"]) for torch in table["measured"]
    ]


def test_torchao_0_12_needs_a_symbol_that_came_with_torch_2_8() -> None:
    loads_on = TABLES.loads_on("torchao", "0.12.0")
    assert loads_on
    assert "2.8.0" in loads_on
    assert all(Version(torch) >= Version("2.8") for torch in loads_on)


def test_archs_of_torch_builds() -> None:
    assert TABLES.torch_archs("2.6.0") == ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90")
    assert TABLES.torch_archs("2.8.0") == ("sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
    assert "sm_70" not in TABLES.torch_archs("2.11.0")


def test_what_torch_says_of_itself_is_what_its_code_holds() -> None:
    said = {row["version"]: row["arch_flags"] for row in DATA["torch"]["rows"] if row["arch_flags"]}
    assert len(said) > 5
    for version, flags in said.items():
        assert set(flags.split()) - {"compute_120"} == set(TABLES.torch_archs(version)) - {"compute_120"}, version


@pytest.mark.parametrize("name", DATA)
def test_a_table_agrees_with_itself(name: str) -> None:
    table: dict[str, Any] = DATA[name]
    assert table["distribution"] == name
    assert date.fromisoformat(table["made"]) >= date(2026, 1, 1)
    rows = table["rows"]
    versions = [Version(row["version"]) for row in rows]
    assert versions == sorted(set(versions))
    assert not {row["version"] for row in rows} & set(table["not_covered"])
    for row in rows:
        assert re.fullmatch("[0-9a-f]{64}", row["sha256"])
        assert row["size"] > 1000
        if name == "torch":
            assert row["cuda"] and row["gpu"], row["version"]
            continue
        needs = [set(library["needs"]) for library in row["libraries"] if "needs" in library]
        allowed = set(table["measured"]).intersection(
            *(expand(text, table["measured"]) for keys in needs for text in keys)
        )
        stated = None if row["torch"] is None else set(expand(row["torch"], table["measured"]))
        assert stated == (allowed if needs else None), row["version"]


def test_the_tables_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_000_000


@pytest.mark.network
@pytest.mark.parametrize(
    ("distribution", "version", "python"), [("torchao", "0.12.0", "3.10"), ("auto-gptq", "0.4.2", "3.10")]
)
def test_a_row_comes_out_of_its_wheel_again(distribution: str, version: str, python: str, tmp_path: Path) -> None:
    row = TABLES.row(distribution, version)
    wheel = find(f"{distribution}=={version}", python=python, platform="x86_64-manylinux_2_40")
    assert row is not None
    assert wheel is not None
    assert (wheel.filename, wheel.sha256) == (row.file, row.sha256)
    with Fetcher() as fetcher:
        stream, size, _ = fetcher.open(wheel.url, sha256=wheel.sha256, spare=tmp_path / "wheel")
        with stream:
            reading = read_wheel(stream, spare=tmp_path)
    assert (size, reading.requires_dist) == (row.size, row.requires_dist)
    needs = outside_needs(reading)
    raw = next(item for item in DATA[distribution]["rows"] if item["version"] == version)
    for library, line, written in zip(reading.libraries, row.libraries, raw["libraries"], strict=True):
        named = {symbol for symbols in line.needs.values() for symbol in symbols}
        assert library.path == line.path
        assert named <= needs[library.path]
        assert len(needs[library.path] - named) == line.everywhere
        assert (gpu_text(library), tuple(cuda_majors(library))) == (written.get("gpu", ""), line.cuda)
