"""What a program ran beats what a rule says: a passing rung refutes the static findings that it contradicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from envdoctor.diagnose.finding import Finding
from envdoctor.facts import Facts, Known
from envdoctor.facts.smoke import Outcome, Rung, RungResult
from envdoctor.text import Text

#: findings that say that torch cannot use the GPU: a product computed on the GPU shows that it can
_TORCH_ON_GPU = ("EC-driver-too-old", "EC-no-kernel-image", "EC-driver-broken")
#: findings that say that compiled kernels do not load: kernels that computed the right numbers did
_KERNELS = ("EC-kernels-torch", "EC-extension-abi", "EC-extension-library", "EC-extension-gpu", "EC-undefined-symbol")
#: what the engine rungs call the kernels of a distribution
_ENGINE_CHECKS: Mapping[str, str] = {
    "auto-gptq": "auto_gptq", "autoawq-kernels": "awq_ext", "bitsandbytes": "bitsandbytes", "gptqmodel": "gptqmodel",
    "torchao": "torchao", "vllm": "vllm", "exllamav2": "exllamav2",
}  # fmt: skip


def refuted(findings: Iterable[Finding], facts: Facts) -> tuple[Finding, ...]:
    """The findings, those that a passing rung contradicts with status `refuted` and the rung that did it.

    A pasted error is never refuted: it happened. A rung on the CPU says nothing about the GPU.
    """
    if not isinstance(facts.smoke, Known):
        return tuple(findings)
    passed = [
        result for result in facts.smoke.value.results if result.outcome is Outcome.PASSED and not result.reference
    ]
    return tuple(_held_against(finding, passed) for finding in findings)


def _held_against(finding: Finding, passed: list[RungResult]) -> Finding:
    if finding.explains:
        return finding
    for result in passed:
        if _contradicts(result, finding):
            seen = Text(
                en=f"rung {result.rung.value}, {result.name}, passed on {result.device}",
                zh=f"{result.rung.value} 层级的 {result.name} 在 {result.device} 上通过",
            )
            return replace(finding, status="refuted", note=seen)
    return finding


def _contradicts(result: RungResult, finding: Finding) -> bool:
    on_gpu = result.device.startswith("cuda")
    if finding.id in _TORCH_ON_GPU:
        return on_gpu and result.rung is Rung.TORCH and "matmul" in result.name
    if finding.id in _KERNELS and finding.packages:
        wanted = _ENGINE_CHECKS.get(finding.packages[0])
        needs_gpu = finding.id == "EC-extension-gpu"
        return (
            result.rung is Rung.ENGINE
            and wanted is not None
            and result.name.startswith(wanted)
            and (on_gpu or not needs_gpu)
        )
    return False
