"""Derived facts that are False where nothing speaks for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envdoctor.diagnose.derived import DERIVED
from envdoctor.diagnose.view import FactView
from envdoctor.facts import Facts, Gpu, Known, known


def _value(name: str, facts: Facts) -> object:
    fact = DERIVED[name](FactView(facts))
    assert isinstance(fact, Known)
    return fact.value


@pytest.mark.parametrize("stated", [True, False])
def test_wsl2_is_what_was_stated(stated: bool) -> None:
    facts = Facts()
    assert _value("wsl2", replace(facts, host=replace(facts.host, wsl2=known(stated, "uname -r")))) is stated


def test_a_report_that_does_not_name_wsl2_is_not_about_it() -> None:
    assert _value("wsl2", Facts()) is False


@pytest.mark.parametrize(("capability", "slow"), [("6.1", True), ("6.2", True), ("6.0", False), ("8.6", False)])
def test_pascal_but_the_p100_has_slow_float16(capability: str, slow: bool) -> None:
    gpu = Gpu(index=0, compute_capability=known(capability, "nvidia-smi"))
    assert _value("slow_half", replace(Facts(), gpus=known((gpu,), "nvidia-smi"))) is slow


def test_without_a_named_gpu_nothing_is_slow() -> None:
    assert _value("slow_half", Facts()) is False
