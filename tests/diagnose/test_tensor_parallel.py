"""Rules R1 to R5 on the widths of real models, by engine version."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.diagnose.tensor_parallel import (
    BLOCKS,
    DEGRADES,
    OK,
    UNKNOWN,
    RuleVerdict,
    Split,
    blocked,
    judge_split,
    marlin_chosen,
    working_tensor_parallel,
)
from envdoctor.facts.checkpoint import Checkpoint, LayerWidth
from envdoctor.facts.known import NOT_STATED, Fact, known

AMPERE = Split(engine="vllm", version="0.6.3", capability="8.0")


def fact(value: object) -> Fact[object]:
    return NOT_STATED if value is None else known(value, "test")


def model(
    inner: int, *, hidden: int = 8192, heads: int = 64, kv: int = 8, method: str = "awq", group: int | None = 128,
    bits: int | None = 4, desc_act: bool | None = False, sym: bool | None = True, full: bool = True,
) -> Checkpoint:  # fmt: skip
    """A dense model of plain structure; `full` False keeps only the numbers, as a pasted text would."""
    quantized = method != "none"

    def row(family: str, parallel: str, inputs: int, outputs: int) -> LayerWidth:
        return LayerWidth(
            family=family, parallel=parallel, inputs=inputs, outputs=outputs, count=80, quantized=quantized
        )

    dim = hidden // heads
    layers = (
        row("mlp.down_proj", "row", inner, hidden),
        row("mlp.gate_proj", "column", hidden, inner),
        row("mlp.up_proj", "column", hidden, inner),
        row("self_attn.q_proj", "column", hidden, hidden),
        row("self_attn.k_proj", "column", hidden, kv * dim),
        row("self_attn.v_proj", "column", hidden, kv * dim),
        row("self_attn.o_proj", "row", hidden, hidden),
    )
    return Checkpoint(
        quant_method=fact(method), bits=fact(bits), group_size=fact(group), desc_act=fact(desc_act), sym=fact(sym),
        hidden_size=fact(hidden), intermediate_size=fact(inner), num_attention_heads=fact(heads),
        num_key_value_heads=fact(kv), head_dim=fact(dim), num_hidden_layers=fact(80),
        layers=fact(layers if full else None),
    )  # type: ignore[arg-type]  # fmt: skip


def rules(found: tuple[RuleVerdict, ...], effect: str) -> set[tuple[str, str]]:
    return {(item.rule, item.family) for item in found if item.effect == effect}


def powers(checkpoint: Checkpoint, split: Split) -> list[int]:
    found = working_tensor_parallel(checkpoint, split)
    return [tp for tp in (1, 2, 4, 8, 16) if tp in found]


# K, heads, kv heads, hidden -> tp that work at group 128 (R2 and R3), and at 64 and 32 (R2 alone: vLLM pads or falls back)
WIDTHS = [
    (29568, (64, 8, 8192), [1], [1, 2], [1, 2, 4]),  # Qwen2/2.5-72B, not padded
    (29696, (64, 8, 8192), [1, 2, 4, 8], [1, 2, 4, 8, 16], [1, 2, 4, 8, 16]),  # the padded ones
    (27648, (40, 8, 5120), [1, 2, 4, 8], [1, 2, 4, 8], [1, 2, 4, 8]),  # Qwen2.5-32B; 40 heads end at 8
    (18944, (28, 4, 3584), [1, 2, 4], [1, 2, 4], [1, 2, 4]),  # Qwen2-7B; 28 heads end at 4
    (13824, (40, 40, 5120), [1, 2, 4], [1, 2, 4, 8], [1, 2, 4, 8]),  # Llama-2-13B
    (13696, (40, 40, 5120), [1], [1, 2], [1, 2, 4]),  # Qwen1.5-14B
]


@pytest.mark.parametrize("version", ["0.4.2", "0.6.3", "0.7.2", "0.7.3", "0.23.0", "0.24.0", "0.31.0"])
@pytest.mark.parametrize(("inner", "shape", "at128", "_at64", "_at32"), WIDTHS)
def test_group_128_at_every_version(
    inner: int, shape: tuple[int, int, int], at128: list[int], _at64: list[int], _at32: list[int], version: str
) -> None:
    heads, kv, hidden = shape
    split = Split(engine="vllm", version=version, capability="8.0")
    assert powers(model(inner, heads=heads, kv=kv, hidden=hidden), split) == at128


@pytest.mark.parametrize(("inner", "shape", "_at128", "at64", "at32"), WIDTHS)
def test_smaller_groups_once_marlin_pads(
    inner: int, shape: tuple[int, int, int], _at128: list[int], at64: list[int], at32: list[int]
) -> None:
    heads, kv, hidden = shape
    split = Split(engine="vllm", version="0.24.0", capability="8.0")
    assert powers(model(inner, heads=heads, kv=kv, hidden=hidden, group=64), split) == at64
    assert powers(model(inner, heads=heads, kv=kv, hidden=hidden, group=32), split) == at32


def test_the_arithmetic_of_the_72b() -> None:
    found = judge_split(model(29568), AMPERE, 2)
    worst = found[0]
    assert (worst.rule, worst.effect, worst.family, worst.per_rank) == ("R2", BLOCKS, "mlp.down_proj", "14784")
    assert worst.arithmetic == "29568 / 2 = 14784 = 115.5 x 128"
    assert rules(found, BLOCKS) == {("R2", "mlp.down_proj"), ("R3", "mlp.down_proj")}
    assert judge_split(model(29568), AMPERE, 4)[0].arithmetic == "29568 / 4 = 7392 = 57.75 x 128"
    assert judge_split(model(29568), AMPERE, 1) == ()


def test_padded_72b_fails_at_16_alone() -> None:
    assert rules(judge_split(model(29696), AMPERE, 16), BLOCKS) == {("R2", "mlp.down_proj"), ("R3", "mlp.down_proj")}
    for tp in (2, 4, 8):
        assert blocked(judge_split(model(29696), AMPERE, tp)) is False


def test_unquantized_needs_only_heads_and_division() -> None:
    plain = model(29568, method="none", group=None)
    assert powers(plain, AMPERE) == [1, 2, 4, 8, 16]
    assert {item.rule for item in judge_split(plain, AMPERE, 8)} == {"R1", "R5"}


def test_heads() -> None:
    found = judge_split(model(18944, heads=28, kv=4, hidden=3584), AMPERE, 8)
    assert ("R5", "attention") in rules(found, BLOCKS)
    assert blocked(judge_split(model(29696), AMPERE, 3)) is True
    odd = model(29696, heads=64, kv=8)
    assert ("R5", "key/value heads") in rules(
        judge_split(replace(odd, num_key_value_heads=known(6, "t")), AMPERE, 4), BLOCKS
    )
    assert rules(judge_split(replace(odd, num_key_value_heads=known(2, "t")), AMPERE, 4), BLOCKS) == set()


def test_row_that_does_not_divide() -> None:
    found = judge_split(model(18945, heads=28, kv=4, hidden=3584, method="none"), AMPERE, 2)
    assert rules(found, BLOCKS) == {("R1", "mlp.down_proj"), ("R1", "mlp.gate_proj"), ("R1", "mlp.up_proj")}
    assert found[0].arithmetic == "18945 / 2 = 9472.5"


# 2368 = 18944 / 8 is 37 x 64 but 18.5 x 128: R3 alone, at group 64
TILE = {"inner": 18944, "heads": 64, "kv": 8, "group": 64}


@pytest.mark.parametrize(
    ("method", "version", "capability", "effect"),
    [
        ("awq", "0.5.2", "8.0", None),  # before AWQ-Marlin
        ("awq", "0.5.3", "8.0", BLOCKS),
        ("awq", "0.7.2", "9.0", BLOCKS),
        ("awq", "0.7.3", "8.0", DEGRADES),
        ("awq", "0.23.0", "8.0", DEGRADES),
        ("awq", "0.24.0", "8.0", None),
        ("awq", "0.7.2", "7.5", None),  # no Marlin on Turing before 0.14.0
        ("awq", "0.13.0", "7.5", None),
        ("awq", "0.14.0", "7.5", DEGRADES),
        ("awq", "0.14.0", "7.0", None),
        ("gptq", "0.4.1", "8.0", None),
        ("gptq", "0.4.2", "8.0", BLOCKS),
        ("gptq", "0.6.2", "8.0", BLOCKS),
        ("gptq", "0.6.3", "8.0", UNKNOWN),  # which kernel takes over was not read
        ("gptq", "0.7.3", "8.0", DEGRADES),
        ("awq", "0.7.3.dev10+g1234567", "8.0", UNKNOWN),  # a build on the way to 0.7.3
        ("awq", "0.6.3", None, UNKNOWN),
        ("awq", None, "8.0", UNKNOWN),
        ("awq", "0.25.0", None, None),
    ],
)
def test_tile_rule_by_version(method: str, version: str | None, capability: str | None, effect: str | None) -> None:
    split = Split(engine="vllm", version=version, capability=capability)
    found = [item for item in judge_split(model(method=method, **TILE), split, 8) if item.rule == "R3"]  # type: ignore[arg-type]
    down = [item for item in found if item.family == "mlp.down_proj"]
    assert [item.effect for item in down] == ([] if effect is None else [effect])
    assert [item.effect for item in found if item.family == "self_attn.o_proj"] == [OK]


def test_unknown_names_the_facts() -> None:
    (found,) = [item for item in judge_split(model(**TILE), Split(engine="vllm"), 8) if item.effect == UNKNOWN]  # type: ignore[arg-type]
    assert found.missing == ("package.vllm", "gpu.compute_capability")
    assert blocked(judge_split(model(**TILE), Split(engine="vllm"), 8)) is None  # type: ignore[arg-type]
    assert 8 not in working_tensor_parallel(model(**TILE), Split(engine="vllm"))  # type: ignore[arg-type]


def test_plain_kernel_by_flag_escapes_the_tile_and_not_the_group() -> None:
    plain = replace(AMPERE, quantization="awq")
    assert blocked(judge_split(model(**TILE), plain, 8)) is False  # type: ignore[arg-type]
    assert rules(judge_split(model(29568), plain, 2), BLOCKS) == {("R2", "mlp.down_proj")}


def test_old_gpu_still_cannot_cut_a_group() -> None:
    turing = Split(engine="vllm", version="0.6.3", capability="7.5")
    assert rules(judge_split(model(29568), turing, 2), BLOCKS) == {("R2", "mlp.down_proj")}


def test_merged_columns_count_together() -> None:
    # gate and up: 2 x 29600 / 4 = 14800 = 231.25 x 64, K is left out by group_size -1
    found = judge_split(model(29600, group=-1), AMPERE, 4)
    (wide,) = [item for item in found if item.rule == "R4" and item.family == "mlp.gate_up_proj"]
    assert (wide.effect, wide.arithmetic) == (BLOCKS, "59200 / 4 = 14800 = 231.25 x 64")
    # 7392 alone would not be a multiple of 64; twice it is: no false alarm
    found = judge_split(model(29568, group=-1), AMPERE, 4)
    assert [item.effect for item in found if item.rule == "R4" and item.family == "mlp.gate_up_proj"] == [OK]


@pytest.mark.parametrize(("desc_act", "effect"), [(False, BLOCKS), (True, UNKNOWN), (None, UNKNOWN)])
def test_reordered_gptq_is_not_judged(desc_act: bool | None, effect: str) -> None:
    found = judge_split(model(29568, method="gptq", desc_act=desc_act), AMPERE, 2)
    (group,) = [item for item in found if item.rule == "R2" and item.family == "mlp.down_proj"]
    assert group.effect == effect
    assert group.missing == (("checkpoint.desc_act",) if desc_act is None else ())


def test_asymmetric_gptq_has_no_marlin() -> None:
    assert marlin_chosen(model(29568, method="gptq", sym=False), AMPERE) == (False, ())
    assert marlin_chosen(model(29568, method="gptq", sym=None), AMPERE) == (None, ("checkpoint.sym",))
    assert marlin_chosen(model(29568, method="gptq", bits=3), AMPERE)[0] is False
    assert marlin_chosen(model(29568, method="awq"), AMPERE) == (True, ())


def test_turbomind_pads() -> None:
    split = Split(engine="lmdeploy", version="0.6.3", backend="turbomind")
    assert powers(model(29568), split) == [1, 2, 4, 8, 16]
    older = replace(split, version="0.6.2")
    assert {
        item.effect for item in judge_split(model(29568), older, 2) if item.rule == "R2" and "down" in item.family
    } == {UNKNOWN}
    unsure = judge_split(model(29568), replace(split, backend=None), 2)
    assert unsure[0].missing == ("workload.backend",)
    assert not [item for item in unsure if item.rule in ("R3", "R4")]


def test_per_channel_and_int8_have_no_groups() -> None:
    assert not [item for item in judge_split(model(29568, group=-1), AMPERE, 8) if item.rule == "R2"]
    w8a8 = replace(model(29568, method="compressed-tensors", group=-1), quant_format=known("int-quantized", "t"))
    assert powers(w8a8, AMPERE) == [1, 2, 4, 8, 16]


def test_other_formats_and_engines_are_unknown_not_ok() -> None:
    packed = model(29568, method="compressed-tensors")
    assert blocked(judge_split(packed, AMPERE, 2)) is None
    assert blocked(judge_split(model(29568), Split(engine="sglang", version="0.4.0", capability="8.0"), 2)) is None
    assert judge_split(model(29568), Split(engine="transformers"), 2) == ()


def test_fused_experts_are_not_judged_by_the_dense_rules() -> None:
    expert = LayerWidth(
        family="mlp.experts.down_proj", parallel="row", inputs=1408, outputs=2048, count=1, quantized=True
    )
    moe = replace(model(29696), layers=known((expert,), "t"))
    found = judge_split(moe, AMPERE, 2)
    assert rules(found, BLOCKS) == set()
    assert ("R2", "mlp.experts.down_proj") in rules(found, UNKNOWN)


def test_numbers_alone_are_enough() -> None:
    bare = model(29568, full=False)
    assert rules(judge_split(bare, AMPERE, 2), BLOCKS) == {("R2", "mlp.down_proj"), ("R3", "mlp.down_proj")}
    assert powers(bare, AMPERE) == [1]
    assert working_tensor_parallel(Checkpoint(), AMPERE) == ()
    unsure = judge_split(Checkpoint(), AMPERE, 2)
    assert [(item.rule, item.effect) for item in unsure] == [("R5", UNKNOWN)]


def test_missing_group_size_is_asked_for() -> None:
    found = judge_split(model(29568, group=None), AMPERE, 2)
    assert ("checkpoint.group_size",) in {item.missing for item in found if item.rule == "R2"}
    assert blocked(found) is None or blocked(found) is True


@given(
    inner=st.integers(1, 1 << 16),
    heads=st.integers(1, 128),
    group=st.sampled_from([-1, 32, 64, 128]),
    tp=st.integers(2, 64),
)
def test_what_is_called_working_really_divides(inner: int, heads: int, group: int, tp: int) -> None:
    checkpoint = model(inner, heads=heads, kv=heads, hidden=heads * 128, group=group)
    split = Split(engine="vllm", version="0.7.2", capability="8.0")
    works = inner % tp == 0 and heads % tp == 0 and (inner // tp) % 128 == 0
    assert (blocked(judge_split(checkpoint, split, tp)) is False) is works


def fp8_experts(width: int) -> Checkpoint:
    rows = tuple(
        LayerWidth(family=f"mlp.experts.{leaf}", parallel=parallel, inputs=inputs, outputs=outputs, count=1, quantized=True)
        for leaf, parallel, inputs, outputs in (
            ("down_proj", "row", width, 2048), ("gate_proj", "column", 2048, width), ("up_proj", "column", 2048, width),
        )
    )  # fmt: skip
    return Checkpoint(
        quant_method=known("fp8", "t"), weight_block=known((128, 128), "t"), layers=known(rows, "t"),
        num_attention_heads=known(32, "t"), num_key_value_heads=known(4, "t"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("width", "tp", "version", "effect"),
    [
        (768, 2, "0.10.2", OK),  # Qwen3-30B-A3B: 384
        (768, 4, "0.10.2", BLOCKS),  # 192
        (1536, 8, "0.8.5", BLOCKS),  # Qwen3-235B-A22B: 192
        (1536, 4, "0.8.5", OK),
        (768, 4, "0.24.0", UNKNOWN),  # not read
        (768, 4, None, UNKNOWN),
    ],
)
def test_blocks_of_fp8(width: int, tp: int, version: str | None, effect: str) -> None:
    split = Split(engine="vllm", version=version, capability="9.0")
    found = judge_split(fp8_experts(width), split, tp)
    assert {item.effect for item in found if item.rule == "R6"} == {effect}
    assert not [item for item in found if item.rule in ("R2", "R3", "R4")]
    assert {item.rule for item in judge_split(fp8_experts(width), replace(split, expert_parallel=True), tp)} == {"R5"}


def test_known_fp8_splits() -> None:
    split = Split(engine="vllm", version="0.10.2", capability="9.0")
    assert powers(fp8_experts(768), split) == [1, 2]
    assert powers(fp8_experts(1536), split) == [1, 2, 4]
    assert judge_split(fp8_experts(1536), split, 8)[0].arithmetic == "1536 / 8 = 192 = 1.5 x 128"
