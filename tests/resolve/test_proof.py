"""A lock of made-up wheels, really installed, diagnosed and imported."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from envdoctor.knowledge import Matrix
from envdoctor.resolve import ProofError, lock, prove, text_of
from envdoctor.resolve.predict import predicted
from envdoctor.resolve.proof import serious_findings
from tests.resolve.local_index import Index
from tests.resolve.test_lock import MACHINE, NUMPY, NUMPY_ENTRY, TORCH

STACK = 'title = {{ en = "t", zh = "t" }}\nrequirements = ["torch==2.3.0"]\nimports = ["{line}"]\n'
PYTHON = f"3.{sys.version_info[1]}"


def test_the_outcome_stands_in_the_header(index: Callable[..., Index], matrix: Callable[..., Matrix]) -> None:
    there = index(*TORCH, *NUMPY)
    known = matrix({"stacks/mine.toml": STACK.format(line="import torch, numpy")})
    made = lock(stack="mine", facts=MACHINE, python=PYTHON, indexes=[there.url], matrix=known)
    proven = prove(made, facts=MACHINE, stack="mine", indexes=[there.url], matrix=known, smoke=False)
    assert proven.header.proof == (
        "installed in a throw-away environment: 2 packages",
        "diagnosed: no finding that blocks or corrupts",
        "ran: import torch, numpy",
    )
    assert "# proof: ran: import torch, numpy" in text_of(proven, "requirements")
    assert proven.pins == made.pins


def test_an_import_that_fails_is_no_proof(index: Callable[..., Index], matrix: Callable[..., Matrix]) -> None:
    there = index(*TORCH, *NUMPY)
    known = matrix({"stacks/mine.toml": STACK.format(line="import torch.nothing")})
    made = lock(stack="mine", facts=MACHINE, python=PYTHON, indexes=[there.url], matrix=known)
    with pytest.raises(ProofError, match=r"No module named 'torch\.nothing'") as caught:
        prove(made, facts=MACHINE, stack="mine", indexes=[there.url], matrix=known, smoke=False)
    assert caught.value.exit_status == 1


def test_what_was_predicted_is_what_a_diagnosis_of_the_environment_finds(
    index: Callable[..., Index], matrix: Callable[..., Matrix]
) -> None:
    there = index(*TORCH, *NUMPY)
    sick = lock(["torch==2.2.2", "numpy==2.0.0"], facts=MACHINE, python=PYTHON, indexes=[there.url], matrix=matrix())
    known = matrix({"entries/numpy/ED-2026-9001.toml": NUMPY_ENTRY})
    foretold = [f.id for f in serious_findings(predicted(MACHINE, sick.solution, python=PYTHON), known)]
    assert foretold == ["ED-2026-9001"]
    with pytest.raises(ProofError, match=foretold[0]):
        prove(sick, facts=MACHINE, indexes=[there.url], matrix=known, smoke=False)
