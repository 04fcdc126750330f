"""Damaged and hostile checkpoints: always values, never exceptions, in bounded time and memory."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envdoctor.facts.checkpoint import Checkpoint, Damage
from envdoctor.facts.known import Known, Unknown, value_of
from envdoctor.probe.checkpoint import read_checkpoint

from . import tiny

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 4000000000\n"


def read(path: Path) -> Checkpoint:
    return read_checkpoint(str(path), cache_homes=(), models_table={})


def damage(path: Path) -> tuple[Damage, ...]:
    found = value_of(read(path).damage)
    assert found is not None
    return found


def kinds(path: Path) -> list[str]:
    return [item.kind for item in damage(path)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_checkpoint(tmp_path / "model")


def with_header(folder: Path, header: bytes, data: bytes = b"", length: int | None = None) -> Path:
    size = len(header) if length is None else length
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", size) + header + data)
    return folder


def entry(begin: int, end: int, shape: list[int] | None = None, dtype: str = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


def shard_up(folder: Path, parts: int = 3) -> list[str]:
    """Replaces the one file by `parts` shards and an index."""
    (folder / "model.safetensors").unlink()
    names = [f"model-{number:05d}-of-{parts:05d}.safetensors" for number in range(1, parts + 1)]
    mapping: dict[str, str] = {}
    items = list(tiny.tensors().items())
    for number, name in enumerate(names):
        part = dict(items[number::parts])
        tiny.write_safetensors(folder / name, part)
        mapping |= dict.fromkeys(part, name)
    index = {"metadata": {"total_size": 220416}, "weight_map": mapping}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return names


@pytest.mark.parametrize("length", [1 << 62, (1 << 64) - 1, 100_000_001, 1 << 25])
def test_header_length_that_cannot_be(folder: Path, length: int) -> None:
    tracemalloc.start()
    found = damage(with_header(folder, b"{}", length=length))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [item.kind for item in found] == ["bad-header"]
    assert str(length) in found[0].says
    assert peak < 1 << 20


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_json_nested_100000_deep(folder: Path, opening: bytes) -> None:
    deep = opening * 100_000
    header = b'{"x":' + deep
    assert kinds(with_header(folder, header)) == ["bad-header"]
    tiny.write_checkpoint(folder)
    (folder / "config.json").write_bytes(deep)
    assert kinds(folder) == ["bad-config"]
    closed = b"[" * 100_000 + b"]" * 100_000
    (folder / "config.json").write_bytes(closed)
    assert "nested too deeply" in damage(folder)[0].says
    tiny.write_checkpoint(folder)
    (folder / "model.safetensors.index.json").write_bytes(closed)
    assert kinds(folder) == ["bad-index"]


@pytest.mark.parametrize(
    ("header", "data", "kind", "text"),
    [
        ({"a": entry(0, 100)}, 50, "truncated-shard", "need 100 bytes, 50 are there"),
        ({"a": entry(0, 1 << 61)}, 8, "truncated-shard", "stopped early"),
        ({"a": entry(0, 8), "b": entry(4, 12)}, 12, "bad-header", "overlaps"),
        ({"a": entry(0, 8), "b": entry(10, 12)}, 12, "bad-header", "belong to nothing"),
        ({"a": entry(0, 8)}, 12, "bad-header", "at its end"),
        ({"a": {"dtype": "U8", "shape": [8], "data_offsets": [8, 0]}}, 8, "bad-header", "ends before it begins"),
        ({"a": {"dtype": "U8", "shape": [-8], "data_offsets": [0, 8]}}, 8, "bad-header", "no usable"),
        ({"a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 1 << 63]}}, 8, "bad-header", "no usable"),
        ({"a": {"dtype": "U8", "shape": [8.0], "data_offsets": [0, 8]}}, 8, "bad-header", "no usable"),
        ({"a": {"dtype": "U8", "shape": [True], "data_offsets": [0, 1]}}, 1, "bad-header", "no usable"),
        ({"a": {"dtype": None, "shape": [8], "data_offsets": [0, 8]}}, 8, "bad-header", "no usable"),
        ({"a": entry(0, 8, [4], "F32")}, 8, "bad-header", "does not fill"),
        ({"a": entry(0, 8, [1 << 61, 1 << 61], "F32")}, 8, "bad-header", "does not fill"),
        ({"a": 3}, 0, "bad-header", "not described by an object"),
        (["a"], 0, "bad-header", "does not begin"),
        ("text", 0, "bad-header", "does not begin"),
    ],
)
def test_headers_that_lie(folder: Path, header: Any, data: int, kind: str, text: str) -> None:
    found = damage(with_header(folder, json.dumps(header).encode(), b"\0" * data))
    assert [item.kind for item in found] == [kind]
    assert text in found[0].says
    assert found[0].file == "model.safetensors"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "truncated-shard"),
        (b"\0" * 5, "truncated-shard"),
        (struct.pack("<Q", 5000) + b'{"a"', "truncated-shard"),
        (struct.pack("<Q", 4) + b"{abc", "bad-header"),
        (struct.pack("<Q", 2) + b"\xff\xfe", "bad-header"),
        (struct.pack("<Q", 4) + b'{"\xff\xff', "bad-header"),
        (LFS, "lfs-stub"),
        (b"<!DOCTYPE html><html><body>404</body></html>" * 3, "bad-header"),
        (b"  \n<html>Sign in</html>" * 3, "bad-header"),
    ],
)
def test_shards_that_are_something_else(folder: Path, content: bytes, kind: str) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert kinds(folder) == [kind]
    found = read(folder)
    assert isinstance(found.tensor_bytes, Unknown)
    assert isinstance(found.missing_biases, Unknown)
    assert isinstance(found.layers, Known)  # computed from config.json
    assert found.layers.source == "computed from config.json"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"[1, 2]", "is a list, not an object"),
        (b"3", "is a number"),
        (b'"x"', "is a string"),
        (b"null", "is a null"),
        (b"", "is empty"),
        (b"{", "not valid JSON"),
        (b"\x80\x81", "not valid JSON"),
        (b'{"hidden_size": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_config_that_is_no_configuration(folder: Path, content: bytes, text: str) -> None:
    (folder / "config.json").write_bytes(content)
    found = damage(folder)
    assert [item.kind for item in found] == ["bad-config"]
    assert text in found[0].says


def test_config_as_lfs_stub(folder: Path) -> None:
    (folder / "config.json").write_bytes(LFS)
    assert kinds(folder) == ["lfs-stub"]


def test_huge_config_is_refused_unread(folder: Path) -> None:
    with (folder / "config.json").open("wb") as handle:
        handle.truncate(1 << 40)
    assert "at most" in damage(folder)[0].says


@pytest.mark.parametrize(
    "config",
    [
        {"hidden_size": "8192", "num_attention_heads": [], "torch_dtype": 3, "architectures": [], "model_type": {}},
        {"hidden_size": -1, "num_attention_heads": True, "architectures": "x", "quantization_config": []},
        {"text_config": [], "llm_config": 3, "quantization_config": {}},
        {"quantization_config": {"quant_method": ["gptq"], "bits": "4", "group_size": 1e9, "desc_act": "yes"}},
        {"quantization_config": {"quant_method": "gptq", "bits": 0}},
        {"quantization_config": {"quant_method": "gptq", "bits": 64}},
        {
            "quantization_config": {
                "quant_method": "compressed-tensors",
                "config_groups": {"a": None, "b": {"weights": 3}},
            }
        },
        {"num_attention_heads": 7, "hidden_size": 100, "intermediate_size": [1, 2], "num_local_experts": "many"},
    ],
)
def test_wrong_types_are_unknown_facts(folder: Path, config: dict[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    found = read(folder)
    assert isinstance(found.dtype, Unknown)
    assert isinstance(found.head_dim, Unknown)
    assert value_of(found.damage) is not None


def test_empty_folder(tmp_path: Path) -> None:
    assert kinds(tmp_path) == ["empty-folder"]
    assert isinstance(read(tmp_path).quant_method, Unknown)


def test_folder_with_only_a_config(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert kinds(folder) == ["missing-weights"]


def test_folder_without_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    found = damage(folder)
    assert [(item.kind, item.file) for item in found] == [("bad-config", "config.json")]


def test_missing_shard_of_the_index(folder: Path) -> None:
    names = shard_up(folder)
    assert kinds(folder) == []
    whole = read(folder)
    (folder / names[1]).unlink()
    found = damage(folder)
    assert [(item.kind, item.file) for item in found] == [("missing-shard", names[1])]
    # names come from the index, so the biases are still known to be missing
    assert value_of(read(folder).missing_biases) == value_of(whole.missing_biases)
    assert value_of(read(folder).tensor_bytes) == 220416


def test_missing_shard_without_index(folder: Path) -> None:
    names = shard_up(folder)
    (folder / "model.safetensors.index.json").unlink()
    (folder / names[2]).unlink()
    found = damage(folder)
    assert [(item.kind, item.file) for item in found] == [("missing-shard", names[2])]
    assert isinstance(read(folder).missing_biases, Unknown)


def test_truncated_shard_among_others(folder: Path) -> None:
    names = shard_up(folder)
    os.truncate(folder / names[0], (folder / names[0]).stat().st_size - 7)
    found = damage(folder)
    assert [(item.kind, item.file) for item in found] == [("truncated-shard", names[0])]


def test_index_of_another_model(folder: Path) -> None:
    mapping = {"model.layers.9.mlp.down_proj.weight": "model.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": mapping}))
    assert kinds(folder) == ["bad-index"]


@pytest.mark.parametrize("index", [[], {}, {"weight_map": []}, {"weight_map": {"a": 3}}, 7])
def test_index_that_is_none(folder: Path, index: Any) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert kinds(folder) == ["bad-index"]


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "a/../../x", "x\0y", "a" * 5000])
def test_index_that_names_files_elsewhere(folder: Path, name: str) -> None:
    tiny.write_safetensors(folder.parent / "secret.safetensors", {"stolen": ("U8", (8,))})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"stolen": name}}))
    found = read(folder)
    assert [item.kind for item in value_of(found.damage) or ()] == ["path-escape"]
    assert isinstance(found.layers, Known)
    assert found.layers.source == "computed from config.json"


def test_links_out_of_the_folder_are_not_followed(folder: Path) -> None:
    (folder.parent / "secret.json").write_text(json.dumps({"model_type": "secret"}))
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(folder.parent / "secret.json")
    found = read(folder)
    assert [item.kind for item in value_of(found.damage) or ()] == ["link-outside"]
    assert isinstance(found.model_type, Unknown)


def test_link_loop_and_odd_files(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("config.json")
    assert kinds(folder) == ["unreadable-file"]
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    assert damage(folder)[0].says == "is not a regular file"


def test_edited_intermediate_size(folder: Path) -> None:
    values = json.loads((folder / "config.json").read_text()) | {"intermediate_size": 192}
    (folder / "config.json").write_text(json.dumps(values))
    found = damage(folder)
    assert {item.kind for item in found} == {"shape-conflict"}
    assert len(found) == 3
    assert (
        found[0].says
        == "intermediate_size is 192 in config.json, but mlp.down_proj has input width 256 in the weight files"
    )


def test_damage_is_capped(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    mapping = {f"t{number}": f"shard-{number}.safetensors" for number in range(500)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": mapping}))
    assert len(damage(folder)) == 64


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers(-9, 1 << 70) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    ),
    data=st.binary(max_size=32),
)
def test_no_header_makes_it_raise(folder: Path, header: Any, data: bytes) -> None:
    with_header(folder, json.dumps({"model.layers.0.mlp.down_proj.qweight": header}).encode(), data)
    assert value_of(read(folder).damage)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    config=st.dictionaries(
        st.sampled_from(
            [*tiny.config(), "text_config", "compression_config", "head_dim", "num_local_experts", "dtype"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers(-3, 1 << 50) | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "quant_method",
                            "bits",
                            "group_size",
                            "config_groups",
                            "weights",
                            "hidden_size",
                            "num_attention_heads",
                        ]
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_no_configuration_makes_it_raise(folder: Path, config: dict[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    assert isinstance(read(folder), Checkpoint)


@pytest.mark.parametrize("piece", [b"[],", b'"%x":{},', b"0,"])
def test_texts_that_would_swell_are_not_parsed(folder: Path, piece: bytes) -> None:
    body = b"".join(piece % number if b"%" in piece else piece for number in range(8 << 20 >> 4))
    header = (b"{" + body[:-1] + b"}") if b"%" in piece else b'{"a":[' + body[:-1] + b"]}"
    tracemalloc.start()
    found = damage(with_header(folder, header))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [item.says for item in found] == ["its header is no list of tensors"]
    assert peak < 3 * len(header) + (1 << 20)
