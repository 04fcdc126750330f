"""The plain specifiers and markers that nearly all requirements consist of, judged without the packaging library.

packaging stays the judge of everything else: both functions answer None where a text is not plain. They exist because
importing `packaging.specifiers` and `packaging.markers` costs more than all the rest of reading a target, which is a
tenth of what a whole diagnosis may take; a property test holds them to packaging's answers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache

from envdoctor.patterns import lazy

_VERSION = lazy(r"(\d{1,9}(?:\.\d{1,9})*)(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?")
_CLAUSE = lazy(r"\s*(>=|<=|==|!=|~=|<|>)\s*(\d{1,9}(?:\.\d{1,9})*)(\.\*)?\s*")
_TOKEN = lazy(r"""[a-z_]+|>=|<=|==|!=|~=|<|>|"[^"'\s]*"|'[^"'\s]*'|[()]""")
_MOST_TOKENS, _DEEPEST = 128, 4
_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_VERSION_NAMES = frozenset({"python_version", "python_full_version"})
_TEXT_NAMES = frozenset({
    "sys_platform", "platform_system", "platform_machine", "os_name", "implementation_name",
    "platform_python_implementation", "extra",
})  # fmt: skip


def plain_fits(specifier: str, version: str) -> bool | None:
    """Is `version` in `specifier`? Both hold final releases only (a local part of `version` does not count)."""
    match = _VERSION.fullmatch(version)
    clauses = _clauses(specifier)
    if match is None or clauses is None:
        return None
    found = _release(match[1])
    return all(_holds(found, comparison, wanted, family) for comparison, wanted, family in clauses)


def _holds(found: tuple[int, ...], comparison: str, wanted: tuple[int, ...], family: tuple[int, ...] | None) -> bool:
    """`family`: the numbers that a wildcard or `~=` asks to begin with, compared as they stand, zeros and all."""
    if family is None:
        return _COMPARE[comparison](found, wanted)
    same = (*found, *(0,) * len(family))[: len(family)] == family
    return same and found >= wanted if comparison == "~=" else same == (comparison == "==")


@cache
def _clauses(specifier: str) -> tuple[tuple[str, tuple[int, ...], tuple[int, ...] | None], ...] | None:
    """Comparison, release and family of each clause; None where one is not plain."""
    clauses = []
    for text in specifier.split(","):
        match = _CLAUSE.fullmatch(text)
        if match is None:
            return None
        comparison, release, wildcard = match.groups()
        numbers = tuple(int(part) for part in release.split("."))
        family: tuple[int, ...] | None = None
        if comparison == "~=":
            if len(numbers) == 1 or wildcard:
                return None
            family = numbers[:-1]
        elif wildcard:
            if comparison not in ("==", "!="):
                return None
            family = numbers
        clauses.append((comparison, _release(release), family))
    return tuple(clauses)


@cache
def _release(text: str) -> tuple[int, ...]:
    """The numbers without zeros at the end: 1.0 and 1.0.0 are the same version."""
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def plain_applies(marker: str, environment: Mapping[str, str]) -> bool | None:
    """Does a marker hold? None where a clause is not plain, or where the marker is nested or written oddly."""
    tokens = _TOKEN.findall(marker)
    if not tokens or len(tokens) > _MOST_TOKENS or "".join(tokens) != marker.replace(" ", "").replace("\t", ""):
        return None
    try:
        answer, end = _either(tokens, 0, environment, 0)
    except _NotPlainError:
        return None
    return answer if end == len(tokens) else None


class _NotPlainError(Exception):
    """packaging has to judge this marker."""


def _either(tokens: list[str], at: int, environment: Mapping[str, str], depth: int) -> tuple[bool, int]:
    answer, at = _both(tokens, at, environment, depth)
    while at < len(tokens) and tokens[at] == "or":
        more, at = _both(tokens, at + 1, environment, depth)
        answer = answer or more
    return answer, at


def _both(tokens: list[str], at: int, environment: Mapping[str, str], depth: int) -> tuple[bool, int]:
    answer, at = _atom(tokens, at, environment, depth)
    while at < len(tokens) and tokens[at] == "and":
        more, at = _atom(tokens, at + 1, environment, depth)
        answer = answer and more
    return answer, at


def _atom(tokens: list[str], at: int, environment: Mapping[str, str], depth: int) -> tuple[bool, int]:
    if tokens[at : at + 1] != ["("]:
        if len(tokens) < at + 3:
            raise _NotPlainError
        return _clause(tokens[at], tokens[at + 1], tokens[at + 2], environment), at + 3
    if depth == _DEEPEST:
        raise _NotPlainError
    answer, at = _either(tokens, at + 1, environment, depth + 1)
    if tokens[at : at + 1] != [")"]:
        raise _NotPlainError
    return answer, at + 1


def _clause(name: str, comparison: str, quoted: str, environment: Mapping[str, str]) -> bool:
    value = quoted[1:-1]
    if quoted[0] in "\"'" and value and comparison in _COMPARE:
        if name in _VERSION_NAMES:
            answer = plain_fits(f"{comparison}{value}", environment[name])
            if answer is not None:
                return answer
        elif name in _TEXT_NAMES and comparison in ("==", "!="):
            return (environment[name] == value) == (comparison == "==")
    raise _NotPlainError
