"""Sightings of GPUs to the GPUs of the machine: numbered rows merge, forms count, sentences only count when they agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from envdoctor.facts import NOT_STATED, Fact, Gpu, Known, known, unknown
from envdoctor.ingest.found import ERROR, Found, Sighting
from envdoctor.ingest.gpus import GpuTable, tokenize
from envdoctor.text import Text, in_zh

_MOST = 256
_MOST_SIGHTINGS = 1024
T = TypeVar("T")


def gpus_of(sightings: list[Found], counts: list[Found], table: GpuTable) -> Fact[tuple[Gpu, ...]]:
    """The GPUs, or unknown: where none is named, or sentences name several different ones."""
    sightings = sightings[:_MOST_SIGHTINGS]
    named = [item for item in sightings if item.value.name]
    if not named:
        return _nameless(sightings)
    best = min(item.rank for item in named)
    chosen = [item for item in named if item.rank == best]
    if best >= ERROR:
        distinct = list(dict.fromkeys(_words(item.value.name) for item in chosen))
        if len(distinct) > 1:
            names = ", ".join(item.value.name for item in chosen[:4])
            return unknown(Text(en=f"the text names several GPUs: {names}", zh=f"文本中有多种显卡：{names}"))
        chosen = [max(chosen, key=lambda item: (item.value.count, len(item.value.name)))]
    rows = _numbered(chosen) if any(item.value.index is not None for item in chosen) else _listed(chosen)
    if len(rows) == 1 and counts and 0 < counts[0].value <= _MOST:
        rows = [(replace(rows[0][0], index=index), rows[0][1]) for index in range(counts[0].value)]
    used = {id(item) for item in chosen}
    numbered: dict[int, list[Sighting]] = {}
    by_model: dict[tuple[str, ...], list[Sighting]] = {}
    for item in sightings:
        if item.value.index is not None:
            numbered.setdefault(item.value.index, []).append(item.value)
        elif id(item) not in used:
            by_model.setdefault(_model(item.value.name), []).append(item.value)
    rows = [(_enriched(sighting, numbered, by_model), source) for sighting, source in rows[:_MOST]]
    gpus = tuple(_gpu(index, sighting, source, table) for index, (sighting, source) in enumerate(rows[:_MOST]))
    return known(gpus, rows[0][1])


def _nameless(sightings: list[Found]) -> Fact[tuple[Gpu, ...]]:
    facts = [item for item in sightings if item.value.compute_capability or item.value.memory]
    if not facts:
        return NOT_STATED
    rows = {item.value.index or 0: item for item in facts}
    gpus = tuple(
        Gpu(
            index=index,
            compute_capability=_fact(item.value.compute_capability, item.source),
            memory_bytes=_fact(item.value.memory, item.source),
        )
        for index, item in sorted(rows.items())[:_MOST]
    )
    return known(gpus, facts[0].source)


def _numbered(items: Iterable[Found]) -> list[tuple[Sighting, str]]:
    """One row an index: several reports of one machine (collect_env and nvidia-smi) number the same GPUs."""
    rows: dict[int, tuple[Sighting, str]] = {}
    for item in items:
        index = item.value.index
        if index is None:
            continue
        before = rows.get(index)
        if before is None or ((before[0].name or "").endswith("...") and not (item.value.name or "").endswith("...")):
            rows[index] = (item.value, item.source)
    return [rows[index] for index in sorted(rows)]


def _listed(items: Iterable[Found]) -> list[tuple[Sighting, str]]:
    rows: list[tuple[Sighting, str]] = []
    seen: set[tuple[str, ...]] = set()
    for item in items:
        key = _words(item.value.name)
        if key in seen:
            continue
        seen.add(key)
        rows.extend([(item.value, item.source)] * item.value.count)
    return rows[:_MOST]


@lru_cache(maxsize=2048)
def _words(name: str) -> tuple[str, ...]:
    return tuple(tokenize(name)[0])


def _model(name: str | None) -> tuple[str, ...]:
    return _words(name) if name else ()


def _enriched(
    sighting: Sighting, numbered: dict[int, list[Sighting]], by_model: dict[tuple[str, ...], list[Sighting]]
) -> Sighting:
    """A row with what other lines say of the same index, or of the same model."""
    same = numbered.get(sighting.index, [])[:16] if sighting.index is not None else []
    model = _model(sighting.name)
    same = [*same, *by_model.get((), [])[:4], *(by_model.get(model, [])[:4] if model else ())]
    for other in same:
        sighting = replace(
            sighting,
            memory=sighting.memory if sighting.memory is not None else other.memory,
            free=sighting.free if sighting.free is not None else other.free,
            compute_capability=sighting.compute_capability or other.compute_capability,
            uuid=sighting.uuid or other.uuid,
            ecc_errors=sighting.ecc_errors if sighting.ecc_errors is not None else other.ecc_errors,
        )
    return sighting


def _gpu(index: int, sighting: Sighting, source: str, table: GpuTable) -> Gpu:
    name = sighting.name or ""
    model = table.lookup(name)
    by_table = Text(en=f"{source} (by the name)", zh=f"{in_zh(source)}（按名称）")
    capability: Fact[str] = _fact(sighting.compute_capability, source)
    memory: Fact[int] = _fact(sighting.memory, source)
    if model is not None:
        capability = capability if isinstance(capability, Known) else _fact(model.compute_capability, by_table)
        memory = memory if isinstance(memory, Known) else _fact(model.memory, by_table)
    return Gpu(
        index=sighting.index if sighting.index is not None else index,
        name=known(name, source),
        compute_capability=capability,
        memory_bytes=memory,
        memory_free_bytes=_fact(sighting.free, source),
        uuid=_fact(sighting.uuid, source),
        ecc_errors=_fact(sighting.ecc_errors, source),
        mig=_fact(True if "MIG" in name else sighting.mig, source),
        vendor=_fact(model.vendor if model else None, by_table),
    )


def _fact(value: T | None, source: str) -> Fact[T]:
    return known(value, source) if value is not None else NOT_STATED
