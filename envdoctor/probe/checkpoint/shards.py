"""All weight files of a folder: what the index names, what is there, and what each header holds."""

from __future__ import annotations

import os
from dataclasses import field
from typing import Any

from envdoctor.facts.checkpoint import Damage
from envdoctor.patterns import lazy
from envdoctor.probe.checkpoint.reading import Folder, Unreadable, open_regular, read_json, refuse_stand_ins
from envdoctor.probe.checkpoint.safetensors import Tensor, read_header
from envdoctor.text import Text
from envdoctor.values import dataclass

#: the index of a model with 200,000 tensors is some 20 MB
MAX_INDEX_BYTES = 48 << 20
MAX_ENTRIES = 10_000
MAX_SHARDS = 2_000
#: tensors of all shards together, and shards that may be unusable before the rest is left alone: a folder of hostile files
#: must not cost more than a few of them
MAX_ALL_TENSORS = 1_000_000
MAX_BAD_SHARDS = 64

_PART = lazy(r"^(?P<stem>.{1,200}?)-(?P<part>\d{5})-of-(?P<total>\d{5})(?P<end>\.safetensors)$")
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_PICKLES = (".bin", ".pt", ".pth")
_NO_WEIGHTS = {"training_args.bin", "optimizer.pt", "scheduler.pt", "optimizer.bin", "scaler.pt"}


