"""Widths of the linear layers by family, from tensor headers or the configuration, and where the two contradict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from envdoctor.facts.checkpoint import Damage, LayerWidth
from envdoctor.patterns import lazy
from envdoctor.probe.checkpoint.safetensors import Tensor, dtype_bits
from envdoctor.text import Text, in_zh
from envdoctor.values import dataclass

_LAYER = lazy(r"(?:^|\.)(?:layers|h|blocks)\.(\d{1,6})\.(.{1,300})\.([A-Za-z0-9_]{1,40})$")
_EXPERT = lazy(r"\.experts\.\d{1,6}(?=\.)")
#: other towers of multi-modal models are split by rules of their own
_TOWERS = lazy(r"(?:^|\.)(?:visual|vision|audio|talker|code2wav|image|img|vit|sam_model|projector)", re.IGNORECASE)

_ROW = {"o_proj", "down_proj", "w2", "wo", "out_proj", "c_proj", "dense", "dense_4h_to_h", "fc2"}
_COLUMN = {
    "q_proj", "k_proj", "v_proj", "qkv_proj", "gate_proj", "up_proj", "gate_up_proj", "w1", "w3", "wqkv", "W_pack",
    "c_attn", "query_key_value", "dense_h_to_4h", "fc1", "q_b_proj", "kv_b_proj",
}  # fmt: skip
_WEIGHTS = {"weight", "qweight", "weight_packed"}
SCALE_SUFFIXES = ("scale", "scales", "weight_scale", "weight_scale_inv", "weight_scale_2", "weight_scale_packed")
_ATTENTION_INPUTS = {"q_proj", "k_proj", "v_proj", "qkv_proj", "W_pack", "wqkv", "c_attn", "query_key_value"}


@dataclass(frozen=True, slots=True)
class Packing:
    """How quantized weights are packed: the method's name, its format, and bits (None where unknown)."""

    method: str | None
    format: str | None
    bits: int | None


def layers_from_headers(tensors: Mapping[str, Tensor], packing: Packing) -> tuple[LayerWidth, ...]:
    """Families with their K and N, the packed ones unpacked. Families whose packing is not known are left out."""
    counts: Counter[tuple[str, int, int, bool]] = Counter()
    quantized_modules = {
        name.rpartition(".")[0]
        for name in tensors
        if name.endswith((".weight_scale", ".scales", ".scale", ".weight_scale_inv"))
    }
    for name, tensor in tensors.items():
        found = _linear(name)
        if found is None or len(tensor.shape) != 2:
            continue
        family, suffix = found
        quantized = suffix != "weight" or name.rpartition(".")[0] in quantized_modules
        shape = _unpack(suffix, tensor, packing)
        if shape is not None:
            counts[family, shape[0], shape[1], quantized] += 1
    families = {family for family, *_ in counts}
    rows = [
        LayerWidth(
            family=family, parallel=_parallel(family, families), inputs=inputs, outputs=outputs, count=count,
            quantized=quantized,
        )
        for (family, inputs, outputs, quantized), count in counts.items()
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (row.family, row.inputs, row.outputs)))


def _linear(name: str) -> tuple[str, str] | None:
    """(family, suffix) of a weight of a linear layer of the language model; None for anything else."""
    match = _LAYER.search(name)
    if match is None or match[3] not in _WEIGHTS or _TOWERS.search(name):
        return None
    family = _EXPERT.sub(".experts", "." + match[2])[1:]
    leaf = family.rpartition(".")[2]
    return (family, match[3]) if leaf in _ROW or leaf in _COLUMN else None


def _parallel(family: str, families: set[str]) -> str:
    stem, _, leaf = family.rpartition(".")
    # the first Qwen: mlp.w1 and mlp.w2 are both inputs of mlp.c_proj
    if leaf == "w2" and f"{stem}.c_proj" in families:
        return "column"
    return "row" if leaf in _ROW else "column"


def _unpack(suffix: str, tensor: Tensor, packing: Packing) -> tuple[int, int] | None:
    """(K, N) of a weight. Unpacked ones are (N, K); GPTQ packs K, AWQ packs N, compressed-tensors packs K of (N, K)."""
    first, second = tensor.shape
    if suffix == "weight":
        if packing.method == "bitsandbytes" and tensor.dtype == "U8":
            return None  # 4-bit: flattened, its shape says nothing
        return second, first
    width, bits = dtype_bits(tensor.dtype), packing.bits
    if not width or not bits or bits > width:
        return None
    if suffix == "weight_packed":
        return _expand(second, width, bits), first
    if packing.method == "awq":
        if packing.format in (None, "gemm"):
            return first, _expand(second, width, bits)
        return (_expand(second, width, bits), first) if packing.format == "gemv" else None
    if packing.method == "gptq" and packing.format in (None, "gptq", "gptq_v2"):
        return _expand(first, width, bits), second
    return None


def _expand(packed: int, width: int, bits: int) -> int:
    return packed * width // bits


