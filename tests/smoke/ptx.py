"""Runs the few PTX instructions that the driver rung's kernel uses, a thread at a time: what it means, without a GPU."""

from __future__ import annotations

import re
import struct
from functools import cache
from typing import Any

WIDTH = 1 << 32


def single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


@cache
def parse(text: str) -> tuple[list[str], list[tuple[str, ...]], dict[str, int]]:
    parameters = re.findall(r"\.param \.u\d+ (\w+)", text)
    body = text[text.index("{") + 1 : text.rindex("}")]
    code: list[tuple[str, ...]] = []
    labels: dict[str, int] = {}
    for raw in body.splitlines():
        line = raw.strip().rstrip(";")
        if not line or line.startswith("."):
            continue
        if line.endswith(":"):
            labels[line[:-1]] = len(code)
        else:
            code.append(tuple(re.split(r"[,\s]+", line.replace("[", "").replace("]", ""))))
    return parameters, code, labels


def run_thread(text: str, arguments: list[int], memory: dict[int, bytes], block: int, size: int, thread: int) -> None:
    """`memory` maps an address to 4 bytes; reading what is not there raises KeyError, as a wild address would."""
    parameters, code, labels = parse(text)
    values: dict[str, Any] = dict(zip(parameters, arguments, strict=True))
    values |= {"%ctaid.x": block, "%ntid.x": size, "%tid.x": thread}

    def get(name: str) -> Any:
        if name in values:
            return values[name]
        if name.startswith("0f"):
            return struct.unpack(">f", bytes.fromhex(name[2:]))[0]
        return int(name)

    at = 0
    while True:
        step = code[at]
        at += 1
        if step[0].startswith("@"):
            if not values[step[0][1:]]:
                continue
            step = step[1:]
        operation, *names = step
        args = [get(name) for name in names[1:]] if operation not in ("bra", "ret") else []
        match operation:
            case "ret":
                return
            case "bra":
                at = labels[names[0]]
            case "ld.param.u64" | "ld.param.u32" | "mov.u32" | "mov.f32" | "cvta.to.global.u64":
                values[names[0]] = args[0]
            case "mad.lo.u32":
                values[names[0]] = (args[0] * args[1] + args[2]) % WIDTH
            case "mad.wide.u32":
                values[names[0]] = args[0] * args[1] + args[2]
            case "div.u32":
                values[names[0]] = args[0] // args[1]
            case "shl.b32":
                values[names[0]] = (args[0] << args[1]) % WIDTH
            case "shr.u32":
                values[names[0]] = args[0] >> args[1]
            case "and.b32":
                values[names[0]] = args[0] & args[1]
            case "sub.s32":
                values[names[0]] = (args[0] - args[1]) % WIDTH
            case "add.u32" | "add.u64":
                values[names[0]] = args[0] + args[1]
            case "cvt.rn.f32.s32":
                values[names[0]] = single(args[0] - WIDTH if args[0] >= WIDTH // 2 else args[0])
            case "mul.f32":
                values[names[0]] = single(args[0] * args[1])
            case "fma.rn.f32":
                values[names[0]] = single(args[0] * args[1] + args[2])
            case "setp.ge.u32":
                values[names[0]] = args[0] >= args[1]
            case "setp.lt.u32":
                values[names[0]] = args[0] < args[1]
            case "ld.global.u32":
                values[names[0]] = struct.unpack("<I", memory[args[0]])[0]
            case "ld.global.f32":
                values[names[0]] = struct.unpack("<f", memory[args[0]])[0]
            case "st.global.f32":
                memory[get(names[0])] = struct.pack("<f", args[0])
            case _:
                raise NotImplementedError(operation)
