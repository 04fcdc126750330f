"""Derived facts: what is computed from others, and when it stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from envdoctor.diagnose.derived import DERIVED
from envdoctor.diagnose.view import FactView
from envdoctor.workshop.cases import facts_of

GIB = 1 << 30


@pytest.mark.parametrize(
    ("name", "facts", "value"),
    [
        ("engine", {"workload.engine": "transformers", "package.vllm": "0.9.0"}, "transformers"),
        ("engine", {"package.lmdeploy": "0.8.0", "package.torch": "2.6.0"}, "lmdeploy"),
        ("engine", {"package.lmdeploy": "0.8.0", "package.vllm": "0.9.0"}, None),
        ("engine", {"package.torch": "2.6.0"}, None),
        ("quantizing", {"workload.task": "quantize"}, True),
        ("quantizing", {"workload.task": "serve", "log": ["boom"]}, False),
        ("quantizing", {"package.lmdeploy": "0.8.0"}, False),
        ("quantizing", {"log": ["AssertionError"]}, None),
        ("stated_format", {"checkpoint.quant_method": "awq", "workload.quantization": "gptq"}, "awq"),
        ("stated_format", {"workload.quantization": "gptq_marlin"}, "gptq"),
        ("stated_format", {"workload.model": "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4"}, "gptq"),
        ("stated_format", {"workload.model": "Qwen/Qwen2.5-7B-Instruct"}, None),
        ("weights_exceed_ram", {"checkpoint.tensor_bytes": 145 * GIB, "host.ram_bytes": 64 * GIB}, True),
        ("weights_exceed_ram", {"checkpoint.tensor_bytes": 15 * GIB, "host.ram_bytes": 64 * GIB}, False),
        ("weights_exceed_ram", {"checkpoint.tensor_bytes": 15 * GIB}, None),
        ("weights_exceed_ram", {"host.ram_bytes": 64 * GIB}, None),
        ("exllama_half_sums", {"checkpoint.bits": 8}, False),
        ("exllama_half_sums", {"checkpoint.bits": 4, "checkpoint.use_exllama": False}, False),
        ("exllama_half_sums", {"checkpoint.bits": 4, "checkpoint.use_exllama": True}, None),
        ("exllama_half_sums", {}, None),
        ("auto_gptq_cuda", {"package.auto-gptq": "0.7.1"}, "12.1"),
        ("auto_gptq_cuda", {"package.auto-gptq": "0.7.1+cu118"}, "11.8"),
        ("auto_gptq_cuda", {"package.auto-gptq": "0.7.1+rocm5.7"}, None),
        ("auto_gptq_cuda", {"package.auto-gptq": "0.6.0"}, None),
        ("awq_named", {"package.autoawq": "0.2.9"}, True),
        ("awq_named", {"workload.engine": "autoawq"}, True),
        ("awq_named", {"workload.quantization": "awq_marlin"}, True),
        ("awq_named", {"log": ["cannot import name 'PytorchGELUTanh' from 'transformers.activations'"]}, None),
        ("awq_named", {"package.transformers": "4.57.0", "log": ["CUDA out of memory"]}, False),
        ("format_read", {"checkpoint.quant_method": "awq"}, True),
        ("format_read", {"workload.quantization": "awq", "log": ["CUDA out of memory"]}, False),
        ("format_read", {"log": ["AssertionError: unsupported quant config: {}"]}, None),
        ("compressed_named", {"checkpoint.quant_method": "compressed-tensors"}, True),
        ("compressed_named", {"log": ["KeyError: 'model.layers.0.mlp.down_proj.weight_scale'"]}, None),
        ("compressed_named", {"workload.quantization": "awq"}, False),
        ("gptq_named", {"package.auto-gptq": "0.7.1"}, True),
        ("gptq_named", {"checkpoint.quant_method": "gptq"}, True),
        ("gptq_named", {"log": ["newly initialized: ['model.layers.0.mlp.up_proj.bias']"]}, None),
        ("gptq_named", {"package.optimum": "1.20.0"}, False),
        ("biases_missing", {"checkpoint.missing_biases": ["model.layers.0.mlp.up_proj.bias"]}, True),
        ("biases_missing", {"checkpoint.missing_biases": []}, False),
        ("biases_missing", {}, None),
        ("lowest_capability", {"gpu.compute_capability": ["10.0", "8.6", "9.0"]}, "8.6"),
        ("lowest_capability", {}, None),
    ],
)
def test_derived(name: str, facts: dict[str, Any], value: object) -> None:
    view = FactView(facts_of(facts, place="test"), DERIVED)
    assert view.value(f"derived.{name}") == value
