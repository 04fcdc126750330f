"""The header of a safetensors file: names, dtypes, shapes and byte ranges, without reading any tensor.

Layout: 8 bytes little-endian length N, N bytes of JSON, then the tensors (https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, TypeGuard

from envdoctor.errors import system_says
from envdoctor.probe.checkpoint.reading import Folder, Unreadable, open_regular, parse_json, refuse_stand_ins
from envdoctor.text import Text
from envdoctor.values import dataclass

#: headers of real shards are under 2 MB even for models with 100,000 tensors; the cap bounds memory on hostile input
MAX_HEADER_BYTES = 16 << 20
#: the format itself allows no header longer than this; a length field above it is no length at all
_FORMAT_LIMIT = 100_000_000
_MAX_TENSORS = 1_000_000
_COMMAS_PER_TENSOR = 24
_COMMAS_OF_METADATA = 20_000

_BITS: Mapping[str, int] = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a header: safetensors dtype name, shape, and bytes in the file."""

    dtype: str
    shape: tuple[int, ...]
    size: int


def dtype_bits(dtype: str) -> int | None:
    """Bits of one element, None for a dtype that is not known here."""
    return _BITS.get(dtype)


def read_header(folder: Folder, name: str) -> dict[str, Tensor]:
    """The tensors of one file. Raises FileNotFoundError, or Unreadable with what is wrong with the file."""
    handle, size = open_regular(folder, name)
    with handle:
        try:
            start = handle.read(512)
            refuse_stand_ins(name, start)
            length = _header_length(name, start, size)
            handle.seek(8)
            raw = handle.read(length)
        except OSError as error:
            raise Unreadable(
                "unreadable-file",
                name,
                Text(en=f"cannot be read: {system_says(error)}", zh=f"无法读取：{system_says(error).zh}"),
            ) from None
    if len(raw) != length:
        raise Unreadable(
            "truncated-shard",
            name,
            Text(
                en=f"its header should have {length} bytes, {len(raw)} are there",
                zh=f"文件头应有 {length} 字节，实际只有 {len(raw)} 字节",
            ),
        )
    # each tensor has some 5 commas: a text with many more is something else, and would cost 30 times its size once parsed
    if raw.count(b",") > _COMMAS_PER_TENSOR * raw.count(b'"data_offsets"') + _COMMAS_OF_METADATA:
        raise Unreadable("bad-header", name, Text(en="its header is no list of tensors", zh="文件头不是张量列表"))
    header = parse_json(raw, name, "bad-header")
    if not isinstance(header, dict):
        raise Unreadable(
            "bad-header",
            name,
            Text(
                en=f"its header is a {type(header).__name__}, not an object of tensors",
                zh=f"文件头是 {type(header).__name__}，不是由张量组成的对象",
            ),
        )
    if len(header) > _MAX_TENSORS:
        raise Unreadable(
            "bad-header",
            name,
            Text(
                en=f"its header names {len(header)} tensors; at most {_MAX_TENSORS} are read",
                zh=f"文件头列出 {len(header)} 个张量，最多读取 {_MAX_TENSORS} 个",
            ),
        )
    return _tensors(name, header, size - 8 - length)


def _header_length(name: str, start: bytes, size: int) -> int:
    if size == 0:
        raise Unreadable("truncated-shard", name, Text(en="is empty (0 bytes)", zh="为空（0 字节）"))
    if size < 8 or len(start) < 8:
        raise Unreadable("truncated-shard", name, Text(en=f"has only {size} bytes", zh=f"只有 {size} 字节"))
    (length,) = struct.unpack("<Q", start[:8])
    if length > _FORMAT_LIMIT:
        raise Unreadable(
            "bad-header",
            name,
            Text(
                en=f"claims a header of {length} bytes: not a safetensors file, or corrupted",
                zh=f"声称文件头为 {length} 字节：不是 safetensors 文件，或已损坏",
            ),
        )
    if length > MAX_HEADER_BYTES:
        raise Unreadable(
            "bad-header",
            name,
            Text(
                en=f"claims a header of {length} bytes; at most {MAX_HEADER_BYTES} are read",
                zh=f"声称文件头为 {length} 字节，最多读取 {MAX_HEADER_BYTES} 字节",
            ),
        )
    if 8 + length > size:
        raise Unreadable(
            "truncated-shard",
            name,
            Text(
                en=f"its header alone needs {8 + length} bytes, the file has {size}",
                zh=f"仅文件头就需要 {8 + length} 字节，而文件只有 {size} 字节",
            ),
        )
    if length < 2 or (len(start) > 8 and start[8:9] != b"{"):
        raise Unreadable(
            "bad-header", name, Text(en="does not begin with a safetensors header", zh="开头不是 safetensors 文件头")
        )
    return int(length)


