"""A probe that fails makes its own facts unknown, with the reason; the report always comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from envdoctor.errors import EnvdoctorError
from envdoctor.facts import NOT_STATED, unknown
from envdoctor.text import Text

T = TypeVar("T")


def guarded(what: Text, look: Callable[[], T], otherwise: Callable[[Text], T]) -> T:
    """What `look` gives; where it fails, what `otherwise` makes of the reason. Refusals of the call go through."""
    try:
        return look()
    except EnvdoctorError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a hostile or broken machine causes here is one unknown section
        why = f"{type(error).__name__}: {error}"[:250]
        return otherwise(Text(en=f"{what} could not be read: {why}", zh=f"{what.zh}无法读取：{why}"))


def blank(kind: type[T], reason: Text, **given: Any) -> T:
    """A value of `kind` in which every fact is unknown for that reason, but those that are given."""
    why = unknown(reason)
    facts = {field.name: why for field in fields(kind) if field.default == NOT_STATED}  # type: ignore[arg-type]
    return kind(**{**facts, **given})
