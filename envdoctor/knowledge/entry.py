"""One piece of knowledge, as a frozen value made from one TOML table.

A *check* is an entry whose condition a named function computes (`check = true`); its texts, fixes, evidence and cases are
data like any other entry's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envdoctor.errors import InputError
from envdoctor.knowledge.conditions import Condition, parse_condition
from envdoctor.text import NOTHING, Text, same
from envdoctor.values import dataclass

CLASSES = (
    "driver-too-old", "no-kernel-image", "gpu-capability-too-low", "abi-mismatch", "missing-shared-library",
    "glibc-too-old", "numpy-abi", "version-conflict", "known-bug", "numeric-overflow", "dtype-unsupported",
    "kernel-shape-constraint", "quant-format-unsupported", "out-of-memory", "wsl2-limitation", "multi-gpu-comm",
    "missing-toolchain", "python-version-unsupported", "platform-unsupported", "misconfiguration",
    "container-runtime", "broken-model-files", "wrong-build", "hardware-fault",
)  # fmt: skip
EFFECTS = ("blocks", "corrupts", "degrades", "advice")
ALONE = ("match", "possible", "silent")
EVIDENCE_TYPES = ("report", "fix", "release-note", "documentation", "source", "metadata", "measured")


class EntryError(InputError):
    """An entry that is not as it must be; the message begins with its file or id and the key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A pattern for one line of output (RE2 syntax). `conclusive`: it states its cause, so it is a match by itself."""

    name: str
    pattern: str
    also: tuple[str, ...] = ()  #: further patterns that must each hit some line
    conclusive: bool = False
    literal: str = ""  #: lower-case text that every hit contains (made by the compiler of the matrix)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Where it is known from. `command` for what the project itself ran."""

    type: str
    says: str
    date: str
    url: str | None = None
    command: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FixOption:
    """One way out. `pins` are specifiers per distribution; `when` limits the option to machines where it helps."""

    text: Text
    pins: Mapping[str, str]
    flags: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    commands: Mapping[str, str] | None = None
    cost: Text = NOTHING
    when: Condition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryTexts:
    """What is read only when an entry is shown."""

    title: Text
    explanation: Text
    fixes: tuple[FixOption, ...]
    evidence: tuple[Evidence, ...]
    aliases: tuple[str, ...]
    published: str
    modified: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryCore:
    """What matching needs of an entry."""

    id: str
    cause: str
    packages: tuple[str, ...]
    effect: str
    alone: str
    check: bool
    checked: Mapping[str, str]
    when: Condition | None
    signatures: tuple[Signature, ...]
    withdrawn: bool
    supersedes: tuple[str, ...] = ()  #: ids of more general findings that this one explains


def core_from(data: Mapping[str, Any], *, place: str, groups: Mapping[str, Sequence[str]]) -> EntryCore:
    """The matching half of an entry's table. Raises EntryError or ConditionError with the place."""
    when = data.get("when")
    cause = _get(data, "cause", Mapping, place)
    return EntryCore(
        id=_get(data, "id", str, place),
        cause=_one_of(_get(cause, "class", str, f"{place}.cause"), CLASSES, f"{place}.cause.class"),
        packages=tuple(cause.get("packages", ())),
        effect=_one_of(_get(data, "effect", str, place), EFFECTS, f"{place}.effect"),
        alone=_one_of(data.get("alone", "match"), ALONE, f"{place}.alone"),
        check=bool(data.get("check", False)),
        checked=dict(data.get("checked", {})),
        when=None if when is None else parse_condition(when, place=f"{place}.when", groups=groups),
        signatures=tuple(_signature(s, f"{place}.signature[{i}]") for i, s in enumerate(data.get("signature", ()))),
        withdrawn="withdrawn" in data,
        supersedes=tuple(data.get("supersedes", ())),
    )


def texts_from(data: Mapping[str, Any], *, place: str, groups: Mapping[str, Sequence[str]]) -> EntryTexts:
    """The half of an entry that is shown."""
    return EntryTexts(
        title=text_from(data.get("title"), f"{place}.title"),
        explanation=text_from(data.get("explanation"), f"{place}.explanation"),
        fixes=tuple(_fix(fix, f"{place}.fix[{i}]", groups) for i, fix in enumerate(data.get("fix", ()))),
        evidence=tuple(_evidence(e, f"{place}.evidence[{i}]") for i, e in enumerate(data.get("evidence", ()))),
        aliases=tuple(data.get("aliases", ())),
        published=str(data.get("published", "")),
        modified=str(data.get("modified", "")),
    )


def text_from(data: Any, place: str) -> Text:
    """A bilingual text; both languages must be there."""
    if not isinstance(data, Mapping):
        raise EntryError(Text(en=f"{place}: expected {{ en, zh }}", zh=f"{place}：应为 {{ en, zh }}"))
    return Text(en=_get(data, "en", str, place).strip(), zh=_get(data, "zh", str, place).strip())


def _signature(data: Any, place: str) -> Signature:
    return Signature(
        name=_get(data, "name", str, place),
        pattern=_get(data, "pattern", str, place),
        also=tuple(data.get("also", ())),
        conclusive=bool(data.get("conclusive", False)),
        literal=data.get("literal", ""),
    )


def _fix(data: Any, place: str, groups: Mapping[str, Sequence[str]]) -> FixOption:
    when = data.get("when")
    return FixOption(
        text=text_from(data.get("text"), f"{place}.text"),
        pins=dict(data.get("pins", {})),
        flags=tuple(data.get("flags", ())),
        env=dict(data["env"]) if "env" in data else None,
        commands=dict(data["commands"]) if "commands" in data else None,
        cost=_cost(data.get("cost"), place),
        when=None if when is None else parse_condition(when, place=f"{place}.when", groups=groups),
    )


def _evidence(data: Any, place: str) -> Evidence:
    return Evidence(
        type=_one_of(_get(data, "type", str, place), EVIDENCE_TYPES, f"{place}.type"),
        says=_get(data, "says", str, place),
        date=str(data.get("date", "")),
        url=data.get("url"),
        command=data.get("command"),
    )


def _cost(data: Any, place: str) -> Text:
    if data is None or isinstance(data, str):  # one language: an entry of somebody's own
        return same(data or "")
    return text_from(data, f"{place}.cost")


def _get(data: Any, key: str, kind: type[Any], place: str) -> Any:
    if not isinstance(data, Mapping) or key not in data:
        raise EntryError(Text(en=f"{place}: `{key}` is missing", zh=f"{place}：缺少 `{key}`"))
    if not isinstance(data[key], kind):
        raise EntryError(
            Text(
                en=f"{place}.{key}: expected {kind.__name__}, found {type(data[key]).__name__}",
                zh=f"{place}.{key}：应为 {kind.__name__}，实际为 {type(data[key]).__name__}",
            )
        )
    return data[key]


def _one_of(value: str, allowed: Sequence[str], place: str) -> str:
    if value not in allowed:
        raise EntryError(
            Text(
                en=f"{place}: {value!r} is none of {', '.join(allowed)}",
                zh=f"{place}：{value!r} 不在 {', '.join(allowed)} 之中",
            )
        )
    return value
