"""What the loader would read of a shared library: needs, exports, version needs. Nothing is loaded or run.

Only what the program headers lead to is used (PT_DYNAMIC), as the loader does: section headers may be stripped. They
are read for one thing, the place of a named section (`.nv_fatbin`).

Layout: System V gABI chapter 5 (https://gabi.xinuos.com/), LSB 5.0 chapter 10 for symbol versions, and the GNU hash
table as glibc's `elf/dl-lookup.c` walks it. pyelftools reads the same, but at 4 ms a file and 0.3 s for its import it
alone would take the time that a whole environment may take (400 files); it judges this reader in the tests instead.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from envdoctor.binaries.reading import ByteSource, UnreadableBinaryError
from envdoctor.binaries.symbolhash import GnuHash, sysv_candidates
from envdoctor.text import Text
from envdoctor.values import dataclass

_MACHINES = {62: "x86_64", 183: "aarch64", 3: "i386", 21: "ppc64", 243: "riscv", 258: "loongarch"}
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ = 1, 4, 5, 6, 7, 8
_DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_PLTRELSZ, _DT_JMPREL, _DT_RUNPATH = 10, 14, 15, 2, 23, 29
_DT_GNU_HASH, _DT_VERNEED, _DT_VERNEEDNUM, _DT_VERDEF, _DT_VERDEFNUM = (
    0x6FFFFEF5,
    0x6FFFFFFE,
    0x6FFFFFFF,
    0x6FFFFFFC,
    0x6FFFFFFD,
)
_STB_GLOBAL, _STB_WEAK, _STB_GNU_UNIQUE = 1, 2, 10
_MAX_SEGMENTS, _MAX_TAGS, _MAX_NAME = 512, 4096, 16384
_MAX_SYMBOLS, _MAX_VERSIONS = 4_000_000, 4096

_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_TAG = struct.Struct("<QQ")
_VERNEED = struct.Struct("<HHIII")
_VERNAUX = struct.Struct("<IHHII")
_VERDEF = struct.Struct("<HHHHIII")


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionNeed:
    """`version` (such as `GLIBC_2.28`) is asked of `library` (such as `libc.so.6`); `weak` needs do not stop a load."""

    library: str
    version: str
    weak: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Undefined:
    """Symbols that others have to export: `strong` ones stop a load when nobody does, `weak` ones are left null."""

    strong: frozenset[str]
    weak: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A part of the file: `offset` and `size` in bytes."""

    offset: int
    size: int


