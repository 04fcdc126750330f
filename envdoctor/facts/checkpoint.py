"""Facts about a checkpoint on disk: its configuration and its tensor headers."""

from __future__ import annotations

from envdoctor.facts.known import NOT_STATED, Fact
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerWidth:
    """One family of linear layers, e.g. `mlp.down_proj`. `inputs` (K) and `outputs` (N) are whole-model widths."""

    family: str
    parallel: str  #: how tensor parallel splits it: row (K is split) or column (N is split)
    inputs: int
    outputs: int
    count: int  #: how many layers have it
    quantized: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """Something that is wrong with the files themselves."""

    kind: str  #: missing-shard, truncated-shard, lfs-stub, bad-header, bad-config, shape-conflict, empty-folder, ...
    file: str
    says: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A checkpoint. `origin` says what was read: files, the cache, or the table of well-known models."""

    name: Fact[str] = NOT_STATED
    path: Fact[str] = NOT_STATED
    origin: Fact[str] = NOT_STATED  #: files, cache, table, text
    model_type: Fact[str] = NOT_STATED
    architecture: Fact[str] = NOT_STATED
    quant_method: Fact[str] = NOT_STATED  #: gptq, awq, compressed-tensors, bitsandbytes, fp8, smooth_quant, ..., none
    quant_key: Fact[str] = NOT_STATED  #: quantization_config, compression_config, quantize_config.json
    quant_format: Fact[str] = NOT_STATED  #: compressed-tensors: pack-quantized, int-quantized, ...; awq: gemm, gemv
    bits: Fact[int] = NOT_STATED
    group_size: Fact[int] = NOT_STATED  #: -1 = per channel
    weight_block: Fact[tuple[int, ...]] = NOT_STATED  #: block-wise FP8: (rows of N, columns of K) that share one scale
    desc_act: Fact[bool] = NOT_STATED
    sym: Fact[bool] = NOT_STATED
    use_exllama: Fact[bool] = NOT_STATED
    dtype: Fact[str] = NOT_STATED  #: float16, bfloat16, float32
    hidden_size: Fact[int] = NOT_STATED
    intermediate_size: Fact[int] = NOT_STATED
    moe_intermediate_size: Fact[int] = NOT_STATED
    num_attention_heads: Fact[int] = NOT_STATED
    num_key_value_heads: Fact[int] = NOT_STATED
    head_dim: Fact[int] = NOT_STATED
    num_hidden_layers: Fact[int] = NOT_STATED
    vocab_size: Fact[int] = NOT_STATED
    layers: Fact[tuple[LayerWidth, ...]] = NOT_STATED
    missing_biases: Fact[tuple[str, ...]] = NOT_STATED  #: `.bias` names missing beside a `.qweight` outside q/k/v
    scale_suffixes: Fact[tuple[str, ...]] = NOT_STATED  #: .weight_scale, .scale, .weight_scale_inv, .scales
    tensor_bytes: Fact[int] = NOT_STATED
    damage: Fact[tuple[Damage, ...]] = NOT_STATED
