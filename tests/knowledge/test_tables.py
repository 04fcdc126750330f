"""The tables hold together, and the readers answer what the rows say and nothing beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envdoctor.knowledge import tables as read
from envdoctor.probe.checkpoint.wellknown import checkpoint_from_table
from envdoctor.toml import tomllib

FOLDER = Path(__file__).parents[2] / "matrix" / "tables"
NAMES = (
    "abi-symbols", "auto-gptq", "autoawq", "bitsandbytes-cuda", "cuda-driver", "gptqmodel",
    "lmdeploy-pins", "models", "torch-builds", "torch-family", "transformers", "vllm-archs", "vllm-min-capability",
    "vllm-pins",
)  # fmt: skip
TABLES: dict[str, Any] = {name: tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")) for name in NAMES}


def rows_of(name: str) -> Iterator[dict[str, Any]]:
    for value in TABLES[name].values():
        if isinstance(value, list):
            yield from (item for item in value if isinstance(item, dict))


@pytest.mark.parametrize("name", NAMES)
def test_every_table_says_where_it_is_from(name: str) -> None:
    assert TABLES[name]["source"]
    assert TABLES[name]["date"] >= "2026-11-21"


@pytest.mark.parametrize("name", NAMES)
def test_versions_and_specifiers_are_valid_and_ordered(name: str) -> None:
    for key, value in TABLES[name].items():
        if not isinstance(value, list) or not value or not isinstance(value[0], dict) or "version" not in value[0]:
            continue
        versions = [Version(row["version"]) for row in value]
        assert versions == sorted(set(versions)), f"{name}.{key}"
    specifiers = ("torch", "torchvision", "torchaudio", "xformers", "transformers", "numpy", "python", "triton", "accelerate",
                  "compressed_tensors", "flashinfer", "tokenizers", "huggingface_hub", "torchao")  # fmt: skip
    for row in rows_of(name):
        for key in specifiers:
            if isinstance(row.get(key), str):
                assert str(SpecifierSet(row[key])), f"{name}: {row}"
        for key in ("introduced", "fixed", "from", "to", "last", "checked", "torch_at_least"):
            if key in row:
                Version(row[key])


def test_pins_of_different_wheels_agree() -> None:
    """Three wheels say the same thing independently: vLLM's torch, and the torch that its torchvision and xformers want."""
    seen = 0
    for row in TABLES["vllm-pins"]["rows"]:
        pin = read.vllm_pin(TABLES, row["version"])
        assert pin is not None
        for package, spec in (
            ("torchvision", pin.torchvision),
            ("torchaudio", pin.torchaudio),
            ("xformers", pin.xformers),
        ):
            wants = (
                read.family_torch(TABLES, package, spec.removeprefix("==")) if spec and spec.startswith("==") else None
            )
            if wants is None or not pin.torch.startswith("=="):
                continue
            assert Version(pin.torch[2:]) in SpecifierSet(wants), (pin.version, package)
            seen += 1
        if pin.torch.startswith("=="):
            assert read.torch_build(TABLES, pin.torch[2:]) is not None, pin.torch
    assert seen > 120


def test_vllm_pins() -> None:
    pin = read.vllm_pin(TABLES, "0.6.3")
    assert pin is not None
    assert (pin.torch, pin.xformers, pin.numpy, pin.compressed_tensors) == ("==2.4.0", "==0.0.27.post2", "<2.0.0", None)
    assert pin.transformers == ">=4.45.0"
    newer = read.vllm_pin(TABLES, "0.8.3")
    assert newer is not None
    assert (newer.torch, newer.numpy) == ("==2.6.0", None)
    glibc = read.vllm_pin(TABLES, "0.20.2"), read.vllm_pin(TABLES, "0.22.1"), read.vllm_pin(TABLES, "0.12.0")
    assert [pin.glibc for pin in glibc if pin] == ["2.35", "2.28", "2.31"]
    assert read.vllm_pin(TABLES, "0.6.3+cu118") == pin
    for unknown in ("0.6.99", "99.0", "0.6.3rc1", "0.6.4.dev3+gabc", "nonsense", ""):
        assert read.vllm_pin(TABLES, unknown) is None


