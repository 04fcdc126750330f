"""Conditions over facts: Kleene's logic, and what each answer rests on."""

from __future__ import annotations

from typing import Any

import pytest

from envdoctor.diagnose.derived import DERIVED
from envdoctor.diagnose.evaluate import evaluate
from envdoctor.diagnose.view import FactView
from envdoctor.knowledge.conditions import ConditionError, parse_condition
from envdoctor.workshop.cases import facts_of

GROUPS = {"loaders": ["auto-gptq", "gptqmodel"]}


def ask(condition: dict[str, Any], facts: dict[str, Any], checked: dict[str, str] | None = None) -> Any:
    view = FactView(facts_of(facts, place="test"), DERIVED)
    return evaluate(parse_condition(condition, place="when", groups=GROUPS), view, checked)


OLD = {"package": "optimum", "versions": [{"fixed": "1.20.0"}]}
GPTQ = {"fact": "checkpoint.quant_method", "is": "gptq"}


@pytest.mark.parametrize(
    ("condition", "facts", "truth"),
    [
        (OLD, {"package.optimum": "1.19.2"}, True),
        (OLD, {"package.optimum": "1.20.0"}, False),
        (OLD, {}, None),
        (OLD, {"packages.complete": True}, False),
        ({"package": "@loaders"}, {"package.gptqmodel": "5.0"}, True),
        ({"package": "gptqmodel", "absent": True}, {"packages.complete": True}, True),
        ({"package": "gptqmodel", "absent": True}, {}, None),
        ({"package": "gptqmodel", "absent": True}, {"package.gptqmodel": "5.0"}, False),
        ({"all": [OLD, GPTQ]}, {"package.optimum": "1.19.2"}, None),
        ({"all": [OLD, GPTQ]}, {"package.optimum": "1.20.0"}, False),
        ({"any": [OLD, GPTQ]}, {"package.optimum": "1.20.0", "checkpoint.quant_method": "GPTQ"}, True),
        ({"not": OLD}, {"package.optimum": "1.20.0"}, True),
        ({"not": OLD}, {}, None),
        ({"fact": "gpu.compute_capability", "below": "8.0"}, {"gpu.compute_capability": ["8.6", "6.1"]}, True),
        (
            {"fact": "gpu.compute_capability", "below": "8.0", "every": True},
            {"gpu.compute_capability": ["8.6", "6.1"]},
            False,
        ),
        ({"fact": "gpu.compute_capability", "below": "8.0"}, {}, None),
        ({"fact": "torch.cuda", "at-least": "13.0"}, {"package.torch": "2.11.0+cu130"}, True),
        ({"fact": "torch.cuda", "at-least": "13.0"}, {"package.torch": "2.10.0+cu128"}, False),
        ({"fact": "torch.cuda", "is": "none"}, {"package.torch": "2.10.0+cpu"}, True),
        ({"fact": "checkpoint.group_size", "in": [64, 128]}, {"checkpoint.group_size": 32}, False),
        ({"fact": "env.NCCL_P2P_DISABLE", "is": "1"}, {"env.NCCL_P2P_DISABLE": "1"}, True),
        ({"fact": "workload.flag.enforce-eager", "known": True}, {"workload.flag.enforce-eager": "true"}, True),
        ({"fact": "checkpoint.missing_biases", "known": True}, {"checkpoint.missing_biases": []}, False),
        ({"fact": "derived.lowest_capability", "known": True}, {"gpu.compute_capability": ["9.0", "7.5"]}, True),
    ],
)
def test_truth(condition: dict[str, Any], facts: dict[str, Any], truth: bool | None):
    assert ask(condition, facts).truth is truth


def test_an_unknown_names_the_fact_that_would_decide():
    answer = ask({"all": [OLD, GPTQ]}, {"package.optimum": "1.19.2"})
    assert answer.missing == ("checkpoint.quant_method",)
    assert answer.triggered
    assert [b.fact for b in answer.because] == ["package.optimum"]


def test_newer_than_checked_is_unknown():
    open_end = {"package": "torch", "versions": [{"introduced": "2.11.0"}]}
    assert ask(open_end, {"package.torch": "2.15.0"}, {"torch": "2.15.0"}).truth is True
    assert ask(open_end, {"package.torch": "2.16.0"}, {"torch": "2.15.0"}).truth is None


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({}, "says nothing"),
        ({"package": "Optimum"}, "normalized"),
        ({"package": "@none"}, "no group"),
        ({"package": "a", "version": []}, "unknown key"),
        ({"package": "a", "versions": [{"introduced": "2.0", "fixed": "1.0"}]}, "nothing lies in"),
        ({"package": "a", "versions": [{"fixed": "not a version"}]}, "no pep440 version"),
        ({"fact": "moon.phase", "is": 1}, "no fact"),
        ({"fact": "host.glibc"}, "exactly one operator"),
        ({"fact": "host.glibc", "is": "2", "below": "3"}, "exactly one operator"),
        ({"fact": "gpu.name", "below": "8.0"}, "cannot be ordered"),
        ({"fact": "gpu.name", "known": False}, "ignorance"),
        ({"all": []}, "at least one"),
    ],
)
def test_conditions_that_cannot_be_meant_are_refused(condition: dict[str, Any], says: str):
    with pytest.raises(ConditionError, match=says):
        parse_condition(condition, place="when", groups=GROUPS)


def test_a_pair_is_not_suspected_for_its_other_half() -> None:
    pair = {"all": [OLD, {"package": "transformers", "versions": [{"introduced": "4.40"}]}]}
    assert not ask(pair, {"package.transformers": "4.45"}, {"transformers": "4.45"}).triggered
    assert ask(pair, {"package.optimum": "1.19.2", "package.transformers": "4.45"}, {"transformers": "4.45"}).triggered
    assert ask({"all": [OLD, GPTQ]}, {"package.optimum": "1.19.2"}).triggered
