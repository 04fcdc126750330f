"""Named pure functions over facts whose results conditions may use as `derived.NAME`."""

from __future__ import annotations

from envdoctor.diagnose.view import Derived, FactView
from envdoctor.facts import Fact, Known, known, unknown


def _biases_missing(view: FactView) -> Fact[bool]:
    """Whether a GPTQ checkpoint stores no bias beside quantized layers that have none in the architecture."""
    names = view.facts.checkpoint.missing_biases
    if isinstance(names, Known):
        return known(bool(names.value), names.source)
    return unknown(names.reason)


def _lowest_capability(view: FactView) -> Fact[str]:
    """The lowest compute capability of the machine: what a wheel must support to run on every GPU."""
    found = view.get("gpu.compute_capability")
    if not isinstance(found, tuple):
        return found
    values: list[Known[str]] = [fact for fact in found if isinstance(fact, Known)]
    if not values or len(values) < len(found):
        return unknown("not every GPU's compute capability is known")
    return min(values, key=lambda fact: tuple(int(part) for part in fact.value.split(".")))


DERIVED: dict[str, Derived] = {
    "biases_missing": _biases_missing,
    "lowest_capability": _lowest_capability,
}
