"""Found things to Facts: of several lines that speak of one fact the most reliable wins, and the others are witnesses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from envdoctor.facts import (
    Checkpoint,
    Cuda,
    Distribution,
    Distributions,
    Driver,
    EnvironmentVariable,
    Fact,
    Facts,
    Flag,
    Host,
    LogLine,
    Target,
    Toolkit,
    Torch,
    Witness,
    Workload,
    known,
    unknown,
)
from envdoctor.ingest.devices import gpus_of
from envdoctor.ingest.found import ERROR, FORM, PROSE, Found
from envdoctor.ingest.gpus import GpuTable
from envdoctor.text import Text, in_zh

_COLLECTIONS = frozenset(
    ("gpu", "gpu_count", "package", "variable", "flag", "unmet", "toolkit", "claim", "complete", "partial")
)
_SECTIONS: dict[str, type[Any]] = {
    "host": Host, "driver": Driver, "cuda": Cuda, "target": Target, "torch": Torch, "workload": Workload,
    "checkpoint": Checkpoint,
}  # fmt: skip
_MOST = 2_000  #: of each collection; a paste with more is hostile


def assemble(found: Iterable[Found], table: GpuTable, log: tuple[LogLine, ...]) -> Facts:
    """One Facts value of everything that was found."""
    scalars: dict[str, list[Found]] = {}
    many: dict[str, list[Found]] = {}
    for item in found:
        (many if item.path in _COLLECTIONS else scalars).setdefault(item.path, []).append(item)
    sections: dict[str, dict[str, Any]] = {}
    for path, candidates in scalars.items():
        section, _, field = path.partition(".")
        fact = choose(candidates)
        if fact is not None:
            sections.setdefault(section, {})[field] = fact
    sections.setdefault("workload", {})["flags"] = _flags(many.get("flag", []))
    toolkits = _toolkits(many.get("toolkit", []))
    if toolkits is not None:
        sections.setdefault("cuda", {})["toolkits"] = toolkits
    values = {name: kind(**sections.get(name, {})) for name, kind in _SECTIONS.items()}
    return Facts(
        **values,
        gpus=gpus_of(many.get("gpu", []), many.get("gpu_count", []), table),
        distributions=_distributions(many),
        environment=_variables(many.get("variable", [])),
        log=log,
    )


def choose(candidates: list[Found]) -> Fact[Any] | None:
    """The most reliable value; of equals the most precise, then the first. None where sentences contradict each other."""
    best_rank = min(item.rank for item in candidates)
    best = [item for item in candidates if item.rank == best_rank]
    distinct = list(dict.fromkeys(str(item.value) for item in best))
    several = ", ".join(distinct[:4])
    if best_rank >= ERROR and any(not _compatible(distinct[0], other) for other in distinct[1:]):
        return unknown(Text(en=f"the text names several: {several}", zh=f"文本中有多个不同的值：{several}"))
    winner = best[0]
    for item in best[1:]:
        if (
            isinstance(item.value, str)
            and len(item.value) > len(str(winner.value))
            and _compatible(str(winner.value), item.value)
        ):
            winner = item
    witnesses: dict[str, Witness] = {}
    for item in candidates:
        text = str(item.value)
        if item.rank <= FORM and not _compatible(str(winner.value), text) and len(witnesses) < 4:
            witnesses.setdefault(text, Witness(value=text[:200], source=item.source))
    return known(winner.value, winner.source, tuple(witnesses.values()))


def _compatible(a: str, b: str) -> bool:
    """Whether one is the other said more precisely: 3.10 and 3.10.12, Ubuntu 22.04 and Ubuntu 22.04.3 LTS."""
    short, long = sorted((a, b), key=len)
    return long.startswith(short) and (len(long) == len(short) or not long[len(short)].isalnum())


def _distributions(many: dict[str, list[Found]]) -> Distributions:
    by_name: dict[str, list[Found]] = {}
    for item in many.get("package", [])[: 5 * _MOST]:
        by_name.setdefault(item.value.name, []).append(item)
    installed = []
    for name in sorted(by_name)[:_MOST]:
        distribution = _distribution(name, by_name[name])
        if distribution is not None:
            installed.append(distribution)
    complete: Fact[bool] = unknown(Text(en="the text shows no list of packages", zh="文本中没有软件包列表"))
    if whole := many.get("complete"):
        complete = known(
            True,
            Text(
                en=f"{whole[0].source} (a list of {whole[0].value})",
                zh=f"{in_zh(whole[0].source)}（{in_zh(whole[0].value)} 列表）",
            ),
        )
    elif installed:
        complete = unknown(Text(en="the paste shows only some packages", zh="粘贴的文本只列出了部分软件包"))
    unmet = tuple(dict.fromkeys(item.value for item in many.get("unmet", [])[:_MOST]))
    return Distributions(installed=tuple(installed), complete=complete, unmet=unmet)


def _distribution(name: str, sightings: list[Found]) -> Distribution | None:
    best_rank = min(item.rank for item in sightings)
    best = [item for item in sightings if item.rank == best_rank]
    versions = list(dict.fromkeys(item.value.version for item in best))
    if best_rank >= PROSE and any(not _compatible(versions[0], other) for other in versions[1:]):
        return None  # "0.6.2 works, 0.6.3 does not": a sentence cannot be told from a comparison
    winner = max(best, key=lambda item: (_compatible(versions[0], item.value.version), len(item.value.version)))
    if not _compatible(versions[0], winner.value.version):
        winner = best[0]
    for item in sightings:  # the list says 2.4.0, torch itself says 2.4.0+cu121
        if (
            item.rank <= FORM
            and _compatible(winner.value.version, item.value.version)
            and len(item.value.version) > len(winner.value.version)
        ):
            winner = item
    others = tuple(v for v in versions if not _compatible(winner.value.version, v))
    return Distribution(
        name=name,
        version=winner.value.version,
        source=winner.source,
        editable=winner.value.editable,
        direct_url=winner.value.direct_url,
        duplicates=others[:4],
    )


def _variables(items: list[Found]) -> tuple[EnvironmentVariable, ...]:
    chosen: dict[str, EnvironmentVariable] = {}
    for item in items[:_MOST]:
        chosen.setdefault(item.value.name, item.value)
    return tuple(chosen[name] for name in sorted(chosen))


def _flags(items: list[Found]) -> tuple[Flag, ...]:
    """Flags of the most reliable kind of line; the first of each name."""
    chosen: dict[str, Flag] = {}
    for item in sorted(items[:_MOST], key=lambda item: item.rank):
        chosen.setdefault(item.value.name, item.value)
    return tuple(chosen.values())


def _toolkits(items: list[Found]) -> Fact[tuple[Toolkit, ...]] | None:
    if not items:
        return None
    chosen = {item.value.path: item.value for item in items[:_MOST]}
    return known(tuple(chosen[path] for path in sorted(chosen)), items[0].source)
