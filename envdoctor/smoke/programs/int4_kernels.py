"""Rung kernel: the int4 product that ships inside torch, over group sizes, shapes and formats, against float64."""

from __future__ import annotations

import math
from typing import Any

GROUPS = (32, 64, 128, 256)
SHAPES = (
    (1, 256, 64),
    (4, 512, 16),
    (33, 256, 48),
)  # M, K, N: one row, the narrowest N, a ragged M; small enough for one thread


def run(rung: Any) -> None:
    torch: Any = None
    device = rung.options["device"]
    with rung.check("torch int4", device) as check:
        module = rung.need("torch")
        device = check.device = rung.place(module)
        if device != "cpu":
            raise rung.CannotRun("unproven-on-gpu", what="torch int4")
        if not hasattr(module.ops.aten, "_weight_int4pack_mm_for_cpu"):
            raise rung.CannotRun("no-int4", version=module.__version__, name="aten::_weight_int4pack_mm_for_cpu")
        check.tell("there", name="aten::_weight_int4pack_mm_for_cpu")
        torch = module
    if torch is None:
        return
    for name in ("float32", "float16", "bfloat16"):
        exact(rung, torch, device, name)
        rounded(rung, torch, device, name)


def multiply(torch: Any, x: Any, *, q: Any, scales: Any, zeros: Any, group: int) -> Any:
    """x [M, K] times the weight (q - 8) * scale + zero; q [N, K] in 0..15, scales and zeros [K/g, N]."""
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(q.to(torch.int32), 2)
    both = torch.stack([scales, zeros], 2).to(x.dtype).contiguous()
    return torch.ops.aten._weight_int4pack_mm_for_cpu(x, packed, group, both)


def weight(q: Any, scales: Any, zeros: Any, group: int) -> Any:
    """The same weight in float64, [K, N]."""
    wide, shift = (part.double().repeat_interleave(group, 0) for part in (scales, zeros))
    return (q.t().double() - 8) * wide + shift


def exact(rung: Any, torch: Any, device: str, name: str) -> None:
    """Small integers and scales that are powers of two: every product and sum is exact, so one wrong nibble shows."""
    with rung.check(name + " int4, exact integers", device) as check:
        tools, dtype, wrong, total = rung.text("arithmetic"), getattr(torch, name), 0, 0
        for group in GROUPS:
            for rows, depth, columns in SHAPES:
                q = tools["integers"](torch, 0, 15, (columns, depth), 3)
                # few enough non-zero inputs that every result is below 256, the last integer that bfloat16 holds
                x = torch.zeros(rows, depth, dtype=torch.float64)
                for row in range(rows):
                    x[row, (torch.arange(12) * 37 + row * 5) % depth] = 1.0
                scales = 2.0 ** tools["integers"](torch, 0, 1, (depth // group, columns), 4).double()
                zeros = torch.zeros_like(scales)
                got = multiply(
                    torch, x.to(dtype), q=q, scales=scales.to(dtype), zeros=zeros.to(dtype), group=group
                ).double()
                wrong += int((got != x @ weight(q, scales, zeros, group)).sum())
                total += got.numel()
        check.tell("right", right=total - wrong, total=total)
        check.number("wrong integers", float(wrong), 0.0)


def rounded(rung: Any, torch: Any, device: str, name: str) -> None:
    """Normal numbers with a zero point: the error against the bound of the format."""
    with rung.check(name + " int4, rounding", device) as check:
        tools, dtype, worst, relative = rung.text("arithmetic"), getattr(torch, name), 0.0, 0.0
        unit = tools["UNIT"][name]
        for group in GROUPS:
            for rows, depth, columns in SHAPES:
                q = tools["integers"](torch, 0, 15, (columns, depth), 5)
                x = tools["normals"](torch, (rows, depth), 6).to(dtype)
                scales = (tools["normals"](torch, (depth // group, columns), 7).abs() * 0.01 + 0.001).to(dtype)
                zeros = (tools["normals"](torch, (depth // group, columns), 8) * 0.01).to(dtype)
                got = multiply(torch, x, q=q, scales=scales, zeros=zeros, group=group)
                right = weight(q, scales, zeros, group)
                # a kernel may round (q - 8) * scale and then the sum with zero to its own format: two roundings of parts that
                # may be larger than their sum, so the weight's error is taken relative to the larger part
                parts = (q.t().double() - 8).abs() * scales.double().repeat_interleave(group, 0)
                parts = parts + zeros.double().abs().repeat_interleave(group, 0)
                cancel = float((parts.sum() / right.abs().sum()).clamp(min=1.0))
                ratio = tools["worst_ratio"](
                    torch,
                    got,
                    x.double(),
                    right,
                    weight_unit=2 * unit * cancel,
                    out_unit=unit,
                    sum_unit=tools["UNIT"]["float32"],
                )
                worst = ratio if math.isnan(ratio) else max(worst, ratio)
                wanted = x.double() @ right
                relative = max(relative, float((got.double() - wanted).abs().max() / wanted.abs().max()))
        check.tell("largest-error", relative="%.2g" % relative)
        check.number("error over bound", worst, 1.0)
