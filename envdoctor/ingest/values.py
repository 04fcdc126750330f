"""Small readers of single values: versions, sizes, names. Each returns None where the text does not hold one."""

from __future__ import annotations

import re

from envdoctor.patterns import lazy

_VERSION = lazy(r"\d+(?:\.[0-9]+)*(?:[._-]?(?:a|b|rc|alpha|beta|post|dev|pre)[._-]?\d*)*(?:\+[\w.\-]+)?", re.I)
_SIZE = lazy(r"(\d{1,9}(?:\.\d{1,6})?)\s?(?:([KMGT])i?B|([MG]))\b", re.I)
_SEPARATORS = lazy(r"[-_.]+")
_POWERS = {"K": 10, "M": 20, "G": 30, "T": 40}
NOTHING = frozenset(
    ("", "n/a", "na", "none", "no", "not found", "could not collect", "not installed", "unknown", "null", "-", "<unset>",
     "not set", "unset", "no response", "_no response_", "无", "未知", "没有", "?", "不清楚", "[n/a]", "nan",
     "not available", "<fill in>", "not found.")
)  # fmt: skip


def is_nothing(text: str) -> bool:
    """Whether a value says that there is none or that it could not be found."""
    return text.strip().strip("\"'.").lower() in NOTHING


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name.strip()).lower()


def version(text: str) -> str | None:
    """The first version in a text, with its local part; None where none stands."""
    if (start := next((i for i, c in enumerate(text) if c.isdigit()), -1)) < 0:
        return None
    match = _VERSION.match(text, start)
    return match.group(0).rstrip("._-+") if match else None


def dotted(text: str, *, at_most: int = 4) -> str | None:
    """The first dotted number ("12.4"), cut to so many parts."""
    match = re.search(r"\d+(?:\.\d+)+", text)
    return ".".join(match.group(0).split(".")[:at_most]) if match else None


def driver_version(text: str) -> str | None:
    """An NVIDIA driver version. Branch numbers have three digits, which tells them from a CUDA version."""
    match = re.search(r"(?<![\d.])([3-9]\d\d(?:\.\d+){0,3})(?![\d])", text)
    return match.group(1) if match else None


def size(text: str) -> int | None:
    """Bytes of "24576 MiB", "79.15 GiB" or "80GB". GB is read as GiB: that is what memory is sold and reported in."""
    match = _SIZE.search(text)
    return int(float(match.group(1)) * (1 << _POWERS[(match.group(2) or match.group(3)).upper()])) if match else None


def number(text: str) -> int | None:
    """The first whole number in a text."""
    match = re.search(r"\d{1,9}", text)
    return int(match.group(0)) if match else None


def dtype(text: str) -> str | None:
    """A dtype by its usual name, whatever the text calls it."""
    word = re.sub(r"^torch\.", "", text.strip().strip("\"'").lower())
    return {
        "half": "float16", "fp16": "float16", "float16": "float16", "bf16": "bfloat16", "bfloat16": "bfloat16",
        "float": "float32", "fp32": "float32", "float32": "float32", "auto": "auto",
    }.get(word)  # fmt: skip


def torch_cuda(text: str) -> str | None:
    """CUDA version of a local version part: `2.4.0+cu121` gives 12.1, `+cpu` gives none."""
    match = re.search(r"\+(?:\w+\.)?cu(\d{2})(\d)\b", text)
    if match:
        return f"{match.group(1)}.{match.group(2)}"
    return "none" if re.search(r"\+cpu\b", text) else None
