"""Conditions as data: what TOML may say about facts, parsed into frozen values with errors that say where.

{ package = "optimum", versions = [{ fixed = "1.20.0" }] }   an installed version in an interval
{ package = "gptqmodel", absent = true }                     known not to be installed
{ package = ["a", "b"] }, { package = "@group" }             any of these names
{ fact = "checkpoint.quant_method", is = "gptq" }            one operator a fact
{ all = [...] }, { any = [...] }, { not = {...} }
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from envdoctor.errors import InputError
from envdoctor.knowledge.catalog import kind_of
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.versions import Interval, Scheme, compare, is_valid

#: operator -> what its value must be
OPERATORS = {
    "is": "scalar", "is-not": "scalar", "in": "list", "not-in": "list", "contains": "scalar",
    "below": "ordered", "at-least": "ordered", "above": "ordered", "at-most": "ordered",
    "versions": "intervals", "known": "true",
}  # fmt: skip


class ConditionError(InputError):
    """A condition that cannot be read; the message begins with the place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageLeaf:
    """One of `names` is installed (within `intervals`, where given), or, with `absent`, none of them is."""

    names: tuple[str, ...]
    intervals: tuple[Interval, ...] = ()
    absent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FactLeaf:
    """A fact compared by one operator. `every`: of several values (GPUs) all must satisfy it, else any."""

    path: str
    operator: str
    value: Any
    intervals: tuple[Interval, ...] = ()
    every: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AllOf:
    """True where all parts are."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyOf:
    """True where one part is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Not:
    """True where the part is false."""

    part: Condition


Condition: TypeAlias = PackageLeaf | FactLeaf | AllOf | AnyOf | Not


def parse_condition(data: Any, *, place: str, groups: Mapping[str, Sequence[str]]) -> Condition:
    """The condition that a TOML table states. `groups` resolves `@name`. Raises ConditionError with the place."""
    if not isinstance(data, Mapping):
        raise ConditionError(
            Text(
                en=f"{place}: expected a table, found {type(data).__name__}",
                zh=f"{place}：应为表，实际为 {type(data).__name__}",
            )
        )
    if "package" in data:
        return _parse_package(data, place, groups)
    if "fact" in data:
        return _parse_fact(data, place)
    parts: list[Condition] = []
    for key, value in data.items():
        if key == "not":
            parts.append(Not(part=parse_condition(value, place=f"{place}.not", groups=groups)))
        elif key in ("all", "any"):
            if not isinstance(value, Sequence) or isinstance(value, str) or not value:
                raise ConditionError(
                    Text(
                        en=f"{place}.{key}: expected a list of at least one condition",
                        zh=f"{place}.{key}：应为至少含一个条件的列表",
                    )
                )
            inner = tuple(
                parse_condition(item, place=f"{place}.{key}[{i}]", groups=groups) for i, item in enumerate(value)
            )
            parts.append(AllOf(parts=inner) if key == "all" else AnyOf(parts=inner))
        else:
            raise ConditionError(
                Text(
                    en=f"{place}.{key}: unknown key (package, fact, all, any, not)",
                    zh=f"{place}.{key}：未知的键（可用 package、fact、all、any、not）",
                )
            )
    if not parts:
        raise ConditionError(Text(en=f"{place}: says nothing", zh=f"{place}：条件为空"))
    return parts[0] if len(parts) == 1 else AllOf(parts=tuple(parts))


def _parse_package(data: Mapping[str, Any], place: str, groups: Mapping[str, Sequence[str]]) -> PackageLeaf:
    _only(data, {"package", "versions", "absent"}, place)
    given = data["package"]
    names: list[str] = []
    for name in [given] if isinstance(given, str) else list(given):
        if name.startswith("@"):
            if name[1:] not in groups:
                raise ConditionError(
                    Text(en=f"{place}.package: there is no group {name}", zh=f"{place}.package：没有名为 {name} 的组")
                )
            names.extend(groups[name[1:]])
        else:
            names.append(name)
    for name in names:
        if name != name.lower() or "_" in name or "." in name:
            raise ConditionError(
                Text(
                    en=f"{place}.package: write {name!r} normalized: lower case, dashes",
                    zh=f"{place}.package：{name!r} 应写成规范形式：小写，用连字符",
                )
            )
    absent = data.get("absent", False)
    if absent and "versions" in data:
        raise ConditionError(
            Text(
                en=f"{place}: `absent` and `versions` exclude each other",
                zh=f"{place}：`absent` 与 `versions` 不能同时使用",
            )
        )
    intervals = _intervals(data.get("versions", []), Scheme.PEP440, f"{place}.versions")
    return PackageLeaf(names=tuple(names), intervals=intervals, absent=bool(absent))


