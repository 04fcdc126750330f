"""Facts to JSON values and back. One codec for every frozen value: the types say what is expected.

    encode(facts) -> dict      plain str, int, float, bool, None, list, dict
    decode(Facts, data)        raises DecodeError with the path of what does not fit

A known fact is `{"value": ..., "source": ...}`, an unknown one `{"unknown": reason}`. Fields at their default are left
out, so a report of a laptop without a GPU stays short; unknown facts that carry a reason of their own are kept.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

from envdoctor.errors import InputError
from envdoctor.facts.known import NOT_STATED, Known, Unknown
from envdoctor.text import Text, same

V = TypeVar("V")


class DecodeError(InputError):
    """The JSON does not hold what the type says; `path` names the place."""

    def __init__(self, path: str, problem: Text) -> None:
        super().__init__(Text(en=f"{path or 'the document'}: {problem}", zh=f"{path or '文档'}：{problem.zh}"))
        self.path = path


def encode(value: Any, lang: str = "en") -> Any:
    """A JSON value for a fact, a frozen value, or anything made of them; texts in `lang` (en or zh)."""
    if isinstance(value, Text):
        return value.get(lang)
    if value is None or (isinstance(value, (str, int, float)) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Unknown):
        return {"unknown": value.reason.get(lang)}
    if isinstance(value, (tuple, list, frozenset)):
        return [encode(item, lang) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item, lang) for key, item in value.items()}
    return _encode_fields(value, lang)


def _encode_fields(value: Any, lang: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, default in _defaults(value.__class__):
        item = getattr(value, name)
        if item is not default and item != default:
            out[name] = encode(item, lang)
    return out


_NO_DEFAULT: Any = object()


@cache
def _defaults(cls: type[Any]) -> tuple[tuple[str, Any], ...]:
    out = []
    for field in fields(cls):
        default = field.default
        if default is MISSING:
            default = field.default_factory() if field.default_factory is not MISSING else _NO_DEFAULT
        out.append((field.name, default))
    return tuple(out)


def decode(kind: type[V], data: Any, path: str = "") -> V:
    """The value of type `kind` that `encode` made `data` from. Unknown keys are ignored (newer writers add some)."""
    result: V = _decode(kind, data, path)
    return result


def _decode(kind: Any, data: Any, path: str) -> Any:
    origin = get_origin(kind)
    if origin is Known:
        return _decode_known(get_args(kind)[0], data, path)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), data, path)
    if origin is tuple:
        return _decode_tuple(kind, data, path)
    if origin in (dict, Mapping) or kind is dict:
        return _decode_mapping(kind, data, path)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(data)
        except ValueError:
            raise DecodeError(
                path, Text(en=f"{data!r:.60} is none of the known values", zh=f"{data!r:.60} 不是已知的取值")
            ) from None
    if is_dataclass(kind):
        return _decode_dataclass(kind, data, path)
    return _decode_scalar(kind, data, path)


def _decode_scalar(kind: Any, data: Any, path: str) -> Any:
    if kind is Any or kind is object:
        return data
    if kind is Text:
        return same(_decode_scalar(str, data, path))
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise DecodeError(
            path,
            Text(
                en=f"expected {getattr(kind, '__name__', kind)}, found {type(data).__name__}",
                zh=f"应为 {getattr(kind, '__name__', kind)}，实际为 {type(data).__name__}",
            ),
        )
    return data


def _decode_known(kind: Any, data: Any, path: str) -> Known[Any]:
    if not isinstance(data, dict) or "value" not in data:
        raise DecodeError(
            path, Text(en="expected a fact with `value` and `source`", zh="应为带 `value` 与 `source` 的事实")
        )
    hints = _hints(Known)
    return Known(
        value=_decode(kind, data["value"], f"{path}.value"),
        source=_decode(str, data.get("source", ""), f"{path}.source"),
        also=_decode(hints["also"], data.get("also", []), f"{path}.also"),
    )


def _decode_union(options: tuple[Any, ...], data: Any, path: str) -> Any:
    if Unknown in options:
        if isinstance(data, dict) and "unknown" in data:
            reason = _decode(str, data["unknown"], f"{path}.unknown")
            return NOT_STATED if reason in (NOT_STATED.reason, NOT_STATED.reason.zh) else Unknown(reason=same(reason))
        (known_kind,) = (option for option in options if option is not Unknown)
        return _decode(known_kind, data, path)
    if data is None and type(None) in options:
        return None
    problem: DecodeError | None = None
    for option in options:
        if option is type(None):
            continue
        try:
            return _decode(option, data, path)
        except DecodeError as error:
            problem = error
    raise problem or DecodeError(path, Text(en="nothing fits", zh="没有匹配的类型"))


def _decode_tuple(kind: Any, data: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise DecodeError(
            path, Text(en=f"expected a list, found {type(data).__name__}", zh=f"应为列表，实际为 {type(data).__name__}")
        )
    args = get_args(kind)
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], item, f"{path}[{i}]") for i, item in enumerate(data))
    if len(args) != len(data):
        raise DecodeError(
            path,
            Text(en=f"expected {len(args)} items, found {len(data)}", zh=f"应有 {len(args)} 项，实际为 {len(data)} 项"),
        )
    return tuple(_decode(arg, item, f"{path}[{i}]") for i, (arg, item) in enumerate(zip(args, data, strict=True)))


def _decode_mapping(kind: Any, data: Any, path: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DecodeError(
            path,
            Text(en=f"expected an object, found {type(data).__name__}", zh=f"应为对象，实际为 {type(data).__name__}"),
        )
    item_kind = (get_args(kind) or (str, Any))[1]
    return {str(key): _decode(item_kind, item, f"{path}.{key}") for key, item in data.items()}


def _decode_dataclass(kind: Any, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise DecodeError(
            path,
            Text(en=f"expected an object, found {type(data).__name__}", zh=f"应为对象，实际为 {type(data).__name__}"),
        )
    hints = _hints(kind)
    values: dict[str, Any] = {}
    for name, default in _defaults(kind):
        place = f"{path}.{name}" if path else name
        if name in data:
            values[name] = _decode(hints[name], data[name], place)
        elif default is _NO_DEFAULT:
            raise DecodeError(place, Text(en="is missing", zh="缺失"))
    return kind(**values)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)
