"""Which file the dynamic loader would find for a library name: LD_LIBRARY_PATH, ld.so.cache, the default folders.

The cache's layout is glibc's `elf/dl-cache.h` (`struct cache_file_new`), written by `ldconfig`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from envdoctor.probe.ports import View
from envdoctor.text import Text

CACHE = "/etc/ld.so.cache"
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("<20sII16x4x")  # magic and version, number of libraries, size of the strings
_ENTRY = struct.Struct("<iIIIQ")  # flags, name, path, OS version, hardware capabilities
_CACHE_LIMIT = 16 << 20
#: the flags of an entry for the machine's own 64-bit ABI (FLAG_ELF_LIBC6 with FLAG_X8664_LIB64, FLAG_AARCH64_LIB64)
_FLAGS = {"x86_64": 0x0303, "aarch64": 0x0A03}


def default_folders(machine: str) -> tuple[str, ...]:
    """Where the loader looks last, and where a system without a cache keeps its libraries."""
    triplet = f"{machine}-linux-gnu"
    return (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib64", "/usr/lib64", "/lib", "/usr/lib")


def find_library(view: View, name: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The path of the library that a program without an RPATH loads, and what led there; None where there is none."""
    for folder in environ.get("LD_LIBRARY_PATH", "").split(":"):
        if folder.startswith("/") and view.kind(f"{folder.rstrip('/')}/{name}") == "file":
            return f"{folder.rstrip('/')}/{name}", "LD_LIBRARY_PATH"
    machine = view.uname().machine
    for path in cached(view, name, machine):
        if view.kind(path) == "file":
            return path, CACHE
    for folder in default_folders(machine):
        if view.kind(f"{folder}/{name}") == "file":
            return f"{folder}/{name}", Text(en="the loader's default folders", zh="动态链接器的默认目录")
    return None


def cached(view: View, name: str, machine: str) -> list[str]:
    """What ld.so.cache holds for a name, in the order in which the loader prefers it. A damaged cache holds nothing."""
    try:
        data = view.read(CACHE, _CACHE_LIMIT)
    except OSError:
        return []
    start = data.find(_MAGIC)  # an older table may stand before it
    wanted = name.encode()
    if start < 0 or wanted not in data or len(data) < start + _HEADER.size:
        return []
    _, count, _ = _HEADER.unpack_from(data, start)
    first = start + _HEADER.size
    count = min(count, (len(data) - first) // _ENTRY.size)
    flags = _FLAGS.get(machine)
    paths = []
    for entry in _ENTRY.iter_unpack(data[first : first + count * _ENTRY.size]):
        key = start + entry[1]
        if data[key : key + len(wanted) + 1] == wanted + b"\0" and flags in (None, entry[0]):
            paths.append(_text(data, start + entry[2]))
    return [path for path in paths if path.startswith("/")]


def _text(data: bytes, offset: int) -> str:
    end = data.find(b"\0", offset, offset + 4096)
    return data[offset:end].decode("utf-8", "replace") if end > 0 else ""
