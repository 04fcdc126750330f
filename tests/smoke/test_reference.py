"""The canary and its reference: the shipped files agree with each other, and damage to them shows."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest

from envdoctor.smoke import reference
from envdoctor.smoke.canary_files import CanaryError, Tensor, folder, load_expected, load_tensors


def test_the_canary_says_its_sentence() -> None:
    expected = load_expected()
    wanted = expected.formats["gptq"]
    spoken = reference.speak("gptq")
    assert spoken.text == expected.answer
    assert spoken.tokens == wanted.tokens
    assert spoken.logits[0] == pytest.approx(wanted.first_logits, abs=1e-9)
    assert [max(row) for row in spoken.logits] == pytest.approx(wanted.chosen_logits, abs=1e-9)


def test_the_awq_canary_agrees_at_the_first_step() -> None:
    wanted = load_expected().formats["awq"]
    spoken = reference.speak("awq", steps=1)
    assert spoken.tokens == wanted.tokens[:1]
    assert spoken.logits[0] == pytest.approx(wanted.first_logits, abs=1e-9)


def test_shapes_suit_every_kernel_and_the_size_its_budget() -> None:
    for method in ("gptq", "awq"):
        config, tensors = load_tensors(method)
        assert config["quantization_config"]["bits"] == 4
        assert config["quantization_config"]["group_size"] in (64, 128)
        linears = [name.removesuffix(".qweight") for name in tensors if name.endswith(".qweight")]
        assert len(linears) == 14
        for name in linears:
            rows, columns = tensors[f"{name}.qweight"].shape
            depth, width = (rows * 8, columns) if method == "gptq" else (rows, columns * 8)
            assert depth % 128 == 0
            assert width % 256 == 0
        with_bias = {name.split(".")[-2] for name in tensors if name.endswith(".bias")}
        assert with_bias == {"q_proj", "k_proj", "v_proj"}
    total = sum(path.stat().st_size for path in folder().rglob("*") if path.is_file())
    assert total < 2_000_000


def test_margins_leave_room_for_every_tolerance() -> None:
    """Where the logits are within tolerance, the sentence is right: the margin is more than twice the widest limit."""
    for said in load_expected().formats.values():
        widest = max(6 * said.spread["bfloat16"], 6 * 16 * said.spread["float16"])
        assert said.least_margin > 2 * widest


def test_nibble_orders_are_told_apart() -> None:
    """GPTQ packs along K in order, AWQ along N in the order 0 2 4 6 1 3 5 7; known words, known integers."""
    word = struct.pack("<I", 0x76543210)
    gptq = reference._gptq_values(Tensor(dtype="I32", shape=(1, 1), data=word))
    assert gptq == [bytes(range(8))]
    awq = reference._awq_values(Tensor(dtype="I32", shape=(1, 1), data=word))
    assert [value[0] for value in awq] == [0, 4, 1, 5, 2, 6, 3, 7]


def test_zero_points_differ_by_one() -> None:
    """The same words mean another weight in the other format: GPTQ v1 stores the zero point minus one."""
    scales = struct.pack("<8e", *[0.5] * 8)
    zeros = struct.pack("<I", 0x77777777)
    gptq = {
        "w.qweight": Tensor(dtype="I32", shape=(1, 8), data=b"\x88" * 32),
        "w.qzeros": Tensor(dtype="I32", shape=(1, 1), data=zeros),
        "w.scales": Tensor(dtype="F16", shape=(1, 8), data=scales),
    }
    assert reference.dequantize("gptq", gptq, "w") == [[0.0] * 8] * 8
    awq = {**gptq, "w.qweight": Tensor(dtype="I32", shape=(8, 1), data=b"\x88" * 32)}
    assert reference.dequantize("awq", awq, "w") == [[0.5] * 8] * 8


def test_one_flipped_nibble_changes_the_logits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = load_expected().formats["gptq"]
    whole = load_tensors

    def flipped(name: str, root: Path | None = None) -> tuple[dict[str, object], dict[str, Tensor]]:
        config, tensors = whole(name, root)
        old = tensors["model.layers.0.mlp.up_proj.qweight"]
        data = bytes([old.data[0] ^ 8]) + old.data[1:]
        tensors["model.layers.0.mlp.up_proj.qweight"] = Tensor(dtype=old.dtype, shape=old.shape, data=data)
        return config, tensors

    monkeypatch.setattr(reference, "load_tensors", flipped)
    logits = reference.speak("gptq", steps=1).logits[0]
    assert max(abs(a - b) for a, b in zip(logits, wanted.first_logits, strict=True)) > 1e-6


@pytest.mark.parametrize("damage", ["flip", "short", "gone", "garbage"])
def test_damaged_files_are_named(tmp_path: Path, damage: str) -> None:
    root = tmp_path / "canary"
    shutil.copytree(folder(), root)
    place = root / "gptq" / "model.safetensors"
    blob = place.read_bytes()
    if damage == "flip":
        place.write_bytes(blob[:-1] + bytes([blob[-1] ^ 1]))
    elif damage == "short":
        place.write_bytes(blob[:4])
    elif damage == "gone":
        place.unlink()
    else:
        (root / "expected.json").write_text("{")
    with pytest.raises(CanaryError, match="canary"):
        load_tensors("gptq", root)


def test_an_absurd_header_length_is_refused(tmp_path: Path) -> None:
    import hashlib

    root = tmp_path / "canary"
    shutil.copytree(folder(), root)
    blob = (1 << 62).to_bytes(8, "little") + b"{}"
    (root / "gptq" / "model.safetensors").write_bytes(blob)
    expected = json.loads((root / "expected.json").read_text())
    expected["formats"]["gptq"]["sha256"] = hashlib.sha256(blob).hexdigest()
    (root / "expected.json").write_text(json.dumps(expected))
    with pytest.raises(CanaryError, match="header"):
        load_tensors("gptq", root)


def test_garbage_is_shown_as_garbage() -> None:
    assert reference.printable([72, 105, 0, 255, 33]) == "Hi··!"