class ElfFile:
    """A 64-bit little-endian ELF file with a dynamic part, read lazily. A context manager when made from a path.

    Every method may raise `UnreadableBinaryError`: the file is truncated, lies about its sizes, or is of a kind that is
    not read here (32-bit, big-endian).
    """

    def __init__(self, source: Path | str | BinaryIO | ByteSource) -> None:
        self.source = source if isinstance(source, ByteSource) else ByteSource(source)
        try:
            self._read_header()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file where it was opened from a path."""
        self.source.close()

    def __enter__(self) -> ElfFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_header(self) -> None:
        if self.source.size == 0:
            raise UnreadableBinaryError(Text(en="empty file", zh="空文件"))
        ident = self.source.peek(0, 16)
        if ident[:4] != b"\x7fELF":
            raise UnreadableBinaryError(Text(en="not an ELF file", zh="不是 ELF 文件"))
        if len(ident) < 16:
            raise UnreadableBinaryError(
                Text(en="truncated: shorter than an ELF header", zh="文件不完整：比 ELF 头还短")
            )
        if ident[4] != 2:
            raise UnreadableBinaryError(
                Text(en="a 32-bit ELF file", zh="32 位 ELF 文件")
                if ident[4] == 1
                else Text(en=f"unknown ELF class {ident[4]}", zh=f"未知的 ELF 类型 {ident[4]}")
            )
        if ident[5] != 1:
            raise UnreadableBinaryError(
                Text(en="a big-endian ELF file", zh="大端序 ELF 文件")
                if ident[5] == 2
                else Text(en=f"unknown byte order {ident[5]}", zh=f"未知的字节序 {ident[5]}")
            )
        header = _HEADER.unpack(self.source.small(0, _HEADER.size))
        machine, phoff, self._shoff = header[1], header[4], header[5]
        phentsize, phnum = header[8], header[9]
        self._shentsize, self._shnum, self._shstrndx = header[10], header[11], header[12]
        self.machine: str = _MACHINES.get(machine, f"machine-{machine}")
        if phnum > _MAX_SEGMENTS or (phnum and phentsize != _SEGMENT.size):
            raise UnreadableBinaryError(
                Text(
                    en=f"implausible program headers ({phnum} of {phentsize} bytes)",
                    zh=f"程序头不合理（{phnum} 个，每个 {phentsize} 字节）",
                )
            )
        table = self.source.small(phoff, phnum * _SEGMENT.size) if phnum else b""
        segments = list(_SEGMENT.iter_unpack(table))
        # (address, offset, bytes in the file)
        self._loads = [(s[3], s[2], s[5]) for s in segments if s[0] == _PT_LOAD]
        for _address, offset, size in self._loads:
            if offset + size > self.source.size:  # mapping it would end with SIGBUS
                raise UnreadableBinaryError(
                    Text(
                        en=f"truncated: it should have {offset + size} bytes or more",
                        zh=f"文件不完整：至少应有 {offset + size} 字节",
                    )
                )
        dynamic = [s for s in segments if s[0] == _PT_DYNAMIC]
        self._tags = self._read_dynamic(dynamic[0][2], dynamic[0][5]) if dynamic else []
        self._first: dict[int, int] = {}
        for tag, value in self._tags:
            self._first.setdefault(tag, value)

    def _read_dynamic(self, offset: int, size: int) -> list[tuple[int, int]]:
        if size > _MAX_TAGS * _TAG.size:
            raise UnreadableBinaryError(
                Text(en=f"implausible dynamic segment of {size} bytes", zh=f"动态段不合理：{size} 字节")
            )
        tags: list[tuple[int, int]] = []
        for tag, value in _TAG.iter_unpack(self.source.small(offset, size - size % _TAG.size)):
            if tag == 0:
                break
            tags.append((tag, value))
        return tags

    def _offset(self, address: int) -> int:
        """The place in the file of a run-time address."""
        for start, offset, size in self._loads:
            if start <= address < start + size:
                return int(address - start + offset)
        raise UnreadableBinaryError(
            Text(
                en=f"address {address:#x} lies outside of what the file loads", zh=f"地址 {address:#x} 超出文件加载范围"
            )
        )

    # -- names ---------------------------------------------------------------------------------------------------------

    @cached_property
    def _strings(self) -> Span:
        if _DT_STRTAB not in self._first:
            raise UnreadableBinaryError(Text(en="no dynamic string table", zh="没有动态字符串表"))
        offset = self._offset(self._first[_DT_STRTAB])
        size = self._first.get(_DT_STRSZ, 0)
        if offset + size > self.source.size:
            raise UnreadableBinaryError(
                Text(en="truncated: the string table lies outside of the file", zh="文件不完整：字符串表超出文件范围")
            )
        return Span(offset=offset, size=size)

    def _string(self, index: int) -> str:
        table = self._strings
        if index >= table.size:
            raise UnreadableBinaryError(
                Text(en=f"name {index} lies outside of the string table", zh=f"名称 {index} 超出字符串表")
            )
        length = 256
        while True:
            data = self.source.peek(table.offset + index, min(length, table.size - index))
            end = data.find(b"\0")
            if end >= 0:
                return data[:end].decode("utf-8", "surrogateescape")
            if length >= _MAX_NAME or len(data) < length:
                raise UnreadableBinaryError(Text(en="a name that never ends", zh="有名称没有结束符"))
            length *= 4

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """DT_NEEDED: the libraries it asks for, in order."""
        return tuple(self._string(value) for tag, value in self._tags if tag == _DT_NEEDED)

    @cached_property
    def soname(self) -> str | None:
        """DT_SONAME: the name under which the loader knows it once it is loaded."""
        return self._string(self._first[_DT_SONAME]) if _DT_SONAME in self._first else None

    @cached_property
    def rpath(self) -> tuple[str, ...]:
        """DT_RPATH, split; the loader ignores it when there is a RUNPATH."""
        return self._paths(_DT_RPATH)

    @cached_property
    def runpath(self) -> tuple[str, ...]:
        """DT_RUNPATH, split; for the library's own needs only, not for those of its dependencies."""
        return self._paths(_DT_RUNPATH)

    def _paths(self, tag: int) -> tuple[str, ...]:
        if tag not in self._first:
            return ()
        return tuple(part for part in self._string(self._first[tag]).split(":") if part)

    # -- symbols -------------------------------------------------------------------------------------------------------

    @cached_property
    def undefined(self) -> Undefined:
        """The symbols that it leaves to others."""
        count = self._undefined_bound()
        if count <= 1 or _DT_SYMTAB not in self._first:
            return Undefined(strong=frozenset(), weak=frozenset())
        table = self.source.read_at(self._offset(self._first[_DT_SYMTAB]), count * _SYMBOL.size)
        strings = self.source.read_at(self._strings.offset, self._strings.size)
        strong: set[str] = set()
        weak: set[str] = set()
        for name, info, _other, section, _value, _size in _SYMBOL.iter_unpack(table):
            if section != 0 or name == 0:
                continue
            end = strings.find(b"\0", name)
            if name >= len(strings) or end < 0:
                raise UnreadableBinaryError(
                    Text(en=f"symbol name {name} lies outside of the string table", zh=f"符号名 {name} 超出字符串表")
                )
            binding = info >> 4
            if binding in (_STB_GLOBAL, _STB_GNU_UNIQUE):
                strong.add(strings[name:end].decode("utf-8", "surrogateescape"))
            elif binding == _STB_WEAK:
                weak.add(strings[name:end].decode("utf-8", "surrogateescape"))
        return Undefined(strong=frozenset(strong), weak=frozenset(weak))

    def _undefined_bound(self) -> int:
        """How many entries of the symbol table to look at, so that no undefined one is missed.

        A GNU hash table covers the defined symbols only, which stand last: all before its first are undefined. A file
        that exports nothing has an empty one that says nothing; there the bound is the highest symbol that a relocation
        names.
        """
        if _DT_HASH in self._first:
            bound = struct.unpack("<II", self.source.small(self._offset(self._first[_DT_HASH]), 8))[1]
        else:
            bound = self._gnu_hash.first_symbol if self._gnu_hash is not None else 1
            if bound <= 1:
                bound = self._relocated_bound()
        if bound > _MAX_SYMBOLS:
            raise UnreadableBinaryError(
                Text(en=f"implausible symbol table of {bound} entries", zh=f"符号表不合理：{bound} 项")
            )
        return int(bound)

    def _relocated_bound(self) -> int:
        bound = 0
        for where, length in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
            if where in self._first and self._first.get(length, 0):
                size = self._first[length]
                data = self.source.read_at(self._offset(self._first[where]), size - size % 24)
                for _offset, info, _addend in struct.iter_unpack("<QQq", data):
                    bound = max(bound, (info >> 32) + 1)
        return bound

    @cached_property
    def _gnu_hash(self) -> GnuHash | None:
        if _DT_GNU_HASH not in self._first:
            return None
        return GnuHash(self.source, self._offset(self._first[_DT_GNU_HASH]))

    def exports(self, symbols: Iterable[str]) -> set[str]:
        """Those of `symbols` that this file defines for others, found through its hash table: microseconds a symbol."""
        if _DT_SYMTAB not in self._first:
            return set()
        symtab = self._offset(self._first[_DT_SYMTAB])
        return {name for name in symbols if self._defines(name, symtab)}

    def _defines(self, name: str, symtab: int) -> bool:
        raw = name.encode("utf-8", "surrogateescape")
        if self._gnu_hash is not None:
            candidates = self._gnu_hash.candidates(raw)
        elif _DT_HASH in self._first:
            candidates = sysv_candidates(self.source, self._offset(self._first[_DT_HASH]), raw)
        else:
            return False
        wanted = raw + b"\0"
        for index in candidates:
            entry = _SYMBOL.unpack(self.source.small(symtab + index * _SYMBOL.size, _SYMBOL.size))
            if entry[3] == 0 or entry[0] >= self._strings.size:
                continue
            if self.source.peek(self._strings.offset + entry[0], len(wanted)) == wanted:
                return True
        return False

    # -- versions ------------------------------------------------------------------------------------------------------

    @cached_property
    def version_needs(self) -> tuple[VersionNeed, ...]:
        """DT_VERNEED: which version of which library's symbols it was linked against."""
        if _DT_VERNEED not in self._first:
            return ()
        needs: list[VersionNeed] = []
        offset = self._offset(self._first[_DT_VERNEED])
        for _ in range(min(self._first.get(_DT_VERNEEDNUM, _MAX_VERSIONS), _MAX_VERSIONS)):
            _version, count, file, aux, following = _VERNEED.unpack(self.source.small(offset, _VERNEED.size))
            library = self._string(file)
            place = offset + aux
            for _ in range(min(count, _MAX_VERSIONS)):
                _hash, flags, _other, name, step = _VERNAUX.unpack(self.source.small(place, _VERNAUX.size))
                needs.append(VersionNeed(library=library, version=self._string(name), weak=bool(flags & 2)))
                if len(needs) > _MAX_VERSIONS:
                    raise UnreadableBinaryError(Text(en="implausibly many version needs", zh="版本依赖数量不合理"))
                if step == 0:
                    break
                place += step
            if following == 0:
                break
            offset += following
        return tuple(needs)

    @cached_property
    def version_definitions(self) -> tuple[str, ...]:
        """DT_VERDEF: the versions that it offers itself, such as `GLIBCXX_3.4.30` of a libstdc++."""
        if _DT_VERDEF not in self._first:
            return ()
        names: list[str] = []
        offset = self._offset(self._first[_DT_VERDEF])
        for _ in range(min(self._first.get(_DT_VERDEFNUM, _MAX_VERSIONS), _MAX_VERSIONS)):
            _v, flags, _i, _count, _hash, aux, following = _VERDEF.unpack(self.source.small(offset, _VERDEF.size))
            if not flags & 1:  # the base definition is the file's own name
                names.append(self._string(struct.unpack("<I", self.source.small(offset + aux, 4))[0]))
            if following == 0:
                break
            offset += following
        return tuple(names)

    def highest_need(self, prefix: str) -> tuple[int, ...] | None:
        """The highest strong version need of a family (`GLIBC`, `GLIBCXX`, `CXXABI`), as numbers: `(2, 28)`."""
        return max(_numbers(prefix, (need.version for need in self.version_needs if not need.weak)), default=None)

    def highest_definition(self, prefix: str) -> tuple[int, ...] | None:
        """The highest version that this library itself defines of a family, as numbers."""
        return max(_numbers(prefix, self.version_definitions), default=None)

    # -- sections ------------------------------------------------------------------------------------------------------

    @cached_property
    def sections(self) -> tuple[tuple[str, Span], ...] | None:
        """The sections with bytes in the file; `None` where the section headers were stripped."""
        if not self._shoff or not self._shnum:
            return None
        if self._shentsize != _SECTION.size or self._shstrndx >= self._shnum:
            raise UnreadableBinaryError(Text(en="implausible section headers", zh="节头不合理"))
        entries = list(_SECTION.iter_unpack(self.source.read_at(self._shoff, self._shnum * _SECTION.size)))
        names = entries[self._shstrndx]
        table = self.source.read_at(names[4], names[5])
        found: list[tuple[str, Span]] = []
        for name, kind, _flags, _address, offset, size, *_rest in entries:
            if kind in (0, 8):  # SHT_NULL, SHT_NOBITS
                continue
            end = table.find(b"\0", name)
            if end < 0:
                raise UnreadableBinaryError(Text(en="a section name that never ends", zh="有节名没有结束符"))
            found.append((table[name:end].decode("utf-8", "replace"), Span(offset=offset, size=size)))
        return tuple(found)

    def may_have_section(self, names: Iterable[str]) -> bool:
        """False where no section has one of these names, for a tenth of what `sections` costs; true where that is open."""
        if not self._shoff or not self._shnum or self._shentsize != _SECTION.size or self._shstrndx >= self._shnum:
            return True
        header = self.source.read_at(self._shoff + self._shstrndx * _SECTION.size, _SECTION.size)
        entry = _SECTION.unpack(header)
        table = self.source.read_at(entry[4], entry[5])
        return any(name.encode() in table for name in names)

    def section(self, name: str) -> Span | None:
        """Where the named section lies; `None` where there is none (or none can be known: see `sections`)."""
        for found, span in self.sections or ():
            if found == name:
                if span.offset + span.size > self.source.size:
                    raise UnreadableBinaryError(
                        Text(
                            en=f"truncated: section {name} lies outside of the file",
                            zh=f"文件不完整：节 {name} 超出文件范围",
                        )
                    )
                return span
        return None


def _numbers(prefix: str, versions: Iterable[str]) -> Iterator[tuple[int, ...]]:
    start = prefix + "_"
    for version in versions:
        if version.startswith(start):
            parts = version[len(start) :].split(".")
            if all(part.isascii() and part.isdigit() for part in parts):  # not GLIBC_PRIVATE, GLIBC_ABI_DT_RELR
                yield tuple(int(part) for part in parts)
