"""Real old stacks on a CPU: the broken one fails with the guilty names, the mended one passes. Opt in: `-m network`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from envdoctor.facts.smoke import Outcome, SmokeReport
from envdoctor.smoke import Limits, run_ladder

pytestmark = pytest.mark.network
UV = Path(sys.executable).with_name("uv")


def environment(place: Path, day: str, *requirements: str) -> Path:
    """A Python 3.11 environment as it could be installed on that day."""
    subprocess.run([UV, "venv", "-q", "--python", "3.11", place], check=True)
    python = place / "bin" / "python"
    # setuptools: peft imports torch's extension builder, which imports it, and Python 3.11 environments need not have it
    command = [UV, "pip", "install", "-q", "--python", python, "--exclude-newer", day, "setuptools", *requirements]
    subprocess.run(command, check=True)
    return python


def climb(place: Path, day: str, optimum: str) -> SmokeReport:
    python = environment(place, day, f"optimum=={optimum}", "auto-gptq==0.7.1", "torch==2.2.1", "numpy<2")
    return run_ladder(python=python, device="cpu", rungs=["checkpoint"], limits=Limits(deadline_s=600))


def test_old_optimum_makes_up_biases(tmp_path: Path) -> None:
    report = climb(tmp_path / "old", "2024-06-15", "1.19.2")
    result = next(r for r in report.results if r.name == "transformers, gptq")
    assert result.outcome in (Outcome.NAN, Outcome.WRONG_NUMBERS, Outcome.UNEXPECTED)
    parts = ("mlp.down_proj", "mlp.gate_proj", "mlp.up_proj", "self_attn.o_proj")
    assert result.unexpected == tuple(f"model.layers.{layer}.{part}.bias" for layer in (0, 1) for part in parts)
    assert "8 tensors that the checkpoint does not have (bias)" in result.detail
    assert report.exit_status == 1


def test_new_optimum_does_not(tmp_path: Path) -> None:
    report = climb(tmp_path / "new", "2024-11-15", "1.23.3")
    result = next(r for r in report.results if r.name == "transformers, gptq")
    assert result.outcome is Outcome.PASSED
    assert result.said == "but the canary still sings."
    assert result.unexpected == ()
    assert report.exit_status == 0


LAYER = """
import torch
torch.manual_seed(0)
weight = torch.randn(256, 256) * 0.02
weight[3, 128:] = 1e-9  # one group that bfloat16 holds and float16 does not
brain = weight.to(torch.bfloat16)
assert int((brain == 0).sum()) == 0 and int((brain.half() == 0).sum()) == 128
half = brain.half().float()
"""
AWQ = """
from awq.quantize.quantizer import AwqQuantizer
block = torch.nn.Module()
block.norm, block.up = torch.nn.LayerNorm(256), torch.nn.Linear(256, 256, bias=False)
block.up.weight.data = half
quantizer = AwqQuantizer.__new__(AwqQuantizer)
quantizer.group_size, quantizer.w_bit, quantizer.zero_point, quantizer.duo_scaling = 128, 4, True, True
quantizer.max_chunk_memory, quantizer.n_parallel_calib_samples = 1 << 30, None
scales = quantizer._search_best_scale(block, block.norm, [block.up], torch.randn(4, 16, 256))[2]
print("finite" if bool(torch.isfinite(scales).all()) else "not finite")
"""
LMDEPLOY = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("lite_awq", sys.argv[1])  # the package itself wants a GPU build
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
linear, norm = torch.nn.Linear(256, 256, bias=False), torch.nn.LayerNorm(256)
linear.weight.data = half if sys.argv[2] == "float16" else brain.float()
with torch.no_grad():
    module.smooth_ln_fcs(norm, [linear], torch.rand(256) + 0.1, 128)
print("finite")
"""


def quantizer_run(
    python: Path, text: str, *arguments: str, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    extra = {"PYTHONPATH": str(path)} if path else {}
    command = [str(python), "-c", LAYER + text, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", **extra})


def test_bfloat16_weights_that_vanish_in_float16(tmp_path: Path) -> None:
    """Problem 2: AutoAWQ 0.2.5 divides a vanished group by its largest weight, 0; 0.2.6 adds 1e-6. LMDeploy 0.6.2 does as 0.2.5."""
    requirements = (
        "torch==2.2.1",
        "numpy<2",
        "transformers==4.46.2",
        "accelerate",
        "datasets",
        "zstandard",
        "tokenizers",
    )
    python = environment(tmp_path / "env", "2024-11-15", *requirements)
    for name, version in (("autoawq", "0.2.5"), ("autoawq", "0.2.6"), ("lmdeploy", "0.6.2")):
        place = tmp_path / f"{name}-{version}"
        command = [UV, "pip", "install", "-q", "--python", python, "--no-deps", "--target", place, f"{name}=={version}"]
        subprocess.run(command, check=True)
    old = quantizer_run(python, AWQ, path=tmp_path / "autoawq-0.2.5")
    assert "assert torch.isnan(w).sum() == 0" in old.stderr
    assert "AssertionError" in old.stderr
    new = quantizer_run(python, AWQ, path=tmp_path / "autoawq-0.2.6")
    assert new.stdout.strip().endswith("finite"), new.stderr
    lite = str(tmp_path / "lmdeploy-0.6.2" / "lmdeploy" / "lite" / "quantization" / "awq.py")
    assert "assert torch.isnan(p).sum() == 0" in quantizer_run(python, LMDEPLOY, lite, "float16").stderr
    assert quantizer_run(python, LMDEPLOY, lite, "bfloat16").stdout.strip() == "finite"
