"""The ELF reader, beside pyelftools on real libraries, and on files that lie."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envdoctor.binaries.elf import ElfFile
from envdoctor.binaries.fatbin import archs
from envdoctor.binaries.reading import ByteSource, UnreadableBinaryError

from .conftest import FIXTURES, SITE, module


def real_libraries() -> list[Path]:
    """Shared libraries that this interpreter itself uses, and the fixtures."""
    lines = Path("/proc/self/maps").read_text().splitlines() if sys.platform == "linux" else []
    mapped = {Path(line.split(maxsplit=5)[5]) for line in lines if line.endswith(".so") or ".so." in line}
    small = [path for path in sorted(mapped) if path.is_file() and path.stat().st_size < 100_000]
    return small[:8] + sorted(FIXTURES.rglob("*.so*"))


@pytest.mark.parametrize("path", real_libraries(), ids=lambda path: path.name)
def test_pyelftools_reads_the_same(path: Path) -> None:
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection

    with ElfFile(path) as ours, path.open("rb") as stream:
        theirs = ELFFile(stream)
        dynamic = next(s for s in theirs.iter_segments() if isinstance(s, DynamicSegment))
        tags = list(dynamic.iter_tags())
        assert ours.needed == tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED")
        assert ours.soname == next((tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"), None)
        table = theirs.get_section_by_name(".dynsym")
        undefined = {"STB_GLOBAL": set(), "STB_WEAK": set()}
        defined = set()
        for symbol in table.iter_symbols():
            binding = symbol["st_info"]["bind"]
            if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name:
                undefined[binding].add(symbol.name)
            elif symbol.name and binding in ("STB_GLOBAL", "STB_WEAK", "STB_LOOS"):
                defined.add(symbol.name)
        assert ours.undefined.strong == undefined["STB_GLOBAL"]
        assert ours.undefined.weak == undefined["STB_WEAK"]
        assert ours.exports(defined | undefined["STB_GLOBAL"] | {"no_such_symbol"}) == defined
        needs = {
            (version.name, aux.name)
            for section in theirs.iter_sections()
            if isinstance(section, GNUVerNeedSection)
            for version, auxiliary in section.iter_versions()
            for aux in auxiliary
        }
        assert {(need.library, need.version) for need in ours.version_needs} == needs


def test_versions_are_compared_as_numbers() -> None:
    with ElfFile(FIXTURES / "system/libstdc++.so.6") as elf:
        assert elf.highest_definition("GLIBCXX") == (3, 4, 25)
        assert elf.version_definitions == ("GLIBCXX_3.4", "GLIBCXX_3.4.25")
    with ElfFile(SITE / module("new_glibc")) as elf:
        assert elf.highest_need("GLIBC") == (2, 38)
        assert elf.highest_need("GLIBCXX") is None


def test_it_reads_a_stream_too() -> None:
    path = SITE / module("for_torch_2_6")
    with ElfFile(path) as one, ElfFile(io.BytesIO(path.read_bytes())) as other:
        assert one.undefined == other.undefined
        assert one.needed == other.needed == ("libc10.so", "libc10_cuda.so")


@pytest.mark.parametrize("path", [Path("/nonexistent/a.so"), Path("/dev/null"), FIXTURES])
def test_what_is_no_file_is_unreadable(path: Path) -> None:
    with pytest.raises(UnreadableBinaryError):
        ElfFile(path)


def test_reads_stay_inside_of_the_file() -> None:
    source = ByteSource(io.BytesIO(b"x" * 100))
    assert source.small(90, 10) == b"x" * 10
    assert source.peek(90, 50) == b"x" * 10
    assert source.peek(200, 1) == b""
    for offset, length in ((91, 10), (-1, 5), (0, -1), (math.floor(2**63), 1)):
        with pytest.raises(UnreadableBinaryError):
            source.read_at(offset, length)


def everything(data: bytes) -> None:
    """Asks a file for all that can be asked; the one error that may come is that it cannot be read."""
    try:
        with ElfFile(io.BytesIO(data)) as elf:
            _ = elf.needed, elf.soname, elf.rpath, elf.runpath, elf.undefined, elf.version_needs
            _ = elf.version_definitions, elf.sections
            elf.exports(["_ZN3c104cuda9SetDeviceEa", "PyInit_x"])
            archs(elf)
    except UnreadableBinaryError:
        pass


VICTIMS = [(SITE / module(name)).read_bytes() for name in ("for_torch_2_6", "new_glibc", "gpu_family", "sysv_hash")]


@pytest.mark.parametrize("data", VICTIMS)
def test_a_file_cut_anywhere_is_read_or_refused(data: bytes) -> None:
    for length in range(0, len(data), 7):
        everything(data[:length])


@settings(max_examples=300, deadline=None)
@given(
    data=st.sampled_from(VICTIMS),
    changes=st.lists(
        st.tuples(
            st.integers(0, 1 << 20), st.sampled_from([b"\xff" * 8, b"\x00" * 8, b"\xff\xff", b"\x01", b"\x7f" * 4])
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_a_file_that_lies_is_read_or_refused(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    lying = bytearray(data)
    for place, patch in changes:
        at = place % len(lying)
        lying[at : at + len(patch)] = patch[: len(lying) - at]
    everything(bytes(lying))


@pytest.mark.fuzz
@settings(max_examples=20_000, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(VICTIMS), st.integers(0, 4000))
def test_noise_is_read_or_refused(noise: bytes, data: bytes, at: int) -> None:
    everything(data[:at] + noise + data[at + len(noise) :])
