"""Attributes and arguments that moved: said only where the installed release lacks them."""

from __future__ import annotations

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix

_ATTRIBUTE = "AttributeError: 'MatmulLtState' object has no attribute 'memory_efficient_backward'"
_LINE = "TypeError: SFTTrainer.__init__() got an unexpected keyword argument '{}'"


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        ("trl==0.16.1\n" + _LINE.format("tokenizer"), {"trl": "<0.16.0"}),
        (
            "bitsandbytes==0.45.0\n" + _ATTRIBUTE,
            {"peft": ">=0.14.0"},
        ),
        (
            "transformers==5.0.0\nTypeError: Qwen2ForCausalLM.__init__() got an unexpected keyword argument 'load_in_4bit'",
            {"transformers": ">=4.30.0,<5.0.0"},
        ),
        ("ModuleNotFoundError: No module named 'triton.common'", {"triton": ">=2.1.0,<3.0.0"}),
        # read out of the wheels, not typed
        ("ImportError: cannot import name 'prepare_model_for_int8_training' from 'peft'", {"peft": "<0.10.0"}),
        (
            "torchao==0.1\nImportError: cannot import name 'quantize_' from 'torchao.quantization'",
            {"torchao": ">=0.4.0"},
        ),
        ("TypeError: SFTConfig.__init__() got an unexpected keyword argument 'max_seq_length'", {"trl": "<0.20.0"}),
        # one name, two modules of one package
        ("ImportError: cannot import name 'get_open_port' from 'vllm.utils'", {"vllm": "<0.14.0"}),
        ("ModuleNotFoundError: No module named 'vllm.utils.network_utils'", {"vllm": ">=0.11.1"}),
        (
            "compressed-tensors==0.10.1\nImportError: cannot import name 'remove_dispatch' from 'compressed_tensors.utils'",
            {"compressed-tensors": ">=0.10.2"},
        ),
    ],
)
def test_the_release_that_has_it_is_named(text: str, pins: dict[str, str]) -> None:
    matrix = load_matrix()
    findings = diagnose(ingest(text, gpu_table=matrix.tables["gpus"]), matrix).findings
    found = next(one for one in findings if one.id == "EC-moved-name")
    assert dict(found.options[0].pins) == pins


def test_an_argument_that_the_installed_release_takes_has_another_cause() -> None:
    matrix = load_matrix()
    facts = ingest("trl==0.14.0\n" + _LINE.format("tokenizer"), gpu_table=matrix.tables["gpus"])
    assert "EC-moved-name" not in [one.id for one in diagnose(facts, matrix).findings]


def test_a_measured_name_that_the_installed_release_has_is_only_possible() -> None:
    matrix = load_matrix()
    text = "trl==0.19.1\nImportError: cannot import name 'ConstantLengthDataset' from 'trl.trainer.utils'"
    findings = diagnose(ingest(text, gpu_table=matrix.tables["gpus"]), matrix).findings
    found = next(one for one in findings if one.id == "EC-moved-name")
    assert found.verdict == "possible"
    assert not found.options[0].pins
