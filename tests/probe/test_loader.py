"""The loader's cache, against what the system's own `ldconfig` prints, and against damage."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.probe import loader
from envdoctor.probe.live import LiveView
from envdoctor.probe.ports import Kind, Uname

from .replay import HOSTS


class CacheOnly(LiveView):
    """A machine of which only ld.so.cache is seen; every path in it exists."""

    def __init__(self, cache: bytes, machine: str = "x86_64") -> None:
        self._cache = cache
        self._machine = machine

    def read(self, path: str, limit: int = 0) -> bytes:
        if path != loader.CACHE:
            raise FileNotFoundError(path)
        return self._cache

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO()

    def kind(self, path: str) -> Kind | None:
        return "file"

    def uname(self) -> Uname:
        return Uname(system="Linux", release="", machine=self._machine)


SHADOWED = (HOSTS / "wsl2-shadowed/files/etc/ld.so.cache").read_bytes()


def test_order_is_kept() -> None:
    assert loader.cached(CacheOnly(SHADOWED), "libcuda.so.1", "x86_64") == [
        "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
        "/usr/lib/wsl/lib/libcuda.so.1",
    ]


def test_another_architecture_is_passed_over() -> None:
    assert loader.cached(CacheOnly(SHADOWED), "libcuda.so.1", "aarch64") == []


def test_a_name_is_not_its_prefix() -> None:
    assert loader.cached(CacheOnly(SHADOWED), "libcuda.so", "x86_64") == []


def test_against_ldconfig() -> None:
    ldconfig = shutil.which("ldconfig", path="/sbin:/usr/sbin")
    view = LiveView()
    if ldconfig is None or view.kind(loader.CACHE) is None or view.uname().machine != "x86_64":
        pytest.skip("no ldconfig on x86_64 here")
    printed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True).stdout
    expected: dict[str, list[str]] = {}
    for name, flags, path in re.findall(r"^\t(\S+) \(([^)]*)\) => (\S+)$", printed, re.MULTILINE):
        if flags == "libc6,x86-64":
            expected.setdefault(name, []).append(path)
    assert len(expected) > 10
    for name, paths in expected.items():
        assert loader.cached(view, name, "x86_64") == paths


@given(st.data())
def test_damage_ends_in_paths_or_nothing(data: st.DataObject) -> None:
    cache = bytearray(SHADOWED)
    for _ in range(data.draw(st.integers(1, 20))):
        cache[data.draw(st.integers(0, len(cache) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(cache)))
    for path in loader.cached(CacheOnly(bytes(cache[:cut])), "libcuda.so.1", "x86_64"):
        assert path.startswith("/")


def test_default_folders_without_a_cache() -> None:
    found = loader.find_library(CacheOnly(b""), "libcuda.so.1", {})
    assert found == ("/lib/x86_64-linux-gnu/libcuda.so.1", "the loader's default folders")
