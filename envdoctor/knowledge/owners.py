"""Which distribution a module, a file of site-packages or a shared library belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envdoctor.patterns import lazy

_IN_SITE = lazy(r"(?:site|dist)-packages/([A-Za-z0-9_]+)")
_PARENT = lazy(r"([A-Za-z0-9_]+)/[A-Za-z0-9_]+(?:\.[A-Za-z0-9_-]+)*\.so\b")
_FILE = lazy(r"([A-Za-z0-9_]+)(?:\.(?:cpython|abi3|cp\d)[^/]*)?\.so(?:[.\d]*)\b")
_LIBRARY = lazy(r"(lib[A-Za-z0-9_+]+?)(?:-[0-9a-f]{8})?\.so(?:\.(\d+))?")

_ENGINES = {
    "tgi": "text-generation-inference", "llm-compressor": "llmcompressor", "llama-cpp": "llama-cpp-python",
    "mamba": "mamba-ssm", "aphrodite": "aphrodite-engine", "tensorrtllm": "tensorrt-llm",
    "flash-attention": "flash-attn", "flashinfer": "flashinfer-python",
}  # fmt: skip


def normalized(name: str) -> str:
    """A distribution name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution_of_engine(engine: str) -> str:
    """The distribution that an engine's name means, where it is called otherwise."""
    return _ENGINES.get(engine, engine)


def owners_of_module(tables: Mapping[str, Any], module: str) -> tuple[str, ...]:
    """Distributions that bring a module, the likeliest first; its own normalized name where the table has none."""
    names = tables["modules"]["modules"] if "modules" in tables else {}
    top = module.split(".", maxsplit=1)[0]
    found = names.get(top) or names.get(top.lower())
    return tuple(found) if found else (normalized(top.lstrip("_")),)


def owners_of_path(tables: Mapping[str, Any], text: str) -> tuple[str, ...]:
    """Distributions that a path inside a line names: the folder under site-packages, else the extension's file name."""
    names = tables["modules"]["modules"] if "modules" in tables else {}
    files = list(_FILE.finditer(text))
    file = next((one for one in files if one.group(1) in names or one.group(1).lower() in names), None)
    if file:
        return owners_of_module(tables, file.group(1))
    file = files[0] if files else None
    place = _IN_SITE.search(text)
    if place:
        return owners_of_module(tables, place.group(1))
    parent = _PARENT.search(text)
    if parent and parent.group(1) in names:  # a path that was shortened in front: .../sgl_kernel/common_ops.abi3.so
        return owners_of_module(tables, parent.group(1))
    if file and parent and file.group(1).startswith("_"):  # a checkout: .../vllm/_C.abi3.so
        return owners_of_module(tables, parent.group(1))
    return owners_of_module(tables, file.group(1)) if file else ()


def library_owner(tables: Mapping[str, Any], library: str) -> tuple[str, int | None] | None:
    """(distribution without its CUDA suffix, number of the soname) of a shared library, or None where nobody is known."""
    found = _LIBRARY.match(library)
    if not found:
        return None
    stem, number = found.groups()
    owners = tables["modules"]["libraries"] if "modules" in tables else {}
    for name in (stem, stem.split("_")[0]):
        if name in owners:
            return owners[name][0], int(number) if number else None
    return None
