"""Well-known models from the table `models`: the same facts, when no file of the model is here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envdoctor.facts.checkpoint import Checkpoint, LayerWidth
from envdoctor.facts.known import Fact, known, unknown, value_of
from envdoctor.probe.checkpoint.configuration import Configuration, describe
from envdoctor.probe.checkpoint.quantization import Quantization, find_quantization
from envdoctor.probe.checkpoint.widths import Numbers, layers_from_numbers
from envdoctor.text import Text

_QUANT_KEY = "quantization_config"


def find_row(name: str, table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The row of a model, its shape's numbers merged in. Names compare without case; the owner may be left out."""
    wanted = name.lower()
    shapes = table.get("shape") or {}
    for row in table.get("model") or []:
        full = str(row.get("name", "")).lower()
        if wanted == full or ("/" not in wanted and wanted == full.rpartition("/")[2]):
            return {**shapes.get(row.get("shape"), {}), **row}
    return None


def checkpoint_from_table(name: str, table: Mapping[str, Any]) -> Checkpoint | None:
    """The facts of a well-known model; None where the table does not have it."""
    row = find_row(name, table)
    if row is None:
        return None
    said = Text(en=f"table of well-known models: {row['name']}", zh=f"常见模型表：{row['name']}")
    quantization = _relabel_quantization(row, said)
    found = describe(row, quantization)
    layers = layers_from_numbers(numbers_of(found, row.get("num_experts")), quantized=bool(row.get("quantization")))

    def relabel(fact: Fact[Any]) -> Fact[Any]:
        value = value_of(fact)
        return fact if value is None else known(value, said)

    no_files = unknown(Text(en="no file of the model is here", zh="这里没有该模型的文件"))
    return Checkpoint(
        name=known(str(row["name"]), said),
        path=no_files,
        origin=known("table", said),
        model_type=relabel(found.model_type),
        architecture=relabel(found.architecture),
        quant_method=quantization.method,
        quant_key=quantization.key,
        quant_format=quantization.format,
        bits=quantization.bits,
        group_size=quantization.group_size,
        weight_block=quantization.weight_block,
        desc_act=quantization.desc_act,
        sym=quantization.sym,
        use_exllama=quantization.use_exllama,
        dtype=relabel(found.dtype),
        hidden_size=relabel(found.hidden_size),
        intermediate_size=relabel(found.intermediate_size),
        moe_intermediate_size=relabel(found.moe_intermediate_size),
        num_attention_heads=relabel(found.num_attention_heads),
        num_key_value_heads=relabel(found.num_key_value_heads),
        head_dim=relabel(found.head_dim),
        num_hidden_layers=relabel(found.num_hidden_layers),
        vocab_size=relabel(found.vocab_size),
        layers=known(layers, said)
        if layers
        else unknown(Text(en="the table does not give the widths of this model", zh="表中没有该模型的各层宽度")),
        missing_biases=no_files,
        scale_suffixes=no_files,
        tensor_bytes=_least_bytes(layers, found, quantization, said),
        damage=no_files,
    )


def _least_bytes(
    layers: tuple[LayerWidth, ...] | None, found: Configuration, quantization: Quantization, said: Text
) -> Fact[int]:
    """The least that the tensors take: linear layers with their scales, and the embedding once. No other towers."""
    vocabulary, hidden = value_of(found.vocab_size), value_of(found.hidden_size)
    method, bits = value_of(quantization.method), value_of(quantization.bits)
    if not layers or not vocabulary or not hidden or method not in ("none", "awq", "gptq"):
        return unknown(
            Text(en="the table does not give the widths of all layers of this model", zh="表中没有该模型全部层的宽度")
        )
    elements = sum(layer.inputs * layer.outputs * layer.count for layer in layers)
    embedding = 2 * vocabulary * hidden
    if method == "none":
        return known(
            2 * elements + embedding,
            Text(en=f"{said}: computed from its widths, a lower bound", zh=f"{said.zh}：由各层宽度计算，为下限"),
        )
    group = value_of(quantization.group_size)
    if not bits or not group or group < 0:
        return unknown(
            Text(en="the table does not give bits and group size of this model", zh="表中没有该模型的位宽与 group size")
        )
    packed = elements * bits // 8 + elements // group * (16 + bits) // 8  # weights; a scale and a zero point a group
    return known(
        packed + embedding,
        Text(en=f"{said}: computed from its widths, a lower bound", zh=f"{said.zh}：由各层宽度计算，为下限"),
    )


def _relabel_quantization(row: Mapping[str, Any], said: Text) -> Quantization:
    settings = row.get("quantization")
    if not isinstance(settings, Mapping) or not settings:
        return Quantization(method=known("none", said))
    return find_quantization([(_QUANT_KEY, said, settings)], config_read=True)


def numbers_of(found: Configuration, experts: Any) -> Numbers:
    """The numbers of a configuration, bare."""
    text_type = found.text.get("model_type")
    return Numbers(
        model_type=text_type if isinstance(text_type, str) else value_of(found.model_type),
        hidden=value_of(found.hidden_size),
        intermediate=value_of(found.intermediate_size),
        moe_intermediate=value_of(found.moe_intermediate_size),
        heads=value_of(found.num_attention_heads),
        kv_heads=value_of(found.num_key_value_heads),
        head_dim=value_of(found.head_dim),
        layers=value_of(found.num_hidden_layers),
        experts=experts if isinstance(experts, int) and 0 < experts < 100_000 else None,
    )
