"""Ordered events: where PEP 440 specifier membership would mislead, intervals must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.versions import Interval, Scheme, at_least, compare, is_valid, within

NGC = "2.5.0a0+872d972e41.nv24.08"
P = Scheme.PEP440


@pytest.mark.parametrize(
    ("version", "introduced", "fixed", "expected"),
    [
        ("1.19.2", None, "1.20.0", True),
        ("1.20.0", None, "1.20.0", False),
        ("1.20", None, "1.20.0", False),
        ("2.4.0+cu121", None, "2.4.1", True),
        ("2.4.0+cu121", "2.4.0", "2.4.1", True),
        ("2.4.0.post1", "2.4.0", "2.4.1", True),
        ("2.3.1", "2.4.0", None, False),
        (NGC, None, "2.5.0", None),  # before 2.5.0, or as good as 2.5.0
        (NGC, "2.5.0", None, None),
        (NGC, None, "2.6.0", True),
        (NGC, "2.4.1", None, True),  # 2.4.1 is a release, so the one before 2.5.0 is not older
        (NGC, "2.6.0", None, False),
        (NGC, None, "2.4.1", False),
        ("0.6.0a0", "0.6.0a0", "0.6.3", True),  # an event that is itself a pre-release is compared exactly
        ("nonsense", None, "1.0", None),
    ],
)
def test_within(version: str, introduced: str | None, fixed: str | None, expected: bool | None):
    assert within(P, version, [Interval(introduced=introduced, fixed=fixed)]) is expected


def test_beyond_what_was_checked_an_open_interval_is_unknown():
    open_end = [Interval(introduced="0.20.0")]
    assert within(P, "0.31.0", open_end, checked="0.31.0") is True
    assert within(P, "0.32.0", open_end, checked="0.31.0") is None
    assert within(P, "0.19.0", open_end, checked="0.31.0") is False
    assert within(P, "0.32.0", [Interval(introduced="0.20.0", fixed="0.40")], checked="0.31.0") is True


def test_union_of_intervals():
    bands = [Interval(fixed="0.6.5"), Interval(introduced="0.13.0", fixed="0.14.0")]
    assert [within(P, v, bands) for v in ("0.6.4", "0.6.5", "0.13.1", "0.14.0")] == [True, False, True, False]


@pytest.mark.parametrize(
    ("scheme", "left", "right", "expected"),
    [
        (Scheme.DRIVER, "525.60.13", "525.60.13", 0),
        (Scheme.DRIVER, "535.54", "525.60.13", 1),
        (Scheme.DRIVER, "470.42.01", "470.42.1", 0),
        (Scheme.CAPABILITY, "8.9", "sm_89", 0),
        (Scheme.CAPABILITY, "sm_120", "9.0", 1),
        (Scheme.CAPABILITY, "9.0a", "9.0", 0),
        (Scheme.CAPABILITY, "10.3", "12.0", -1),
        (Scheme.DOTTED, "5.15.153.1-microsoft-standard-WSL2", "5.15", 1),
        (Scheme.DOTTED, "2.31", "2.4", 1),
        (Scheme.DOTTED, "12.0", "12", 0),
        (Scheme.DOTTED, "none", "12", None),
    ],
)
def test_compare(scheme: Scheme, left: str, right: str, expected: int | None):
    assert compare(scheme, left, right) == expected


@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.lists(st.integers(0, 40), min_size=1, max_size=4))
def test_order_is_antisymmetric_and_agrees_with_at_least(left: list[int], right: list[int]):
    a, b = ".".join(map(str, left)), ".".join(map(str, right))
    for scheme in (Scheme.PEP440, Scheme.DRIVER, Scheme.DOTTED):
        order = compare(scheme, a, b)
        assert order is not None
        assert compare(scheme, b, a) == -order
        assert at_least(scheme, a, b) is (order >= 0)


@given(st.text(max_size=40))
def test_no_text_crashes_a_scheme(text: str):
    for scheme in Scheme:
        assert is_valid(scheme, text) in (True, False)
