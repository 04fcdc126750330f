"""The canary in pure Python: unpacks the int4 weights and runs the Qwen2 architecture in float64.

It needs nothing of the target, so the checkpoint rung exists on every machine; it says what a right engine would say, and proves
nothing about the target. About 60 million multiplications: a second or two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import add, mul
from pathlib import Path
from typing import Any

from envdoctor.smoke.canary_files import CanaryError, Tensor, load_expected, load_tensors
from envdoctor.text import Text
from envdoctor.values import dataclass

AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
LOW = bytes(value & 15 for value in range(256))
HIGH = bytes(value >> 4 for value in range(256))
Vector = list[float]
Matrix = list[Vector]
_sumprod: Callable[[Vector, Vector], float] | None = getattr(
    math, "sumprod", None
)  # Python 3.12: two to three times as fast


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """What the reference said: the tokens, the text, and the logits at every step ([steps][256])."""

    tokens: tuple[int, ...]
    text: str
    logits: tuple[tuple[float, ...], ...]


def _nibble_rows(words: bytes, count: int) -> list[bytes]:
    """The 8 nibbles of each of `count` int32 words, as 8 byte strings: entry i holds nibble i of every word."""
    low, high = words.translate(LOW), words.translate(HIGH)
    rows = []
    for byte in range(4):
        rows += [low[byte : 4 * count : 4], high[byte : 4 * count : 4]]
    return rows


def dequantize(method: str, tensors: dict[str, Tensor], name: str) -> Matrix:
    """The weight [N][K] of one packed linear in float64: (q - zero) * scale, exact but for nothing (scale has 11 bits, q 4)."""
    packed, scale_tensor = tensors[f"{name}.qweight"], tensors[f"{name}.scales"]
    groups, columns = scale_tensor.shape
    scales = scale_tensor.floats()
    depth = packed.shape[0] * 8 if method == "gptq" else packed.shape[0]
    group = depth // groups
    zero_rows = _nibble_rows(tensors[f"{name}.qzeros"].data, groups * columns // 8)
    order = range(8) if method == "gptq" else AWQ_ORDER
    zeros = bytearray(groups * columns)
    for position, column in enumerate(order):
        zeros[column::8] = zero_rows[position]
    shift = 1 if method == "gptq" else 0  # GPTQ v1 stores the zero point minus one
    values = _gptq_values(packed) if method == "gptq" else _awq_values(packed)
    rows: Matrix = []
    for n in range(columns):
        row: Vector = []
        for block in range(groups):
            zero, scale = zeros[block * columns + n] + shift, scales[block * columns + n]
            table = [(q - zero) * scale for q in range(16)]
            row += map(table.__getitem__, values[n][block * group : (block + 1) * group])
        rows.append(row)
    return rows


def _gptq_values(packed: Tensor) -> list[bytes]:
    """GPTQ: int32 [K/8, N], nibble i of word (k, n) is q[n][8k + i]."""
    words, columns = packed.shape
    nibbles = _nibble_rows(packed.data, words * columns)
    values = []
    for n in range(columns):
        row = bytearray(words * 8)
        for position in range(8):
            row[position::8] = nibbles[position][n::columns]
        values.append(bytes(row))
    return values


def _awq_values(packed: Tensor) -> list[bytes]:
    """AWQ GEMM: int32 [K, N/8], nibble i of word (k, m) is q[8m + order[i]][k]."""
    depth, words = packed.shape
    nibbles = _nibble_rows(packed.data, depth * words)
    values = [b""] * (words * 8)
    for m in range(words):
        for position, column in enumerate(AWQ_ORDER):
            values[8 * m + column] = nibbles[position][m::words]
    return values


def _times(rows: Matrix, x: Vector) -> Vector:
    if _sumprod is not None:
        return [_sumprod(row, x) for row in rows]
    return [sum(map(mul, row, x)) for row in rows]


class Canary:
    """The model of one format, ready to speak; building it unpacks the weights (about 0.2 s)."""

    def __init__(self, method: str, root: Path | None = None) -> None:
        self.config, tensors = load_tensors(method, root)
        self._tensors = tensors
        self.heads: int = self.config["num_attention_heads"]
        self.hidden: int = self.config["hidden_size"]
        self.size = self.hidden // self.heads
        self.linears = {
            name.removesuffix(".qweight"): dequantize(method, tensors, name.removesuffix(".qweight"))
            for name in tensors
            if name.endswith(".qweight")
        }
        self.vectors = {name: t.floats() for name, t in tensors.items() if len(t.shape) == 1 and t.dtype == "F16"}
        flat = tensors["model.embed_tokens.weight"].floats()
        self.embedding = [flat[at : at + self.hidden] for at in range(0, len(flat), self.hidden)]
        half = self.size // 2
        self.inverse = [self.config["rope_theta"] ** (-2 * i / self.size) for i in range(half)]
        layers: int = self.config["num_hidden_layers"]
        self.cache: list[tuple[Matrix, Matrix]] = [([], []) for _ in range(layers)]

    def step(self, token: int, *, wanted: bool) -> Vector:
        """Feeds one token; returns the logits, or nothing where they are not `wanted` (a prompt token needs no head)."""
        x = self.embedding[token]
        position = len(self.cache[0][0])
        last = len(self.cache) - 1
        for layer, (keys, values) in enumerate(self.cache):
            base = f"model.layers.{layer}"
            h = self._norm(x, f"{base}.input_layernorm")
            keys.append(self._rotate(self._linear(h, f"{base}.self_attn.k_proj"), position))
            values.append(self._linear(h, f"{base}.self_attn.v_proj"))
            if layer == last and not wanted:
                return []  # only its keys and values are ever looked at
            q = self._rotate(self._linear(h, f"{base}.self_attn.q_proj"), position)
            x = list(map(add, x, self._linear(self._attend(q, keys, values), f"{base}.self_attn.o_proj")))
            h = self._norm(x, f"{base}.post_attention_layernorm")
            gate, up = self._linear(h, f"{base}.mlp.gate_proj"), self._linear(h, f"{base}.mlp.up_proj")
            product = [u * g / (1 + math.exp(-g)) for g, u in zip(gate, up, strict=True)]
            x = list(map(add, x, self._linear(product, f"{base}.mlp.down_proj")))
        return _times(self.embedding, self._norm(x, "model.norm"))

    def _linear(self, x: Vector, name: str) -> Vector:
        product = _times(self.linears[name], x)
        bias = self.vectors.get(f"{name}.bias")
        return list(map(add, product, bias)) if bias else product

    def _norm(self, x: Vector, name: str) -> Vector:
        scale = 1 / math.sqrt(sum(map(mul, x, x)) / len(x) + self.config["rms_norm_eps"])
        return [value * scale * weight for value, weight in zip(x, self.vectors[f"{name}.weight"], strict=True)]

    def _rotate(self, x: Vector, position: int) -> Vector:
        out = list(x)
        half = self.size // 2
        for start in range(0, self.hidden, self.size):
            for i, inverse in enumerate(self.inverse):
                c, s = math.cos(position * inverse), math.sin(position * inverse)
                a, b = x[start + i], x[start + half + i]
                out[start + i], out[start + half + i] = a * c - b * s, b * c + a * s
        return out

    def _attend(self, q: Vector, keys: Matrix, values: Matrix) -> Vector:
        out: Vector = []
        for start in range(0, self.hidden, self.size):
            part = q[start : start + self.size]
            scores = [sum(map(mul, part, key[start : start + self.size])) / math.sqrt(self.size) for key in keys]
            top = max(scores)
            weights = [math.exp(score - top) for score in scores]
            total = sum(weights)
            out += [
                sum(map(mul, weights, column)) / total
                for column in zip(*(value[start : start + self.size] for value in values), strict=True)
            ]
        return out


def speak(
    method: str = "gptq", *, prompt: Sequence[int] | None = None, steps: int | None = None, root: Path | None = None
) -> Spoken:
    """Continues the canary's prompt greedily; raises CanaryError where the shipped files are damaged."""
    expected = load_expected(root)
    tokens = list(prompt if prompt is not None else expected.prompt.encode("ascii"))
    if not tokens:
        raise CanaryError(
            Text(en="the canary needs at least one token to start from", zh="测试模型至少需要一个起始 token")
        )
    model = Canary(method, root)
    for token in tokens[:-1]:
        model.step(token, wanted=False)
    said: list[int] = []
    logits: list[tuple[float, ...]] = []
    for _ in range(steps if steps is not None else len(expected.answer)):
        row = model.step((tokens + said)[-1], wanted=True)
        logits.append(tuple(row))
        said.append(max(range(len(row)), key=row.__getitem__))
    return Spoken(tokens=tuple(said), text=printable(said), logits=tuple(logits))


def printable(tokens: Sequence[Any]) -> str:
    """Bytes as one printable line: what is not printable ASCII is shown as a middle dot."""
    return "".join(chr(token) if isinstance(token, int) and 32 <= token < 127 else "·" for token in tokens)
