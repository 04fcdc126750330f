"""GPU code in files whose targets are known, because build_fixtures.py asked for them."""

from __future__ import annotations

import io

import pytest

from envdoctor.binaries.elf import ElfFile
from envdoctor.binaries.fatbin import archs
from envdoctor.binaries.reading import UnreadableBinaryError

from .conftest import SITE, module


def targets(name: str) -> list[list[str]]:
    with ElfFile(SITE / module(name)) as elf:
        return [
            [
                f"{code.kind.value}_{code.sm}{code.suffix}" + (f"@{code.ptx_isa}" if code.ptx_isa else "")
                for code in container
            ]
            for container in archs(elf)
        ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpu_wide", [["sass_75", "sass_80", "sass_86"], ["sass_75", "sass_86", "ptx_80@8.0"]]),
        ("gpu_partial", [["sass_75", "sass_80", "sass_86"], ["sass_80"]]),
        ("gpu_hopper", [["sass_90a"]]),
        ("gpu_family", [["sass_100f", "sass_120"]]),
        ("gpu_ptx", [["ptx_80@8.0"]]),
        ("gpu_rdc", [["sass_80"]]),
        ("for_torch_2_6", []),
    ],
)
def test_targets_of_known_files(name: str, expected: list[list[str]]) -> None:
    assert targets(name) == expected


def damaged(place: int, patch: bytes) -> io.BytesIO:
    data = bytearray((SITE / module("gpu_wide")).read_bytes())
    start = data.index((0xBA55ED50).to_bytes(4, "little"))
    data[start + place : start + place + len(patch)] = patch
    return io.BytesIO(data)


@pytest.mark.parametrize(
    ("place", "patch", "reason"),
    [
        (0, b"\x00\x01\x02\x03", "no CUDA container"),
        (8, (1 << 40).to_bytes(8, "little"), "longer than its section"),
        (24, (1 << 40).to_bytes(8, "little"), "longer than its container"),
        (20, (1).to_bytes(4, "little"), "longer than its container"),
    ],
)
def test_lying_headers_are_refused(place: int, patch: bytes, reason: str) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        archs(damaged(place, patch))


def test_without_section_headers_the_code_cannot_be_found() -> None:
    data = bytearray((SITE / module("gpu_wide")).read_bytes())
    data[40:48] = bytes(8)
    with pytest.raises(UnreadableBinaryError, match="stripped"):
        archs(io.BytesIO(data))
