"""What a missing symbol says, as the table states it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envdoctor.knowledge.symbols import symbol_origin
from envdoctor.toml import tomllib
from envdoctor.versions import Scheme, within

TABLE = Path(__file__).parents[2] / "matrix" / "tables" / "abi-symbols.toml"
TABLES: dict[str, Any] = {"abi-symbols": tomllib.loads(TABLE.read_text("utf-8"))}


def test_symbols() -> None:
    origin = symbol_origin(TABLES, "_ZN3c104cuda9SetDeviceEi")
    assert origin is not None
    assert [within(Scheme.PEP440, v, origin.torch) for v in ("2.0.1", "2.2.2", "2.3.0")] == [False, True, False]
    assert origin.says == "built for torch 2.1 or 2.2"
    assert symbol_origin(TABLES, "_ZN3c104cuda9SetDeviceE") is None
    assert symbol_origin({}, "_ZN3c104cuda9SetDeviceEi") is None
