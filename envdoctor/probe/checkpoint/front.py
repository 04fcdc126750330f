"""The front door of the checkpoint probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    nothing = unknown("the model is neither in the local cache nor in the table of well-known models")
    return Checkpoint(name=known(place.name, "the call"), path=nothing, origin=nothing)


def _from_folder(place: Place, path: Path, cache_homes: Sequence[Path]) -> Checkpoint:
    folder = open_folder(path, cache_homes)
    base = {
        "name": known(place.name, "the local download cache" if place.from_cache else "the name of the folder"),
        "path": known(str(path), "the local download cache" if place.from_cache else "the call"),
        "origin": known("cache" if place.from_cache else "files", "read from the files"),
    }
    damage: list[Damage] = []
    try:
        files = list_files(folder)
    except OSError as error:
        says = f"cannot be listed: {error.strerror}"
        files = []
        damage.append(Damage(kind="unreadable-file", file=path.name, says=says))
    else:
        if not files:
            damage.append(Damage(kind="empty-folder", file=path.name, says="the folder holds no files"))
    if place.only_file is not None:
        files = [name for name in files if name == place.only_file]
    config = read_configuration(folder, files, damage)
    weights = read_weights(folder, files)
    if files and "config.json" not in files and weights.kind != "gguf":
        damage.append(Damage(kind="bad-config", file="config.json", says="is not there"))
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
        else unknown("not all weight files could be read"),
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
        return known(computed, f"computed from {config.text_source}")
    return unknown("no readable tensor headers, and the configuration does not give the widths")


def _missing_biases(weights: Weights, method: str | None) -> Fact[tuple[str, ...]]:
    if method != "gptq":
        return unknown("only asked of GPTQ checkpoints")
    if not weights.names_complete:
        return unknown("not all tensor names could be read")
    missing = missing_biases(weights.names)
    more = f"; the first {_MAX_NAMES} of {len(missing)}" if len(missing) > _MAX_NAMES else ""
    return known(missing[:_MAX_NAMES], _headers(weights) + more)


def _scale_suffixes(weights: Weights) -> Fact[tuple[str, ...]]:
    found = scale_suffixes(weights.names)
    if found or weights.names_complete:
        return known(found, _headers(weights))
    return unknown("not all tensor names could be read")


def _headers(weights: Weights) -> str:
    if not weights.files:
        return "the index of the weight files"
    return f"{weights.files} safetensors {'header' if weights.files == 1 else 'headers'}"
