"""Facts by path: what conditions and checks look at. Pure; indexes are made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from envdoctor.facts import Distribution, Fact, Facts, Known, Truth, Unknown, known, unknown, value_of
from envdoctor.text import Text

Derived = Callable[["FactView"], "Fact[Any]"]
_NO_SUCH_FACT = unknown(Text(en="no such fact", zh="没有这个事实"))


class FactView:
    """Reads Facts by the paths of the catalogue. `derived` are named pure functions over this view."""

    def __init__(self, facts: Facts, derived: Mapping[str, Derived] | None = None) -> None:
        self.facts = facts
        self._derived = derived or {}
        self._values: dict[str, tuple[Fact[Any], ...] | Unknown] = {}
        self._packages = {dist.name: dist for dist in facts.distributions.installed}
        version = facts.torch.version
        if "torch" not in self._packages and isinstance(version, Known):
            self._packages["torch"] = Distribution(name="torch", version=version.value, source=version.source)

    @property
    def packages(self) -> Mapping[str, Distribution]:
        """Installed distributions by normalized name."""
        return self._packages

    @property
    def packages_complete(self) -> Truth:
        """True: what is not listed is not installed. Unknown for a pasted selection."""
        return value_of(self.facts.distributions.complete)

    def version(self, name: str) -> str | None:
        """The installed version of a distribution, or None (absent or not known)."""
        found = self._packages.get(name)
        return found.version if found else None

    def version_of(self, path: str) -> str | None:
        """The text of a version fact, or None."""
        value = self.value(path)
        return value if isinstance(value, str) else None

    def get(self, path: str) -> tuple[Fact[Any], ...] | Unknown:
        """The facts at a path: one, or one per GPU for `gpu.*`; Unknown where even their number is not known."""
        if path not in self._values:
            self._values[path] = self._look_up(path)
        return self._values[path]

    def one(self, path: str) -> Fact[Any]:
        """The single fact at a path (the first GPU's for `gpu.*`)."""
        found = self.get(path)
        if isinstance(found, Unknown):
            return found
        return found[0] if found else unknown(Text(en="there is none", zh="没有"))

    def value(self, path: str) -> Any:
        """The bare value at a path, or None."""
        return value_of(self.one(path))

    def _look_up(self, path: str) -> tuple[Fact[Any], ...] | Unknown:
        section, _, rest = path.partition(".")
        if section == "gpu":
            return self._gpus(rest)
        special = _SPECIAL.get(section)
        return (special(self, rest),) if special else (self._plain(section, rest),)

    def _gpus(self, name: str) -> tuple[Fact[Any], ...] | Unknown:
        gpus = self.facts.gpus
        if isinstance(gpus, Unknown):
            return gpus
        return tuple(getattr(gpu, name, _NO_SUCH_FACT) for gpu in gpus.value)

    def _plain(self, section: str, name: str) -> Fact[Any]:
        holder = self.facts.host.wsl if section == "wsl" else getattr(self.facts, section, None)
        found: Fact[Any] = getattr(holder, name, _NO_SUCH_FACT)
        return found

    def _torch(self, name: str) -> Fact[Any]:
        found: Fact[Any] = getattr(self.facts.torch, name, _NO_SUCH_FACT)
        if isinstance(found, Known) or "torch" not in self._packages:
            return found
        dist = self._packages["torch"]
        if name == "version":
            return known(dist.version, dist.source)
        local = dist.version.partition("+")[2]
        if name == "cuda" and local:
            return _cuda_of_local(local, dist.source)
        return found

    def _flag(self, name: str) -> Fact[Any]:
        workload = self.facts.workload
        if not name.startswith("flag."):
            found: Fact[Any] = getattr(workload, name, _NO_SUCH_FACT)
            return found
        for flag in workload.flags:
            if flag.name == name[5:]:
                return known(flag.value, Text(en="launch command", zh="启动命令"))
        return (
            unknown(Text(en="the launch command does not give it", zh="启动命令未给出"))
            if not workload.flags
            else unknown(Text(en="not given", zh="未给出"))
        )

    def _environment(self, name: str) -> Fact[Any]:
        for variable in self.facts.environment:
            if variable.name == name:
                return known(variable.value, variable.source)
        return unknown(Text(en="not set, or not stated", zh="未设置，或未提供"))

    def _derive(self, name: str) -> Fact[Any]:
        function = self._derived.get(name)
        return function(self) if function else unknown(Text(en="no such derived fact", zh="没有这个派生事实"))

    def _package(self, name: str) -> Fact[Any]:
        dist = self._packages.get(name)
        return known(dist.version, dist.source) if dist else unknown(Text(en="not listed", zh="未列出"))

    def _of_packages(self, name: str) -> Fact[Any]:
        return self.facts.distributions.complete if name == "complete" else _NO_SUCH_FACT

    def _of_gpus(self, name: str) -> Fact[Any]:
        gpus = self.facts.gpus
        if isinstance(gpus, Unknown) or name != "count":
            return gpus if isinstance(gpus, Unknown) else _NO_SUCH_FACT
        return known(len(gpus.value), gpus.source)


_SPECIAL: dict[str, Callable[[FactView, str], Fact[Any]]] = {
    "torch": FactView._torch,
    "workload": FactView._flag,
    "env": FactView._environment,
    "derived": FactView._derive,
    "package": FactView._package,
    "packages": FactView._of_packages,
    "gpus": FactView._of_gpus,
}


def _cuda_of_local(local: str, source: str) -> Fact[str]:
    """`cu121` -> "12.1", `cpu` -> "none"; other local parts (vendor builds) say nothing."""
    first = local.split(".", maxsplit=1)[0]
    if first == "cpu":
        return known("none", source)
    if first.startswith("cu") and first[2:].isdigit() and len(first) >= 4:
        return known(f"{first[2:-1]}.{first[-1]}", source)
    return unknown(
        Text(en=f"the local version {local} does not name a CUDA version", zh=f"本地版本号 {local} 不含 CUDA 版本")
    )