@dataclass(kw_only=True, slots=True)
class Weights:
    """What the weight files say. `complete`: every shard's header was read, so a name that is absent is absent."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  #: names of the headers and of the index
    complete: bool = False
    names_complete: bool = False  #: every name is known, from headers or from the index
    total_bytes: int | None = None
    bytes_source: str = ""
    files: int = 0
    kind: str = "none"  #: safetensors, pickle, gguf, none
    damage: list[Damage] = field(default_factory=list)


def list_files(folder: Folder) -> list[str]:
    """Names of the files in the folder, sorted. Raises OSError where it cannot be listed."""
    names = []
    with os.scandir(folder.real) as entries:
        for number, entry in enumerate(entries):
            if number >= MAX_ENTRIES:
                break
            if not _is_folder(entry):
                names.append(entry.name)
    return sorted(names)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def read_weights(folder: Folder, files: list[str]) -> Weights:
    """Reads the index and the header of every shard. Never raises: what is wrong is in `damage`."""
    weights = Weights()
    mapping, index_name, total = _index(folder, files, weights)
    if index_name is not None and index_name.startswith("pytorch_model") and not _safetensors(files):
        return _pickles(folder, files, weights, named=set(mapping.values()), total=total)
    shards = sorted(set(mapping.values())) if mapping else _expected(_safetensors(files))
    if not shards:
        return _other_formats(folder, files, weights, index_name)
    weights.kind = "safetensors"
    whole = _read_shards(folder, shards, mapping, weights)
    weights.names |= set(weights.tensors)
    if mapping:
        weights.names |= set(mapping)
    weights.complete = whole
    weights.names_complete = whole or bool(mapping)
    if whole:
        weights.total_bytes = sum(tensor.size for tensor in weights.tensors.values())
        weights.bytes_source = Text(
            en=f"{weights.files} safetensors {'header' if weights.files == 1 else 'headers'}",
            zh=f"{weights.files} 个 safetensors 文件头",
        )
    elif total is not None and index_name is not None:
        weights.total_bytes, weights.bytes_source = total, f"{index_name}: metadata.total_size"
    return weights


def _index(folder: Folder, files: list[str], weights: Weights) -> tuple[dict[str, str], str | None, int | None]:
    """Tensor name -> file name, from the index; empty where there is none or it cannot be used."""
    for name in [*_INDEXES, *(file for file in files if file.endswith(".safetensors.index.json"))]:
        if name not in files or (name == _INDEXES[1] and _safetensors(files)):
            continue
        try:
            data = read_json(folder, name, limit=MAX_INDEX_BYTES, kind="bad-index")
        except FileNotFoundError:
            continue
        except Unreadable as error:
            weights.damage.append(error.damage)
            return {}, None, None
        return (*_weight_map(name, data, weights), _total_size(data))
    return {}, None, None


def _weight_map(name: str, data: Any, weights: Weights) -> tuple[dict[str, str], str]:
    mapping = data.get("weight_map") if isinstance(data, dict) else None
    if not isinstance(mapping, dict) or not all(isinstance(file, str) for file in mapping.values()):
        says = Text(en="has no `weight_map` from tensor names to file names", zh="没有从张量名到文件名的 `weight_map`")
        weights.damage.append(Damage(kind="bad-index", file=name, says=says))
        return {}, name
    return mapping, name


def _total_size(data: Any) -> int | None:
    metadata = data.get("metadata") if isinstance(data, dict) else None
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(total, float) and total.is_integer():
        total = int(total)
    return total if isinstance(total, int) and not isinstance(total, bool) and 0 < total < 1 << 62 else None


def _safetensors(files: list[str]) -> list[str]:
    shards = [name for name in files if name.endswith(".safetensors") and not name.startswith("adapter_")]
    # Mistral's repositories hold the same weights twice: as `consolidated*` in its own naming, and as `model*`
    main = [name for name in shards if not name.startswith("consolidated")]
    return main or shards


def _expected(shards: list[str]) -> list[str]:
    """Shards that are there, and those that `-00001-of-00005` says should be."""
    names = set(shards)
    for name in shards:
        part = _PART.match(name)
        if part and int(part["total"]) <= MAX_SHARDS:
            total = int(part["total"])
            names |= {f"{part['stem']}-{number:05d}-of-{total:05d}{part['end']}" for number in range(1, total + 1)}
    return sorted(names)


def _read_shards(folder: Folder, shards: list[str], mapping: dict[str, str], weights: Weights) -> bool:
    whole = True
    if len(shards) > MAX_SHARDS:
        says = Text(
            en=f"{len(shards)} weight files are named; only the first {MAX_SHARDS} are read",
            zh=f"列出了 {len(shards)} 个权重文件，只读取前 {MAX_SHARDS} 个",
        )
        weights.damage.append(Damage(kind="bad-index", file=folder.path.name, says=says))
        shards, whole = shards[:MAX_SHARDS], False
    unusable = 0
    for shard in shards:
        if unusable >= MAX_BAD_SHARDS:
            return False
        try:
            header = read_header(folder, shard)
        except FileNotFoundError:
            says = Text(
                en=f"is named by {'the index' if mapping else 'the other shards'} and is not there",
                zh=f"{'索引' if mapping else '其他分片'}中提到它，但文件不存在",
            )
            weights.damage.append(Damage(kind="missing-shard", file=shard, says=says))
            whole = False
            continue
        except Unreadable as error:
            weights.damage.append(error.damage)
            unusable += 1
            whole = False
            continue
        weights.files += 1
        weights.tensors.update(header)
        if len(weights.tensors) > MAX_ALL_TENSORS:
            says = Text(
                en=f"more than {MAX_ALL_TENSORS} tensors; the rest is not read",
                zh=f"张量超过 {MAX_ALL_TENSORS} 个，其余未读取",
            )
            weights.damage.append(Damage(kind="bad-header", file=shard, says=says))
            return False
    return whole and _index_agrees(mapping, weights)


def _index_agrees(mapping: dict[str, str], weights: Weights) -> bool:
    absent = [name for name in mapping if name not in weights.tensors]
    if not absent:
        return True
    says = Text(
        en=f"{len(absent)} tensors of the index are in no shard (first: {absent[0]:.120}): they do not belong together",
        zh=f"索引中有 {len(absent)} 个张量不在任何分片中（首个：{absent[0]:.120}）：索引与分片不是同一套",
    )
    weights.damage.append(Damage(kind="bad-index", file=mapping[absent[0]][:200], says=says))
    return False


def _other_formats(folder: Folder, files: list[str], weights: Weights, index_name: str | None) -> Weights:
    if any(name.endswith(".gguf") for name in files):
        return _gguf(folder, [name for name in files if name.endswith(".gguf")], weights)
    if any(name.endswith(_PICKLES) and name not in _NO_WEIGHTS for name in files):
        return _pickles(folder, files, weights, named=set(), total=None)
    if files and index_name is None and not any(item.kind == "bad-index" for item in weights.damage):
        says = Text(
            en="holds no weights (*.safetensors, *.bin or *.gguf)", zh="没有权重文件（*.safetensors、*.bin 或 *.gguf）"
        )
        weights.damage.append(Damage(kind="missing-weights", file=folder.path.name, says=says))
    return weights


def _pickles(folder: Folder, files: list[str], weights: Weights, named: set[str], total: int | None) -> Weights:
    """Pickled weights: sizes only. They are never opened as pickles."""
    weights.kind = "pickle"
    present = {name for name in files if name.endswith(_PICKLES) and name not in _NO_WEIGHTS}
    size = 0
    for name in sorted(named or present):
        size += _plain_size(folder, name, weights)
    if total is not None:
        weights.total_bytes, weights.bytes_source = total, "pytorch_model.bin.index.json: metadata.total_size"
    elif size and not weights.damage:
        weights.total_bytes, weights.bytes_source = size, Text(en="sizes of the weight files", zh="权重文件的大小")
    return weights


def _gguf(folder: Folder, names: list[str], weights: Weights) -> Weights:
    weights.kind = "gguf"
    size = 0
    for name in names:
        size += _plain_size(folder, name, weights, magic=b"GGUF")
    # a folder of GGUF files usually holds one model at many sizes: only a single file has a size that means something
    if len(names) == 1 and size:
        weights.total_bytes, weights.bytes_source = size, Text(en=f"size of {names[0]}", zh=f"{names[0]} 的大小")
    return weights


def _plain_size(folder: Folder, name: str, weights: Weights, magic: bytes = b"") -> int:
    """Bytes of a file that is not looked into further than its first bytes; 0, and damage, where it is not usable."""
    try:
        handle, size = open_regular(folder, name)
        with handle:
            start = handle.read(512)
        _refuse(name, start, size, magic)
    except FileNotFoundError:
        says = Text(en="is named by the index and is not there", zh="索引中提到它，但文件不存在")
        weights.damage.append(Damage(kind="missing-shard", file=name[:200], says=says))
        return 0
    except Unreadable as error:
        weights.damage.append(error.damage)
        return 0
    weights.files += 1
    return size


def _refuse(name: str, start: bytes, size: int, magic: bytes) -> None:
    refuse_stand_ins(name, start)
    if size == 0:
        raise Unreadable("truncated-shard", name, Text(en="is empty (0 bytes)", zh="为空（0 字节）"))
    if magic and not start.startswith(magic):
        raise Unreadable(
            "bad-header", name, Text(en=f"does not begin with {magic.decode()}", zh=f"开头不是 {magic.decode()}")
        )
