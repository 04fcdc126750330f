"""The machine in one line, or in its parts."""

from __future__ import annotations

from collections import Counter

from envdoctor.facts import Facts, Gpu, Known, value_of
from envdoctor.render.words import WORDS, word


def machine_line(facts: Facts, lang: str) -> str:
    """System, GPUs, driver, Python and torch, as far as they are known; nothing that is not."""
    return " · ".join(machine_parts(facts, lang))


def machine_parts(facts: Facts, lang: str) -> list[str]:
    """The parts of `machine_line`."""
    parts = [_system(facts), _gpus(facts, lang), _driver(facts, lang), _python(facts), _torch(facts)]
    return [part for part in parts if part]


def _system(facts: Facts) -> str:
    distribution, system = value_of(facts.host.distribution), value_of(facts.host.os)
    name = distribution or system or ""
    if value_of(facts.host.wsl2):
        name = f"{name} (WSL2)".strip()
    container = value_of(facts.host.container)
    return f"{name} [{container}]" if container and container != "none" else name


def _gpus(facts: Facts, lang: str) -> str:
    if not isinstance(facts.gpus, Known):
        return word("gpu-unknown", lang)
    if not facts.gpus.value:
        return word("no-gpu", lang)
    names = Counter(_gpu(gpu) for gpu in facts.gpus.value)
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in names.items())


def _gpu(gpu: Gpu) -> str:
    name, capability = value_of(gpu.name), value_of(gpu.compute_capability)
    return (name or "GPU") + (f" ({capability})" if capability else "")


def _driver(facts: Facts, lang: str) -> str:
    version = value_of(facts.driver.version)
    status = value_of(facts.driver.status)
    if version is None:
        gpus = value_of(facts.gpus)
        return word("no-driver", lang) if status == "absent" and gpus else ""
    shown = f"{word('driver', lang)} {version}"
    if status in (None, "working"):
        return shown
    said = word(f"driver.{status}", lang) if f"driver.{status}" in WORDS else str(status)
    return shown + word("aside", lang, it=said)


def _python(facts: Facts) -> str:
    version = value_of(facts.target.python)
    kind = value_of(facts.target.kind)
    return (f"Python {version}" + (f" ({kind})" if kind else "")) if version else ""


def _torch(facts: Facts) -> str:
    version = value_of(facts.torch.version)
    if version is None:
        version = next((d.version for d in facts.distributions.installed if d.name == "torch"), None)
    return f"torch {version}" if version else ""
