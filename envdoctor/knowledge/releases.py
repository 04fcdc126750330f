"""Readers of `matrix/names/*.json`: at which release of a distribution a name, an attribute or an argument came and went.

    change_of_name(tables, "transformers.cache_utils", "HybridCache")      Change(distribution="transformers", events=...)
    change.is_there("4.57.1")                                              True, False, or None for a version before all read
    change.pin("5.0.0")                                                    "<5.0.0"

A change is written `+4.42.0-5.0.0`: 4.42.0 is the first release that has it, 5.0.0 the first again that has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envdoctor.knowledge.owners import owners_of_module
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.versions import Scheme, at_least

__all__ = ["Change", "change_from", "change_of_argument", "change_of_attribute", "change_of_name"]

_EVENT = lazy(r"([+-])([^+-]+)")
_PREFIX = "names/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """The releases of one name. `events`: (came, version) in the order of the releases."""

    distribution: str
    module: str
    events: tuple[tuple[bool, str], ...]

    def is_there(self, version: str) -> bool:
        """Whether that release has it; what lies beyond the last event stays as it was."""
        here = not self.events[0][0]
        for came, at in self.events:
            if at_least(Scheme.PEP440, version, at) is not True:
                break
            here = came
        return here

    def pin(self, version: str | None) -> str:
        """The releases that have it, as a specifier. `version`: the release that has it not, where that is known."""
        past = [event for event in self.events if version and at_least(Scheme.PEP440, version, event[1]) is True]
        ahead = self.events[len(past) :]
        gone = next((at for came, at in reversed(past) if not came), None)
        comes = next((at for came, at in ahead if came), None)
        if version is None:
            return "".join(self._whole())
        if gone and comes:  # it was dropped by mistake and put back
            return f"!={version}"
        if gone:
            since = next((at for came, at in reversed(past) if came), None)
            return f">={since},<{gone}" if since else f"<{gone}"
        until = next((at for came, at in ahead if not came), None)
        return f">={comes},<{until}" if until else f">={comes}"

    def _whole(self) -> Iterator[str]:
        came = [at for here, at in self.events if here]
        gone = [at for here, at in self.events if not here]
        if not self.events[0][0]:  # it was there from the start
            yield f"<{gone[0]}"
        else:
            yield f">={came[-1]}" if len(came) > len(gone) else f">={came[0]},<{gone[0]}"

    def says(self) -> Text:
        """The last thing that happened to it, in both languages, without the name."""
        came, at = self.events[-1]
        if came and len(self.events) == 1:
            return Text(
                en=f"{self.distribution} {at} is the first release that has it", zh=f"{self.distribution} {at} 起才有"
            )
        if came:
            return Text(en=f"{self.distribution} {at} has it again", zh=f"{self.distribution} {at} 又恢复了")
        return Text(en=f"{self.distribution} {at} removed it", zh=f"{self.distribution} {at} 已将其删除")


def change_of_name(tables: Mapping[str, Any], module: str, name: str | None) -> Change | None:
    """The change of `from module import name`; that of the module (or of the package around it) where `name` is None or
    came with it."""
    for table in _tables(tables, module):
        if name is not None:
            for events, found in table["names"].items():
                if name in found.get(module, ()):
                    return _change(table, module, events)
        parts = module.split(".")
        for place in (".".join(parts[:length]) for length in range(len(parts), 0, -1)):
            for events, modules in table["modules"].items():
                if place in modules:
                    return _change(table, place, events)
    return None


def change_of_attribute(tables: Mapping[str, Any], owner: str, name: str) -> Change | None:
    """The change of an attribute or method that the class itself defines."""
    return _owned(tables, "attributes", owner, name)


def change_of_argument(tables: Mapping[str, Any], call: str, name: str) -> Change | None:
    """The change of an argument of `function` or `Class.method`."""
    return _owned(tables, "arguments", call, name)


def _owned(tables: Mapping[str, Any], kind: str, owner: str, name: str) -> Change | None:
    for table in _tables(tables, None):
        for events, owners in table[kind].items():
            if name in owners.get(owner, ()):
                return _change(table, owner, events)
    return None


def _tables(tables: Mapping[str, Any], module: str | None) -> Iterator[Mapping[str, Any]]:
    """The tables of the distributions that bring `module`; all of them where that is not known."""
    if module is None:
        yield from (tables[key] for key in tables if key.startswith(_PREFIX))
        return
    for name in owners_of_module(tables, module):
        if _PREFIX + name in tables:
            yield tables[_PREFIX + name]


def change_from(distribution: str, module: str, events: str) -> Change | None:
    """A change out of its written form; None for what never changed."""
    read = tuple((sign == "+", at) for sign, at in _EVENT.findall(events))
    return Change(distribution=distribution, module=module, events=read) if read else None


def _change(table: Mapping[str, Any], module: str, events: str) -> Change | None:
    return change_from(table["distribution"], module, events)
