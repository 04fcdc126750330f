"""The figures of the benchmarks become tables and pictures. Nothing is timed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import page, rows
from benchmarks.environments import EXTENSIONS
from benchmarks.timing import Command, FailedError, Samples, once, pair_difference, pair_ratio, rounds

ROOT = Path(__file__).resolve().parents[2]


def samples(*wall: float, mib: float = 30.0) -> dict[str, Any]:
    return {"wall": list(wall), "cpu": list(wall), "peak_mib": mib}


@pytest.fixture
def results() -> dict[str, Any]:
    return {
        "machine": {
            "date": "2026-11-26", "rounds": 3, "processor": "A processor", "cpus": 2, "architecture": "x86_64",
            "python": "3.11.7", "envdoctor": "0.1.0", "torch": "2.13.0", "distributions": 159, "native": 360,
            "native_extended": 389, "extensions": [f"{name} 1.0" for name in EXTENSIONS], "peers": ["uv 0.9"],
        },
        "whole": {
            rows.DIAGNOSE: samples(0.2, 0.2, 0.4), rows.DIAGNOSE_EXTENDED: samples(0.3, 0.3, 0.3, mib=41.0),
            rows.TERMINAL: samples(0.25, 0.25, 0.45), rows.PASTED: samples(0.15, 0.15, 0.15),
            rows.COLLECT: samples(2.0, 2.0, 4.0), rows.COLLECT_EXTENDED: samples(2.0, 2.0, 2.0),
            rows.IMPORT: samples(1.5, 1.5, 1.5),
        },
        "tickets": {"envdoctor ticket": samples(0.4), "(a second ticket)": samples(0.4)},
        "locks": {rows.COMPILE: samples(1.0, 1.0, 1.0), rows.LOCK: samples(1.5, 1.4, 1.6)},
        "smokes": {
            rows.IMPORT_BARE: samples(1.5, 1.5, 1.5), rows.SMOKE_BARE: samples(2.1, 2.2, 2.2),
            rows.IMPORT: samples(1.5, 1.5, 1.5), rows.SMOKE: samples(5.1, 5.2, 5.2),
        },
        "hang": {rows.HANG: samples(4.4, 4.5, 4.4)},
        "extensions": {"own_s": 0.1, "import_s": 1.5, "ratio": 0.07, "files": 15, "owners": ["torch"]},
        "matrix": [
            {"entries": n, "load_ms": n / 300, "match_10_ms": 1.5, "match_100_ms": 15.0, "match_1000_ms": 150.0}
            for n in (100, 1000, 10_000)
        ],
        "real": {"entries": 313.0, "load_ms": 4.0, "match_ms": 6.0, "match_again_ms": 4.0},
        "distributions": [{"distributions": n, "seconds": n / 1000} for n in (10, 100, 1000)],
        "reports": [{"reports": n, "one_process_s": 0.2 + n / 500, "processes_s": n / 5} for n in (1, 10, 100, 1000)],
        "texts": [{"mib": mib, "log": mib / 10, "garbage": mib / 5, "one line": mib / 20} for mib in (0.1, 1, 10, 30)],
    }  # fmt: skip


def test_ratios_are_taken_round_by_round(results: dict[str, Any]) -> None:
    slow_third = Samples(**results["whole"][rows.DIAGNOSE])
    assert pair_ratio(slow_third, Samples(**results["whole"][rows.COLLECT])) == pytest.approx(0.1)
    assert pair_difference(Samples(**results["whole"][rows.TERMINAL]), slow_third) == pytest.approx(0.05)


def test_every_budget_says_whether_it_is_held(results: dict[str, Any]) -> None:
    found = {budget.what: budget for budget in page.budgets(results)}
    missed = [what for what, budget in found.items() if not budget.held]
    assert missed == ["lock beside plain `uv pip compile`, nothing vetoed"]
    assert found[missed[0]].cells()[1:] == ("1.500 times", "1.300 times", "**missed by 15 %**")
    assert found["memory of both, at the peak"].measured == 41.0
    assert found["all extensions judged, beside `import torch`"].cells()[-1] == "held"


def test_what_stands_around_the_tables_stays(tmp_path: Path, results: dict[str, Any]) -> None:
    target = tmp_path / "page.md"
    target.write_text("before\n<!-- measured: budgets -->\nold\n<!-- end -->\nafter\n")
    parts = {"budgets": page.tables(results)["budgets"]}
    page.write(target, parts)
    once_written = target.read_text()
    assert once_written.startswith("before\n<!-- measured: budgets -->\n\n| budget | measured | limit |")
    assert once_written.endswith("|\n\n<!-- end -->\nafter\n")
    assert "old" not in once_written
    page.write(target, parts)
    assert target.read_text() == once_written


def test_the_page_has_a_place_for_every_table(tmp_path: Path, results: dict[str, Any]) -> None:
    copy = tmp_path / "benchmarks.md"
    copy.write_text((ROOT / "docs/benchmarks.md").read_text("utf-8"), "utf-8")
    page.write(copy, page.tables(results))
    text = copy.read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.endswith(" |"), line
    with pytest.raises(ValueError, match="0 places are marked `measured: weather`"):
        page.write(copy, {"weather": "sunny"})


def test_helping_rows_are_not_shown(results: dict[str, Any]) -> None:
    assert "second ticket" not in page.tables(results)["commands"]


def test_pictures_say_the_names_as_text_and_turn_for_dark_pages(tmp_path: Path, results: dict[str, Any]) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks import plot

    plot.commands(results["whole"], tmp_path / "speed.svg")
    plot.growth(results, tmp_path / "growth.svg")
    for name, word in (("speed.svg", "python -m torch.utils.collect_env"), ("growth.svg", "pasted reports (s)")):
        text = (tmp_path / name).read_text("utf-8")
        assert word in text
        assert "prefers-color-scheme: dark" in text
    first = (tmp_path / "speed.svg").read_bytes()
    plot.commands(results["whole"], tmp_path / "speed.svg")
    assert (tmp_path / "speed.svg").read_bytes() == first


def test_the_peak_is_the_commands_own() -> None:
    here = bytearray(120 << 20)  # what this process holds is not counted
    wall, cpu, peak = once(Command(name="true", arguments=["true"]))
    del here
    assert 0 < peak < 60
    assert wall >= 0 and cpu >= 0


def test_a_command_that_does_not_work_is_not_measured() -> None:
    with pytest.raises(FailedError, match="broken: status 3: no such thing"):
        once(Command(name="broken", arguments=["sh", "-c", "echo no such thing >&2; exit 3"]))


def test_rounds_run_each_command_once_more_than_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands = [Command(name=n, arguments=["sh", "-c", f"cat >> {log}"], stdin=n.encode()) for n in "ab"]
    found = rounds(commands, 2)
    assert log.read_text() == "ababab"
    assert {name: len(one.wall) for name, one in found.items()} == {"a": 2, "b": 2}
