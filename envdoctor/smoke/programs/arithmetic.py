"""Comparisons with a float64 reference, with limits that are derived (docs/tolerances.md), for the programs that have torch."""

from __future__ import annotations

from typing import Any

UNIT = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def worst_ratio(
    torch: Any, got: Any, left: Any, right: Any, *, weight_unit: float, out_unit: float, sum_unit: float
) -> float:
    """Largest |got - left @ right| over what rounding may cost: below 1 the product is right.

    `left` [M, K] and `right` [K, N] are float64 and hold exactly what the kernel was given. `weight_unit`: relative
    error of a weight after dequantization; `sum_unit`: of one addition; `out_unit`: of the stored result. NaN and
    infinity are returned as such.
    """
    reference = left @ right
    mass = left.abs() @ right.abs()
    depth = left.shape[1]
    limit = (weight_unit + depth * sum_unit) * mass + out_unit * (
        reference.abs() + (weight_unit + depth * sum_unit) * mass
    )
    # results below the smallest normal number of float16 round to a multiple of 2**-24
    limit = limit + 2.0**-24
    got = got.to("cpu").to(torch.float64)
    if not bool(torch.isfinite(got).all()):
        return float("nan") if bool(torch.isnan(got).any()) else float("inf")
    return float(((got - reference).abs() / limit).max())


def integers(torch: Any, low: int, high: int, shape: Any, seed: int) -> Any:
    """Seeded integers low..high (both included) on the CPU, int64."""
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed))


def normals(torch: Any, shape: Any, seed: int) -> Any:
    """Seeded normal numbers on the CPU, float32."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
