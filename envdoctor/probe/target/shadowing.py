"""Files in the working directory that hide a distribution: `python script.py` and `python -m` look there first."""

from __future__ import annotations

from collections.abc import Iterable

from envdoctor.probe.ports import View
from envdoctor.probe.target.search_path import Place

#: modules whose hiding breaks GPU work; each is reported only where the environment has it too, or Python itself does
_MODULES = (
    "torch", "torchvision", "torchaudio", "transformers", "tokenizers", "accelerate", "safetensors", "optimum", "peft",
    "datasets", "vllm", "lmdeploy", "sglang", "awq", "auto_gptq", "gptqmodel", "bitsandbytes", "triton", "xformers",
    "flash_attn", "flashinfer", "torchao", "llmcompressor", "compressed_tensors", "numpy", "scipy", "ray", "pydantic",
)  # fmt: skip
_STANDARD = ("types", "typing", "inspect", "logging", "json", "random", "queue", "select", "signal", "socket", "ssl",
             "tokenize", "token", "code", "copy", "enum", "platform", "profile", "statistics", "string", "struct")  # fmt: skip


def shadowed_modules(view: View, cwd: str, places: Iterable[Place]) -> tuple[str, ...]:
    """Files of `cwd` such as `torch.py`, and packages such as `vllm/` with an `__init__.py`, that hide the real one."""
    try:
        here = set(view.names(cwd))
    except OSError:
        return ()
    installed = {name for place in places if place.folder != cwd for name in place.names}
    hidden: list[str] = []
    for module in _MODULES:
        if module not in installed and f"{module}.py" not in installed:
            continue
        if f"{module}.py" in here:
            hidden.append(f"{module}.py")
        elif module in here and view.kind(f"{cwd}/{module}/__init__.py") == "file":
            hidden.append(f"{module}/")
    hidden += [f"{module}.py" for module in _STANDARD if f"{module}.py" in here]
    return tuple(hidden)
