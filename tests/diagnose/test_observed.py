"""A run beats a rule: passing rungs refute static findings, and never a pasted error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.facts import Facts, LogLine, known
from envdoctor.facts.smoke import Outcome, Rung, RungResult, SmokeReport
from envdoctor.knowledge import load_matrix
from envdoctor.workshop.cases import facts_of

OLD_DRIVER = {"package.torch": "2.11.0+cu130", "driver.version": "535.183.01", "driver.platform": "linux"}
OLD_KERNELS = {"package.autoawq-kernels": "0.0.6", "package.torch": "2.6.0+cu124"}


def with_run(facts: Facts, rung: Rung, name: str, device: str, outcome: Outcome = Outcome.PASSED) -> Facts:
    result = RungResult(rung=rung, name=name, outcome=outcome, device=device)
    return replace(
        facts, smoke=known(SmokeReport(python="p", python_version="3.11", device="auto", results=(result,)), "run")
    )


def status(facts: Facts, entry: str) -> str | None:
    return next((f.status for f in diagnose(facts, load_matrix()).findings if f.id == entry), None)


@pytest.mark.parametrize(
    ("case", "entry", "rung", "name", "device", "expected"),
    [
        (OLD_DRIVER, "EC-driver-too-old", Rung.TORCH, "float16 matmul", "cuda:0", "refuted"),
        (OLD_DRIVER, "EC-driver-too-old", Rung.TORCH, "float16 matmul", "cpu", "active"),
        (OLD_DRIVER, "EC-driver-too-old", Rung.DRIVER, "libcuda", "cuda:0", "active"),
        (OLD_KERNELS, "EC-kernels-torch", Rung.ENGINE, "awq_ext", "cuda:0", "refuted"),
        (OLD_KERNELS, "EC-kernels-torch", Rung.ENGINE, "auto_gptq", "cuda:0", "active"),
    ],
)
def test_what_a_passing_rung_refutes(
    case: dict[str, Any], entry: str, rung: Rung, name: str, device: str, expected: str
):
    assert status(with_run(facts_of(case, place="t"), rung, name, device), entry) == expected


def test_a_failed_rung_refutes_nothing():
    facts = with_run(facts_of(OLD_DRIVER, place="t"), Rung.TORCH, "float16 matmul", "cuda:0", Outcome.ERROR)
    assert status(facts, "EC-driver-too-old") == "active"


def test_a_pasted_error_is_never_refuted():
    facts = with_run(facts_of(OLD_DRIVER, place="t"), Rung.TORCH, "float16 matmul", "cuda:0")
    line = LogLine(number=1, text="The NVIDIA driver on your system is too old (found version 12020).", source="log")
    assert status(replace(facts, log=(line,)), "EC-driver-too-old") == "active"
