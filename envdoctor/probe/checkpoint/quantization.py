"""How a checkpoint is quantized, from whichever of the places that tools write it to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envdoctor.facts.known import NOT_STATED, Fact, Known, Witness, known, unknown
from envdoctor.text import Text
from envdoctor.values import dataclass

#: keys of config.json, then files of their own (AutoGPTQ, AutoAWQ up to 0.1, ModelOpt), in the order that engines look
KEYS = ("quantization_config", "compression_config")
FILES = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantization:
    """The same fields as in `Checkpoint`."""

    method: Fact[str] = NOT_STATED
    key: Fact[str] = NOT_STATED
    format: Fact[str] = NOT_STATED
    bits: Fact[int] = NOT_STATED
    group_size: Fact[int] = NOT_STATED
    weight_block: Fact[tuple[int, ...]] = NOT_STATED
    desc_act: Fact[bool] = NOT_STATED
    sym: Fact[bool] = NOT_STATED
    use_exllama: Fact[bool] = NOT_STATED


def find_quantization(places: list[tuple[str, str, Mapping[str, Any]]], config_read: bool) -> Quantization:
    """`places` are (key, source, settings), best first. None of them in a readable config.json means: not quantized."""
    found = [_describe(key, source, data) for key, source, data in places]
    if not found:
        if config_read:
            return Quantization(
                method=known(
                    "none",
                    Text(
                        en="config.json: no quantization_config or compression_config",
                        zh="config.json：没有 quantization_config 或 compression_config",
                    ),
                )
            )
        return Quantization()
    best = found[0]
    for other in found[1:]:
        best = _merge(best, other)
    return best


def _merge(best: Quantization, other: Quantization) -> Quantization:
    return Quantization(
        method=_witness(best.method, other.method),
        key=best.key,
        format=_witness(best.format, other.format),
        bits=_witness(best.bits, other.bits),
        group_size=_witness(best.group_size, other.group_size),
        weight_block=_witness(best.weight_block, other.weight_block),
        desc_act=_witness(best.desc_act, other.desc_act),
        sym=_witness(best.sym, other.sym),
        use_exllama=_witness(best.use_exllama, other.use_exllama),
    )


def _witness(best: Fact[Any], other: Fact[Any]) -> Fact[Any]:
    """The better source's value; what the other says is kept where it disagrees."""
    if not isinstance(best, Known):
        return other
    if isinstance(other, Known) and other.value != best.value:
        witness = Witness(value=str(other.value), source=other.source)
        return known(best.value, best.source, also=(*best.also, witness))
    return best


def _describe(key: str, source: str, data: Mapping[str, Any]) -> Quantization:
    method = _method(key, data)
    if method is None:
        return Quantization(
            method=unknown(Text(en=f"{source} names no method that is known", zh=f"{source} 中没有已知的量化方法")),
            key=known(key, source),
        )
    base = _plain(source, data)
    if method == "compressed-tensors":
        groups = _compressed(source, data)
    elif method == "bitsandbytes":
        groups = Quantization(bits=_bitsandbytes_bits(source, data))
    elif method in ("fp8", "fbgemm_fp8", "smooth_quant"):
        groups = Quantization(bits=known(8, f"{source}: {method}"))
    elif method == "mxfp4":
        groups = Quantization(bits=known(4, f"{source}: {method}"))
    else:
        groups = Quantization()
    return Quantization(
        method=known(method, source),
        key=known(key, source),
        format=_format(method, source, data),
        bits=base.bits if isinstance(base.bits, Known) else groups.bits,
        group_size=base.group_size if isinstance(base.group_size, Known) else groups.group_size,
        weight_block=_block(source, data),
        desc_act=base.desc_act if isinstance(base.desc_act, Known) else groups.desc_act,
        sym=base.sym if isinstance(base.sym, Known) else groups.sym,
        use_exllama=base.use_exllama,
    )


def _method(key: str, data: Mapping[str, Any]) -> str | None:
    stated = data.get("quant_method")
    if isinstance(stated, str) and 0 < len(stated) <= 60:
        # llm-compressor's first releases wrote `compressed_tensors` and `sparseml`
        return {"compressed_tensors": "compressed-tensors", "sparseml": "compressed-tensors"}.get(
            stated.lower(), stated.lower()
        )
    if key == "compression_config" or "config_groups" in data:
        return "compressed-tensors"
    if "load_in_4bit" in data or "load_in_8bit" in data:
        return "bitsandbytes"
    if key == "quantize_config.json" or {"bits", "desc_act"} <= data.keys():
        return "gptq"
    if key == "quant_config.json" or "w_bit" in data:
        return "awq"
    if key == "hf_quant_config.json" or "quant_algo" in data:
        return "modelopt"
    return None


