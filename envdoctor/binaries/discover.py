"""Which native files of an environment there are, whose they are, and how they come to be loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path

from envdoctor.facts.extensions import LibraryKind, PythonFit
from envdoctor.files import read_regular
from envdoctor.patterns import lazy
from envdoctor.values import dataclass

_LIBRARY_END = re.compile(rb'\.so(?:\.[0-9][0-9.]*)?(?="?,)')
_MAX_RECORD, _MAX_FILES, _MAX_DEPTH = 64 << 20, 20_000, 12
_MAX_FOLDERS = 5_000  # below one folder that no RECORD speaks of
_DIST_INFO = lazy(r"^(?P<name>[A-Za-z0-9._]+?)-(?P<version>[^-]+)\.(?:dist-info|egg-info)$")

# PEP 3149 and PEP 425: `name.cpython-311-x86_64-linux-gnu.so`, `name.abi3.so`, `name.so`
_TAG = lazy(r"\.(?:cpython-(?P<version>\d+)(?P<flags>[a-z]*)|(?P<abi>abi3t?))(?:-[\w.-]+)?\.so$")


@dataclass(frozen=True, kw_only=True, slots=True)
class NativeFile:
    """A native file below a site-packages folder. `relative` is its path there, with forward slashes."""

    folder: Path
    relative: str
    distribution: str | None = None
    version: str | None = None

    @property
    def path(self) -> str:
        """The absolute path, as text."""
        return f"{self.folder}/{self.relative}"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.relative.rpartition("/")[2]


def native_files(site_packages: Sequence[Path]) -> Iterator[NativeFile]:
    """Every shared library of an environment, with its owner, once.

    RECORD files name those of installed wheels; folders that no RECORD speaks of (builds from source) are walked.
    """
    for folder in dict.fromkeys(site_packages):
        yield from islice(_below(folder), _MAX_FILES)


def _below(folder: Path) -> Iterator[NativeFile]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    seen: set[str] = set()
    spoken_of: set[str] = set()
    for entry in entries:
        match = _DIST_INFO.match(entry.name)
        if match is None:
            continue
        spoken, files = _recorded(Path(entry.path) / "RECORD")
        spoken_of |= spoken
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        for relative in files:
            if relative not in seen and os.path.isfile(f"{folder}/{relative}"):  # noqa: PTH113 - hundreds of times a run
                seen.add(relative)
                yield NativeFile(folder=folder, relative=relative, distribution=name, version=match["version"])
    for entry in entries:
        if entry.name in spoken_of or entry.name in seen:
            continue
        kind = _kind(entry)
        if _is_library(entry.name) and kind == "file":
            yield NativeFile(folder=folder, relative=entry.name)
        elif kind == "folder" and not entry.name.endswith((".dist-info", ".egg-info")) and entry.name != "__pycache__":
            yield from _walk(folder, entry.path)


def _kind(entry: os.DirEntry[str]) -> str | None:
    """None for a link that leads round in a circle, or into a folder that may not be read."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else None
    except OSError:
        return None


def _recorded(record: Path) -> tuple[set[str], list[str]]:
    """The top-level names that a RECORD speaks of, and the native files that it lists inside of its folder."""
    try:
        data = read_regular(record, _MAX_RECORD)
    except OSError:
        return set(), []
    files = []
    for match in _LIBRARY_END.finditer(data):
        start = data.rfind(b"\n", 0, match.start()) + 1
        relative = data[start : match.end()].lstrip(b'"').decode("utf-8", "replace")
        if "," not in relative and not relative.startswith("/") and ".." not in relative.split("/"):
            files.append(relative)
    return _tops(data), files


def _tops(data: bytes) -> set[str]:
    """The first parts of all paths in a RECORD."""
    firsts = {line.partition(b"/")[0] for line in data.split(b"\n")}
    return {first.partition(b",")[0].strip(b'"\r').decode("utf-8", "replace") for first in firsts}


def _walk(folder: Path, start: str) -> Iterator[NativeFile]:
    root = str(folder)
    if Path(start).is_symlink() and _holds(os.path.realpath(start), os.path.realpath(root)):
        return  # a link to the folder itself, or to one above it: what it shows is here already, or another's
    for place, folders, names in islice(os.walk(start), _MAX_FOLDERS):
        inner = place[len(root) :].strip("/")
        if inner.count("/") >= _MAX_DEPTH:
            folders.clear()
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
        for name in sorted(names):
            if _is_library(name):
                yield NativeFile(folder=folder, relative=f"{inner}/{name}")


def _holds(outer: str, inner: str) -> bool:
    return f"{inner}/".startswith(f"{outer.rstrip('/')}/")


def _is_library(name: str) -> bool:
    return name.endswith(".so") or (".so." in name and name.rpartition(".")[2].isdigit())


def python_tag(name: str) -> str | None:
    """The ABI tag in a file name: `cp311`, `cp313t`, `abi3`; `None` where there is none."""
    match = _TAG.search(name)
    if match is None:
        return None
    return match["abi"] or f"cp{match['version']}{match['flags'].replace('m', '')}"


