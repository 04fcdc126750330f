"""What an SGLang release needs, read off the measured tables."""

from __future__ import annotations

import pytest

from envdoctor.diagnose import Finding, diagnose
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix
from envdoctor.knowledge.tables import sgl_kernel_torch, sglang_needs
from envdoctor.versions import Scheme, compare

SERVE = "$ python -m sglang.launch_server --model-path MODEL\n"


def findings(text: str) -> tuple[Finding, ...]:
    matrix = load_matrix()
    return diagnose(ingest(text.encode(), gpu_table=matrix.tables["gpus"]), matrix).findings


def test_the_pins_of_a_release() -> None:
    tables = load_matrix().tables
    assert sglang_needs(tables, "0.5.9")["sgl-kernel"] == "==0.3.21"
    assert sglang_needs(tables, "9.9") == {}


@pytest.mark.parametrize(("kernel", "torch"), [("0.1.1", "==2.6.0"), ("0.3.21", "==2.9.1"), ("0.4.4", "==2.11.0")])
def test_sgl_kernel_belongs_to_one_torch(kernel: str, torch: str) -> None:
    assert sgl_kernel_torch(load_matrix().tables, kernel) == torch


@pytest.mark.parametrize("name", ["sglang-architectures", "sglang-quantization"])
def test_every_gone_name_was_there_before(name: str) -> None:
    table = load_matrix().tables[name]
    for what, gone in table["gone"].items():
        assert compare(Scheme.PEP440, table["first"][what], gone) == -1


def test_an_undefined_symbol_of_sgl_kernel_pins_its_torch() -> None:
    line = "ImportError: /x/sgl_kernel/common_ops.abi3.so: undefined symbol: _ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib"
    said = findings(f"[pip3] sgl-kernel==0.3.21\n[pip3] torch==2.11.0\n{SERVE}{line}\n")
    assert said[0].packages[0] == "sgl-kernel"
    assert said[0].options[0].pins == {"torch": "==2.9.1"}


def test_the_message_of_vllm_is_sglangs_under_sglang() -> None:
    line = "ValueError: Model architectures ['Qwen3ForCausalLM'] are not supported for now. Supported architectures: []"
    said = findings(f"[pip3] sglang==0.4.5\n{SERVE}{line}\n")
    assert said[0].packages[0] == "sglang"
    assert said[0].options[0].pins == {"sglang": ">=0.4.5.post2"}
