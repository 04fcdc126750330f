"""A fact is a value with its source, or unknown with the reason: never a bare `None`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from envdoctor.text import Text
from envdoctor.values import dataclass

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """Another source that was asked for the same fact, and what it said (shown where witnesses disagree)."""

    value: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Known(Generic[T]):
    """A value and where it was read: a file, a command, or `line 12` of a pasted text."""

    value: T
    source: str
    also: tuple[Witness, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """Not known, and why: the probe failed, timed out, was not run, or the text does not say."""

    reason: Text


Fact: TypeAlias = Known[T] | Unknown

#: the default of every fact until a probe or a text says something
NOT_STATED = Unknown(reason=Text(en="not stated", zh="未提供"))


def known(value: T, source: str, also: tuple[Witness, ...] = ()) -> Known[T]:
    """A fact that is known."""
    return Known(value=value, source=source, also=also)


def unknown(reason: Text) -> Unknown:
    """A fact that is not known, with the reason in a few words."""
    return Unknown(reason=reason)


def value_of(fact: Fact[T]) -> T | None:
    """The bare value, or None where it is unknown (for places that treat both unknown and absent alike)."""
    return fact.value if isinstance(fact, Known) else None


def map_fact(fact: Fact[T], change: Callable[[T], U]) -> Fact[U]:
    """The same fact with its value changed; an unknown one stays as it is."""
    if isinstance(fact, Known):
        return Known(value=change(fact.value), source=fact.source, also=fact.also)
    return fact
