"""Rung torch: import, device, architectures, matrix products against float64, and what float16 loses where bfloat16 does not."""

from __future__ import annotations

import re
from typing import Any


def run(rung: Any) -> None:
    torch: Any = None
    with rung.check("import") as check:
        torch = rung.need("torch")
        check.tell("torch-cuda", version=torch.__version__, cuda=torch.version.cuda)
    if torch is None:
        return
    device = pick_device(rung, torch)
    if device is None:
        return
    if device != "cpu":
        architectures(rung, torch, device)
    for name in ("float32", "float16", "bfloat16"):
        product(rung, torch, device, name)
    float16_range(rung, torch, device)
    accumulation(rung, torch, device)


def pick_device(rung: Any, torch: Any) -> str | None:
    chosen: list[str] = []
    with rung.check("device", rung.options["device"]) as check:
        check.device = rung.place(torch)
        chosen.append(check.device)
        if check.device != "cpu":
            check.detail = [torch.cuda.get_device_name(check.device)]
        else:
            check.tell("cpu" if rung.options["device"] == "cpu" else "cpu-for-want-of-gpu")
            if rung.options.get("driver_sees_gpu"):
                check.detail = []
                check.fail("error", "torch-blind", version=torch.__version__)
    return chosen[0] if chosen else None


def runs_on(arches: list[str], capability: tuple[int, int]) -> bool:
    """Binary code runs on its own major version at the same or a higher minor; PTX on anything newer."""
    major, minor = capability
    for arch in arches:
        found = re.match(r"(sm|compute)_(\d+)(\d)[af]?$", arch)
        if not found:
            continue
        kind, theirs = found.group(1), (int(found.group(2)), int(found.group(3)))
        if kind == "sm" and theirs[0] == major and theirs[1] <= minor:
            return True
        if kind == "compute" and theirs <= (major, minor):
            return True
    return False


def architectures(rung: Any, torch: Any, device: str) -> None:
    with rung.check("architectures", device) as check:
        arches = list(torch.cuda.get_arch_list())
        capability = tuple(torch.cuda.get_device_capability(device))
        values = {"sm": "sm_%d%d" % capability, "archs": " ".join(arches)}
        if arches and not runs_on(arches, capability):
            check.fail("error", "no-code", **values)
        else:
            check.tell("built-for", **values)


def product(rung: Any, torch: Any, device: str, name: str) -> None:
    with rung.check(name + " matmul", device) as check:
        tools = rung.text("arithmetic")
        dtype = getattr(torch, name)
        left = tools["normals"](torch, (33, 512), 1).to(dtype)
        right = tools["normals"](torch, (512, 65), 2).to(dtype)
        got = left.to(device) @ right.to(device)
        unit = tools["UNIT"][name]
        # a GPU may split the sum and add the parts in the 16-bit format (torch's default since 1.12): four parts, four roundings
        weight_unit = 4 * unit if device != "cpu" and name != "float32" else 0.0
        ratio = tools["worst_ratio"](
            torch,
            got,
            left.double(),
            right.double(),
            weight_unit=weight_unit,
            out_unit=unit,
            sum_unit=tools["UNIT"]["float32"],
        )
        check.number("error over bound", ratio, 1.0)


def float16_range(rung: Any, torch: Any, device: str) -> None:
    """65504 is the largest float16: above it lies infinity, below 2**-25 nothing; bfloat16 has the range of float32."""
    with rung.check("float16 range", device) as check:
        big = torch.tensor([65504.0, 70000.0], device=device)
        tiny = torch.tensor([1e-8], device=device)
        half, brain = big.to(torch.float16).float().tolist(), big.to(torch.bfloat16).float().tolist()
        lost, kept = float(tiny.to(torch.float16).float()), float(tiny.to(torch.bfloat16).float())
        check.tell("float16-range", half=half[1], brain="%g" % brain[1], lost="%g" % lost, kept="%.3g" % kept)
        if half[0] != 65504.0 or half[1] != float("inf") or lost != 0.0:
            check.fail("failed-wrong-numbers", "float16-rounds-wrong")
        if abs(brain[1] - 70000.0) > 70000.0 * 2.0**-8 or abs(kept - 1e-8) > 1e-8 * 2.0**-8:
            check.fail("failed-wrong-numbers", "bfloat16-rounds-wrong")


def accumulation(rung: Any, torch: Any, device: str) -> None:
    """A sum of 4096 times 32 (131072) overflows float16 and not bfloat16; 2048 + 512 ones shows a float16 running sum."""
    with rung.check("long sums", device) as check:
        ones = torch.ones((1, 4096), device=device)
        heavy = ones * 32
        half = float((heavy.to(torch.float16) @ ones.t().to(torch.float16)).float())
        brain = float((heavy.to(torch.bfloat16) @ ones.t().to(torch.bfloat16)).float())
        row = torch.cat([torch.full((1, 1), 2048.0), torch.ones((1, 512))], 1).to(device).to(torch.float16)
        kept = float((row @ torch.ones((513, 1), device=device, dtype=torch.float16)).float())
        check.tell("long-sums", half=half, brain="%g" % brain, kept="%g" % kept)
        if half != float("inf"):
            check.fail("failed-wrong-numbers", "float16-too-wide")
        check.number("bfloat16 sum, relative error", abs(brain - 131072.0) / 131072.0, 2.0**-8)
        # 2560 is a float16 number; a running float16 sum would stop at 2048, where the next number is 2050
        check.number("float16 product, relative error", abs(kept - 2560.0) / 2560.0, 2.0**-11)
