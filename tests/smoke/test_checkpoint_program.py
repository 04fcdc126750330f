"""What the checkpoint program makes of a library that will not run on the CPU: no failure, for nothing was tried."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from envdoctor.smoke.programs import checkpoint
from envdoctor.smoke.programs.host import CannotRun

CANARY = Path(checkpoint.__file__).parents[1] / "canary"


class Rung:
    """Just enough of the host that the program is given."""

    CannotRun = CannotRun
    options: ClassVar = {"canary": str(CANARY)}

    @contextlib.contextmanager
    def check(self, name: str, device: str) -> Iterator[Any]:
        del name, device
        yield SimpleNamespace(detail=[], outcome="passed")

    def need(self, name: str) -> Any:
        assert name == "transformers"
        return SimpleNamespace(__version__="4.51.3")


def climb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, problem: Exception, device: str) -> None:
    def load(*_: Any) -> Any:
        raise problem

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(checkpoint, "choose_backend", lambda *_: "autoawq 0.2.9")
    monkeypatch.setattr(checkpoint, "load", load)
    torch = SimpleNamespace(float16="float16", float32="float32")
    checkpoint.quantized(Rung(), torch, device, {}, "awq")


@pytest.mark.parametrize(
    "problem",
    [
        AssertionError("Please install IPEX package with `pip install intel_extension_for_pytorch`."),
        RuntimeError("GPU is required to run AWQ quantized model."),
    ],
)
def test_a_library_that_wants_a_gpu_is_no_failure_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, problem: Exception
) -> None:
    with pytest.raises(CannotRun):
        climb(monkeypatch, tmp_path, problem, "cpu")


def test_on_a_gpu_the_same_words_are_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="IPEX"):
        climb(monkeypatch, tmp_path, AssertionError("Please install IPEX package"), "cuda:0")


def test_any_other_assertion_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="shapes"):
        climb(monkeypatch, tmp_path, AssertionError("shapes differ"), "cpu")
