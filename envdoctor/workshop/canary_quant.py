"""GPTQ and AWQ by own code, for the canary only: round, compensate or rescale, pack into the published int4 layouts.

Sources: Frantar et al. 2022, https://arxiv.org/abs/2210.17323 (error compensation through the inverse Hessian); Lin et
al. 2023, https://arxiv.org/abs/2306.00978 (activation-aware scales). Layouts: GPTQ v1 packs 8 nibbles along K into an
int32 [K/8, N] and stores zero points minus one; AWQ GEMM packs 8 along N into [K, N/8] in the column order
0 2 4 6 1 3 5 7.
"""

from __future__ import annotations

from typing import Any

from envdoctor.values import dataclass

AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
DAMP = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantized:
    """One export: the tensors to write, the model they mean (float64), the config block, and the mean output error."""

    tensors: dict[str, Any]
    twin: dict[str, Any]
    config: dict[str, Any]
    error: float


def quantize(
    torch: Any, method: str, *, weights: dict[str, Any], taps: dict[str, Any], names: list[str], group: int
) -> Quantized:
    """Quantizes every linear in `names`; all else is kept in float16."""
    source = dict(weights)
    inputs = dict(taps)
    if method == "awq":
        _rescale(torch, source, inputs, group)
    tensors: dict[str, Any] = {}
    twin = {name: value.half().double() for name, value in source.items()}
    errors = []
    for name in names:
        weight, x = source[f"{name}.weight"], inputs[name]
        if method == "gptq":
            q, scales, zeros = _gptq(torch, weight, x, group)
            tensors.update(
                {f"{name}.{part}": value for part, value in _pack_gptq(torch, q, scales, zeros, group).items()}
            )
        else:
            q, scales, zeros = _round(weight, group)
            tensors.update({f"{name}.{part}": value for part, value in _pack_awq(torch, q, scales, zeros).items()})
        spread_scales, spread_zeros = (part.repeat_interleave(group, 0).T for part in (scales, zeros))
        # exact in float64: what an engine loses by rounding this product to its own format is part of the tolerance
        twin[f"{name}.weight"] = (q - spread_zeros) * spread_scales
        wanted, got = x @ weight.T, x @ twin[f"{name}.weight"].T
        errors.append(float((wanted - got).pow(2).mean() / wanted.pow(2).mean()))
    for name, value in source.items():
        if not any(name == f"{linear}.weight" for linear in names):
            tensors[name] = value.half()
    return Quantized(tensors=tensors, twin=twin, config=_config(method, group), error=sum(errors) / len(errors))


def _config(method: str, group: int) -> dict[str, Any]:
    if method == "awq":
        return {"quant_method": "awq", "bits": 4, "group_size": group, "zero_point": True, "version": "gemm"}
    return {
        "quant_method": "gptq",
        "bits": 4,
        "group_size": group,
        "desc_act": False,
        "sym": True,
        "damp_percent": DAMP,
        "checkpoint_format": "gptq",
        "lm_head": False,
    }


