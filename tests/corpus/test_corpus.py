"""Every thread of the corpus: its cause is among the first three findings, and nothing certain is said of a healthy one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envdoctor.diagnose import Finding, diagnose
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix
from envdoctor.knowledge.entry import CLASSES
from tests.corpus.pasted import Case, pasted

FOLDER = Path(__file__).parent
CASES: dict[str, Case] = {
    case["id"]: case
    for path in sorted(FOLDER.glob("*.jsonl"))
    for case in map(json.loads, path.read_text("utf-8").splitlines())
}
HEALTHY = sorted(name for name, case in CASES.items() if case["cause_class"] == "healthy")
BROKEN = sorted(set(CASES) - set(HEALTHY))
NOT_NAMED = set((FOLDER / "not-named.txt").read_text("utf-8").split())

#: classes that two experts would name for the same trouble
NEIGHBOURS = [
    {"wrong-build", "abi-mismatch"}, {"wrong-build", "missing-shared-library"}, {"wrong-build", "no-kernel-image"},
    {"wrong-build", "driver-too-old"}, {"gpu-capability-too-low", "no-kernel-image"},
    {"gpu-capability-too-low", "dtype-unsupported"}, {"abi-mismatch", "version-conflict"},
    {"abi-mismatch", "missing-shared-library"}, {"numpy-abi", "version-conflict"}, {"known-bug", "version-conflict"},
    {"known-bug", "quant-format-unsupported"}, {"known-bug", "numeric-overflow"}, {"version-conflict", "quant-format-unsupported"},
    {"container-runtime", "misconfiguration"}, {"container-runtime", "driver-too-old"}, {"wsl2-limitation", "misconfiguration"},
    {"wsl2-limitation", "missing-shared-library"}, {"wsl2-limitation", "out-of-memory"},
    {"python-version-unsupported", "platform-unsupported"}, {"missing-shared-library", "misconfiguration"},
    {"dtype-unsupported", "numeric-overflow"}, {"glibc-too-old", "platform-unsupported"},
    {"glibc-too-old", "missing-shared-library"}, {"kernel-shape-constraint", "quant-format-unsupported"},
]  # fmt: skip


def findings(case: Case) -> tuple[Finding, ...]:
    matrix = load_matrix()
    return diagnose(ingest(pasted(case), gpu_table=matrix.tables["gpus"]), matrix).findings


def names(finding: Finding, case: Case) -> bool:
    alike = finding.cause == case["cause_class"] or {finding.cause, case["cause_class"]} in NEIGHBOURS
    return alike and (not case["packages_involved"] or bool(set(case["packages_involved"]) & set(finding.packages)))


@pytest.mark.parametrize("name", BROKEN)
def test_the_cause_is_named(name: str) -> None:
    said = findings(CASES[name])[:3]
    named = any(names(finding, CASES[name]) for finding in said)
    if name in NOT_NAMED:
        assert not named, f"{name} is named now: take it off not-named.txt"
    else:
        assert named, (
            f"want {CASES[name]['cause_class']} {CASES[name]['packages_involved']}, said {[f.id for f in said]}"
        )


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_certain_is_said_of_what_works(name: str) -> None:
    assert [f.id for f in findings(CASES[name]) if f.severity == "error" and f.verdict == "match"] == []


def test_the_corpus_is_well_formed() -> None:
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in FOLDER.glob("*.jsonl"))
    assert lines == len(CASES), "two cases have the same id"
    assert {case["cause_class"] for case in CASES.values()} <= {*CLASSES, "healthy"}
    assert set(BROKEN) >= NOT_NAMED, "not-named.txt names no case"
