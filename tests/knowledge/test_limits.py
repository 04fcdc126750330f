"""What engines load, by version, as the table states it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envdoctor.knowledge.limits import capability_floor, lmdeploy_formats, symbol_origin
from envdoctor.toml import tomllib
from envdoctor.versions import Scheme, within

FOLDER = Path(__file__).parents[2] / "matrix" / "tables"
TABLES: dict[str, Any] = {
    name: tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")) for name in ("engine-limits", "abi-symbols")
}


@pytest.mark.parametrize(
    ("version", "method", "form", "backends"),
    [
        ("0.6.2", "compressed-tensors", "int-quantized", []),
        ("0.16.0", "compressed-tensors", "int-quantized", []),
        ("0.17.0", "compressed-tensors", "int-quantized", None),  # newer than was read
        ("0.11.1", "compressed-tensors", "pack-quantized", []),
        ("0.12.0", "compressed-tensors", "pack-quantized", ["turbomind"]),
        ("0.13.0", "compressed-tensors", "pack-quantized", ["turbomind"]),
        ("0.6.2", "awq", "gemm", ["turbomind", "pytorch"]),
        ("0.6.2", "smooth_quant", None, ["pytorch"]),
        ("0.6.5", "fp8", None, None),
        ("0.7.0", "fp8", None, ["pytorch"]),
        ("0.6.2", "bitsandbytes", None, None),
    ],
)
def test_lmdeploy(version: str, method: str, form: str | None, backends: list[str] | None) -> None:
    found = lmdeploy_formats(TABLES, version, method, form)
    assert (None if found is None else [rule.backend for rule in found]) == backends


def test_what_turbomind_asks() -> None:
    (rule,) = lmdeploy_formats(TABLES, "0.12.0", "compressed-tensors", "pack-quantized") or ()
    assert rule.needs == {"bits": 4, "group_size": [128]}
    (later,) = lmdeploy_formats(TABLES, "0.12.3", "compressed-tensors", "pack-quantized") or ()
    assert later.needs["group_size"] == [32, 128]
    gptq = lmdeploy_formats(TABLES, "0.9.0", "gptq") or ()
    assert gptq[0].needs == {"desc_act": False, "sym": True, "group_size": [128]}


def test_capability_floors() -> None:
    assert capability_floor(TABLES, "flash-attn", "2.6.3") == "8.0"
    assert capability_floor(TABLES, "flash-attn", "1.0.9") is None
    assert capability_floor(TABLES, "autoawq", "0.2.6") == "7.5"
    assert capability_floor(TABLES, "nothing", "1.0") is None
    assert capability_floor({}, "autoawq", "0.2.6") is None


def test_symbols() -> None:
    origin = symbol_origin(TABLES, "_ZN3c104cuda9SetDeviceEi")
    assert origin is not None
    assert [within(Scheme.PEP440, v, origin.torch) for v in ("2.0.1", "2.2.2", "2.3.0")] == [False, True, False]
    assert origin.says == "built for torch 2.1 or 2.2"
    assert symbol_origin(TABLES, "_ZN3c104cuda9SetDeviceE") is None
