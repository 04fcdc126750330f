"""Where this machine's loader looks: its cache, its default folders, LD_LIBRARY_PATH. Read from files."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from envdoctor.facts.extensions import DriverLibrary
from envdoctor.files import read_regular
from envdoctor.values import dataclass

_CACHE_MAGIC = b"glibc-ld.so.cache1.1"  # glibc, sysdeps/generic/dl-cache.h: struct cache_file_new
_CACHE_HEADER = struct.Struct("<17s3sIIB3xI12x")
_CACHE_ENTRY = struct.Struct("<iIIIQ")
_CACHE_FLAGS = {"x86_64": 0x0303, "aarch64": 0x0A03}  # FLAG_ELF_LIBC6 with the machine's own bits
_MAX_CACHE = 32 << 20
_MAX_NAME = 4096

_FOLDERS = {
    "x86_64": ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"),
    "aarch64": ("/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"),
}
_ROOT = Path("/")
WSL_FOLDER = "/usr/lib/wsl/lib"


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemLibraries:
    """What the loader of one machine knows without being told.

    `root` is where that machine's file system hangs (a recorded host is a folder). `cache` maps a library's name to the
    paths that ld.so.cache gives for this machine type; `folders` are the default ones, tried last; `library_path` is
    LD_LIBRARY_PATH.
    """

    machine: str = "x86_64"
    root: Path = Path("/")
    cache: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[str, ...] = _FOLDERS["x86_64"]
    library_path: tuple[str, ...] = ()
    wsl: bool = False

    def place(self, path: str) -> str:
        """The file to open here for an absolute path of that machine."""
        return path if self.root == _ROOT else f"{self.root}{path}"


def read_system(
    *, machine: str, environ: Mapping[str, str], root: Path = Path("/"), wsl: bool = False
) -> SystemLibraries:
    """Reads a machine's loader configuration. A cache that is absent or damaged counts as empty (musl has none)."""
    parts = environ.get("LD_LIBRARY_PATH", "").replace(";", ":").split(":")
    return SystemLibraries(
        machine=machine,
        root=root,
        cache=_read_cache(root / "etc/ld.so.cache", _CACHE_FLAGS.get(machine)),
        folders=_FOLDERS.get(machine, ("/lib64", "/usr/lib64", "/lib", "/usr/lib")),
        library_path=tuple(part for part in parts if part.startswith("/")),
        wsl=wsl,
    )


def _read_cache(path: Path, flags: int | None) -> dict[str, tuple[str, ...]]:
    try:
        data = read_regular(path, _MAX_CACHE)
    except OSError:
        return {}
    start = data.find(_CACHE_MAGIC)  # older systems put it behind a table of the old format
    if start < 0 or len(data) < start + _CACHE_HEADER.size:
        return {}
    count = _CACHE_HEADER.unpack_from(data, start)[2]
    found: dict[str, list[str]] = {}
    for name, value in _cache_entries(data, start, count, flags):
        found.setdefault(name, []).append(value)
    return {name: tuple(paths) for name, paths in found.items()}


def _cache_entries(data: bytes, start: int, count: int, flags: int | None) -> Iterator[tuple[str, str]]:
    for index in range(count):
        at = start + _CACHE_HEADER.size + index * _CACHE_ENTRY.size
        if at + _CACHE_ENTRY.size > len(data):
            return
        kind, key, value, _os, _hwcap = _CACHE_ENTRY.unpack_from(data, at)
        if flags is not None and kind != flags:
            continue
        name, path = _cache_string(data, start + key), _cache_string(data, start + value)
        if name and path.startswith("/"):
            yield name, path


def _cache_string(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + _MAX_NAME)
    return data[at:end].decode("utf-8", "replace") if 0 <= at < len(data) and end >= 0 else ""


def find_driver_library(system: SystemLibraries) -> DriverLibrary | None:
    """The `libcuda.so.1` that a program on that machine loads, `None` where it finds none.

    On WSL2 the only right one is the Windows driver's, mounted at /usr/lib/wsl/lib
    (https://docs.nvidia.com/cuda/wsl-user-guide/).
    """
    name = "libcuda.so.1"
    places = [f"{folder}/{name}" for folder in system.library_path]
    places += system.cache.get(name, ())
    places += [f"{folder}/{name}" for folder in system.folders]
    for place in places:
        path = Path(system.place(place))
        if path.exists():
            real = str(path.resolve())
            return DriverLibrary(
                path=place,
                stub="stubs" in Path(place).parts or "stubs" in Path(real).parts,
                outside_wsl=system.wsl and WSL_FOLDER not in place and WSL_FOLDER not in real,
            )
    return None