def _tensors(name: str, header: dict[str, Any], data_bytes: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    ranges: list[tuple[int, int, str]] = []
    for key, item in header.items():
        if key == "__metadata__":
            continue
        tensor, begin, end = _tensor(name, key, item)
        tensors[key] = tensor
        ranges.append((begin, end, key))
    _check_ranges(name, ranges, data_bytes)
    return tensors


def _tensor(name: str, key: str, item: Any) -> tuple[Tensor, int, int]:
    if not isinstance(item, dict):
        raise Unreadable(
            "bad-header",
            name,
            Text(en=f"tensor {key:.80} is not described by an object", zh=f"张量 {key:.80} 的描述不是对象"),
        )
    dtype, shape, offsets = item.get("dtype"), item.get("shape"), item.get("data_offsets")
    if not isinstance(dtype, str) or not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
        raise Unreadable(
            "bad-header",
            name,
            Text(
                en=f"tensor {key:.80} has no usable dtype, shape and data_offsets",
                zh=f"张量 {key:.80} 没有可用的 dtype、shape 与 data_offsets",
            ),
        )
    begin, end = offsets
    if end < begin:
        raise Unreadable(
            "bad-header",
            name,
            Text(en=f"tensor {key:.80} ends before it begins", zh=f"张量 {key:.80} 的结束位置在开始位置之前"),
        )
    bits = _BITS.get(dtype)
    if bits is not None:
        elements = 1
        for dimension in shape:
            elements *= dimension
        if elements * bits != (end - begin) * 8:
            says = Text(
                en=f"tensor {key:.80} has shape {_shape(shape)} of {dtype}, which does not fill its {end - begin} bytes",
                zh=f"张量 {key:.80} 的形状为 {_shape(shape)}、类型为 {dtype}，与其 {end - begin} 字节不符",
            )
            raise Unreadable("bad-header", name, says)
    return Tensor(dtype, tuple(shape), end - begin), begin, end


def _sizes(value: Any) -> TypeGuard[list[int]]:
    """A short list of integers that can be sizes of something on this planet."""
    return (
        isinstance(value, list)
        and len(value) <= 16
        and all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 1 << 62 for item in value)
    )


def _shape(shape: list[int]) -> str:
    return "[" + ", ".join(str(item) for item in shape) + "]"


def _check_ranges(name: str, ranges: list[tuple[int, int, str]], data_bytes: int) -> None:
    """Byte ranges must follow each other without overlap or holes and end where the file ends."""
    ranges.sort()
    end = 0
    for begin, stop, key in ranges:
        if begin < end:
            raise Unreadable(
                "bad-header",
                name,
                Text(en=f"tensor {key:.80} overlaps the one before it", zh=f"张量 {key:.80} 与前一个重叠"),
            )
        if begin > end:
            raise Unreadable(
                "bad-header",
                name,
                Text(
                    en=f"{begin - end} bytes before tensor {key:.80} belong to nothing",
                    zh=f"张量 {key:.80} 之前有 {begin - end} 字节不属于任何张量",
                ),
            )
        end = stop
    if end > data_bytes:
        says = Text(
            en=f"its tensors need {end} bytes, {data_bytes} are there: the download or copy stopped early",
            zh=f"其中张量需要 {end} 字节，实际只有 {data_bytes} 字节：下载或复制提前中断",
        )
        raise Unreadable("truncated-shard", name, says)
    if end < data_bytes:
        raise Unreadable(
            "bad-header",
            name,
            Text(
                en=f"{data_bytes - end} bytes at its end belong to no tensor",
                zh=f"末尾有 {data_bytes - end} 字节不属于任何张量",
            ),
        )
