"""Reads the shipped canary: two int4 checkpoints and what they must say. Standard library only."""

from __future__ import annotations

import hashlib
import json
import struct
from importlib import resources
from pathlib import Path
from typing import Any

from envdoctor.errors import EnvdoctorError
from envdoctor.text import Text
from envdoctor.values import dataclass

MAX_HEADER = 1 << 20
FORMATS = ("gptq", "awq")


class CanaryError(EnvdoctorError):
    """The shipped canary is damaged: a broken installation of envdoctor, not a fault of the target."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a right engine says of one format. `spread` is the rounding spread of a logit by dtype (docs/tolerances.md)."""

    tokens: tuple[int, ...]
    first_logits: tuple[float, ...]
    chosen_logits: tuple[float, ...]
    least_margin: float
    spread: dict[str, float]
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """The sentence: every format continues `prompt` with `answer`."""

    prompt: str
    answer: str
    formats: dict[str, Said]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """A tensor as it lies in the file: dtype "F16" or "I32", its shape, its little-endian bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def floats(self) -> list[float]:
        """The values of an F16 tensor."""
        return list(struct.unpack(f"<{len(self.data) // 2}e", self.data))


def folder() -> Path:
    """Where the canary lies on disk (the wheel is installed unpacked)."""
    return Path(str(resources.files("envdoctor.smoke"))) / "canary"


def load_expected(root: Path | None = None) -> Expected:
    """Reads `expected.json`; raises CanaryError where it is missing or damaged."""
    place = (root or folder()) / "expected.json"
    try:
        raw = json.loads(place.read_text(encoding="ascii"))
        formats = {
            name: Said(
                tokens=tuple(part["tokens"]),
                first_logits=tuple(part["first_logits"]),
                chosen_logits=tuple(part["chosen_logits"]),
                least_margin=part["least_margin"],
                spread=part["spread"],
                sha256=part["sha256"],
            )
            for name, part in raw["formats"].items()
        }
        return Expected(prompt=raw["prompt"], answer=raw["answer"], formats=formats)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise CanaryError(
            Text(
                en=f"the canary's {place} cannot be read: {problem}", zh=f"自带的测试模型 {place} 无法读取：{problem}"
            ),
            advice=Text(en="Install envdoctor again.", zh="请重新安装 envdoctor。"),
        ) from None


def load_tensors(name: str, root: Path | None = None) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config and the tensors of one format ("gptq" or "awq"), checked against the shipped digest."""
    place = (root or folder()) / name
    try:
        config = json.loads((place / "config.json").read_text(encoding="ascii"))
        blob = (place / "model.safetensors").read_bytes()
    except (OSError, ValueError) as problem:
        raise CanaryError(
            Text(en=f"the canary in {place} cannot be read: {problem}", zh=f"{place} 中的测试模型无法读取：{problem}"),
            advice=Text(en="Install envdoctor again.", zh="请重新安装 envdoctor。"),
        ) from None
    if hashlib.sha256(blob).hexdigest() != load_expected(root).formats[name].sha256:
        raise CanaryError(
            Text(en=f"the canary in {place} is not the one that was shipped", zh=f"{place} 中的测试模型与发布时不一致"),
            advice=Text(en="Install envdoctor again.", zh="请重新安装 envdoctor。"),
        )
    length = int.from_bytes(blob[:8], "little")
    if length > min(MAX_HEADER, len(blob) - 8):
        raise CanaryError(
            Text(
                en=f"the canary in {place} has a header of {length} bytes",
                zh=f"{place} 中的测试模型文件头为 {length} 字节，不合理",
            ),
            advice=Text(en="Install envdoctor again.", zh="请重新安装 envdoctor。"),
        )
    header = json.loads(blob[8 : 8 + length])
    tensors = {}
    for tensor, info in header.items():
        if tensor != "__metadata__":
            start, end = (8 + length + offset for offset in info["data_offsets"])
            tensors[tensor] = Tensor(dtype=info["dtype"], shape=tuple(info["shape"]), data=blob[start:end])
    return config, tensors
