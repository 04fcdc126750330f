"""Healthy checkpoints: what is read from a folder, a cache, the table, and how fast."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

import pytest

from envdoctor.errors import UsageError
from envdoctor.facts.checkpoint import Checkpoint, LayerWidth
from envdoctor.facts.codec import decode, encode
from envdoctor.facts.known import Known, Unknown, value_of
from envdoctor.probe.checkpoint import read_checkpoint

from . import tiny

TABLE = {
    "shape": {
        "small": {
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float16", "hidden_size": 1024,
            "intermediate_size": 29568, "num_attention_heads": 8, "num_key_value_heads": 2, "num_hidden_layers": 3,
            "vocab_size": 100,
        }
    },
    "model": [
        {
            "name": "Org/Small-AWQ", "shape": "small", "intermediate_size": 29696, "source": "x",
            "quantization": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"},
        },
        {"name": "Org/Small", "shape": "small", "source": "x"},
    ],
}  # fmt: skip


def read(path: Path | str, **more: object) -> Checkpoint:
    values = {"cache_homes": (), "models_table": {}} | more
    return read_checkpoint(str(path), **values)  # type: ignore[arg-type]


def family(checkpoint: Checkpoint, name: str) -> LayerWidth:
    assert isinstance(checkpoint.layers, Known)
    (found,) = [layer for layer in checkpoint.layers.value if layer.family == name]
    return found


def test_gptq_without_biases(tmp_path: Path) -> None:
    found = read(tiny.write_checkpoint(tmp_path / "m"))
    assert value_of(found.quant_method) == "gptq"
    assert (value_of(found.bits), value_of(found.group_size)) == (4, 64)
    assert (value_of(found.desc_act), value_of(found.sym)) == (False, True)
    assert value_of(found.damage) == ()
    names = value_of(found.missing_biases)
    assert names is not None and len(names) == 2 * 4
    assert names[0] == "model.layers.0.mlp.down_proj.bias"
    assert not any(name.rpartition(".")[0].endswith(("q_proj", "k_proj", "v_proj")) for name in names)
    assert family(found, "mlp.down_proj") == LayerWidth(
        family="mlp.down_proj", parallel="row", inputs=256, outputs=128, count=2, quantized=True
    )
    assert value_of(found.scale_suffixes) == (".scales",)
    assert decode(Checkpoint, json.loads(json.dumps(encode(found)))) == found


def test_gptq_with_biases(tmp_path: Path) -> None:
    found = read(tiny.write_checkpoint(tmp_path / "m", biases=True))
    assert found.missing_biases == Known(value=(), source="1 safetensors header")


@pytest.mark.parametrize("method", ["awq", "none"])
def test_other_methods_unpack_to_the_same_widths(tmp_path: Path, method: str) -> None:
    gptq = read(tiny.write_checkpoint(tmp_path / "gptq"))
    other = read(tiny.write_checkpoint(tmp_path / method, method=method))
    assert value_of(other.quant_method) == method

    def plain(found: Checkpoint) -> list[tuple[str, int, int]]:
        return [(row.family, row.inputs, row.outputs) for row in value_of(found.layers) or ()]

    assert plain(other) == plain(gptq)
    assert isinstance(other.missing_biases, Unknown)
    assert family(other, "mlp.up_proj").quantized is (method == "awq")


def test_tensor_bytes_are_those_of_the_headers(tmp_path: Path) -> None:
    found = read(tiny.write_checkpoint(tmp_path / "m", method="none"))
    width, inner = tiny.WIDTH, tiny.INTERMEDIATE
    layer = 4 * width * width + 3 * width * inner + 3 * width + 2 * width
    assert value_of(found.tensor_bytes) == 2 * (2 * layer + 2 * tiny.VOCABULARY * width + width)


def test_multimodal_configuration_and_prefix(tmp_path: Path) -> None:
    folder = tmp_path / "vlm"
    folder.mkdir()
    inner = tiny.config(method="none")
    inner["torch_dtype"] = "bfloat16"
    outer = {"architectures": ["InternVLChatModel"], "model_type": "internvl_chat", "llm_config": inner}
    outer["quantization_config"] = tiny.config(method="awq")["quantization_config"]
    (folder / "config.json").write_text(json.dumps(outer))
    shapes = tiny.tensors(method="awq", prefix="language_model.model.")
    shapes |= tiny.linear("vision_model.encoder.layers.0.mlp.fc1", 64, 96, method="none", bias=True)
    tiny.write_safetensors(folder / "model.safetensors", shapes)
    found = read(folder)
    assert value_of(found.architecture) == "InternVLChatModel"
    assert value_of(found.intermediate_size) == 256
    assert found.dtype == Known(value="bfloat16", source="config.json: llm_config.torch_dtype")
    assert value_of(found.quant_method) == "awq"
    assert "mlp.fc1" not in {row.family for row in value_of(found.layers) or ()}
    assert value_of(found.damage) == ()


def test_compressed_tensors_and_its_old_key(tmp_path: Path) -> None:
    settings = {
        "format": "int-quantized", "quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"weights": {"num_bits": 8, "group_size": None, "strategy": "channel",
                                                  "symmetric": True, "actorder": None}}},
    }  # fmt: skip
    folder = tmp_path / "w8a8"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(tiny.config(method="none", compression_config=settings)))
    tiny.write_safetensors(folder / "model.safetensors", tiny.tensors(method="int-quantized"))
    found = read(folder)
    assert value_of(found.quant_method) == "compressed-tensors"
    assert value_of(found.quant_key) == "compression_config"
    assert value_of(found.quant_format) == "int-quantized"
    assert (value_of(found.bits), value_of(found.group_size), value_of(found.sym)) == (8, -1, True)
    assert value_of(found.scale_suffixes) == (".weight_scale",)
    assert family(found, "mlp.down_proj").quantized


def test_pack_quantized_widths(tmp_path: Path) -> None:
    folder = tmp_path / "w4a16"
    folder.mkdir()
    weights = {"num_bits": 4, "group_size": 64, "strategy": "group", "symmetric": True, "actorder": "group"}
    settings = {
        "format": "pack-quantized",
        "quant_method": "compressed-tensors",
        "config_groups": {"g": {"weights": weights}},
    }
    (folder / "config.json").write_text(json.dumps(tiny.config(method="none", quantization_config=settings)))
    tiny.write_safetensors(folder / "model.safetensors", tiny.tensors(method="pack-quantized"))
    found = read(folder)
    assert (family(found, "mlp.down_proj").inputs, family(found, "mlp.down_proj").outputs) == (256, 128)
    assert value_of(found.desc_act) is True
    assert value_of(found.damage) == ()


def test_quantize_config_beside_a_plain_config(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(tiny.config(method="none")))
    (folder / "quantize_config.json").write_text(
        json.dumps({"bits": 4, "group_size": 64, "desc_act": True, "sym": False})
    )
    tiny.write_safetensors(folder / "gptq_model-4bit-64g.safetensors", tiny.tensors())
    found = read(folder)
    assert found.quant_method == Known(value="gptq", source="quantize_config.json")
    assert (value_of(found.desc_act), value_of(found.sym)) == (True, False)
    assert family(found, "mlp.down_proj").inputs == 256


def test_disagreeing_quantization_files_are_witnesses(tmp_path: Path) -> None:
    folder = tiny.write_checkpoint(tmp_path / "m")
    (folder / "quantize_config.json").write_text(
        json.dumps({"bits": 8, "group_size": 64, "desc_act": False, "sym": True})
    )
    found = read(folder)
    assert isinstance(found.bits, Known)
    assert found.bits.value == 4
    assert [(item.value, item.source) for item in found.bits.also] == [("8", "quantize_config.json: bits")]


def test_old_awq_file(tmp_path: Path) -> None:
    folder = tmp_path / "awq"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(tiny.config(method="none")))
    (folder / "quant_config.json").write_text(
        json.dumps({"zero_point": True, "q_group_size": 64, "w_bit": 4, "version": "GEMM"})
    )
    tiny.write_safetensors(folder / "model.safetensors", tiny.tensors(method="awq"))
    found = read(folder)
    assert (value_of(found.quant_method), value_of(found.quant_format)) == ("awq", "gemm")
    assert (value_of(found.bits), value_of(found.group_size), value_of(found.sym)) == (4, 64, False)
    assert family(found, "mlp.gate_proj").outputs == 256


def test_mixture_of_experts_counts_its_experts(tmp_path: Path) -> None:
    folder = tmp_path / "moe"
    folder.mkdir()
    shapes = {}
    for expert in range(4):
        shapes |= tiny.linear(
            f"model.layers.0.block_sparse_moe.experts.{expert}.w2", 256, 128, method="gptq", bias=False
        )
    (folder / "config.json").write_text(json.dumps(tiny.config(model_type="mixtral")))
    tiny.write_safetensors(folder / "model.safetensors", shapes)
    row = family(read(folder), "block_sparse_moe.experts.w2")
    assert (row.parallel, row.inputs, row.count) == ("row", 256, 4)


def test_pickled_weights_are_sized_and_never_opened(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(tiny.config(method="none")))
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/pwned'\ntR.")
    found = read(folder)
    assert value_of(found.tensor_bytes) == 35
    assert value_of(found.damage) == ()
    assert isinstance(found.layers, Known)
    assert found.layers.source == "computed from config.json"


def test_gguf_file(tmp_path: Path) -> None:
    (tmp_path / "m-q4.gguf").write_bytes(b"GGUF" + b"\0" * 60)
    for where in (tmp_path, tmp_path / "m-q4.gguf"):
        found = read(where)
        assert value_of(found.quant_method) == "gguf"
        assert value_of(found.tensor_bytes) == 64
        assert value_of(found.damage) == ()


def test_cache_layout_with_blob_links(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--Org--Tiny"
    blobs, snapshot = repository / "blobs", repository / "snapshots" / "abc123"
    tiny.write_checkpoint(blobs)
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).symlink_to(Path("..") / ".." / "blobs" / name)
    (repository / "snapshots" / "older").mkdir()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc123")
    for homes in ((tmp_path,), (tmp_path / "hub",)):
        found = read("Org/Tiny", cache_homes=homes)
        assert value_of(found.origin) == "cache"
        assert value_of(found.path) == str(snapshot)
        assert value_of(found.damage) == ()
        assert value_of(found.missing_biases)
    assert value_of(read(snapshot).name) == "Org/Tiny"
    assert value_of(read(snapshot).origin) == "files"


def test_hostile_ref_is_not_followed(tmp_path: Path) -> None:
    repository = tmp_path / "models--Org--Tiny"
    tiny.write_checkpoint(repository / "snapshots" / "good")
    tiny.write_checkpoint(tmp_path / "elsewhere", method="awq")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("../../elsewhere")
    assert value_of(read("Org/Tiny", cache_homes=(tmp_path,)).quant_method) == "gptq"


def test_well_known_names(tmp_path: Path) -> None:
    found = read("org/small-awq", models_table=TABLE)
    assert value_of(found.origin) == "table"
    assert value_of(found.name) == "Org/Small-AWQ"
    assert value_of(found.intermediate_size) == 29696
    assert family(found, "mlp.down_proj").inputs == 29696
    assert (value_of(found.quant_method), value_of(found.quant_format)) == ("awq", "gemm")
    elements = 3 * (2 * 1024 * 1024 + 2 * 256 * 1024 + 3 * 1024 * 29696)
    assert value_of(found.tensor_bytes) == elements // 2 + elements // 128 * 20 // 8 + 2 * 100 * 1024
    plain = read("Small", models_table=TABLE)
    assert value_of(plain.quant_method) == "none"
    assert family(plain, "mlp.down_proj") == LayerWidth(
        family="mlp.down_proj", parallel="row", inputs=29568, outputs=1024, count=3, quantized=False
    )


def test_unknown_name_is_unknown_with_its_reason() -> None:
    found = read("some-org/some-model", models_table=TABLE)
    assert value_of(found.name) == "some-org/some-model"
    assert isinstance(found.origin, Unknown)
    assert "neither in the local cache nor" in found.origin.reason


@pytest.mark.parametrize(
    "where", ["/no/such/folder", "./nothing", "../nothing", "nothing", "", "a/b/c", "x\0y", "~no/such"]
)
def test_no_such_path_is_refused(where: str) -> None:
    with pytest.raises(UsageError):
        read(where, models_table=TABLE)


def test_name_whose_owner_is_a_folder_here_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no model folder"):
        read("models/typo")


def test_150_gb_are_read_from_their_headers(tmp_path: Path) -> None:
    folder = tmp_path / "big"
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps(tiny.config(method="none", intermediate_size=29568, hidden_size=8192))
    )
    mapping, total = {}, 0
    for shard in range(1, 41):
        name = f"model-{shard:05d}-of-00040.safetensors"
        shapes = {}
        for layer in (2 * shard - 2, 2 * shard - 1):
            for leaf, width, inputs in (
                ("gate_proj", 29568, 8192),
                ("up_proj", 29568, 8192),
                ("down_proj", 8192, 29568),
            ):
                shapes[f"model.layers.{layer}.mlp.{leaf}.weight"] = ("BF16", (width, inputs))
            for number in range(10):
                shapes[f"model.layers.{layer}.extra.{number}"] = ("BF16", (8192, 2048))
        total += tiny.write_safetensors(folder / name, shapes, sparse=True)
        mapping |= dict.fromkeys(shapes, name)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": mapping})
    )
    assert total > 140e9
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    started = time.perf_counter()
    found = read(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 1.0
    assert time.perf_counter() - started < 10.0  # a hang, not a benchmark
    assert value_of(found.tensor_bytes) == total
    assert family(found, "mlp.down_proj").inputs == 29568
    assert value_of(found.damage) == ()


def test_blocks_of_fp8(tmp_path: Path) -> None:
    folder = tmp_path / "fp8"
    folder.mkdir()
    settings = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
    (folder / "config.json").write_text(json.dumps(tiny.config(method="none", quantization_config=settings)))
    tiny.write_safetensors(
        folder / "model.safetensors",
        {
            "model.layers.0.mlp.down_proj.weight": ("F8_E4M3", (128, 256)),
            "model.layers.0.mlp.down_proj.weight_scale_inv": ("F32", (1, 2)),
        },
    )
    found = read(folder)
    assert (value_of(found.quant_method), value_of(found.bits), value_of(found.weight_block)) == ("fp8", 8, (128, 128))
    assert value_of(found.scale_suffixes) == (".weight_scale_inv",)
    assert family(found, "mlp.down_proj").quantized
    assert decode(Checkpoint, encode(found)) == found
