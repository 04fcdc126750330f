"""Symbol look-up through the two hash tables of ELF files: a symbol costs a few reads, whatever the file exports."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache

from envdoctor.binaries.reading import ByteSource, UnreadableBinaryError
from envdoctor.text import Text

_HEADER = struct.Struct("<IIII")
_MAX_CHAIN = 65536


class GnuHash:
    """The GNU hash table: bloom filter, buckets, chains (glibc, elf/dl-lookup.c)."""

    def __init__(self, source: ByteSource, offset: int) -> None:
        """Reads the header at `offset`. Raises `UnreadableBinaryError` where the table cannot lie in the file."""
        self._source = source
        count, self.first_symbol, words, self._shift = _HEADER.unpack(source.small(offset, _HEADER.size))
        if words == 0 or count == 0:
            raise UnreadableBinaryError(Text(en="an empty GNU hash table", zh="GNU 哈希表为空"))
        bloom_at = offset + _HEADER.size
        buckets_at = bloom_at + 8 * words
        self._chains_at = buckets_at + 4 * count
        self._words, self._count = words, count
        if self._chains_at > source.size:
            raise UnreadableBinaryError(
                Text(en="truncated: the hash table lies outside of the file", zh="文件不完整：哈希表超出文件范围")
            )
        self._bloom_at, self._buckets_at = bloom_at, buckets_at

    def candidates(self, name: bytes) -> Iterator[int]:
        """Indexes into the symbol table of the symbols that may have this name: those with its hash."""
        value = _gnu_hash(name)
        read = self._source.small
        word = int.from_bytes(read(self._bloom_at + 8 * ((value >> 6) % self._words), 8), "little")
        if not (word >> (value & 63)) & (word >> ((value >> self._shift) & 63)) & 1:
            return
        index = int.from_bytes(read(self._buckets_at + 4 * (value % self._count), 4), "little")
        if index < self.first_symbol:
            return
        for _ in range(_MAX_CHAIN):
            entry = int.from_bytes(read(self._chains_at + 4 * (index - self.first_symbol), 4), "little")
            if entry | 1 == value | 1:
                yield index
            if entry & 1:
                return
            index += 1


@lru_cache(maxsize=1 << 14)
def _gnu_hash(name: bytes) -> int:
    """One symbol is looked up in many libraries, so the hash is kept."""
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def sysv_candidates(source: ByteSource, offset: int, name: bytes) -> Iterator[int]:
    """The symbols in the bucket of a name in a System V hash table (gABI, "Hash Table")."""
    buckets, chains = struct.unpack("<II", source.small(offset, 8))
    if not buckets:
        return
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    index = int.from_bytes(source.small(offset + 8 + 4 * (value % buckets), 4), "little")
    for _ in range(_MAX_CHAIN):
        if index == 0 or index >= chains:
            return
        yield index
        index = int.from_bytes(source.small(offset + 8 + 4 * (buckets + index), 4), "little")
