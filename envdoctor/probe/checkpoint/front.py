"""The front door of the checkpoint probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envdoctor.errors import system_says
from envdoctor.facts.checkpoint import Checkpoint, Damage, LayerWidth
from envdoctor.facts.known import Fact, known, unknown, value_of
from envdoctor.probe.checkpoint.configuration import Configuration, read_configuration
from envdoctor.probe.checkpoint.locate import Place, locate
from envdoctor.probe.checkpoint.reading import Folder, open_folder
from envdoctor.probe.checkpoint.shards import Weights, list_files, read_weights
from envdoctor.probe.checkpoint.wellknown import checkpoint_from_table, numbers_of
from envdoctor.probe.checkpoint.widths import (
    Packing,
    layers_from_headers,
    layers_from_numbers,
    missing_biases,
    scale_suffixes,
    shape_conflicts,
)
from envdoctor.text import NOTHING, Text, joined

_MAX_NAMES = 64
_MAX_DAMAGE = 64


def read_checkpoint(where: str, *, cache_homes: Sequence[Path], models_table: Mapping[str, Any]) -> Checkpoint:
    """The facts of a checkpoint.

    `where` is a folder, or a model name that is looked for in the download caches `cache_homes` (folders that hold
    `models--org--name`, or a `hub` folder with them), then in `models_table` (the table `models` of the matrix).
    `origin` says which of the three it was. Reads headers and configuration only, nothing is imported or unpickled.
    What is wrong with the files is in `damage`. Raises UsageError for a path that does not exist.
    """
    place = locate(where, cache_homes)
    if place.folder is not None:
        return _from_folder(place, place.folder, cache_homes)
    found = checkpoint_from_table(place.name, models_table)
    if found is not None:
        return found
    if "/" not in place.name:
        locate(f"./{place.name}", ())  # one word that nothing knows is a path that does not exist
    nothing = unknown(
        Text(
            en="the model is neither in the local cache nor in the table of well-known models",
            zh="该模型既不在本地缓存中，也不在常见模型表中",
        )
    )
    return Checkpoint(name=known(place.name, Text(en="the call", zh="命令行参数")), path=nothing, origin=nothing)


def _from_folder(place: Place, path: Path, cache_homes: Sequence[Path]) -> Checkpoint:
    folder = open_folder(path, cache_homes)
    base = {
        "name": known(
            place.name,
            Text(en="the local download cache", zh="本地下载缓存")
            if place.from_cache
            else Text(en="the name of the folder", zh="目录名"),
        ),
        "path": known(
            str(path),
            Text(en="the local download cache", zh="本地下载缓存")
            if place.from_cache
            else Text(en="the call", zh="命令行参数"),
        ),
        "origin": known("cache" if place.from_cache else "files", Text(en="read from the files", zh="读取文件")),
    }
    damage: list[Damage] = []
    try:
        files = list_files(folder)
    except OSError as error:
        says = Text(en=f"cannot be listed: {system_says(error)}", zh=f"无法列出内容：{system_says(error).zh}")
        files = []
        damage.append(Damage(kind="unreadable-file", file=path.name, says=says))
    else:
        if not files:
            damage.append(
                Damage(
                    kind="empty-folder", file=path.name, says=Text(en="the folder holds no files", zh="目录中没有文件")
                )
            )
    if place.only_file is not None:
        files = [name for name in files if name == place.only_file]
    config = read_configuration(folder, files, damage)
    weights = read_weights(folder, files)
    if files and "config.json" not in files and weights.kind != "gguf":
        damage.append(Damage(kind="bad-config", file="config.json", says=Text(en="is not there", zh="不存在")))
    damage += weights.damage
    return _assemble(base, folder, config, weights, damage)


def _assemble(
    base: Mapping[str, Fact[str]], folder: Folder, config: Configuration, weights: Weights, damage: list[Damage]
) -> Checkpoint:
    quantization = config.quantization
    method: Fact[str] = known("gguf", "*.gguf") if weights.kind == "gguf" else quantization.method
    packing = Packing(value_of(method), value_of(quantization.format), value_of(quantization.bits))
    measured = layers_from_headers(weights.tensors, packing)
    if measured:
        damage += shape_conflicts(measured, numbers_of(config, None))
    return Checkpoint(
        **base,
        model_type=config.model_type,
        architecture=config.architecture,
        quant_method=method,
        quant_key=quantization.key,
        quant_format=quantization.format,
        bits=quantization.bits,
        group_size=quantization.group_size,
        weight_block=quantization.weight_block,
        desc_act=quantization.desc_act,
        sym=quantization.sym,
        use_exllama=quantization.use_exllama,
        dtype=config.dtype,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        moe_intermediate_size=config.moe_intermediate_size,
        num_attention_heads=config.num_attention_heads,
        num_key_value_heads=config.num_key_value_heads,
        head_dim=config.head_dim,
        num_hidden_layers=config.num_hidden_layers,
        vocab_size=config.vocab_size,
        layers=_layers(measured, config, weights, value_of(method)),
        missing_biases=_missing_biases(weights, value_of(method)),
        scale_suffixes=_scale_suffixes(weights),
        tensor_bytes=known(weights.total_bytes, weights.bytes_source)
        if weights.total_bytes is not None
        else unknown(Text(en="not all weight files could be read", zh="部分权重文件无法读取")),
        damage=known(tuple(damage[:_MAX_DAMAGE]), str(folder.path)),
    )


def _layers(
    measured: tuple[LayerWidth, ...], config: Configuration, weights: Weights, method: str | None
) -> Fact[tuple[LayerWidth, ...]]:
    if measured:
        return known(measured, _headers(weights))
    experts = config.text.get("num_local_experts", config.text.get("num_experts"))
    computed = layers_from_numbers(numbers_of(config, experts), quantized=method not in (None, "none"))
    if computed:
        return known(computed, Text(en=f"computed from {config.text_source}", zh=f"由 {config.text_source} 计算"))
    return unknown(
        Text(
            en="no readable tensor headers, and the configuration does not give the widths",
            zh="没有可读取的张量文件头，配置中也没有各层宽度",
        )
    )


def _missing_biases(weights: Weights, method: str | None) -> Fact[tuple[str, ...]]:
    if method != "gptq":
        return unknown(Text(en="only asked of GPTQ checkpoints", zh="只对 GPTQ 检查点检查"))
    if not weights.names_complete:
        return unknown(Text(en="not all tensor names could be read", zh="部分张量名无法读取"))
    missing = missing_biases(weights.names)
    more = (
        Text(en=f"; the first {_MAX_NAMES} of {len(missing)}", zh=f"；共 {len(missing)} 个，列出前 {_MAX_NAMES} 个")
        if len(missing) > _MAX_NAMES
        else NOTHING
    )
    return known(missing[:_MAX_NAMES], joined((_headers(weights), more), NOTHING))


def _scale_suffixes(weights: Weights) -> Fact[tuple[str, ...]]:
    found = scale_suffixes(weights.names)
    if found or weights.names_complete:
        return known(found, _headers(weights))
    return unknown(Text(en="not all tensor names could be read", zh="部分张量名无法读取"))


def _headers(weights: Weights) -> Text:
    if not weights.files:
        return Text(en="the index of the weight files", zh="权重文件的索引")
    return Text(
        en=f"{weights.files} safetensors {'header' if weights.files == 1 else 'headers'}",
        zh=f"{weights.files} 个 safetensors 文件头",
    )