def test_lmdeploy_pins() -> None:
    pin = read.lmdeploy_pin(TABLES, "0.6.5")
    assert pin is not None
    assert (pin.torch, pin.triton) == (">=2.0.0,<=2.5.1", "==3.0.0")
    build = read.torch_build(TABLES, "2.5.1")
    assert build is not None
    assert build.triton == "==3.1.0"  # so the two cannot be installed together
    assert read.lmdeploy_pin(TABLES, "0.18.0").torch == ">=2.0.0,<=2.12.1"  # type: ignore[union-attr]
    assert read.lmdeploy_pin(TABLES, "0.19.0") is None


@pytest.mark.parametrize(
    ("version", "label", "cuda", "has", "lacks"),
    [
        ("2.0.1", "cu117", "11.7", "8.6", "9.0"),
        ("2.2.1", "cu121", "12.1", "5.0", "10.0"),
        ("2.5.1", "cu124", "12.4", "9.0", "12.0"),
        ("2.7.1", "cu126", "12.6", "6.0", "12.0"),
        ("2.8.0", "cu128", "12.8", "7.0", "6.0"),
        ("2.11.0", "cu130", "13.0", "12.0", "7.0"),
    ],
)
def test_default_builds(version: str, label: str, cuda: str, has: str, lacks: str) -> None:
    build = read.torch_build(TABLES, version)
    assert build is not None and build.archs is not None
    assert (build.label, build.cuda, build.default) == (label, cuda, True)
    assert has in build.archs and lacks not in build.archs
    assert read.torch_build(TABLES, f"{version}+{label}") == build


def test_other_builds() -> None:
    cu128 = read.torch_build(TABLES, "2.7.1", "cu128")
    assert cu128 is not None and cu128.archs is not None
    assert not cu128.default
    assert "12.0" in cu128.archs and "7.0" not in cu128.archs
    assert read.torch_build(TABLES, "2.8.0+cu128").archs == ("7.0", "7.5", "8.0", "8.6", "9.0", "10.0", "12.0")  # type: ignore[union-attr]
    assert read.torch_build(TABLES, "2.11.0+cu126").archs[0] == "5.0"  # type: ignore[union-attr,index]
    old = read.torch_build(TABLES, "2.4.1+cu118")
    assert old is not None
    assert old.archs is None  # published, and its archs were not read
    for unknown in ("2.2.1+cu130", "2.2.1+cpu", "2.2.1+rocm5.7", "2.5.0a0+872d972e41.nv24.08", "9.9.9", "x"):
        assert read.torch_build(TABLES, unknown) is None, unknown
    newest = read.torch_build(TABLES, "2.15.0")
    assert newest is not None and newest.archs is None and newest.cuda == "13.2"


@pytest.mark.parametrize(
    ("archs", "capability", "ptx", "answer"),
    [
        (("8.0", "8.6", "9.0"), "8.9", False, True),  # an RTX 4090 runs sm_86 code
        (("7.5", "8.0"), "8.7", False, True),
        (("5.0", "6.0"), "6.1", False, True),
        (("8.6", "9.0"), "8.0", False, False),
        (("7.5", "8.0"), "7.0", False, False),
        (("5.0", "9.0"), "12.0", False, False),
        (("5.0", "9.0"), "12.0", True, True),
        (("10.0", "12.0"), "12.1", False, True),
        (("10.0",), "10.3", False, True),
        ((), "8.0", True, False),
        (("8.0",), "Ampere", False, None),
    ],
)
def test_code_that_runs(archs: tuple[str, ...], capability: str, ptx: bool, answer: bool | None) -> None:
    assert read.runs_on(archs, capability, ptx=ptx) is answer


