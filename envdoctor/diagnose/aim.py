"""Commands that reach the environment that was diagnosed, and not whichever the shell has active."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from envdoctor.facts import Known, Target, value_of
from envdoctor.patterns import lazy

#: what a shell has active is reached by the plain commands
_ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")
_PLAIN = lazy(r"[\w./+~@%: ()\u0080-\U0010ffff-]+")  # a ticket's `<home-1>` is no path to paste
_PIP = lazy(r"(?:^|(?<=&& )|(?<=; ))(?:python -m )?pip (?=install|uninstall)")
_UV = lazy(r"\buv pip (install|uninstall)\b")
_BY_UV = "uv"


def aimed(commands: Mapping[str, str], target: Target) -> dict[str, str]:
    """`commands` with the interpreter of a target that is not the active one, the one that works there for certain first.

    A target without pip keeps no pip command where uv has one too.
    """
    found = dict(commands)
    has_pip, by_uv = value_of(target.has_pip), value_of(target.kind) == _BY_UV
    if has_pip is False:
        if "uv" in found:
            found.pop("pip", None)
        found = {tool: _PIP.sub("uv pip ", command) for tool, command in found.items()}
    if has_pip and not by_uv and "pip" in found:  # uv may be no command there
        found = {"pip": found.pop("pip"), **found}
    elif by_uv and "uv" in found:
        found = {"uv": found.pop("uv"), **found}
    executable = target.executable
    if not isinstance(executable, Known) or executable.source in _ACTIVE or not _here(executable):
        return found
    path = shlex.quote(executable.value)
    return {tool: _at(path, command) for tool, command in found.items()}


def _here(executable: Known[str]) -> bool:
    """Whether a probe named it: what a pasted text states is a path on another machine, and read by another's eyes."""
    return executable.source in ("--python", "./.venv", "the Python that runs envdoctor") and bool(
        _PLAIN.fullmatch(executable.value)
    )


def _at(path: str, command: str) -> str:
    command = _PIP.sub(lambda _: f"{path} -m pip ", command)
    return _UV.sub(lambda found: f"uv pip {found[1]} -p {path}", command)
