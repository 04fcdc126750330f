"""What only exists under WSL2: the paravirtual GPU, the Windows driver's libraries, and what may hide them.

Where things are: NVIDIA's "CUDA on WSL User Guide" (https://docs.nvidia.com/cuda/wsl-user-guide/). The Windows driver
is mounted at /usr/lib/wsl/lib; a Linux driver inside the distribution brings a libcuda that cannot work there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envdoctor.facts import Fact, Known, Wsl, known, unknown
from envdoctor.patterns import lazy
from envdoctor.probe import loader
from envdoctor.probe.memory import machine_memory
from envdoctor.probe.ports import Uname, View, text_of
from envdoctor.text import Text, in_zh

DXG = "/dev/dxg"
FOLDER = "/usr/lib/wsl"
LIBRARIES = f"{FOLDER}/lib"
_LIBCUDA = "libcuda.so.1"
_INTEROP = ("/proc/sys/fs/binfmt_misc/WSLInterop", "/proc/sys/fs/binfmt_misc/WSLInterop-late")
_DPKG_INFO = "/var/lib/dpkg/info"
_DPKG_STATUS = "/var/lib/dpkg/status"
_STATUS_LIMIT = 16 << 20
#: Debian and Ubuntu packages that bring a Linux libcuda (Debian: libcuda1; Ubuntu and NVIDIA: libnvidia-compute-NNN)
_DRIVER_PACKAGE = lazy(r"(libnvidia-compute(?:-\d+(?:-server|-open)?)?|libcuda1|nvidia-libcuda1?)$")


def is_wsl2(view: View, here: Uname) -> Known[bool]:
    """This is WSL2. WSL1 (no Linux kernel, no GPU) is not."""
    release = here.release.lower()
    if "wsl2" in release or "microsoft-standard" in release:
        return known(True, "uname")
    marks = [path for path in _INTEROP if view.kind(path) is not None]
    if "microsoft" in release and not marks:
        return known(False, "uname")
    if view.kind(DXG) is not None and (marks or view.kind(LIBRARIES) == "folder"):
        return known(True, DXG)  # a kernel that the user built
    return known(False, "uname")


def wsl(view: View, environ: Mapping[str, str]) -> Wsl:
    """The facts of WSL2."""
    found = loader.find_library(view, _LIBCUDA, environ)
    return Wsl(
        dxg=known(view.kind(DXG) is not None, DXG),
        lib_folder=known(view.kind(f"{LIBRARIES}/{_LIBCUDA}") == "file", LIBRARIES),
        libcuda=known(*found)
        if found
        else unknown(Text(en=f"the loader finds no {_LIBCUDA}", zh=f"动态链接器找不到 {_LIBCUDA}")),
        libcuda_shadowed=_shadowed(view, found),
        memory_cap_bytes=machine_memory(view),
        linux_driver_packages=_packages(view),
    )


def _shadowed(view: View, found: tuple[str, str] | None) -> Fact[bool]:
    if found is None:
        return unknown(Text(en=f"the loader finds no {_LIBCUDA}", zh=f"动态链接器找不到 {_LIBCUDA}"))
    path, source = found
    real = view.real(path)
    inside = path.startswith(f"{FOLDER}/") or real.startswith(f"{FOLDER}/")
    # The Windows driver's is libcuda.so.1.1; a container gets it mounted under another folder.
    return known(
        not inside and not real.endswith("/libcuda.so.1.1"),
        Text(en=f"{real} (by {source})", zh=f"{real}（经由 {in_zh(source)}）"),
    )


def _packages(view: View) -> Fact[tuple[str, ...]]:
    try:
        names = view.names(_DPKG_INFO)
    except OSError:
        return unknown(
            Text(
                en="this distribution does not use dpkg, whose records are the ones that are read",
                zh="该发行版不使用 dpkg，无法读取其安装记录",
            )
        )
    stems = {name.removesuffix(".list").partition(":")[0] for name in names if name.endswith(".list")}
    candidates = sorted(stem for stem in stems if _DRIVER_PACKAGE.match(stem))
    if not candidates:
        return known((), _DPKG_INFO)
    status = text_of(view, _DPKG_STATUS, _STATUS_LIMIT) or ""
    return known(tuple(name for name in candidates if _is_installed(status, name)), _DPKG_STATUS)


def _is_installed(status: str, name: str) -> bool:
    """Not only its configuration files are left."""
    match = re.search(rf"^Package: {re.escape(name)}\nStatus: (.*)$", status, re.MULTILINE)
    return match is None or match[1].endswith(" installed")
