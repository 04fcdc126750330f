"""The chain driver -> CUDA -> torch -> extension -> engine -> checkpoint, and where it breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envdoctor.values import dataclass

LINKS = ("driver", "cuda", "torch", "extension", "engine", "checkpoint")
ENGINES = (
    "vllm", "sglang", "lmdeploy", "transformers", "optimum", "tgi", "tensorrt-llm", "llama-cpp-python", "exllamav2",
    "llmcompressor",
    "autoawq", "auto-gptq", "gptqmodel", "accelerate",
)  # fmt: skip
EXTENSIONS = (
    "flash-attn", "bitsandbytes", "autoawq-kernels", "flashinfer-python", "flashinfer", "xformers", "sgl-kernel",
    "exllamav2", "auto-gptq",
    "triton", "vllm-flash-attn", "torchao", "deepspeed", "gptqmodel", "awq-ext", "causal-conv1d", "mamba-ssm",
    "torchvision", "torchaudio",
)  # fmt: skip
_CLASS_LINK = {
    "driver-too-old": "driver", "gpu-capability-too-low": "driver", "container-runtime": "driver", "hardware-fault": "driver",
    "wsl2-limitation": "driver", "multi-gpu-comm": "driver", "missing-toolchain": "cuda", "wrong-build": "torch",
    "numpy-abi": "torch",
    "no-kernel-image": "extension", "abi-mismatch": "extension", "missing-shared-library": "extension",
    "glibc-too-old": "extension",
    "quant-format-unsupported": "engine", "kernel-shape-constraint": "checkpoint", "broken-model-files": "checkpoint",
    "dtype-unsupported": "engine", "out-of-memory": "engine", "misconfiguration": "engine", "numeric-overflow": "checkpoint",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One link: its name (one of LINKS), what is known of it, and `broken`, `suspect`, `quiet` or `unknown`."""

    name: str
    says: str
    state: str
    finding: str | None = None


def _value(facts: Mapping[str, Any], path: str) -> Any:
    place: Any = facts
    for key in path.split("."):
        place = place.get(key) if isinstance(place, Mapping) else None
    return place.get("value") if isinstance(place, Mapping) else None


def _installed(facts: Mapping[str, Any]) -> dict[str, str]:
    section = facts.get("distributions")
    rows = section.get("installed", ()) if isinstance(section, Mapping) else ()
    return {str(row["name"]): str(row.get("version", "")) for row in rows if isinstance(row, Mapping) and "name" in row}


def _named(installed: Mapping[str, str], names: tuple[str, ...], most: int) -> str:
    return ", ".join(f"{name} {installed[name]}" for name in [n for n in names if n in installed][:most])


def _says(facts: Mapping[str, Any]) -> dict[str, str]:
    installed = _installed(facts)
    torch = str(_value(facts, "torch.version") or installed.get("torch", ""))
    runtime = _value(facts, "torch.cuda") or next(
        (v for n, v in installed.items() if n.startswith("nvidia-cuda-runtime")), ""
    )
    nvcc = _value(facts, "cuda.nvcc")
    checkpoint = [str(_value(facts, f"checkpoint.{key}") or "") for key in ("name", "quant_method", "bits")]
    model = checkpoint[0] or str(_value(facts, "workload.model") or "")
    engine = str(_value(facts, "workload.engine") or "")
    return {
        "driver": str(_value(facts, "driver.version") or _value(facts, "driver.status") or ""),
        "cuda": " · ".join(part for part in (str(runtime or ""), f"nvcc {nvcc}" if nvcc else "") if part),
        "torch": torch,
        "extension": _named(installed, EXTENSIONS, 3),
        "engine": f"{engine} {installed[engine]}" if engine in installed else (engine or _named(installed, ENGINES, 2)),
        "checkpoint": " · ".join(
            part for part in (model, checkpoint[1], f"{checkpoint[2]} bit" if checkpoint[2] else "") if part
        ),
    }


def link_of(finding: Mapping[str, Any]) -> str:
    """The link that a finding is about: by its cause, else by its guilty package, else by the facts it rests on."""
    cause = finding.get("cause", {})
    packages = [str(name) for name in cause.get("packages", ())]
    found = _CLASS_LINK.get(str(cause.get("class", "")))
    if found == "extension" and packages[:1] == ["torch"]:
        return "torch"  # its own kernels are what is missing
    if found:
        return found
    for name in packages:
        if name == "torch" or name.startswith("nvidia-"):
            return "torch" if name == "torch" else "cuda"
        if name in ENGINES:
            return "engine"
        if name in EXTENSIONS:
            return "extension"
    for item in finding.get("because", ()):
        section = str(item.get("fact", "")).split(".")[0].split("[")[0]
        if section in LINKS:
            return section
        if section == "gpus":
            return "driver"
    return "engine"


def chain_of(report: Mapping[str, Any]) -> tuple[Link, ...]:
    """The six links of a report. A certain error breaks its link; anything else that is active makes it suspect."""
    states: dict[str, tuple[str, str]] = {}
    for finding in report.get("findings", ()):
        if finding.get("status", "active") != "active" or finding.get("severity") == "info":
            continue
        state = "broken" if finding.get("severity") == "error" else "suspect"
        name = link_of(finding)
        if name not in states or (state == "broken" and states[name][0] != "broken"):
            states[name] = (state, str(finding.get("id", "")))
    facts = report.get("facts", {})
    says = _says(facts if isinstance(facts, Mapping) else {})
    out = []
    for name in LINKS:
        state, finding_id = states.get(name, ("quiet" if says[name] else "unknown", ""))
        out.append(Link(name=name, says=says[name], state=state, finding=finding_id or None))
    return tuple(out)
