"""Compiled extensions judged from their files: ELF, libraries, torch ABI, GPU code. Nothing is imported or run.

The front door is `inspect_extensions`. `read_system` says where a machine's loader looks, `torch_archs` what a torch
build runs on, `by_distribution` how all files of a distribution fit a GPU together. Loaded when first asked for: a
diagnosis of a pasted report needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envdoctor.binaries.gpu import by_distribution, isa_by_cuda
    from envdoctor.binaries.inspect import inspect_extensions, torch_archs
    from envdoctor.binaries.reading import UnreadableBinaryError
    from envdoctor.binaries.system import SystemLibraries, find_driver_library, read_system

_HOMES = {
    "SystemLibraries": "system", "UnreadableBinaryError": "reading", "by_distribution": "gpu",
    "find_driver_library": "system", "inspect_extensions": "inspect", "isa_by_cuda": "gpu", "read_system": "system",
    "torch_archs": "inspect",
}  # fmt: skip

__all__ = [
    "SystemLibraries",
    "UnreadableBinaryError",
    "by_distribution",
    "find_driver_library",
    "inspect_extensions",
    "isa_by_cuda",
    "read_system",
    "torch_archs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
