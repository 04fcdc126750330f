"""Sizes of real models against sizes of real GPUs."""

from __future__ import annotations

import pytest

from envdoctor.diagnose.memory_fit import (
    CONTEXT_BYTES,
    DOES_NOT_FIT,
    FITS,
    POSSIBLE,
    UNKNOWN,
    kv_bytes,
    memory_fit,
)
from envdoctor.facts.checkpoint import Checkpoint
from envdoctor.facts.known import known

GIB = 1 << 30


def model(gib: float, *, layers: int = 80, kv: int = 8, dim: int = 128) -> Checkpoint:
    return Checkpoint(
        tensor_bytes=known(int(gib * GIB), "t"), num_hidden_layers=known(layers, "t"),
        num_key_value_heads=known(kv, "t"), head_dim=known(dim, "t"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gib", "gpus", "tp", "verdict"),
    [
        (38.5, [24], 1, DOES_NOT_FIT),  # 72B AWQ on one 4090
        (38.5, [24, 24], 2, FITS),  # 19.3 GiB of 21.6
        (38.5, [80], 1, FITS),
        (135.4, [80, 80], 2, FITS),  # 72B bf16: 67.7 and a floor of 0.8, of 72: it starts, with little room
        (135.4, [80], 1, DOES_NOT_FIT),
        (14.2, [16], 1, POSSIBLE),  # 7B bf16 on a 16 GiB card: under the memory, beyond 90 percent of it with the floor
        (14.2, [24], 1, FITS),
        (23.9, [24], 1, POSSIBLE),
        (24.1, [24], 1, DOES_NOT_FIT),
    ],
)
def test_known_sizes(gib: float, gpus: list[int], tp: int, verdict: str) -> None:
    big = model(gib, layers=28 if gib < 20 else 80, kv=4 if gib < 20 else 8)
    found = memory_fit(big, [size * GIB for size in gpus], tensor_parallel=tp)
    assert found.verdict == verdict


def test_numbers_are_shown() -> None:
    found = memory_fit(model(40), [48 * GIB, 48 * GIB], tensor_parallel=2, max_model_len=32768)
    assert (found.weights, found.memory, found.usable) == (20 * GIB, 48 * GIB, int(48 * GIB * 0.92))
    assert found.floor == CONTEXT_BYTES + 2 * 80 * 4 * 128 * 2 * 32768


def test_long_context_needs_its_cache() -> None:
    gpu = [24 * GIB]
    assert memory_fit(model(12), gpu, max_model_len=32768).verdict == POSSIBLE
    assert memory_fit(model(12), gpu, max_model_len=4096).verdict == FITS


def test_utilization_counts() -> None:
    assert memory_fit(model(21), [24 * GIB], utilization=0.9).verdict == POSSIBLE
    assert memory_fit(model(21), [24 * GIB], utilization=0.97).verdict == FITS
    assert memory_fit(model(21), [24 * GIB], utilization=7.0) == memory_fit(model(21), [24 * GIB])


def test_mixed_box_takes_the_largest_gpus() -> None:
    assert memory_fit(model(20), [11 * GIB, 24 * GIB], utilization=0.95).verdict == FITS
    assert memory_fit(model(30), [11 * GIB, 24 * GIB], tensor_parallel=2).verdict == DOES_NOT_FIT


def test_pipeline_stages_share_too() -> None:
    assert memory_fit(model(38.5), [24 * GIB] * 2, pipeline_parallel=2).ranks == 2
    assert memory_fit(model(38.5), [24 * GIB] * 2, pipeline_parallel=2).verdict == FITS


def test_offloading_never_certainly_fails() -> None:
    assert memory_fit(model(38.5), [24 * GIB], offload=True).verdict == POSSIBLE


def test_unknown_facts() -> None:
    assert memory_fit(Checkpoint(), [24 * GIB]).missing == ("checkpoint.tensor_bytes",)
    assert memory_fit(model(1), [None]).missing == ("gpu.memory_bytes",)
    assert memory_fit(model(1), [24 * GIB], tensor_parallel=2).verdict == UNKNOWN
    assert memory_fit(model(1), []).verdict == UNKNOWN


def test_kv_bytes() -> None:
    assert kv_bytes(model(1), 1) == 2 * 80 * 8 * 128 * 2  # 320 KiB a token: Llama-3-70B, Qwen2-72B
    assert kv_bytes(model(1), 1, ranks=16) == 2 * 80 * 1 * 128 * 2
    assert kv_bytes(Checkpoint(), 1) is None
