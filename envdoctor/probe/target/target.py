"""The target as facts: interpreter, search path, distributions, torch."""

from __future__ import annotations

from collections.abc import Mapping

from envdoctor.facts import Distributions, Fact, Target, Torch, known, unknown
from envdoctor.probe.ports import Outcome, View
from envdoctor.probe.target.choice import Choice
from envdoctor.probe.target.distributions import Installed, installed
from envdoctor.probe.target.interpreter import Interpreter, answer, externally_managed, kind_of
from envdoctor.probe.target.requirements import unmet
from envdoctor.probe.target.search_path import Place, python_path, search_path
from envdoctor.probe.target.shadowing import shadowed_modules
from envdoctor.probe.target.torch import torch
from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was seen of the target."""

    target: Target
    distributions: Distributions
    torch: Torch
    interpreter: Interpreter


def target(choice: Choice, outcome: Outcome | None, view: View, environ: Mapping[str, str], cwd: str) -> Seen:
    """The target's facts. `outcome` is what its interpreter answered, None where there is none to ask.

    Raises UsageError where `--python` named a program that is no Python 3.4 or newer.
    """
    interpreter = answer(choice, outcome, view)
    places = search_path(view, interpreter, choice, environ, cwd)
    found, unreadable = installed(view, places)
    kind, shown_by = kind_of(interpreter, choice, environ)
    site = interpreter.site
    no_site = unknown(
        interpreter.reason or Text(en="no site-packages folder was found", zh="未找到 site-packages 目录")
    )
    complete: Fact[bool] = known(True, ", ".join(place.folder for place in places)) if site else no_site
    managed = externally_managed(interpreter, choice, view)
    names = {item.distribution.name for item in found}
    facts = Target(
        executable=known(interpreter.executable, interpreter.source),
        **_of_interpreter(interpreter),
        prefix=known(interpreter.prefix, interpreter.executable) if interpreter.prefix else no_site,
        kind=known(kind, shown_by) if interpreter.prefix else no_site,
        site_packages=known(site, interpreter.executable) if site else no_site,
        user_site_leaks=known(_leaks(found), _user_folder(places)) if site else no_site,
        pythonpath=known(python_path(environ), "PYTHONPATH"),
        has_pip=known("pip" in names, site[0]) if site else no_site,
        externally_managed=known(managed, interpreter.fields.get("stdlib") or str(choice.folder))
        if managed is not None
        else unknown(interpreter.reason),
        shadowed_modules=known(shadowed_modules(view, cwd, places), cwd),
    )
    distributions = Distributions(
        installed=tuple(item.distribution for item in found),
        complete=complete,
        unmet=unmet(found, interpreter),
        unreadable=tuple(unreadable),
    )
    return Seen(
        target=facts, distributions=distributions, torch=_torch(view, places, found, no_site), interpreter=interpreter
    )


def _torch(view: View, places: tuple[Place, ...], found: list[Installed], no_site: Fact[str]) -> Torch:
    if not places:
        reason = unknown(getattr(no_site, "reason", NOTHING))
        return Torch(version=reason, cuda=reason, hip=reason, cxx11_abi=reason, archs=reason)
    return torch(view, places, found)


def _of_interpreter(found: Interpreter) -> dict[str, Fact[str]]:
    fields, source = found.fields, found.executable
    silent = unknown(found.reason)
    version = known(found.version, found.version_source) if found.version else silent
    if not fields:
        return {"python": version, "implementation": silent, "abi_tag": silent, "platform_tag": silent}
    return {
        "python": version,
        "implementation": known(fields.get("implementation", ""), source),
        "abi_tag": known(_abi_tag(found), source),
        "platform_tag": known(_platform_tag(fields), source),
    }


def _abi_tag(found: Interpreter) -> str:
    """`cp311`, `cp313t` for a free-threaded build; the cache tag of others."""
    if found.fields.get("implementation") != "cpython":
        return found.fields.get("cache_tag", "")
    return f"cp{found.feature.replace('.', '')}{found.fields.get('abiflags', '')}"


def _platform_tag(fields: Mapping[str, str]) -> str:
    machine = fields.get("machine", "")
    if fields.get("bits") == "32":
        machine = {"x86_64": "i686", "aarch64": "armv8l"}.get(machine, machine)
    return f"{fields.get('system', '').lower()}_{machine}"


def _leaks(found: list[Installed]) -> tuple[str, ...]:
    return tuple(item.distribution.name for item in found if item.place.origin == "user site")


def _user_folder(places: tuple[Place, ...]) -> str:
    return next(
        (place.folder for place in places if place.origin == "user site"),
        Text(en="no user site is read", zh="不读取用户 site 目录"),
    )
