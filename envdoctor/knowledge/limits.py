"""Readers of the tables `engine-limits` and `abi-symbols`: what engines refuse, and what a missing symbol says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from envdoctor.knowledge.tables import Row, Tables
from envdoctor.values import dataclass
from envdoctor.versions import Interval, Scheme, within


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatRule:
    """One way in which an engine loads a checkpoint format, and what it asks of it.

    `needs` maps names of checkpoint facts (`group_size`, `sym`) to the value, or the list of values, that it takes.
    `capability`: the compute capabilities that it was built for; empty: not stated.
    """

    backend: str
    method: str
    format: str | None
    needs: Mapping[str, Any] = field(default_factory=dict)
    capability: tuple[str, ...] = ()
    dtype: str | None = None  #: the only dtype that it computes in


@dataclass(frozen=True, kw_only=True, slots=True)
class SymbolOrigin:
    """The torch releases whose libraries export a symbol, and what its absence says of an extension."""

    symbol: str
    torch: tuple[Interval, ...]
    says: str


def lmdeploy_formats(
    tables: Tables, version: str, method: str, quant_format: str | None = None
) -> tuple[FormatRule, ...] | None:
    """How an LMDeploy release loads a checkpoint of that method and format.

    An empty tuple: no backend does. None: not known (the release is newer than was read, or nothing is stated).
    """
    found, undecided = [], False
    for row in _rows(tables, "engine-limits", "lmdeploy_formats"):
        if row["method"] != method or ("format" in row and row["format"] != quant_format):
            continue
        inside = _inside(row, version)
        if inside is True:
            found.append(_rule(row))
        undecided = undecided or inside is None
    if found or undecided:
        return tuple(found) or None
    for row in _rows(tables, "engine-limits", "lmdeploy_refuses"):
        if row["method"] == method and row["format"] == quant_format and _inside(row, version) is True:
            return ()
    return None


def capability_floor(tables: Tables, package: str, version: str) -> str | None:
    """The lowest compute capability that a package's kernels run on (`flash-attn` 2: 8.0); None: not stated."""
    for row in _rows(tables, "engine-limits", "capability"):
        if row["package"] == package and _inside(row, version) is True:
            return str(row["at_least"])
    return None


def symbol_origin(tables: Tables, symbol: str) -> SymbolOrigin | None:
    """Which torch releases export a symbol, for the symbols that the table lists (exact, mangled names)."""
    for row in _rows(tables, "abi-symbols", "rows"):
        if row["symbol"] == symbol:
            intervals = tuple(
                Interval(introduced=item.get("introduced"), fixed=item.get("fixed")) for item in row["torch"]
            )
            return SymbolOrigin(symbol=symbol, torch=intervals, says=row["says"])
    return None


def _rule(row: Row) -> FormatRule:
    return FormatRule(
        backend=row["backend"],
        method=row["method"],
        format=row.get("format"),
        needs=row.get("needs", {}),
        capability=tuple(row.get("capability", ())),
        dtype=row.get("dtype"),
    )


def _inside(row: Row, version: str) -> bool | None:
    interval = Interval(introduced=row.get("introduced"), fixed=row.get("fixed"))
    return within(Scheme.PEP440, version, [interval], checked=row.get("checked"))


def _rows(tables: Tables, table: str, key: str) -> list[Row]:
    found = tables[table].get(key, []) if table in tables else []
    return found if isinstance(found, list) else []
