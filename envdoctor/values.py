"""`dataclass` as the standard library's, but a frozen value costs its module a tenth of the time to define.

The standard decorator writes the source of six methods for every class and compiles it; a diagnosis defines a hundred
classes and makes few objects of most of them, so that took a fifth of its time. Here those methods are written once and
look the fields up. Everything else of `dataclasses` (`fields`, `replace`, `asdict`, `field`) works on the classes as
ever, and type checkers see the original.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields
from dataclasses import dataclass as _standard
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - handed on
else:

    def dataclass(**how: bool) -> Callable[[type], type]:
        """The class decorator. What is not frozen and slotted gets the standard library's own."""
        kw_only = how.pop("kw_only", False)
        if how == {"frozen": True, "slots": True}:
            return lambda cls: _value(cls, kw_only)
        return _standard(kw_only=kw_only, **how)


def _value(cls: type, kw_only: bool) -> Any:
    own = vars(cls)
    if "__post_init__" in own:
        return _standard(frozen=True, slots=True, kw_only=kw_only)(cls)
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # else the standard library makes one out of a signature that it works out at length
    made: Any = _standard(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    for name, method in _METHODS.items():
        if name not in own:
            setattr(made, name, method)
    slots = vars(made)
    made._fields_ = tuple((f.name, slots[f.name].__set__, f.default, f.default_factory) for f in fields(made))
    made._compared_ = tuple(f.name for f in fields(made) if f.compare)
    made._shown_ = tuple(f.name for f in fields(made) if f.repr)
    if not kw_only and "__init__" not in own:
        made.__init__ = _init_in_order
    return made


def _init(self: Any, /, **given: Any) -> None:
    used = 0
    for name, put, default, factory in self._fields_:
        if name in given:
            put(self, given[name])
            used += 1
        elif default is not MISSING:
            put(self, default)
        elif factory is not MISSING:
            put(self, factory())
        else:
            raise TypeError(f"{type(self).__name__}() misses its argument {name!r}")
    if used != len(given):
        strange = sorted(given.keys() - {name for name, *_ in self._fields_})
        raise TypeError(f"{type(self).__name__}() got unknown arguments: {', '.join(strange)}")


def _init_in_order(self: Any, /, *row: Any, **given: Any) -> None:
    if len(row) == len(self._fields_) and not given:  # one for every line of a text
        for (_name, put, _default, _factory), value in zip(self._fields_, row, strict=True):
            put(self, value)
        return
    names = [name for name, *_ in self._fields_[: len(row)]]
    if len(names) != len(row) or not given.keys().isdisjoint(names):
        raise TypeError(f"{type(self).__name__}() got too many arguments")
    _init(self, **dict(zip(names, row, strict=True)), **given)


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self._compared_])


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown_)
    return f"{type(self).__qualname__}({shown})"


def _refuse_change(_self: Any, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_removal(_self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name, *_ in self._fields_]


def _restore(self: Any, state: list[Any]) -> None:
    for (_name, put, *_), value in zip(self._fields_, state, strict=True):
        put(self, value)


_METHODS: dict[str, Callable[..., Any]] = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _refuse_change,
    "__delattr__": _refuse_removal,
    "__getstate__": _state,  # copies and pickles must not go through __setattr__
    "__setstate__": _restore,
}
