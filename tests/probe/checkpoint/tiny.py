"""Small checkpoints for tests, written byte by byte.

    python tests/probe/checkpoint/tiny.py FOLDER [--biases] [--method gptq|awq|none]

writes a 2-layer Qwen2 (width 128, group 64), as GPTQ without biases outside q/k/v unless told otherwise.
"""

from __future__ import annotations

import argparse
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WIDTH, INTERMEDIATE, HEADS, LAYERS, VOCABULARY, GROUP, BITS = 128, 256, 2, 2, 64, 64, 4
_SIZES = {"F16": 2, "BF16": 2, "F32": 4, "I32": 4, "I8": 1, "U8": 1, "F8_E4M3": 1, "I64": 8}
Shapes = Mapping[str, tuple[str, tuple[int, ...]]]


def header_bytes(tensors: Shapes, **changes: Any) -> tuple[bytes, int]:
    """The JSON of a safetensors header for tensors laid end to end, and the number of data bytes."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (dtype, shape) in tensors.items():
        size = _SIZES[dtype]
        for dimension in shape:
            size *= dimension
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    entries.update(changes)
    return json.dumps(entries).encode(), end


def write_safetensors(path: Path, tensors: Shapes, *, sparse: bool = False) -> int:
    """Writes a file with these tensors. Bytes are small numbers (never NaN); `sparse` leaves a hole instead."""
    raw, size = header_bytes(tensors)
    with path.open("wb") as handle:
        handle.write(struct.pack("<Q", len(raw)) + raw)
        if sparse:
            handle.truncate(8 + len(raw) + size)
        else:
            handle.write(b"\x11\x22" * (size // 2) + b"\x11" * (size % 2))
    return size


def linear(
    name: str, inputs: int, outputs: int, *, method: str, bias: bool, group: int = GROUP, bits: int = BITS
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The tensors of one linear layer."""
    pack = 32 // bits
    if method == "gptq":
        found: dict[str, tuple[str, tuple[int, ...]]] = {
            f"{name}.qweight": ("I32", (inputs // pack, outputs)),
            f"{name}.qzeros": ("I32", (inputs // group, outputs // pack)),
            f"{name}.scales": ("F16", (inputs // group, outputs)),
            f"{name}.g_idx": ("I32", (inputs,)),
        }
    elif method == "awq":
        found = {
            f"{name}.qweight": ("I32", (inputs, outputs // pack)),
            f"{name}.qzeros": ("I32", (inputs // group, outputs // pack)),
            f"{name}.scales": ("F16", (inputs // group, outputs)),
        }
    elif method == "pack-quantized":
        found = {
            f"{name}.weight_packed": ("I32", (outputs, inputs // pack)),
            f"{name}.weight_scale": ("F16", (outputs, inputs // group)),
            f"{name}.weight_shape": ("I64", (2,)),
        }
    elif method == "int-quantized":
        found = {f"{name}.weight": ("I8", (outputs, inputs)), f"{name}.weight_scale": ("F16", (outputs, 1))}
    else:
        found = {f"{name}.weight": ("F16", (outputs, inputs))}
    if bias:
        found[f"{name}.bias"] = ("F16", (outputs,))
    return found


def tensors(
    *, method: str = "gptq", biases: bool = False, intermediate: int = INTERMEDIATE, prefix: str = "model."
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """All tensors of the tiny Qwen2. q, k and v always have a bias; the others only where `biases`."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {f"{prefix}embed_tokens.weight": ("F16", (VOCABULARY, WIDTH))}
    for number in range(LAYERS):
        layer = f"{prefix}layers.{number}"
        for leaf in ("q_proj", "k_proj", "v_proj"):
            found |= linear(f"{layer}.self_attn.{leaf}", WIDTH, WIDTH, method=method, bias=True)
        found |= linear(f"{layer}.self_attn.o_proj", WIDTH, WIDTH, method=method, bias=biases)
        for leaf in ("gate_proj", "up_proj"):
            found |= linear(f"{layer}.mlp.{leaf}", WIDTH, intermediate, method=method, bias=biases)
        found |= linear(f"{layer}.mlp.down_proj", intermediate, WIDTH, method=method, bias=biases)
        for leaf in ("input_layernorm", "post_attention_layernorm"):
            found[f"{layer}.{leaf}.weight"] = ("F16", (WIDTH,))
    found[f"{prefix}norm.weight"] = ("F16", (WIDTH,))
    found["lm_head.weight"] = ("F16", (VOCABULARY, WIDTH))
    return found


def config(*, method: str = "gptq", **changes: Any) -> dict[str, Any]:
    """config.json of the tiny Qwen2."""
    values: dict[str, Any] = {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float16",
        "hidden_size": WIDTH, "intermediate_size": INTERMEDIATE, "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS, "num_hidden_layers": LAYERS, "vocab_size": VOCABULARY,
        "hidden_act": "silu", "rms_norm_eps": 1e-6, "max_position_embeddings": 256, "tie_word_embeddings": False,
    }  # fmt: skip
    quantization = {
        "gptq": {"quant_method": "gptq", "bits": BITS, "group_size": GROUP, "desc_act": False, "sym": True},
        "awq": {"quant_method": "awq", "bits": BITS, "group_size": GROUP, "zero_point": True, "version": "gemm"},
    }.get(method)
    if quantization:
        values["quantization_config"] = quantization
    return values | changes


def write_checkpoint(folder: Path, *, method: str = "gptq", biases: bool = False, **changes: Any) -> Path:
    """The whole folder: config.json and one model.safetensors. `changes` overwrite keys of config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(method=method, **changes), indent=2))
    write_safetensors(folder / "model.safetensors", tensors(method=method, biases=biases))
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--biases", action="store_true")
    parser.add_argument("--method", choices=("gptq", "awq", "none"), default="gptq")
    arguments = parser.parse_args()
    print(write_checkpoint(arguments.folder, method=arguments.method, biases=arguments.biases))