def _parse_fact(data: Mapping[str, Any], place: str) -> FactLeaf:
    _only(data, {"fact", "every", *OPERATORS}, place)
    path = data["fact"]
    kind = kind_of(path) if isinstance(path, str) else None
    if kind is None or path.startswith("package."):
        raise ConditionError(
            Text(
                en=f"{place}.fact: {path!r} is no fact of the catalogue", zh=f"{place}.fact：{path!r} 不是已定义的事实"
            )
        )
    operators = [key for key in data if key in OPERATORS]
    if len(operators) != 1:
        raise ConditionError(
            Text(
                en=f"{place}: exactly one operator for {path} ({', '.join(OPERATORS)})",
                zh=f"{place}：{path} 只能有一个运算符（{', '.join(OPERATORS)}）",
            )
        )
    (operator,) = operators
    value = data[operator]
    intervals: tuple[Interval, ...] = ()
    if OPERATORS[operator] == "intervals":
        if kind.scheme is None:
            raise ConditionError(Text(en=f"{place}: {path} has no versions", zh=f"{place}：{path} 没有版本号"))
        intervals = _intervals(value, kind.scheme, f"{place}.versions")
    elif OPERATORS[operator] == "ordered":
        if kind.scheme is not None:
            if not isinstance(value, str) or not is_valid(kind.scheme, value):
                raise ConditionError(
                    Text(
                        en=f"{place}.{operator}: {value!r} is no {kind.scheme.value} version",
                        zh=f"{place}.{operator}：{value!r} 不是 {kind.scheme.value} 版本号",
                    )
                )
        elif not kind.number or not isinstance(value, (int, float)):
            raise ConditionError(
                Text(
                    en=f"{place}.{operator}: {path} cannot be ordered with {value!r}",
                    zh=f"{place}.{operator}：{path} 不能与 {value!r} 比较大小",
                )
            )
    elif OPERATORS[operator] == "list" and (not isinstance(value, Sequence) or isinstance(value, str) or not value):
        raise ConditionError(Text(en=f"{place}.{operator}: expected a list", zh=f"{place}.{operator}：应为列表"))
    elif operator == "known" and value is not True:
        raise ConditionError(
            Text(
                en=f"{place}.known: only `known = true`; a condition cannot ask for ignorance",
                zh=f"{place}.known：只能写 `known = true`，条件不能以“未知”为前提",
            )
        )
    stored = tuple(value) if isinstance(value, list) and not intervals else (None if intervals else value)
    return FactLeaf(path=path, operator=operator, value=stored, intervals=intervals, every=bool(data.get("every")))


def _intervals(data: Any, scheme: Scheme, place: str) -> tuple[Interval, ...]:
    if not isinstance(data, Sequence) or isinstance(data, str):
        raise ConditionError(
            Text(
                en=f"{place}: expected a list of {{ introduced, fixed }}",
                zh=f"{place}：应为由 {{ introduced, fixed }} 组成的列表",
            )
        )
    out = []
    for i, item in enumerate(data):
        where = f"{place}[{i}]"
        if not isinstance(item, Mapping):
            raise ConditionError(
                Text(en=f"{where}: expected {{ introduced, fixed }}", zh=f"{where}：应为 {{ introduced, fixed }}")
            )
        _only(item, {"introduced", "fixed"}, where)
        for version in item.values():
            if not isinstance(version, str) or not is_valid(scheme, version):
                raise ConditionError(
                    Text(
                        en=f"{where}: {version!r} is no {scheme.value} version",
                        zh=f"{where}：{version!r} 不是 {scheme.value} 版本号",
                    )
                )
        low, high = item.get("introduced"), item.get("fixed")
        if low and high and (compare(scheme, low, high) or 0) >= 0:
            raise ConditionError(
                Text(en=f"{where}: nothing lies in {low} <= v < {high}", zh=f"{where}：{low} <= v < {high} 是空区间")
            )
        out.append(Interval(introduced=low, fixed=high))
    return tuple(out)


def _only(data: Mapping[str, Any], allowed: set[str], place: str) -> None:
    for key in data:
        if key not in allowed:
            raise ConditionError(
                Text(
                    en=f"{place}.{key}: unknown key ({', '.join(sorted(allowed))})",
                    zh=f"{place}.{key}：未知的键（可用 {', '.join(sorted(allowed))}）",
                )
            )


def anchors(condition: Condition) -> frozenset[str]:
    """Keys of which at least one must be present before the condition can be true or be triggered.

    `package:NAME` and `fact:PATH`; empty where nothing in particular is needed. The index of the matrix is made of
    these, so that matching looks only at entries that name something that is there.
    """
    if isinstance(condition, PackageLeaf):
        return frozenset() if condition.absent else frozenset(f"package:{name}" for name in condition.names)
    if isinstance(condition, FactLeaf):
        return frozenset({f"fact:{condition.path}"})
    if isinstance(condition, Not):
        return frozenset()
    inner = [anchors(part) for part in condition.parts]
    if isinstance(condition, AnyOf):
        return frozenset() if not all(inner) else frozenset().union(*inner)
    packages = [keys for keys in inner if keys and all(key.startswith("package:") for key in keys)]
    if packages:
        return frozenset().union(*packages)
    return next((keys for keys in inner if keys), frozenset())


def package_names(condition: Condition) -> frozenset[str]:
    """Every distribution that a condition names."""
    if isinstance(condition, PackageLeaf):
        return frozenset(condition.names)
    if isinstance(condition, FactLeaf):
        return frozenset()
    if isinstance(condition, Not):
        return package_names(condition.part)
    return frozenset().union(*(package_names(part) for part in condition.parts))
