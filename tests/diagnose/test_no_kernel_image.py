"""`no kernel image`: what is named, and what the first answer is, by how much is known."""

from __future__ import annotations

from typing import Any

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix
from envdoctor.render.report import report

LINE = "RuntimeError: CUDA error: no kernel image is available for execution on the device\n"
LACKS = "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.\n"
PTXAS = "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'\n"


def found(text: str, lang: str = "en") -> dict[str, Any]:
    matrix = load_matrix()
    facts = ingest(text, gpu_table=matrix.tables["gpus"])
    findings = report(facts, diagnose(facts, matrix), matrix, lang=lang)["findings"]
    one: dict[str, Any] = next(finding for finding in findings if finding["id"] == "EC-no-kernel-image")
    return one


def test_the_line_alone_blames_nobody_and_speaks_of_no_triton():
    finding = found(LINE)
    assert finding["title"] == "torch or a compiled package has no code for this GPU"
    assert "Triton" not in str(finding["fix"])
    assert found(LINE, "zh")["title"] == "torch 或某个编译扩展 中没有适用于这块显卡的代码"


@pytest.mark.parametrize("text", [LINE + "RTX 5090, torch 2.4.0+cu121\n", LACKS])
def test_a_known_gpu_gets_a_command_whose_build_has_code_for_it(text: str):
    first = found(text)["fix"]["options"][0]
    assert first["pins"] == {"torch": ">=2.7.0"}
    assert first["commands"] == {"uv": "uv pip install torch==2.7.0 --torch-backend=cu128"}


def test_triton_is_told_of_its_assembler():
    options = found(PTXAS)["fix"]["options"]
    assert {"TRITON_PTXAS_PATH": "/usr/local/cuda/bin/ptxas"} in [option["env"] for option in options]


@pytest.mark.parametrize(
    ("said", "guilty"),
    [
        ("Quantization: gptq\n", ("auto-gptq", "vllm", "torch")),
        ("Quantization: gptq\nauto-gptq==0.7.1\n", ("auto-gptq", "torch")),
    ],
)
def test_a_quantized_checkpoint_names_the_kernels_that_it_runs_on(said: str, guilty: tuple[str, ...]):
    matrix = load_matrix()
    facts = ingest(f"GPU 0: Tesla P40\n{said}{LINE}", gpu_table=matrix.tables["gpus"])
    named = next(one for one in diagnose(facts, matrix).findings if one.id == "EC-no-kernel-image")
    assert named.packages == guilty
