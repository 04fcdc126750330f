"""Bands of releases, and which model a class belongs to."""

from __future__ import annotations

import pytest

from envdoctor.diagnose.checks.models import Band, band_of, model_type_of_class
from envdoctor.knowledge import load_matrix

TABLE = {
    "oldest": "1.0",
    "first": {"old": "1.0", "qwen2_vl": "4.45.0", "qwen2": "4.37.0", "short": "2.0"},
    "gone": {"short": "3.0", "old": "2.5"},
    "classes": {"Odd": "qwen2"},
}


@pytest.mark.parametrize(
    ("name", "version", "judged"),
    [
        ("qwen2", "4.36.9", "early"),
        ("qwen2", "4.37.0", "inside"),
        ("qwen2", "4.37.0+local", "inside"),
        ("short", "3.0", "late"),
        ("old", "0.1", "inside"),  # nothing is known of releases before the oldest that was read
        ("old", "2.5", "late"),
        ("qwen2", None, None),
        ("qwen2", "not-a-version", None),
    ],
)
def test_where_a_version_lies(name: str, version: str | None, judged: str | None) -> None:
    band = band_of(TABLE, name)
    assert band is not None
    assert band.judge(version) == judged


def test_an_unrecorded_name_has_no_band() -> None:
    assert band_of(TABLE, "nobody") is None
    assert band_of(TABLE, "old") == Band(first=None, gone="2.5")


@pytest.mark.parametrize(
    ("name", "model_type"),
    [
        ("Qwen2VLForConditionalGeneration", "qwen2_vl"),
        ("Qwen2ForCausalLM", "qwen2"),
        ("Qwen2PreTrainedModel", "qwen2"),
        ("OddConfig", "qwen2"),
        ("Qwen2FlashAttention2", None),  # internals come and go within a model's life
        ("EncoderDecoderCache", None),
        ("Model", None),
    ],
)
def test_classes_name_their_model(name: str, model_type: str | None) -> None:
    assert model_type_of_class(TABLE, name) == model_type


def test_known_edges_of_the_measured_tables() -> None:
    tables = load_matrix().tables
    assert tables["model-types"]["first"]["qwen2"] == "4.37.0"
    assert tables["model-types"]["first"]["gpt_oss"] == "4.55.0"
    assert tables["vllm-quantization"]["first"]["gptq"] == "0.2.6"
    assert tables["vllm-quantization"]["gone"]["bitsandbytes"] == "0.28.0"
    assert tables["vllm-quantization"]["bitsandbytes"]["Qwen2ForCausalLM"] == "0.6.4"
    assert tables["vllm-architectures"]["first"]["Qwen3ForCausalLM"] == "0.8.4"


@pytest.mark.parametrize("name", ["model-types", "vllm-architectures", "vllm-quantization"])
def test_every_gone_name_was_there_before(name: str) -> None:
    from envdoctor.versions import Scheme, compare

    table = load_matrix().tables[name]
    for what, gone in table["gone"].items():
        assert compare(Scheme.PEP440, table["first"][what], gone) == -1
