"""Reader of the table `abi-symbols`: what a missing symbol says of the extension that asks for it."""

from __future__ import annotations

from envdoctor.knowledge.tables import Tables
from envdoctor.values import dataclass
from envdoctor.versions import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class SymbolOrigin:
    """The torch releases whose libraries export a symbol, and what its absence says of an extension."""

    symbol: str
    torch: tuple[Interval, ...]
    says: str


def symbol_origin(tables: Tables, symbol: str) -> SymbolOrigin | None:
    """Which torch releases export a symbol, for the symbols that the table lists (exact, mangled names)."""
    rows = tables["abi-symbols"]["rows"] if "abi-symbols" in tables else ()
    for row in rows:
        if row["symbol"] == symbol:
            intervals = tuple(
                Interval(introduced=item.get("introduced"), fixed=item.get("fixed")) for item in row["torch"]
            )
            return SymbolOrigin(symbol=symbol, torch=intervals, says=row["says"])
    return None
