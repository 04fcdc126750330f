"""The report as it may leave: only fields of the allow-list, text redacted, what the user withholds taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from envdoctor.text import Text
from envdoctor.ticket.redact import Redactor, url
from envdoctor.ticket.sensitivity import Sensitivity, identity_kind, looks_public, pattern_of, sensitivity_of
from envdoctor.values import dataclass

WITHHELD = "withheld"
_FACT = {"value", "source", "also"}
_DEEPEST = 40
BY_USER = Text(en="the user withheld it", zh="用户要求不外发")
NOT_LISTED = Text(en="not on the allow-list", zh="不在允许外发的清单中")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,5}$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Omission:
    """A field that did not leave, and why."""

    field: str
    reason: Text


class Outgoing:
    """Turns a report into what may leave. One instance serves one ticket, so that one secret has one name in it."""

    def __init__(self, redactor: Redactor, withhold: Iterable[str] = ()) -> None:
        self._redactor = redactor
        self._withhold = tuple(_canonical(field) for field in withhold)
        self.omissions: dict[str, Omission] = {}

    def report(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """The report, schema unchanged: `decode` and every renderer take it like the original."""
        out = self._object(report, "")
        if isinstance(report.get("facts"), Mapping):
            out.setdefault("facts", {})
        return out

    def kept_back(self, field: str) -> bool:
        """Whether a field that the user withholds was there to be withheld."""
        wanted = _canonical(field)
        return any(_inside(p, wanted) or _inside(pattern_of(p), wanted) for p in map(_canonical, self.omissions))

    def withheld(self, path: str) -> bool:
        """Whether the user keeps the field at this path (or one around it) back."""
        plain, pattern = _canonical(path), pattern_of(_canonical(path))
        return any(_inside(plain, field) or _inside(pattern, field) for field in self._withhold)

    def withheld_inside(self, path: str) -> bool:
        """Whether something below this path was withheld: the list around it stays, empty."""
        return any(place.startswith(path) for place in self.omissions)

    def _object(self, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key in value:
            name = str(key)
            place = f"{path}.{name}" if path else name
            if self.withheld(place):
                self.omissions[place] = Omission(field=place, reason=BY_USER)
                replaced = _instead(value[key])
                if replaced is not None:
                    out[name] = replaced
                continue
            kept, item = self._value(value[key], place, value)
            if kept:
                out[self._key(name)] = item
        return out

    def _key(self, name: str) -> str:
        # Only maps have keys from outside (pins, commands, variables); names of fields are ours.
        return name if looks_public(name) else self._redactor.redact(name)

    def _value(self, value: Any, path: str, around: Mapping[str, Any]) -> tuple[bool, Any]:
        if path.count(".") + path.count("[") > _DEEPEST:
            return self._denied(path)
        if isinstance(value, Mapping):
            if set(value) == {"unknown"}:
                return True, {"unknown": self._redactor.redact(str(value["unknown"]))}
            if set(value) <= _FACT and "value" in value and "source" in value:
                return self._fact(value, path)
            inside = self._object(value, path)
            return bool(inside) or not value, inside
        if isinstance(value, (list, tuple)):
            items = [self._item(item, f"{path}[{i}]", around) for i, item in enumerate(value)]
            left = [item for kept, item in items if kept]
            return bool(left) or not value or self.withheld_inside(path), left
        return self._leaf(value, path, around)

    def _item(self, value: Any, path: str, around: Mapping[str, Any]) -> tuple[bool, Any]:
        if self.withheld(path):
            self.omissions[path] = Omission(field=path, reason=BY_USER)
            replaced = _instead(value)
            return (
                (False, None) if isinstance(value, Mapping) and replaced is None else (replaced is not None, replaced)
            )
        return self._value(value, path, around)

    def _fact(self, fact: Mapping[str, Any], path: str) -> tuple[bool, Any]:
        kept, value = self._value(fact["value"], path, fact)
        if not kept:
            return False, None
        out = {"value": value, "source": self._redactor.redact(str(fact["source"]))}
        if fact.get("also"):
            out["also"] = [
                {
                    "value": self._leaf(item["value"], path, fact)[1],
                    "source": self._redactor.redact(str(item["source"])),
                }
                for item in fact["also"]
            ]
        return True, out

    def _leaf(self, value: Any, path: str, around: Mapping[str, Any]) -> tuple[bool, Any]:
        sensitivity = sensitivity_of(path)
        if sensitivity is Sensitivity.DENIED:
            return self._denied(path)
        if value is None or isinstance(value, (bool, int, float)):
            return True, value
        text = str(value)
        if sensitivity is Sensitivity.PUBLIC and looks_public(text):
            return True, text
        if sensitivity is Sensitivity.IDENTITY:
            return True, self._redactor.mask(identity_kind(path), text, "identity")
        if sensitivity is Sensitivity.PAIR:
            name = str(around.get("name", path.rpartition(".")[2])).replace("=", "_")
            # once with its name, which may make it a secret, and once without, as it will be read
            return True, self._redactor.redact(self._redactor.redact(f"{name}={text}").partition("=")[2])
        return True, self._redactor.redact(text)

    def _denied(self, path: str) -> tuple[bool, Any]:
        pattern = pattern_of(path)
        self.omissions[pattern] = Omission(field=pattern, reason=NOT_LISTED)
        return False, None


def _canonical(field: str) -> str:
    field = field.strip().strip(".")
    known = ("findings", "smoke", "unknown", "coverage", "facts", "tool", "matrix", "lang", "schema_version")
    return field if field.split(".")[0].split("[")[0] in known or "/" in field or not field else f"facts.{field}"


def _inside(path: str, field: str) -> bool:
    return path == field or (path.startswith(field) and path[len(field)] in ".[")


def _instead(value: Any) -> Any:
    """What stands where something was withheld, so that the report is still one that can be read back."""
    if isinstance(value, Mapping):
        return (
            {"unknown": WITHHELD} if set(value) == {"unknown"} or (set(value) <= _FACT and "value" in value) else None
        )
    if isinstance(value, (list, tuple)):
        return []
    return WITHHELD if isinstance(value, str) else None


def cited(report: Mapping[str, Any]) -> set[str]:
    """Hosts and paths of the pages that the findings cite: they come from the matrix, not from this machine."""
    found: set[str] = set()
    for finding in report.get("findings") or ():
        rows = [finding, *(finding.get("evidence") or ())]
        for address in (str(row.get("url") or "") for row in rows):
            found |= {
                address[span.start : span.end] for span in url.find(address) if span.rule in {"url-host", "url-path"}
            }
    return found


def versions_of(report: Mapping[str, Any]) -> set[str]:
    """Every dotted number that stands in a field for versions: it may look like an address and is none."""
    found: set[str] = set()

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping):
            if set(value) <= _FACT and "value" in value:
                walk(value["value"], path)
                return
            for key, item in value.items():
                walk(item, f"{path}.{key}" if path else str(key))
        elif isinstance(value, (list, tuple)):
            for item in value:
                walk(item, f"{path}[]")
        elif isinstance(value, str) and sensitivity_of(path) is Sensitivity.PUBLIC and _VERSION.match(value):
            found.add(value)

    walk(report, "")
    return found