def python_fit(tag: str | None, target: str) -> PythonFit:
    """Whether an interpreter (`cp312`, `cp313t`) looks at a file with this tag. Free-threaded ones do not take abi3."""
    if tag is None:
        return PythonFit.UNTAGGED
    if tag == "abi3":
        return PythonFit.MISMATCH if target.endswith("t") else PythonFit.STABLE
    if tag == "abi3t":
        return PythonFit.STABLE
    return PythonFit.MATCH if tag == target else PythonFit.MISMATCH


def stem(name: str) -> str:
    """The module name of an extension file: `awq_ext` for `awq_ext.cpython-311-x86_64-linux-gnu.so`."""
    match = _TAG.search(name)
    return name[: match.start()] if match else name.partition(".so")[0]


_KINDS = (
    (LibraryKind.TORCH, lazy(r"libc10|libtorch|libshm\.so|libcaffe2")),
    (
        LibraryKind.CUDA,
        lazy(
            r"libcu(?:dart|blas|blasLt|dnn\w*|fft|fftw|rand|solver|solverMg|sparse|sparseLt|pti|file|dss)\b"
            r"|libn(?:vrtc|vJitLink|ccl|vToolsExt|vshmem\w*|pp\w+|vjpeg)\b"
        ),
    ),
    (LibraryKind.DRIVER, lazy(r"lib(?:cuda|nvidia-\w+|nvcuvid|nvoptix)\.so")),
    (
        LibraryKind.RUNTIME,
        lazy(r"lib(?:c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|gomp|c\+\+|c\+\+abi)\.so|ld-linux"),
    ),
    (LibraryKind.PYTHON, lazy(r"libpython")),
    (
        LibraryKind.OPTIONAL,
        lazy(
            r"lib(?:nvinfer|nvonnxparser|amdhip|hip|roc|hsa|miopen|rccl|magma|MIOpen|ze_loader|sycl|openvino|cann|ascend"
            r"|mkl|tbb|mpi|ucp|ucs|nvidia-ml)"
        ),
    ),
)


@lru_cache(maxsize=4096)
def library_kind(name: str) -> LibraryKind:
    """Whose library a name such as `libcudart.so.12` is."""
    for kind, pattern in _KINDS:
        if pattern.match(name):
            return kind
    return LibraryKind.OTHER


_CUDA_MAJOR = lazy(r"lib(?:cudart|cublas|cublasLt|nvrtc|nvJitLink)\.so\.(\d+)(?:\.0)?$")


def cuda_major(needed: Sequence[str]) -> int | None:
    """The CUDA major version that a file's needs name: 12 for `libcudart.so.12`, 11 for `libcudart.so.11.0`."""
    majors = {int(match[1]) for match in map(_CUDA_MAJOR.match, needed) if match}
    return max(majors, default=None)


_VARIES = lazy(r"\d+|cpu|cuda|rocm|hip|xpu")


def family(file: NativeFile) -> tuple[Path, str]:
    """What the variants of one library share: the folder, and the name without versions and backends.

    `libtorchcodec_core4.so` and `libtorchcodec_core8.so` are of one family; their package tries one after the other.
    """
    return file.folder, _VARIES.sub("*", file.relative)


_BITSANDBYTES = lazy(r"^bitsandbytes/libbitsandbytes_(?P<backend>cuda|rocm|xpu|cpu)(?P<version>\d*)\w*\.so$")


def variants(files: Iterable[NativeFile], torch_cuda: str | None) -> dict[str, bool]:
    """For files of which a package picks one by torch's CUDA version ("12.4"): path to whether it is the one.

    bitsandbytes opens `libbitsandbytes_cuda124.so` where `torch.version.cuda` is "12.4". Its 0.50.2 falls back to the
    next lower, else the next higher, of the same major version (bitsandbytes/cextension.py); 0.46.1 does not.
    """
    picked: dict[str, bool] = {}
    for_cuda: dict[tuple[int, int], NativeFile] = {}
    for file in files:
        match = _BITSANDBYTES.match(file.relative)
        if match is not None:
            picked[file.path] = False
            if match["backend"] == "cuda" and len(match["version"]) > 2:
                for_cuda[int(match["version"][:2]), int(match["version"][2:])] = file
    parts = (torch_cuda or "").split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return picked
    wanted = (int(parts[0]), int(parts[1]))
    same = [version for version in for_cuda if version[0] == wanted[0]]
    lower = [version for version in same if version <= wanted]
    best = max(lower) if lower else min(same, default=None)
    if best is not None and (best == wanted or _falls_back(for_cuda[best].version)):
        picked[for_cuda[best].path] = True
    return picked


def _falls_back(version: str | None) -> bool:
    numbers = [int(part) for part in (version or "").split(".")[:2] if part.isdigit()]
    return numbers >= [0, 50]