def test_vllm_capabilities() -> None:
    ask = read.vllm_min_capability
    assert [ask(TABLES, "awq_marlin", v) for v in ("0.5.2", "0.5.3", "0.13.0", "0.14.0", "0.31.0")] == [
        None,
        "8.0",
        "8.0",
        "7.5",
        "7.5",
    ]
    assert [ask(TABLES, "compressed-tensors-int8", v) for v in ("0.6.2", "0.6.3", "0.6.3.post1")] == [
        "7.5",
        "8.0",
        "7.5",
    ]
    assert [ask(TABLES, "fp8", v) for v in ("0.4.2", "0.5.4", "0.14.1")] == ["8.9", "8.0", "7.5"]
    assert ask(TABLES, "gptq", "0.3.3") == "6.0"
    assert ask(TABLES, "bfloat16", "0.6.0") == "8.0"
    assert ask(TABLES, "awq", "0.99.0") is None  # newer than was read
    assert ask(TABLES, "no-such-backend", "0.6.0") is None
    assert ask(TABLES, "awq_marlin", "0.14.0.dev5+g12") is None  # somewhere around the change


def test_vllm_archs_only_where_read() -> None:
    old, new = read.vllm_archs(TABLES, "0.6.3"), read.vllm_archs(TABLES, "0.22.1")
    assert old is not None and new is not None
    assert "7.0" in old.archs and old.ptx
    assert "7.0" not in new.archs and new.cuda == "13"
    assert read.vllm_archs(TABLES, "0.18.0") is None
    assert read.vllm_archs(TABLES, "0.33.0") is None


def test_drivers() -> None:
    ask = read.driver_minimum
    assert [ask(TABLES, cuda, "linux") for cuda in ("11.8", "12", "12.9", "13.0")] == [
        "450.80.02",
        "525.60.13",
        "525.60.13",
        "580",
    ]
    assert [ask(TABLES, cuda, "windows") for cuda in ("11.8", "12.4", "13.0")] == ["452.39", "528.33", None]
    assert ask(TABLES, "14.0", "linux") is None


def test_transformers() -> None:
    needs = read.transformers_needs(TABLES, "5.1.0")
    assert needs is not None
    assert (needs.torch, needs.python, needs.huggingface_hub) == (">=2.4", ">=3.10", ">=1.3.0,<2.0")
    assert read.transformers_needs(TABLES, "4.44.2").torch is None  # type: ignore[union-attr]
    assert read.transformers_needs(TABLES, "4.52.4").torch == ">=2.1,<2.7"  # type: ignore[union-attr]
    assert read.transformers_needs(TABLES, "5.15.0").torch == ">=2.5"  # type: ignore[union-attr]
    assert read.transformers_needs(TABLES, "3.0.0") is None


def test_family() -> None:
    assert read.family_torch(TABLES, "torchvision", "0.17.2") == "==2.2.2"
    assert read.family_torch(TABLES, "compressed-tensors", "0.15.0") == ">=1.7.0,<2.11"
    assert read.family_torch(TABLES, "no-such-package", "1.0") is None
    assert read.torchao_loads_on(TABLES, "0.15.0", "2.9.1+cu128") is True
    assert read.torchao_loads_on(TABLES, "0.15.0", "2.9.0") is False
    assert read.torchao_loads_on(TABLES, "0.18.0", "2.13.0") is True
    assert read.torchao_loads_on(TABLES, "0.17.0", "2.10.0") is False
    assert (
        read.torchao_loads_on(TABLES, "0.12.0", "2.8.0") is True
    )  # by its symbols; the project's own table says 2.7.1
    assert read.torchao_loads_on(TABLES, "0.12.0", "2.7.1") is False
    assert read.torchao_loads_on(TABLES, "0.1.0", "2.3.0") is None


def test_numpy_2() -> None:
    assert [read.numpy2_works(TABLES, v) for v in ("2.2.2", "2.3.0", "2.3.0a0+nv24.3")] == [False, True, None]


