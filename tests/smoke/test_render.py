"""What a person sees of the ladder, in both languages."""

from __future__ import annotations

import io

import pytest

from envdoctor.facts.smoke import Outcome, Rung, RungResult, SmokeReport
from envdoctor.render import smoke
from envdoctor.render.words import word
from envdoctor.text import same


def report(*results: RungResult) -> SmokeReport:
    return SmokeReport(python="/p", python_version="3.11.7", device="auto", results=results)


GOOD = RungResult(rung=Rung.TORCH, name="import", outcome=Outcome.PASSED, seconds=1.0)
BAD = RungResult(
    rung=Rung.CHECKPOINT,
    name="transformers, gptq",
    outcome=Outcome.NAN,
    device="cpu",
    detail=same("the loader made up 8 tensors"),
    said="······",
    unexpected=("model.layers.0.mlp.up_proj.bias",),
    stderr_tail="Some weights were newly initialized",
)
REFERENCE = RungResult(rung=Rung.CHECKPOINT, name="reference", outcome=Outcome.PASSED, reference=True)
NOT_RUN = RungResult(
    rung=Rung.DRIVER, name="libcuda", outcome=Outcome.CANNOT_RUN, detail=same("there is no NVIDIA driver here")
)


def shown(value: SmokeReport, lang: str = "en") -> str:
    return smoke.smoke_text(value, lang=lang, out=io.StringIO())


def test_the_garbage_and_the_names_are_shown() -> None:
    text = shown(report(GOOD, BAD))
    for part in (
        '"······"',
        "up_proj.bias",
        "newly initialized",
        "It breaks first at: checkpoint (transformers, gptq).",
    ):
        assert part in text


def test_chinese() -> None:
    text = shown(report(GOOD, BAD), "zh")
    for part in ("出现 NaN", "模型输出", "最先出错的层级：检查点"):
        assert part in text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (report(GOOD, NOT_RUN), "has passed"),
        (report(NOT_RUN, REFERENCE), "built-in reference"),
        (report(NOT_RUN), "No rung could run"),
    ],
)
def test_the_verdict_says_no_more_than_was_run(value: SmokeReport, says: str) -> None:
    assert says in shown(value)


def test_every_outcome_and_rung_has_its_words() -> None:
    for key in [*Outcome, *Rung]:
        assert word(f"smoke.{key.value}", "en")
        assert word(f"smoke.{key.value}", "zh")
