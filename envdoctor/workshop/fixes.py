"""What the gate asks of fixes: pins that can be met and change something, commands that anybody can paste."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from envdoctor.text import Text

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

#: which index serves a package is the user's configuration; torch's own are named by uv's --torch-backend
_INDEX = re.compile(r"--(?:extra-)?index-url[= ]\s*\S+://|\s-i\s+\S+://")


def fix_problems(data: Mapping[str, Any]) -> Iterator[Text]:
    """The problems of the options of one entry's table."""
    specifiers: list[dict[str, SpecifierSet]] = []
    for i, fix in enumerate(data.get("fix", ())):
        readable: dict[str, SpecifierSet] = {}
        yield from _pins(fix.get("pins", {}), f"fix[{i}].pins", readable)
        yield from _commands(fix.get("commands", {}), f"fix[{i}].commands")
        specifiers.append(readable)
    if specifiers:
        yield from _idle(data, specifiers[0])


def _pins(pins: Mapping[str, str], place: str, readable: dict[str, SpecifierSet]) -> Iterator[Text]:
    """Pins that are no specifiers, or that nothing satisfies; the others are added to `readable`."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    for name, pin in pins.items():
        if "{" in pin or "{" in name:
            continue
        try:
            specifier = SpecifierSet(f"=={pin}" if pin[:1].isdigit() else pin)
        except InvalidSpecifier:
            yield Text(en=f"{place}.{name}: {pin!r} is no specifier", zh=f"{place}.{name}：{pin!r} 不是版本约束")
            continue
        if specifier.is_unsatisfiable():
            yield Text(en=f"{place}.{name}: nothing satisfies {pin!r}", zh=f"{place}.{name}：没有版本满足 {pin!r}")
        readable[name] = specifier


def _commands(commands: Mapping[str, str], place: str) -> Iterator[Text]:
    for tool, command in commands.items():
        if _INDEX.search(command):
            yield Text(
                en=f"{place}.{tool}: names an index; which one is the user's configuration (torch's own: uv's --torch-backend)",
                zh=f"{place}.{tool}：写死了索引地址；用哪个索引由用户配置决定（torch 的索引用 uv 的 --torch-backend）",
            )


def _idle(data: Mapping[str, Any], pins: Mapping[str, SpecifierSet]) -> Iterator[Text]:
    """Cases that must match, and whose versions the best option would leave as they are."""
    for i, case in enumerate(data.get("case", ())):
        if case.get("expect") != "match" or not pins:
            continue
        stated = {name: _version_in(case.get("facts", {}), name) for name in pins}
        if all(has and pins[name].contains(has, prereleases=True) for name, has in stated.items()):
            yield Text(
                en=f"case[{i}]: the pins of fix[0] leave its versions as they are",
                zh=f"case[{i}]：fix[0] 的版本约束不会改变该用例的版本",
            )


def _version_in(facts: Mapping[str, Any], name: str) -> str | None:
    """The public version of a package that a case states; None where it states none, or none that can be compared."""
    from packaging.version import InvalidVersion, Version

    stated = facts.get(f"package.{name}") or (facts.get("torch.version") if name == "torch" else None)
    try:
        return Version(str(stated)).public if stated else None
    except InvalidVersion:
        return None
