"""Rung engine-kernel: one packed layer through the int4 packages that are installed, against float64.

Only what was run when this was written is here, and it was run on CPUs: auto-gptq's torch path and bitsandbytes NF4.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

# QLoRA, https://arxiv.org/abs/2305.14314, appendix E: the 16 values of NF4
NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
LINEAR = "model.layers.0.mlp.up_proj"
# installed or not, these are named, so that nobody takes silence for a pass
UNPROVEN = ("awq_ext", "gptqmodel", "exllamav2", "torchao", "vllm")


def run(rung: Any) -> None:
    device = rung.options["device"]
    torch: Any = None
    with rung.check("setup", device) as check:
        module = rung.need("torch")
        device = check.device = rung.place(module)
        check.tell("torch", version=module.__version__)
        torch = module
    if torch is None:
        return
    checks = (("auto_gptq", auto_gptq), ("bitsandbytes", bitsandbytes))
    for module, function in checks:
        with rung.check(module, device) as check:
            rung.need(module)
            if device != "cpu":
                raise rung.CannotRun("unproven-on-gpu", what=module)
            function(rung, torch, check)
    for module in UNPROVEN:
        if importlib.util.find_spec(module) is not None:
            with rung.check(module, device):
                raise rung.CannotRun("unproven", module=module)


def auto_gptq(rung: Any, torch: Any, check: Any) -> None:
    """The canary's first up projection through the layer that auto-gptq takes without a GPU."""
    tools, files = rung.text("arithmetic"), rung.text("checkpoint")
    place = os.path.join(rung.options["canary"], "gptq", "model.safetensors")
    tensors = files["read_safetensors"](torch, place)
    weight = files["dequantized"](torch, tensors)[LINEAR + ".weight"].double()
    kind = rung.need("auto_gptq.nn_modules.qlinear.qlinear_cuda_old").QuantLinear
    layer = kind(bits=4, group_size=128, infeatures=weight.shape[1], outfeatures=weight.shape[0], bias=False)
    for part in ("qweight", "qzeros", "scales", "g_idx"):
        value = tensors["%s.%s" % (LINEAR, part)]
        setattr(layer, part, value.float() if part == "scales" else value)
    x = tools["normals"](torch, (5, weight.shape[1]), 9)
    with torch.no_grad():
        got = layer(x)
    compare(rung, check, x, weight, got)


def bitsandbytes(rung: Any, torch: Any, check: Any) -> None:
    """A weight that NF4 holds exactly must come back exactly, and multiply as it should."""
    tools, functional = rung.text("arithmetic"), rung.need("bitsandbytes").functional
    rows, depth, block = 48, 256, 64
    codes = tools["integers"](torch, 0, 15, (rows, depth), 10)
    codes[:, ::block] = 15  # every block holds a one, so that its largest value is the scale
    scales = 2.0 ** tools["integers"](torch, -3, 3, (rows, depth // block), 11).float()
    weight = torch.tensor(NF4)[codes] * scales.repeat_interleave(block, 1)
    packed, state = functional.quantize_4bit(weight, blocksize=block, quant_type="nf4")
    back = functional.dequantize_4bit(packed, state)
    check.number("weights that changed", float((back != weight).sum()), 0.0)
    x = tools["normals"](torch, (5, depth), 12)
    got = importlib.import_module("bitsandbytes").matmul_4bit(x, packed.t(), quant_state=state)
    compare(rung, check, x, weight.double(), got)


def compare(rung: Any, check: Any, x: Any, weight: Any, got: Any) -> None:
    torch = rung.need("torch")
    tools = rung.text("arithmetic")
    unit = tools["UNIT"]["float32"]
    right = weight.t()
    # the layers unpack to float32: one rounding of the weight, one of each addition, one of the result
    ratio = tools["worst_ratio"](torch, got, x.double(), right, weight_unit=unit, out_unit=unit, sum_unit=unit)
    check.number("error over bound", ratio, 1.0)