def _plain(source: str, data: Mapping[str, Any]) -> Quantization:
    """The fields that GPTQ, AWQ and their relatives share, under the names of each tool."""
    zero_point = _boolean(source, data, "zero_point")
    return Quantization(
        bits=_integer(source, data, "bits", "w_bit", "wbits"),
        group_size=_integer(source, data, "group_size", "q_group_size"),
        desc_act=_boolean(source, data, "desc_act"),
        sym=_boolean(source, data, "sym") if "sym" in data else _opposite(zero_point),
        use_exllama=_boolean(source, data, "use_exllama")
        if "use_exllama" in data
        else _opposite(_boolean(source, data, "disable_exllama")),
    )


def _format(method: str, source: str, data: Mapping[str, Any]) -> Fact[str]:
    key = {"awq": "version", "gptq": "checkpoint_format", "compressed-tensors": "format"}.get(method, "quant_algo")
    value = data.get(key)
    if method == "gptq" and data.get("is_marlin_format") is True:
        return known("marlin", f"{source}: is_marlin_format")
    if isinstance(value, str) and 0 < len(value) <= 60:
        return known(value.lower() if method == "awq" else value, f"{source}: {key}")
    return NOT_STATED


def _compressed(source: str, data: Mapping[str, Any]) -> Quantization:
    """compressed-tensors: bits and group size of the weights, where all groups agree."""
    groups = data.get("config_groups")
    if not isinstance(groups, dict) or not groups:
        return Quantization()
    weights = [group.get("weights") for group in groups.values() if isinstance(group, dict)]
    plain = [item for item in weights if isinstance(item, dict)]
    if not plain:
        return Quantization()
    first, where = plain[0], f"{source}: config_groups"
    if any(item.get("num_bits") != first.get("num_bits") for item in plain):
        return Quantization(bits=unknown(Text(en=f"{where} state several widths", zh=f"{where} 给出了多种位宽")))
    size: Fact[int] = _integer(where, first, "group_size")
    if any(item.get("group_size") != first.get("group_size") for item in plain):
        size = unknown(Text(en=f"{where} state several group sizes", zh=f"{where} 给出了多种 group size"))
    elif not isinstance(size, Known) and first.get("strategy") in ("channel", "tensor"):
        size = known(-1, f"{where}: strategy {first['strategy']}")
    return Quantization(
        bits=_integer(where, first, "num_bits"),
        group_size=size,
        sym=_boolean(where, first, "symmetric"),
        desc_act=known(first.get("actorder") == "group" or first.get("actorder") is True, f"{where}: actorder"),
    )


def _bitsandbytes_bits(source: str, data: Mapping[str, Any]) -> Fact[int]:
    if data.get("load_in_4bit") is True or data.get("_load_in_4bit") is True:
        return known(4, f"{source}: load_in_4bit")
    if data.get("load_in_8bit") is True or data.get("_load_in_8bit") is True:
        return known(8, f"{source}: load_in_8bit")
    return NOT_STATED


def _integer(source: str, data: Mapping[str, Any], *keys: str) -> Fact[int]:
    for key in keys:
        value = data.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and -1 <= value <= 1 << 20:
            return known(value, f"{source}: {key}")
    return NOT_STATED


def _block(source: str, data: Mapping[str, Any]) -> Fact[tuple[int, ...]]:
    value = data.get("weight_block_size")
    if (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(item, int) and 0 < item < 1 << 20 for item in value)
    ):
        return known(tuple(value), f"{source}: weight_block_size")
    return NOT_STATED


def _boolean(source: str, data: Mapping[str, Any], key: str) -> Fact[bool]:
    value = data.get(key)
    return known(value, f"{source}: {key}") if isinstance(value, bool) else NOT_STATED


def _opposite(fact: Fact[bool]) -> Fact[bool]:
    return known(not fact.value, fact.source) if isinstance(fact, Known) else fact
