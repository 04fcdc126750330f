"""A probe that fails makes its own facts unknown, with the reason; the report always comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from envdoctor.errors import EnvdoctorError
from envdoctor.facts import NOT_STATED, unknown

T = TypeVar("T")


def guarded(what: str, look: Callable[[], T], otherwise: Callable[[str], T]) -> T:
    """What `look` gives; where it fails, what `otherwise` makes of the reason. Refusals of the call go through."""
    try:
        return look()
    except EnvdoctorError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a hostile or broken machine causes here is one unknown section
        return otherwise(f"{what} could not be read: {type(error).__name__}: {error}"[:300])


def blank(kind: type[T], reason: str, **given: Any) -> T:
    """A value of `kind` in which every fact is unknown for that reason, but those that are given."""
    why = unknown(reason)
    facts = {field.name: why for field in fields(kind) if field.default == NOT_STATED}  # type: ignore[arg-type]
    return kind(**{**facts, **given})
