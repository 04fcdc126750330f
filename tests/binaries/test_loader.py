"""The loader's order, its cache, and libcuda."""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path

import pytest

from envdoctor.binaries import find_driver_library, read_system
from envdoctor.binaries.loader import LibraryStore, Process
from envdoctor.binaries.system import SystemLibraries

from .build_fixtures import library
from .conftest import SITE, fixture_system, module

C10 = SITE / "torch/lib/libc10.so"


def cache_file(*entries: tuple[str, str, int], before: bytes = b"") -> bytes:
    """An ld.so.cache in the format of glibc 2.1 and newer."""
    strings = b"".join(part.encode() + b"\0" for name, path, _flags in entries for part in (name, path))
    start = 48 + 24 * len(entries)
    table, at = b"", start
    for name, path, flags in entries:
        table += struct.pack("<iIIIQ", flags, at, at + len(name) + 1, 0, 0)
        at += len(name) + len(path) + 2
    header = struct.pack("<17s3sIIB3xI12x", b"glibc-ld.so.cache", b"1.1", len(entries), len(strings), 2, 0)
    return before + header + table + strings


def test_the_cache_is_read_for_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    entries = (("liba.so.1", "/usr/lib64/liba.so.1", 0x0303), ("liba.so.1", "/usr/lib32/liba.so.1", 0x0803))
    for before in (b"", b"ld.so-1.7.0\0" + bytes(20)):
        (tmp_path / "etc/ld.so.cache").write_bytes(cache_file(*entries, before=before))
        system = read_system(machine="x86_64", environ={"LD_LIBRARY_PATH": "/a:relative::/b"}, root=tmp_path)
        assert system.cache == {"liba.so.1": ("/usr/lib64/liba.so.1",)}
        assert system.library_path == ("/a", "/b")


@pytest.mark.parametrize("data", [b"", b"glibc-ld.so.cache1.1", cache_file(("a", "/b", 0x0303))[:60], b"\xff" * 200])
def test_a_damaged_cache_counts_as_empty(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.cache").write_bytes(data)
    assert read_system(machine="x86_64", environ={}, root=tmp_path).cache == {}


@pytest.mark.skipif(sys.platform != "linux", reason="reads this machine's own loader cache")
def test_this_machines_libc_is_found() -> None:
    import platform

    system = read_system(machine=platform.machine(), environ={})
    if not system.cache:
        pytest.skip("no ld.so.cache here (musl)")
    with LibraryStore(system) as store:
        closure = Process(store, executable=str(Path(sys.executable).resolve())).load(
            str(Path(sys.executable).resolve())
        )
        assert closure is not None
        assert closure.unresolved == []
        assert any(one.soname == "libc.so.6" for one in closure.libraries)


@pytest.mark.parametrize(
    ("how", "first"),
    [("rpath", "own"), ("runpath", "environment")],
)
def test_rpath_is_asked_before_ld_library_path_and_runpath_after_it(tmp_path: Path, how: str, first: str) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    own = library(tmp_path / "own/libx.so", soname="libx.so", defines=("x",))
    library(tmp_path / "environment/libx.so", soname="libx.so", defines=("x",))
    user = library(tmp_path / "user.so", needs=(own,), asks=("x",), **{how: "$ORIGIN/own"})  # type: ignore[arg-type]
    with LibraryStore(fixture_system(library_path=(str(tmp_path / "environment"),))) as store:
        closure = Process(store).load(str(user))
        assert closure is not None
        assert [one.path for one in closure.libraries[1:]] == [str(tmp_path / first / "libx.so")]


def test_what_is_loaded_already_is_not_looked_for() -> None:
    with LibraryStore(fixture_system()) as store:
        process = Process(store)
        alone = process.fork().load(str(SITE / module("for_torch_2_6")))
        assert alone is not None
        assert [lost.name for lost in alone.unresolved] == ["libc10.so", "libc10_cuda.so"]
        process.load(str(C10))
        after = process.fork().load(str(SITE / module("for_torch_2_6")))
        assert after is not None
        assert [lost.name for lost in after.unresolved] == ["libc10_cuda.so"]
        assert process.loaded("libc10.so") is not None
        assert process.loaded(module("for_torch_2_6")) is None  # it was tried in a copy


def test_a_file_for_another_machine_is_passed_over(tmp_path: Path) -> None:
    for folder, machine in (("first", b"\xb7\x00"), ("second", b"\x3e\x00")):
        (tmp_path / folder).mkdir()
        data = C10.read_bytes()
        (tmp_path / folder / "libc10.so").write_bytes(data[:18] + machine + data[20:])
    folders = (str(tmp_path / "first"), str(tmp_path / "second"))
    with LibraryStore(fixture_system(library_path=folders)) as store:
        closure = Process(store).load(str(SITE / module("weak_only")))
        assert closure is not None
        assert closure.libraries[1].path == str(tmp_path / "second/libc10.so")


@pytest.mark.parametrize(
    ("place", "wsl", "stub", "outside"),
    [
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.1", False, False, False),
        ("/usr/local/cuda/lib64/stubs/libcuda.so.1", False, True, False),
        ("/usr/lib/wsl/lib/libcuda.so.1", True, False, False),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.1", True, False, True),
    ],
)
def test_libcuda_is_judged_by_where_it_lies(tmp_path: Path, place: str, wsl: bool, stub: bool, outside: bool) -> None:
    file = tmp_path / place.lstrip("/")
    file.parent.mkdir(parents=True)
    file.touch()
    system = SystemLibraries(root=tmp_path, library_path=(str(Path(place).parent),), wsl=wsl)
    found = find_driver_library(system)
    assert found is not None
    assert (found.path, found.stub, found.outside_wsl) == (place, stub, outside)


def test_no_libcuda_is_none(tmp_path: Path) -> None:
    assert find_driver_library(SystemLibraries(root=tmp_path)) is None