def _gptq(torch: Any, weight: Any, x: Any, group: int) -> tuple[Any, Any, Any]:
    """Column by column: round, then spread the error over the columns still to come (symmetric, zero point 8)."""
    rows, columns = weight.shape
    hessian = 2 * x.T @ x / x.shape[0]
    hessian += DAMP * hessian.diagonal().mean() * torch.eye(columns, dtype=hessian.dtype)
    upper = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(hessian)), upper=True)
    left = weight.clone()
    q = torch.zeros_like(left)
    scales = torch.zeros(columns // group, rows, dtype=left.dtype)
    for column in range(columns):
        if column % group == 0:
            block = left[:, column : column + group]
            scales[column // group] = (block.abs().amax(1) * 2 / 15).clamp(min=1e-4).half().double()
        scale = scales[column // group]
        q[:, column] = (left[:, column] / scale + 8).round().clamp(0, 15)
        error = (left[:, column] - (q[:, column] - 8) * scale) / upper[column, column]
        left[:, column + 1 :] -= error[:, None] * upper[column, column + 1 :][None, :]
    return q, scales, torch.full_like(scales, 8.0)


def _round(weight: Any, group: int) -> tuple[Any, Any, Any]:
    """Plain rounding with a zero point per group: q, scales [K/g, N] and zeros [K/g, N]."""
    rows, columns = weight.shape
    blocks = weight.reshape(rows, columns // group, group)
    low, high = blocks.amin(2).clamp(max=0), blocks.amax(2).clamp(min=0)
    scales = ((high - low) / 15).clamp(min=1e-4).half().double()
    zeros = (-low / scales).round().clamp(0, 15)
    q = (blocks / scales[:, :, None] + zeros[:, :, None]).round().clamp(0, 15).reshape(rows, columns)
    return q, scales.T.contiguous(), zeros.T.contiguous()


def _rescale(torch: Any, weights: dict[str, Any], inputs: dict[str, Any], group: int) -> None:
    """Moves a scale per input channel from what feeds the linears into them, where that lowers the rounding error."""
    layers = sorted({name.split(".")[2] for name in inputs})
    for layer in layers:
        base = f"model.layers.{layer}"
        attention, mlp = f"{base}.self_attn", f"{base}.mlp"
        plans = [
            ([f"{base}.input_layernorm.weight"], [f"{attention}.{part}_proj" for part in "qkv"]),
            ([f"{attention}.v_proj.weight", f"{attention}.v_proj.bias"], [f"{attention}.o_proj"]),
            ([f"{base}.post_attention_layernorm.weight"], [f"{mlp}.gate_proj", f"{mlp}.up_proj"]),
            ([f"{mlp}.up_proj.weight"], [f"{mlp}.down_proj"]),
        ]
        for feeders, linears in plans:
            scale = _best_scale(torch, weights, inputs, linears, group)
            for name in feeders:
                weights[name] = weights[name] / (scale[:, None] if weights[name].dim() == 2 else scale)
            for name in linears:
                weights[f"{name}.weight"] = weights[f"{name}.weight"] * scale[None, :]
                inputs[name] = inputs[name] / scale[None, :]


def _best_scale(torch: Any, weights: dict[str, Any], inputs: dict[str, Any], linears: list[str], group: int) -> Any:
    x = inputs[linears[0]]
    size = x.abs().mean(0).clamp(min=1e-4)
    best, best_error = torch.ones_like(size), float("inf")
    for step in range(11):
        scale = size.pow(step / 10)
        scale = scale / (scale.max() * scale.min()).sqrt()
        error = 0.0
        for name in linears:
            weight = weights[f"{name}.weight"]
            q, scales, zeros = _round(weight * scale[None, :], group)
            wide, shift = (part.repeat_interleave(group, 0).T for part in (scales, zeros))
            error += float(((x / scale) @ ((q - shift) * wide).T - x @ weight.T).pow(2).mean())
        if error < best_error:
            best, best_error = scale, error
    return best


def _nibbles(torch: Any, values: Any) -> Any:
    """Packs the last axis, 8 long, into one int32: element i goes to bits 4i to 4i+3."""
    shifts = torch.arange(0, 32, 4, dtype=torch.int64)
    word = (values.to(torch.int64) << shifts).sum(-1)
    return torch.where(word >= 2**31, word - 2**32, word).to(torch.int32)


def _pack_gptq(torch: Any, q: Any, scales: Any, zeros: Any, group: int) -> dict[str, Any]:
    rows, columns = q.shape
    packed = _nibbles(torch, q.T.reshape(columns // 8, 8, rows).transpose(1, 2))
    zero_words = _nibbles(torch, (zeros - 1).reshape(columns // group, rows // 8, 8))
    index = torch.arange(columns, dtype=torch.int32) // group
    return {"qweight": packed, "qzeros": zero_words, "scales": scales.half(), "g_idx": index}


def _pack_awq(torch: Any, q: Any, scales: Any, zeros: Any) -> dict[str, Any]:
    rows, columns = q.shape
    order = list(AWQ_ORDER)
    packed = _nibbles(torch, q.T.reshape(columns, rows // 8, 8)[:, :, order])
    zero_words = _nibbles(torch, zeros.reshape(-1, rows // 8, 8)[:, :, order])
    return {"qweight": packed, "qzeros": zero_words, "scales": scales.half()}
