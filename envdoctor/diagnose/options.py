"""Fix options as they apply to this machine: filled in, filtered, ordered, with commands that can be pasted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from envdoctor.diagnose.aim import aimed
from envdoctor.diagnose.evaluate import evaluate
from envdoctor.diagnose.finding import Option
from envdoctor.diagnose.view import FactView
from envdoctor.knowledge import FixOption
from envdoctor.text import HOLE, Text, fill_holes


def options_for(fixes: Sequence[FixOption], view: FactView, values: Mapping[str, str]) -> tuple[Option, ...]:
    """The options that can help here, best first; what would change nothing comes last.

    `{name}` in texts, pins, flags, variables and commands is filled from `values`; a pin whose hole cannot be filled is
    dropped, and an option that had only such pins, or such a variable, with it.
    """
    useful: list[Option] = []
    idle: list[Option] = []
    for fix in fixes:
        if fix.when is not None and evaluate(fix.when, view).truth is False:
            continue
        pins = _pins(fix, values)
        if fix.pins and not pins:
            continue
        env = {k: fill_holes(v, values) for k, v in fix.env.items()} if fix.env else None
        if env and any(HOLE.search(value) for value in env.values()):
            continue
        option = Option(
            text=fix.text.fill(values),
            pins=pins,
            commands=aimed(_commands(fix, pins, values), view.facts.target),
            flags=tuple(fill_holes(flag, values) for flag in fix.flags),
            env=env,
            cost=fix.cost or _cost(pins, view),
        )
        (idle if pins and _satisfied(pins, view) else useful).append(option)
    return (*useful, *idle)


def _pins(fix: FixOption, values: Mapping[str, str]) -> dict[str, str]:
    filled = {fill_holes(name, values): fill_holes(pin, values) for name, pin in fix.pins.items()}
    return {name: pin for name, pin in filled.items() if not HOLE.search(name + pin)}


def _commands(fix: FixOption, pins: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    if fix.commands is not None:
        filled = {tool: fill_holes(command, values) for tool, command in fix.commands.items()}
        whole = {tool: command for tool, command in filled.items() if not HOLE.search(command)}
        if whole or not filled:
            return whole
    if not pins:
        return {}
    wanted = " ".join(shlex.quote(name + _specifier(pin)) for name, pin in pins.items())
    return {"uv": f"uv pip install {wanted}", "pip": f"python -m pip install {wanted}"}


def _specifier(pin: str) -> str:
    return f"=={pin}" if pin[:1].isdigit() else pin


def _cost(pins: Mapping[str, str], view: FactView) -> str:
    now = [(name, view.version(name)) for name in pins if view.version(name)]
    if not now:
        return ""
    return Text(
        en=f"changes {', '.join(f'{name} (now {version})' for name, version in now)}",
        zh=f"会改动 {'、'.join(f'{name}（现为 {version}）' for name, version in now)}",
    )


def _satisfied(pins: Mapping[str, str], view: FactView) -> bool:
    """Whether every pinned distribution already is where the pin wants it, so that the option changes nothing."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    for name, pin in pins.items():
        installed = view.version(name)
        if installed is None:
            return False
        try:
            public = Version(Version(installed).public)
            if not SpecifierSet(_specifier(pin)).contains(public, prereleases=True):
                return False
        except (InvalidVersion, InvalidSpecifier):
            return False
    return True