#: model types whose layers are q, k, v, o and gate, up, down, so that the configuration alone gives their widths
_PLAIN_TYPES = {
    "llama", "mistral", "qwen2", "qwen2_vl", "qwen2_5_vl", "qwen2_vl_text", "qwen2_5_vl_text", "qwen3", "gemma",
    "gemma2", "internvl_chat", "yi",
}  # fmt: skip
_MOE_TYPES = {"mixtral": ("block_sparse_moe.experts", ("w1", "w3", "w2"))}
_ROUTED_TYPES = {"qwen2_moe", "qwen3_moe"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbers:
    """The numbers that widths follow from; None where the configuration does not state one."""

    model_type: str | None
    hidden: int | None
    intermediate: int | None
    moe_intermediate: int | None
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    layers: int | None
    experts: int | None = None


def layers_from_numbers(numbers: Numbers, quantized: bool) -> tuple[LayerWidth, ...] | None:
    """Families by arithmetic, for model types of plain structure; None for others or where a number is missing."""
    kind, count = numbers.model_type, numbers.layers
    hidden, heads, dim, kv = numbers.hidden, numbers.heads, numbers.head_dim, numbers.kv_heads
    if kind is None or not (hidden and heads and dim and kv and count):
        return None
    mlp = _mlp(numbers, quantized)
    if mlp is None:
        return None

    def row(family: str, parallel: str, inputs: int, outputs: int) -> LayerWidth:
        return LayerWidth(
            family=family, parallel=parallel, inputs=inputs, outputs=outputs, count=count or 0, quantized=quantized
        )

    attention = (
        row("self_attn.q_proj", "column", hidden, heads * dim),
        row("self_attn.k_proj", "column", hidden, kv * dim),
        row("self_attn.v_proj", "column", hidden, kv * dim),
        row("self_attn.o_proj", "row", heads * dim, hidden),
    )
    return tuple(sorted((*attention, *mlp), key=lambda item: item.family))


def _mlp(numbers: Numbers, quantized: bool) -> tuple[LayerWidth, ...] | None:
    hidden, count = numbers.hidden or 0, numbers.layers or 0
    if numbers.model_type in _PLAIN_TYPES:
        stem, leaves, width = "mlp", ("gate_proj", "up_proj", "down_proj"), numbers.intermediate
    elif numbers.model_type in _MOE_TYPES:
        (stem, leaves), width = _MOE_TYPES[numbers.model_type], numbers.intermediate
        count *= numbers.experts or 0
    elif numbers.model_type in _ROUTED_TYPES:
        stem, leaves, width = "mlp.experts", ("gate_proj", "up_proj", "down_proj"), numbers.moe_intermediate
        count *= numbers.experts or 0
    else:
        return None
    if not width or not count:
        return None
    gate, up, down = leaves
    return (
        LayerWidth(
            family=f"{stem}.{gate}", parallel="column", inputs=hidden, outputs=width, count=count, quantized=quantized
        ),
        LayerWidth(
            family=f"{stem}.{up}", parallel="column", inputs=hidden, outputs=width, count=count, quantized=quantized
        ),
        LayerWidth(
            family=f"{stem}.{down}", parallel="row", inputs=width, outputs=hidden, count=count, quantized=quantized
        ),
    )


def shape_conflicts(layers: tuple[LayerWidth, ...], stated: Numbers) -> list[Damage]:
    """Where tensors contradict config.json. Families with several shapes (pruned models) are left alone."""
    by_family: dict[str, list[LayerWidth]] = {}
    for layer in layers:
        by_family.setdefault(layer.family, []).append(layer)
    found = []
    for family, rows in by_family.items():
        if len(rows) > 1:
            continue
        for key, dimension, actual, expected in _expectations(rows[0], stated):
            if expected is not None and actual != expected:
                says = Text(
                    en=f"{key} is {expected} in config.json, but {family} has {dimension} {actual} in the weight files",
                    zh=f"config.json 中 {key} 为 {expected}，而权重文件中 {family} 的 {in_zh(dimension)} 为 {actual}",
                )
                found.append(Damage(kind="shape-conflict", file="config.json", says=says))
    return found


def _expectations(row: LayerWidth, stated: Numbers) -> list[tuple[str, str, int, int | None]]:
    """(key of the configuration, which dimension, what the tensor has, what the configuration makes it)."""
    width, size, dim = stated.intermediate, stated.hidden, stated.head_dim
    if row.family == "mlp.down_proj":
        return [
            ("intermediate_size", Text(en="input width", zh="输入宽度"), row.inputs, width),
            ("hidden_size", Text(en="output width", zh="输出宽度"), row.outputs, size),
        ]
    if row.family in ("mlp.gate_proj", "mlp.up_proj"):
        return [
            ("intermediate_size", Text(en="output width", zh="输出宽度"), row.outputs, width),
            ("hidden_size", Text(en="input width", zh="输入宽度"), row.inputs, size),
        ]
    if stated.model_type not in _PLAIN_TYPES:
        return []  # attention of other types may have widths of its own
    if row.family == "self_attn.o_proj" and stated.heads and dim:
        return [
            ("num_attention_heads x head_dim", Text(en="input width", zh="输入宽度"), row.inputs, stated.heads * dim)
        ]
    if row.family == "self_attn.k_proj" and stated.kv_heads and dim:
        return [
            (
                "num_key_value_heads x head_dim",
                Text(en="output width", zh="输出宽度"),
                row.outputs,
                stated.kv_heads * dim,
            )
        ]
    return []


def missing_biases(names: set[str]) -> tuple[str, ...]:
    """`.bias` names that are absent beside a `.qweight` outside q, k and v, in the order of the layers."""
    missing = []
    for name in names:
        if not name.endswith(".qweight"):
            continue
        module = name.removesuffix(".qweight")
        if module.rpartition(".")[2] in _ATTENTION_INPUTS or not _LAYER.search(name):
            continue
        if f"{module}.bias" not in names:
            missing.append(f"{module}.bias")
    return tuple(sorted(missing, key=_natural))


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in name.split("."))


def scale_suffixes(names: set[str]) -> tuple[str, ...]:
    """Which of the known names of quantization scales occur, with their dot, e.g. `.weight_scale`."""
    leaves = {name.rpartition(".")[2] for name in names}
    return tuple(f".{suffix}" for suffix in sorted(SCALE_SUFFIXES) if suffix in leaves)
