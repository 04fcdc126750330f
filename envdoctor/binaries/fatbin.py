"""The GPU code inside of a library: for which architectures, read from the headers of its CUDA containers.

nvcc puts device code into the sections `.nv_fatbin` and (relocatable, device-linked later) `__nv_relfatbin`, as
containers, one a translation unit. A container holds entries; an entry is machine code (SASS) for one architecture, or
PTX of one ISA version for one virtual architecture. NVIDIA does not document the layout; what stands here was checked
on libraries that nvcc 11.8, 12.1, 12.9, 13.0 and 13.2 made for known targets, and on wheels of CUDA 11, 12 and 13
(docs/compiled-extensions.md). Only headers are read: payloads (often compressed) are hopped over by their size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from envdoctor.binaries.elf import ElfFile, Span
from envdoctor.binaries.reading import ByteSource, UnreadableBinaryError
from envdoctor.facts.extensions import CodeKind, GpuCode
from envdoctor.text import Text

SECTIONS = (".nv_fatbin", "__nv_relfatbin")

_MAGIC = 0xBA55ED50
_CONTAINER = struct.Struct("<IHHQ")  # magic, version, size of this header, size of the entries
# kind, version, size of this header, size of the payload, 8 bytes, PTX ISA minor and major, sm number, name, flags
_ENTRY = struct.Struct("<HHIQ8xHHIIIQ")
_PTX, _SASS = 1, 2
_ARCH_SPECIFIC, _FAMILY_SPECIFIC = 0x100000, 0x200000
_MAX_CONTAINERS, _MAX_ENTRIES, _MAX_PADDING = 200_000, 256, 1 << 16


def archs(source: Path | str | BinaryIO | ByteSource | ElfFile) -> tuple[tuple[GpuCode, ...], ...]:
    """The GPU code of a library, container by container, in file order; `()` where it holds none.

    Raises `UnreadableBinaryError`: no ELF file, lying headers, or section headers stripped (the code cannot be found).
    """
    elf = source if isinstance(source, ElfFile) else ElfFile(source)
    if elf.sections is None:
        raise UnreadableBinaryError(
            Text(
                en="its section headers are stripped, so its GPU code cannot be found",
                zh="节头已被去除，无法找到 GPU 代码",
            )
        )
    found: list[tuple[GpuCode, ...]] = []
    for name in SECTIONS:
        span = elf.section(name)
        if span is not None:
            found.extend(_containers(elf.source, span))
    return tuple(found)


def _containers(source: ByteSource, span: Span) -> Iterator[tuple[GpuCode, ...]]:
    position, end = span.offset, span.offset + span.size
    for _ in range(_MAX_CONTAINERS):
        position = _next_container(source, position, end)
        if position + _CONTAINER.size > end:
            return
        magic, _version, header, size = _CONTAINER.unpack(source.read_at(position, _CONTAINER.size))
        if magic != _MAGIC or header < _CONTAINER.size:
            raise UnreadableBinaryError(
                Text(en=f"no CUDA container at offset {position}", zh=f"偏移 {position} 处没有 CUDA 容器")
            )
        stop = position + header + size
        if stop > end:
            raise UnreadableBinaryError(
                Text(
                    en=f"truncated: the CUDA container at offset {position} is longer than its section",
                    zh=f"文件不完整：偏移 {position} 处的 CUDA 容器超出所在的节",
                )
            )
        yield tuple(_entries(source, position + header, stop))
        position = stop
    raise UnreadableBinaryError(Text(en="implausibly many CUDA containers", zh="CUDA 容器数量不合理"))


def _next_container(source: ByteSource, position: int, end: int) -> int:
    """Skips the zero bytes that align the next container."""
    for _ in range(_MAX_PADDING // 64):
        data = source.read_at(position, min(64, end - position))
        rest = data.lstrip(b"\0")
        if rest or not data:
            return position + len(data) - len(rest)
        position += len(data)
    raise UnreadableBinaryError(
        Text(en=f"no CUDA container at offset {position}", zh=f"偏移 {position} 处没有 CUDA 容器")
    )


def _entries(source: ByteSource, position: int, stop: int) -> Iterator[GpuCode]:
    for _ in range(_MAX_ENTRIES):
        if position + _ENTRY.size > stop:
            return
        kind, _version, header, size, minor, major, sm, _name, _length, flags = _ENTRY.unpack(
            source.read_at(position, _ENTRY.size)
        )
        if header < _ENTRY.size or position + header + size > stop:
            raise UnreadableBinaryError(
                Text(
                    en=f"the CUDA entry at offset {position} is longer than its container",
                    zh=f"偏移 {position} 处的 CUDA 条目超出其容器",
                )
            )
        suffix = "a" if flags & _ARCH_SPECIFIC else "f" if flags & _FAMILY_SPECIFIC else ""
        if kind == _PTX:
            yield GpuCode(kind=CodeKind.PTX, sm=sm, suffix=suffix, ptx_isa=f"{major}.{minor}")
        elif kind == _SASS:
            yield GpuCode(kind=CodeKind.SASS, sm=sm, suffix=suffix)
        position += header + size
    raise UnreadableBinaryError(
        Text(
            en=f"implausibly many CUDA entries before offset {position}",
            zh=f"偏移 {position} 之前的 CUDA 条目数量不合理",
        )
    )
