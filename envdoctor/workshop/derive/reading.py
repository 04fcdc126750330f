"""What one published wheel holds: its metadata, and what the loader and the GPU driver would read of its libraries.

Nothing is installed, imported or run. Members are unpacked one at a time into a spare file, which is removed again.
"""

from __future__ import annotations

import email
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from email.policy import compat32
from pathlib import Path
from typing import BinaryIO

from envdoctor.binaries import fatbin
from envdoctor.binaries.elf import ElfFile
from envdoctor.binaries.reading import UnreadableBinaryError
from envdoctor.errors import EnvdoctorError
from envdoctor.facts.extensions import CodeKind, GpuCode
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.workshop.derive.exports import defined_symbols

__all__ = ["Library", "WheelReading", "read_wheel", "speaks_of_torch"]

_MAX_METADATA = 4 << 20
_MAX_LIBRARY = 6 << 30
_MAX_MEMBERS = 200_000
_SHARED_OBJECT = re.compile(r"\.so(\.\d+)*$")

#: Which libraries of torch an `import torch` brings in, so that an extension finds their symbols.
_TORCH_LIBRARIES = re.compile(
    r"torch/lib/lib(c10|c10_cuda|torch|torch_cpu|torch_cuda|torch_python|torch_global_deps|torch_nvshmem|shm)\.so"
)

# A mangled nested name starts with N, has the qualifiers of the function (K: const, R: &) and gives each part its length:
# `_ZNK2at10TensorBase...` is torch's, `_ZNKSt6vectorIiE2atEm` is not. The names without mangling are torch's C interfaces:
# the stable ABI (torch/csrc/stable, aoti_torch) and the classes of its Python binding.
_TORCH_NAME = re.compile(
    r"_Z.*N[rVK]*[RO]?(?:3c10|2at|5torch|6caffe2)(?=[0-9A-Z])|_Z\d+TH[PC]|aoti_torch_|torch_|TH[PC]"
)


def speaks_of_torch(symbol: str) -> bool:
    """Whether the symbol's name places it in torch: `c10`, `at`, `torch`, `caffe2`, or one of its C interfaces."""
    return _TORCH_NAME.match(symbol) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """One native file of a wheel.

    `imports`: strong undefined symbols that speak of torch (weak ones do not stop a load). `exports`: defined ones that do.
    `gpu`: how many CUDA containers hold each target (`sm_80`, `sm_90a`; PTX is `compute_80`); None where that cannot be
    read. `floors`: the highest version needed of `GLIBC`, `GLIBCXX` and `CXXABI`. `problem`: why it could not be read.
    """

    path: str
    size: int
    needed: tuple[str, ...] = ()
    floors: dict[str, str]
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    gpu: dict[str, int] | None = None
    containers: int = 0
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelReading:
    """A wheel's own metadata and its libraries. `cuda_version` is what a torch wheel's `version.py` states."""

    requires_dist: tuple[str, ...]
    requires_python: str | None
    libraries: tuple[Library, ...]
    cuda_version: str | None = None
    arch_flags: str | None = None


