"""All that a shared library defines for others. Diagnosis looks names up one by one; a table wants the whole list."""

from __future__ import annotations

import struct
from pathlib import Path

from envdoctor.binaries.reading import UnreadableBinaryError
from envdoctor.text import Text

__all__ = ["defined_symbols"]

_SYMBOL = struct.Struct("<IBBHQQ")
_GLOBAL_BINDINGS = {1, 2, 10}  # STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE
_VISIBLE = {0, 3}  # STV_DEFAULT, STV_PROTECTED
_MAX_SYMBOLS = 8_000_000


def defined_symbols(path: Path) -> frozenset[str]:
    """The names that other libraries can bind to, read through PT_DYNAMIC (sections may be stripped).

    Raises UnreadableBinaryError. Layout: System V gABI, "Symbol Table"; pyelftools finds the tables and their length.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as stream:
            dynamic = next((s for s in ELFFile(stream).iter_segments() if isinstance(s, DynamicSegment)), None)
            if dynamic is None:
                return frozenset()
            _, symbols_at = dynamic.get_table_offset("DT_SYMTAB")
            _, names_at = dynamic.get_table_offset("DT_STRTAB")
            names_size = next((tag.entry.d_val for tag in dynamic.iter_tags("DT_STRSZ")), 0)
            count = dynamic.num_symbols()
            if symbols_at is None or names_at is None or count > _MAX_SYMBOLS:
                return frozenset()
            stream.seek(symbols_at)
            table = stream.read(count * _SYMBOL.size)
            stream.seek(names_at)
            names = stream.read(names_size)
    except (ELFError, OSError, ValueError, struct.error) as error:
        raise UnreadableBinaryError(Text(en=f"symbol table: {error}", zh=f"符号表：{error}")) from error
    found: set[str] = set()
    for name, info, other, section, _value, _size in _SYMBOL.iter_unpack(
        table[: len(table) - len(table) % _SYMBOL.size]
    ):
        if section != 0 and info >> 4 in _GLOBAL_BINDINGS and other & 3 in _VISIBLE:
            found.add(names[name : names.find(b"\0", name)].decode("utf-8", "replace"))
    return frozenset(found)
