"""Conditions over facts, in Kleene's logic, with what each answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from envdoctor.diagnose.finding import Because
from envdoctor.diagnose.view import FactView
from envdoctor.facts import Known, Truth, Unknown, all_of, any_of, negate
from envdoctor.knowledge.catalog import kind_of
from envdoctor.knowledge.conditions import AllOf, Condition, FactLeaf, Not, PackageLeaf
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.versions import Scheme, at_least, compare, within


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A truth, the facts that make it so, the paths that are unknown, and whether an installed version lies inside.

    `unheard`: it hangs on a package that no list and no line names. A pair is not suspected for its other half.
    """

    truth: Truth
    because: tuple[Because, ...] = ()
    missing: tuple[str, ...] = ()
    triggered: bool = False
    unheard: bool = False


def evaluate(condition: Condition, view: FactView, checked: Mapping[str, str] | None = None) -> Evaluation:
    """Evaluate a condition. `checked`: newest version looked at, per distribution; beyond it open intervals are unknown."""
    if isinstance(condition, PackageLeaf):
        return _package(condition, view, checked or {})
    if isinstance(condition, FactLeaf):
        return _fact(condition, view, checked or {})
    if isinstance(condition, Not):
        inner = evaluate(condition.part, view, checked)
        return Evaluation(truth=negate(inner.truth), because=inner.because, missing=inner.missing)
    parts = [evaluate(part, view, checked) for part in condition.parts]
    if isinstance(condition, AllOf):
        joined = _join(all_of(part.truth for part in parts), parts)
        unheard = any(part.unheard for part in parts)
        return replace(joined, triggered=joined.triggered and not unheard, unheard=unheard)
    truth = any_of(part.truth for part in parts)
    telling = [part for part in parts if part.truth is truth] if truth is not False else parts
    return _join(truth, telling)


def _join(truth: Truth, parts: list[Evaluation]) -> Evaluation:
    because = tuple(dict.fromkeys(item for part in parts for item in part.because))
    missing = tuple(dict.fromkeys(path for part in parts if part.truth is None for path in part.missing))
    return Evaluation(
        truth=truth,
        because=because,
        missing=missing if truth is None else (),
        triggered=any(part.triggered for part in parts),
    )


def _package(leaf: PackageLeaf, view: FactView, checked: Mapping[str, str]) -> Evaluation:
    present = [view.packages[name] for name in leaf.names if name in view.packages]
    because = tuple(Because(fact=f"package.{d.name}", value=d.version, source=d.source) for d in present)
    missing = () if present else (f"package.{leaf.names[0]}",)
    if leaf.absent:
        if present:
            return Evaluation(truth=False, because=because)
        complete = True if view.packages_complete is True else None
        absent = Because(
            fact=f"package.{leaf.names[0]}",
            value=Text(en="not installed", zh="未安装"),
            source=Text(en="list of distributions", zh="软件包列表"),
        )
        return Evaluation(
            truth=complete, because=(absent,) if complete else (), missing=missing if not complete else ()
        )
    if not present:
        return Evaluation(truth=False if view.packages_complete is True else None, missing=missing, unheard=True)
    if not leaf.intervals:
        return Evaluation(truth=True, because=because)
    truths = [within(Scheme.PEP440, d.version, leaf.intervals, checked=checked.get(d.name)) for d in present]
    truth = any_of(truths)
    telling = tuple(item for item, one in zip(because, truths, strict=True) if one is truth)
    return Evaluation(
        truth=truth,
        because=telling,
        missing=tuple(f"package.{d.name}" for d in present) if truth is None else (),
        triggered=truth is True,
    )


def _fact(leaf: FactLeaf, view: FactView, checked: Mapping[str, str]) -> Evaluation:
    found = view.get(leaf.path)
    if isinstance(found, Unknown):
        return Evaluation(truth=None, missing=(leaf.path,))
    truths: list[Truth] = []
    telling: list[tuple[Truth, Because]] = []
    for fact in found:
        if isinstance(fact, Known):
            truth = _compare(leaf, fact.value, checked)
            telling.append((truth, Because(fact=leaf.path, value=_show(fact.value), source=fact.source)))
        else:
            truth = None
        truths.append(truth)
    truth = (all_of(truths) if truths else False) if leaf.every else any_of(truths)
    because = tuple(dict.fromkeys(item for one, item in telling if one is truth))
    return Evaluation(truth=truth, because=because, missing=(leaf.path,) if truth is None else ())


def _compare(leaf: FactLeaf, value: Any, checked: Mapping[str, str]) -> Truth:
    kind = kind_of(leaf.path)
    scheme = kind.scheme if kind else None
    if leaf.intervals and scheme is not None:
        return within(scheme, str(value), leaf.intervals, checked=checked.get(leaf.path))
    return _OPERATORS[leaf.operator](value, leaf.value, scheme)


def _is(value: Any, wanted: Any, scheme: Scheme | None) -> Truth:
    if scheme is not None and isinstance(value, str) and isinstance(wanted, str):
        order = compare(scheme, value, wanted)
        return value == wanted if order is None else order == 0
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower()
    return bool(value == wanted)


def _in(value: Any, wanted: Any, scheme: Scheme | None) -> Truth:
    return any_of(_is(value, one, scheme) for one in wanted)


def _contains(value: Any, wanted: Any, scheme: Scheme | None) -> Truth:
    del scheme
    if isinstance(value, str):
        return str(wanted).lower() in value.lower()
    return any(str(wanted).lower() in str(item).lower() for item in value)


def _at_least(value: Any, wanted: Any, scheme: Scheme | None) -> Truth:
    if scheme is not None:
        return at_least(scheme, str(value), wanted)
    return bool(value >= wanted) if isinstance(value, (int, float)) else None


def _above(value: Any, wanted: Any, scheme: Scheme | None) -> Truth:
    return all_of([_at_least(value, wanted, scheme), negate(_is(value, wanted, scheme))])


def _known(value: Any, wanted: Any, scheme: Scheme | None) -> Truth:
    del wanted, scheme
    return value is not False and value != () and value is not None


_OPERATORS: dict[str, Callable[[Any, Any, Scheme | None], Truth]] = {
    "is": _is,
    "is-not": lambda value, wanted, scheme: negate(_is(value, wanted, scheme)),
    "in": _in,
    "not-in": lambda value, wanted, scheme: negate(_in(value, wanted, scheme)),
    "contains": _contains,
    "at-least": _at_least,
    "below": lambda value, wanted, scheme: negate(_at_least(value, wanted, scheme)),
    "above": _above,
    "at-most": lambda value, wanted, scheme: negate(_above(value, wanted, scheme)),
    "known": _known,
}


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        shown = ", ".join(str(item) for item in value[:3])
        rest = len(value) - 3
        return Text(en=f"{shown} and {rest} more", zh=f"{shown} 等 {len(value)} 项") if rest > 0 else shown
    return value if isinstance(value, str) else str(value)