def read_wheel(stream: BinaryIO, *, spare: Path, on_member: Callable[[str], None] = lambda _: None) -> WheelReading:
    """Reads a wheel from a seekable stream; `spare` is a folder for one unpacked member at a time.

    Raises EnvdoctorError where the file is no wheel, or its sizes are beyond belief.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS:
                raise EnvdoctorError(
                    Text(en=f"implausible wheel: {len(members)} members", zh=f"wheel 不合理：含 {len(members)} 个文件")
                )
            return _read(archive, members, spare, on_member)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
        raise EnvdoctorError(Text(en=f"not a readable wheel: {error}", zh=f"不是可读取的 wheel：{error}")) from error


def _read(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], spare: Path, on_member: Callable[[str], None]
) -> WheelReading:
    metadata = _text(archive, members, lambda name: name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
    if metadata is None:
        raise EnvdoctorError(Text(en="not a wheel: it has no METADATA", zh="不是 wheel：没有 METADATA"))
    fields = email.message_from_string(metadata, policy=compat32)
    version = _text(archive, members, lambda name: name == "torch/version.py")
    is_torch = version is not None
    libraries: list[Library] = []
    flags: str | None = None
    for member in members:
        if not _matters(member.filename, is_torch):
            continue
        on_member(member.filename)
        unpacked = spare / "member.so"
        try:
            _unpack(archive, member, unpacked)
            libraries.append(_library(member.filename, member.file_size, unpacked))
            if is_torch and member.filename.endswith("/libtorch_python.so"):
                flags = _arch_flags(unpacked)
        finally:
            unpacked.unlink(missing_ok=True)
    found = re.search(r"^cuda(?:: [^=]*)? = '([0-9.]+)'", version or "", re.MULTILINE)
    return WheelReading(
        requires_dist=tuple(" ".join(str(line).split()) for line in fields.get_all("Requires-Dist") or ()),
        requires_python=fields.get("Requires-Python"),
        libraries=tuple(sorted(libraries, key=lambda library: library.path)),
        cuda_version=found[1] if found else None,
        arch_flags=flags,
    )


def _matters(name: str, is_torch: bool) -> bool:
    if is_torch:
        return _TORCH_LIBRARIES.fullmatch(name) is not None
    # `name.libs/` holds what auditwheel copied in (libpng, libgomp): others' libraries, which know nothing of torch.
    return bool(_SHARED_OBJECT.search(name)) and not name.partition("/")[0].endswith(".libs")


def _text(archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo], wanted: Callable[[str], bool]) -> str | None:
    for member in members:
        if wanted(member.filename):
            if member.file_size > _MAX_METADATA:
                raise EnvdoctorError(
                    Text(
                        en=f"implausible wheel: {member.filename} has {member.file_size} bytes",
                        zh=f"wheel 不合理：{member.filename} 有 {member.file_size} 字节",
                    )
                )
            return archive.read(member).decode("utf-8", "replace")
    return None


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    if member.file_size > _MAX_LIBRARY:
        raise EnvdoctorError(
            Text(
                en=f"implausible wheel: {member.filename} has {member.file_size} bytes",
                zh=f"wheel 不合理：{member.filename} 有 {member.file_size} 字节",
            )
        )
    with archive.open(member) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out, 4 << 20)


def _library(name: str, size: int, path: Path) -> Library:
    try:
        with ElfFile(path) as elf:
            gpu, containers, problem = _gpu_code(elf)
            floors = {family: elf.highest_need(family) for family in ("GLIBC", "GLIBCXX", "CXXABI")}
            return Library(
                path=name,
                size=size,
                needed=elf.needed,
                floors={family: ".".join(map(str, floor)) for family, floor in floors.items() if floor},
                imports=tuple(sorted(filter(speaks_of_torch, elf.undefined.strong))),
                exports=tuple(sorted(filter(speaks_of_torch, defined_symbols(path)))),
                gpu=gpu,
                containers=containers,
                problem=problem,
            )
    except UnreadableBinaryError as error:
        return Library(path=name, size=size, floors={}, problem=error.says)


def _gpu_code(elf: ElfFile) -> tuple[dict[str, int] | None, int, str | None]:
    try:
        containers = fatbin.archs(elf)
    except UnreadableBinaryError as error:
        return None, 0, f"GPU code: {error}"
    counts = Counter(label for container in containers for label in {_label(code) for code in container})
    return dict(sorted(counts.items(), key=lambda item: _order(item[0]))), len(containers), None


def _label(code: GpuCode) -> str:
    kind = "compute" if code.kind is CodeKind.PTX else "sm"
    return f"{kind}_{code.sm}{code.suffix}"


def _order(label: str) -> tuple[bool, int, str]:
    kind, _, number = label.partition("_")
    return (kind == "compute", int(number.rstrip("af")), number)


def _arch_flags(path: Path) -> str | None:
    """The architectures that torch says it was built for (`torch.cuda.get_arch_list()`): one string in libtorch_python."""
    tail = b""
    with path.open("rb") as source:
        while block := source.read(8 << 20):
            found = re.search(
                rb"\0((?:(?:sm|compute)_\d{2,3}[af]?)(?: (?:sm|compute)_\d{2,3}[af]?)*) ?\0", tail + block
            )
            if found:
                return found[1].decode()
            tail = block[-512:]
    return None
