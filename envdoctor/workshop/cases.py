"""Cases: small environments in the paths of the catalogue, made into Facts, run, and held against what they expect.

[[case]]
name = "optimum 1.19.2 on a checkpoint without biases"
expect = "match"                       # match, possible or silent
[case.facts]
"package.optimum" = "1.19.2"
"checkpoint.quant_method" = "gptq"
"gpu.compute_capability" = ["8.9", "6.1"]
log = ["the line that was printed"]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from envdoctor.diagnose import diagnose
from envdoctor.facts import (
    Distribution,
    Distributions,
    EnvironmentVariable,
    Facts,
    Flag,
    Gpu,
    LogLine,
    decode,
    known,
)
from envdoctor.facts.extensions import ExtensionFact
from envdoctor.facts.smoke import SmokeReport
from envdoctor.knowledge import Matrix
from envdoctor.knowledge.entry import EntryError
from envdoctor.text import Text
from envdoctor.values import dataclass

_SOURCE = "case"


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """One case that was run: what the entry said of it, and what it should have said."""

    entry: str
    name: str
    expected: str
    got: str

    @property
    def passed(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.expected == self.got


def facts_of(case: Mapping[str, Any], *, place: str) -> Facts:
    """The Facts that a case states. Raises EntryError where a path is unknown."""
    facts = Facts()
    gpus: dict[str, Sequence[Any]] = {}
    packages: list[Distribution] = []
    raw: dict[str, Any] = {}
    for path, value in case.items():
        section, _, name = path.partition(".")
        if section == "package":
            packages.append(Distribution(name=name, version=str(value), source=_SOURCE))
        elif section == "gpu":
            gpus[name] = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        elif path == "gpus.count":
            gpus.setdefault("index", list(range(int(value))))
        elif path == "log":
            facts = replace(facts, log=tuple(LogLine(number=i, text=t, source=_SOURCE) for i, t in enumerate(value, 1)))
        elif path == "extensions":
            facts = replace(
                facts, extensions=known(decode(tuple[ExtensionFact, ...], value, f"{place}.{path}"), _SOURCE)
            )
        elif path == "smoke":
            facts = replace(facts, smoke=known(decode(SmokeReport, value, f"{place}.{path}"), _SOURCE))
        elif section == "env":
            variable = EnvironmentVariable(name=name, value=str(value), source=_SOURCE)
            facts = replace(facts, environment=(*facts.environment, variable))
        elif path.startswith("workload.flag."):
            flags = (*facts.workload.flags, Flag(name=path[14:], value=str(value)))
            facts = replace(facts, workload=replace(facts.workload, flags=flags))
        elif section == "distributions":
            raw[name] = value
        elif path != "packages.complete":
            facts = _set(facts, section, name, value, f"{place}.{path}")
    complete = known(True, _SOURCE) if case.get("packages.complete") else Distributions().complete
    stated = decode(Distributions, raw, f"{place}.distributions")
    installed = tuple(sorted((*packages, *stated.installed), key=lambda d: d.name))
    dists = replace(stated, installed=installed, complete=complete)
    facts = replace(facts, distributions=dists)
    return replace(facts, gpus=known(_gpus(gpus, place), _SOURCE)) if gpus else facts


def _gpus(columns: Mapping[str, Sequence[Any]], place: str) -> tuple[Gpu, ...]:
    count = max(len(values) for values in columns.values())
    rows = []
    for i in range(count):
        data: dict[str, Any] = {"index": i}
        for name, values in columns.items():
            if name != "index" and i < len(values):
                data[name] = {"value": values[i], "source": _SOURCE}
        rows.append(decode(Gpu, data, place))
    return tuple(rows)


def _set(facts: Facts, section: str, name: str, value: Any, place: str) -> Facts:
    holder = facts.host.wsl if section == "wsl" else getattr(facts, section, None)
    if holder is None or name not in {field.name for field in fields(holder)}:
        raise EntryError(Text(en=f"{place}: no such fact", zh=f"{place}：没有这个事实"))
    given = value if isinstance(value, Mapping) and "unknown" in value else {"value": value, "source": _SOURCE}
    made = decode(type(holder), {name: given}, place)
    changed = replace(holder, **{name: getattr(made, name)})
    if section == "wsl":
        return replace(facts, host=replace(facts.host, wsl=changed))
    return _with_section(facts, section, changed)


def _with_section(facts: Facts, section: str, value: Any) -> Facts:
    return replace(facts, **{section: value})


def run_cases(entry_id: str, cases: Sequence[Mapping[str, Any]], matrix: Matrix) -> tuple[CaseResult, ...]:
    """Run an entry's cases against the whole matrix: the verdict that this entry gave counts."""
    results = []
    for i, case in enumerate(cases):
        place = f"{entry_id}.case[{i}]"
        facts = facts_of(case.get("facts", {}), place=place)
        said = [f.verdict for f in diagnose(facts, matrix).findings if f.id == entry_id]
        got = "match" if "match" in said else ("possible" if said else "silent")
        results.append(
            CaseResult(entry=entry_id, name=str(case.get("name", i)), expected=str(case.get("expect")), got=got)
        )
    return tuple(results)