def test_bitsandbytes() -> None:
    build = read.bitsandbytes_cuda(TABLES, "0.50.2")
    assert build is not None and build.cuda is not None
    assert "13.0" in build.cuda and "12.9" not in build.cuda
    assert "12.8" not in (read.bitsandbytes_cuda(TABLES, "0.45.0").cuda or ())  # type: ignore[union-attr]
    assert read.bitsandbytes_cuda(TABLES, "0.49.0").cuda is None  # type: ignore[union-attr]
    assert read.bitsandbytes_cuda(TABLES, "0.1.0") is None


@pytest.mark.parametrize(
    ("package", "version", "torch", "answer"),
    [
        ("autoawq-kernels", "0.0.6", "2.2.1", True),
        ("autoawq-kernels", "0.0.6", "2.3.0", False),
        ("autoawq-kernels", "0.0.7", "2.4.0", True),  # its metadata says ==2.3.1
        ("autoawq-kernels", "0.0.9", "2.7.0+cu126", False),
        ("autoawq-kernels", "0.0.9", "2.3.1", False),
        ("autoawq-kernels", "0.1.0", "2.4.0", None),
        ("auto-gptq", "0.7.1", "2.2.2", True),
        ("auto-gptq", "0.7.1", "2.1.2", False),
        ("auto-gptq", "0.3.0", "2.1.2", None),
        ("exllamav2", "0.2.0", "2.4.0", None),
    ],
)
def test_kernels(package: str, version: str, torch: str, answer: bool | None) -> None:
    assert read.kernels_load_on(TABLES, package, version, torch) is answer


def test_missing_tables_are_unknown() -> None:
    assert read.vllm_pin({}, "0.6.3") is None
    assert read.torch_build({}, "2.4.0") is None
    assert read.numpy2_works({}, "2.4.0") is None
    assert read.vllm_min_capability({}, "awq", "0.6.3") is None
    assert read.driver_minimum({}, "12", "linux") is None


def test_every_well_known_model_can_be_read() -> None:
    names = [row["name"] for row in TABLES["models"]["model"]]
    assert len(names) == len(set(names)) > 70
    for row in TABLES["models"]["model"]:
        assert row["shape"] in TABLES["models"]["shape"], row["name"]
        assert row["source"].startswith("https://")
        found = checkpoint_from_table(row["name"], TABLES["models"])
        assert found is not None
        plain = TABLES["models"]["shape"][row["shape"]]
        assert plain["hidden_size"] % plain["num_attention_heads"] == 0
        assert plain["num_attention_heads"] % plain["num_key_value_heads"] == 0


def test_padded_and_unpadded_72b() -> None:
    def inner(name: str) -> int:
        found = checkpoint_from_table(name, TABLES["models"])
        assert found is not None
        (row,) = [layer for layer in found.layers.value if layer.family == "mlp.down_proj"]  # type: ignore[union-attr]
        return row.inputs

    assert inner("Qwen/Qwen2-VL-72B-Instruct-AWQ") == 29696
    assert inner("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4") == 29696
    assert inner("Qwen/Qwen2.5-VL-72B-Instruct-AWQ") == 29568
    assert inner("Qwen/Qwen2.5-72B-Instruct") == 29568


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("Qwen/Qwen2.5-72B-Instruct", 145.4),  # GB of the published bfloat16 weights
        ("Qwen/Qwen2.5-7B-Instruct", 15.2),
        ("meta-llama/Llama-2-13b-hf", 26.0),
        ("mistralai/Mixtral-8x7B-v0.1", 93.4),
    ],
)
def test_computed_sizes_are_lower_bounds(name: str, gigabytes: float) -> None:
    found = checkpoint_from_table(name, TABLES["models"])
    assert found is not None
    size = found.tensor_bytes.value  # type: ignore[union-attr]
    assert 0.9 * gigabytes * 1e9 < size <= gigabytes * 1e9
