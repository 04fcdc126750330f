"""The plain judge of requirements never says anything else than packaging does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from envdoctor.probe.target.plain import plain_applies, plain_fits

NUMBERS = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
SUFFIX = st.sampled_from(["", "", "", "+cu121", "+local.1", "rc1", ".dev3", ".post1", "a0+872d97.nv24.08"])
OPERATORS = st.sampled_from([">=", "<=", "==", "!=", "<", ">", "~=", "==="])
CLAUSE = st.tuples(OPERATORS, st.sampled_from(["", " "]), NUMBERS, st.sampled_from(["", "", "", ".*", "rc1", ".post2"]))
SPECIFIER = st.lists(CLAUSE.map("".join), min_size=1, max_size=3).map(",".join)
ENVIRONMENT = {
    "implementation_name": "cpython", "implementation_version": "3.11.7", "os_name": "posix",
    "platform_machine": "x86_64", "platform_python_implementation": "CPython", "platform_release": "6.8.0",
    "platform_system": "Linux", "platform_version": "#1", "python_full_version": "3.11.7", "python_version": "3.11",
    "sys_platform": "linux", "extra": "",
}  # fmt: skip


@given(SPECIFIER, NUMBERS, SUFFIX)
def test_specifiers(specifier: str, version: str, suffix: str) -> None:
    plain = plain_fits(specifier, version + suffix)
    if plain is not None:
        assert plain == SpecifierSet(specifier).contains(version + suffix, prereleases=True)


MARKER_CLAUSE = st.one_of(
    st.tuples(
        st.sampled_from(["python_version", "python_full_version"]),
        st.sampled_from([">=", "<=", "==", "!=", "<", ">", "~="]),
        st.sampled_from(["'3.11'", '"3.9"', "'3.11.7'", "'3.12'", "'3'", "'3.11.*'", "'4'"]),
    ),
    st.tuples(
        st.sampled_from(
            ["sys_platform", "platform_system", "platform_machine", "os_name", "extra", "platform_release"]
        ),
        st.sampled_from(["==", "!=", "in", ">"]),
        st.sampled_from(["'linux'", '"Linux"', "'win32'", "'x86_64'", "'posix'", "'6.8.0'"]),
    ),
).map(" ".join)
MARKER = st.lists(st.tuples(MARKER_CLAUSE, st.sampled_from([" and ", " or "])), min_size=1, max_size=4).map(
    lambda parts: "".join(clause + joint for clause, joint in parts[:-1]) + parts[-1][0]
)
NESTED = st.lists(st.tuples(MARKER, st.booleans(), st.sampled_from([" and ", " or "])), min_size=1, max_size=3).map(
    lambda parts: "".join((f"({m})" if group else m) + joint for m, group, joint in parts[:-1]) + f"({parts[-1][0]})"
)


@given(st.one_of(MARKER, NESTED))
def test_markers(marker: str) -> None:
    plain = plain_applies(marker, ENVIRONMENT)
    if plain is not None:
        assert plain == Marker(marker).evaluate(dict(ENVIRONMENT)), marker


@pytest.mark.parametrize(
    ("specifier", "version"),
    [
        (">=1.0", "2.5.0a0+872d972e41.nv24.08"),
        ("~=1", "1.5"),
        (">1.*", "1.5"),
        ("", "1"),
        ("===x", "1"),
        (">=1", "1!2"),
    ],
)
def test_what_is_not_plain_is_left_to_packaging(specifier: str, version: str) -> None:
    assert plain_fits(specifier, version) is None


@pytest.mark.parametrize(
    "marker",
    [
        "python_version ~= '3'",
        "platform_release > '5'",
        "'linux' in sys_platform",
        "sys_platform in 'linux darwin'",
        "((((((python_version < '3.9'))))))",
        "(python_version < '3.9'",
        "python_version < '3.9')",
        "python_version < '3.9' os_name == 'nt'",
        "python_version < '3.9' and",
        "python_version",
        "nonsense",
        "(",
        "",
    ],
)
def test_markers_that_are_not_plain(marker: str) -> None:
    assert plain_applies(marker, ENVIRONMENT) is None


def test_most_requirements_are_plain() -> None:
    assert plain_fits(">=2.0,!=2.1,<3", "2.4.0+cu121") is True
    assert plain_fits(">=2.0,<2.4", "2.4.0+cu121") is False
    assert plain_fits("==2.4", "2.4.0") is True
    assert plain_fits("~=2.4.0,!=2.4.1.*", "2.4.2+cu121") is True
    assert plain_fits("==12.1.*", "12.4.99") is False
    assert plain_applies("platform_system == 'Linux' and python_version < \"3.13\"", ENVIRONMENT) is True
    assert plain_applies("sys_platform == 'win32' or python_version < '3.11'", ENVIRONMENT) is False
    assert plain_applies("(os_name == 'nt' and extra == 'x') or (os_name == 'posix')", ENVIRONMENT) is True
