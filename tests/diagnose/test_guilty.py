"""`{engine}` in cause.packages stands for the engine that ran."""

from __future__ import annotations

from dataclasses import replace

from envdoctor.diagnose.match import _guilty
from envdoctor.diagnose.view import FactView
from envdoctor.facts import Facts, known
from envdoctor.knowledge.entry import core_from

_CORE = core_from(
    {"id": "X", "effect": "blocks", "cause": {"class": "multi-gpu-comm", "packages": ["{engine}", "vllm"]}},
    place="X",
    groups={},
)


def _view(engine: str | None) -> FactView:
    facts = Facts()
    if engine is not None:
        facts = replace(facts, workload=replace(facts.workload, engine=known(engine, "test")))
    return FactView(facts)


def test_the_engine_that_ran_is_named_by_its_distribution() -> None:
    assert _guilty(_CORE, _view("tgi")) == ("text-generation-inference", "vllm")
    assert _guilty(_CORE, _view("sglang")) == ("sglang", "vllm")


def test_an_unknown_engine_drops_out_and_a_repeated_name_stays_once() -> None:
    assert _guilty(_CORE, _view(None)) == ("vllm",)
    assert _guilty(_CORE, _view("vllm")) == ("vllm",)
