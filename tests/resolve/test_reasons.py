"""How a lock writes what uv says in its own spelling."""

from __future__ import annotations

import pytest

from envdoctor.resolve.reasons import tidy


@pytest.mark.parametrize(
    ("uv", "people"),
    [
        ("torch (>=2.4.0, <2.4.0+)", "torch (==2.4.0)"),
        ("fsspec (<4.0.0a0 | >=4.0.0a0+)", "fsspec (!=4.0.0a0)"),
        ("x (>=2, <4 | >=4+, <5)", "x (>=2, !=4, <5)"),
        ("x (>=2, <4)", "x (>=2, <4)"),
        ("x (<4 | >=5)", "x (<4 | >=5)"),
    ],
)
def test_exact_versions_and_holes_read_as_people_write_them(uv: str, people: str) -> None:
    assert tidy(uv) == people
