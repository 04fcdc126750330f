"""Compiled extensions judged from their files: ELF, libraries, torch ABI, GPU code. Nothing is imported or run.

The front door is `inspect_extensions`. `read_system` says where a machine's loader looks, `torch_archs` what a torch
build runs on, `by_distribution` how all files of a distribution fit a GPU together.
"""

from envdoctor.binaries.gpu import by_distribution, isa_by_cuda
from envdoctor.binaries.inspect import inspect_extensions, torch_archs
from envdoctor.binaries.reading import UnreadableBinaryError
from envdoctor.binaries.system import SystemLibraries, find_driver_library, read_system

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
