"""The machine and its operating system, as facts. Reads small files; runs nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envdoctor.facts import Fact, Host, Wsl, known, unknown
from envdoctor.probe import loader, wsl
from envdoctor.probe.memory import usable_memory
from envdoctor.probe.ports import Uname, View, names_of, text_of
from envdoctor.text import Text

_SYSTEMS = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}
_MACHINES = {"AMD64": "x86_64", "arm64": "aarch64", "ARM64": "aarch64"}
#: the CPU features that kernels and quantization code ask for (x86 `flags`, Arm `Features`)
_FLAGS = frozenset({
    "sse4_2", "f16c", "fma", "avx", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimdhp", "asimddp", "bf16", "i8mm",
    "sve", "sve2", "svebf16",
})  # fmt: skip
_CPUINFO = "/proc/cpuinfo"
_ONLINE = "/sys/devices/system/cpu/online"
_SHM = "/dev/shm"  # noqa: S108 - its size is asked for, nothing is written there
_TEGRA = "/etc/nv_tegra_release"


def host(view: View, environ: Mapping[str, str], target_libc: str = "") -> Host:
    """The host's facts. `target_libc` is what the target's interpreter says of its C library, where ours says nothing."""
    here = view.uname()
    system = _SYSTEMS.get(here.system, here.system.lower())
    common: dict[str, Any] = {
        "os": known(system, "uname"),
        "kernel": known(here.release, "uname")
        if here.release
        else unknown(Text(en="uname states no release", zh="uname 未给出内核版本")),
        "architecture": known(_MACHINES.get(here.machine, here.machine), "uname"),
    }
    if system != "linux":
        return _elsewhere(common)
    distribution, version = _distribution(view)
    on_wsl2 = wsl.is_wsl2(view, here)
    return Host(
        **common,
        distribution=distribution,
        distribution_version=version,
        glibc=_glibc(view, target_libc),
        glibcxx=_glibcxx(view),
        cpu=_cpu(view),
        cpu_count=_cpu_count(view),
        cpu_flags=_cpu_flags(view),
        ram_bytes=usable_memory(view),
        shm_bytes=_shared_memory(view),
        container=container(view, environ),
        wsl2=on_wsl2,
        jetson=jetson(view, here),
        wsl=wsl.wsl(view, environ) if on_wsl2.value else Wsl(),
    )


def _elsewhere(common: dict[str, Any]) -> Host:
    reason = unknown(Text(en="read on Linux and WSL2 only", zh="只在 Linux 与 WSL2 上读取"))
    return Host(
        **common, distribution=reason, distribution_version=reason, glibc=reason, glibcxx=reason, cpu=reason,
        cpu_count=reason, cpu_flags=reason, ram_bytes=reason, shm_bytes=reason, container=reason,
        wsl2=known(False, "uname"), jetson=reason,
    )  # fmt: skip


def _distribution(view: View) -> tuple[Fact[str], Fact[str]]:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        text = text_of(view, path, 1 << 16)
        if text is None:
            continue
        pairs = (line.partition("=") for line in text.splitlines())
        fields = {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}
        name = fields.get("PRETTY_NAME") or fields.get("NAME")
        number = fields.get("VERSION_ID")
        return (
            known(name, path) if name else unknown(Text(en=f"{path} states no name", zh=f"{path} 未给出名称")),
            known(number, path)
            if number
            else unknown(
                Text(en=f"{path} states no version (a rolling release)", zh=f"{path} 未给出版本（滚动发行版）")
            ),
        )
    return unknown(Text(en="there is no os-release file", zh="没有 os-release 文件")), unknown(
        Text(en="there is no os-release file", zh="没有 os-release 文件")
    )


def _glibc(view: View, target_libc: str) -> Fact[str]:
    for text, source in (
        (view.libc(), "confstr"),
        (target_libc, Text(en="confstr of the target's Python", zh="目标 Python 的 confstr")),
    ):
        name, _, version = text.partition(" ")
        if name == "glibc" and version:
            return known(version, source)
    if any(name.startswith("ld-musl-") for name in names_of(view, "/lib")):
        return unknown(Text(en="this system uses musl, not glibc", zh="该系统使用 musl，不是 glibc"))
    return unknown(Text(en="the C library does not state its version", zh="C 库未给出版本"))


def _glibcxx(view: View) -> Fact[str]:
    found = loader.find_library(view, "libstdc++.so.6", {})
    if found is None:
        return unknown(Text(en="the system has no libstdc++.so.6", zh="系统中没有 libstdc++.so.6"))
    from envdoctor.binaries.elf import ElfFile
    from envdoctor.binaries.reading import UnreadableBinaryError, reason_of

    path, _ = found
    try:
        with view.open(path) as stream, ElfFile(stream) as library:
            version = library.highest_definition("GLIBCXX")
    except (OSError, UnreadableBinaryError) as error:
        return unknown(
            Text(en=f"{path} cannot be read: {reason_of(error)}", zh=f"{path} 无法读取：{reason_of(error).zh}")
        )
    if version is None:
        return unknown(Text(en=f"{path} defines no GLIBCXX symbol version", zh=f"{path} 未定义 GLIBCXX 符号版本"))
    return known(".".join(map(str, version)), path)


def _first_processor(view: View) -> dict[str, str]:
    # The first block only: the whole file of a 256-thread machine takes the kernel tens of milliseconds.
    text = text_of(view, _CPUINFO, 1 << 13) or ""
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _cpu(view: View) -> Fact[str]:
    fields = _first_processor(view)
    name = fields.get("model name") or fields.get("hardware") or fields.get("cpu")
    return (
        known(name, _CPUINFO) if name else unknown(Text(en=f"{_CPUINFO} names no model", zh=f"{_CPUINFO} 未给出型号"))
    )


def _cpu_flags(view: View) -> Fact[tuple[str, ...]]:
    fields = _first_processor(view)
    flags = fields.get("flags") or fields.get("features")
    if not flags:
        return unknown(Text(en=f"{_CPUINFO} lists no flags", zh=f"{_CPUINFO} 未列出指令集"))
    return known(tuple(sorted(_FLAGS.intersection(flags.split()))), _CPUINFO)


def _cpu_count(view: View) -> Fact[int]:
    text = (text_of(view, _ONLINE, 4096) or "").strip()
    count = 0
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if match is None:
            return unknown(Text(en=f"{_ONLINE} cannot be read", zh=f"{_ONLINE} 无法读取"))
        count += int(match[2] or match[1]) - int(match[1]) + 1
    return known(count, _ONLINE)


def _shared_memory(view: View) -> Fact[int]:
    size = view.capacity(_SHM)
    return known(size, _SHM) if size else unknown(Text(en=f"there is no {_SHM}", zh=f"没有 {_SHM}"))


def container(view: View, environ: Mapping[str, str]) -> Fact[str]:
    """The container that holds this process, as its marks say, or `none`."""
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return known("kubernetes", "KUBERNETES_SERVICE_HOST")
    for path, name in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if view.kind(path) is not None:
            return known(name, path)
    stated = (text_of(view, "/run/systemd/container", 64) or environ.get("container", "")).strip()
    if stated and stated != "wsl":  # systemd names WSL a container; here it is a platform
        return known(stated[:40], "/run/systemd/container")
    groups = text_of(view, "/proc/1/cgroup", 1 << 16) or ""
    for mark, name in (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc")):
        if mark in groups:
            return known(name, "/proc/1/cgroup")
    if environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER"):
        return known("apptainer", "APPTAINER_CONTAINER")
    return known("none", Text(en="no mark of a container was found", zh="未发现容器的特征"))


def jetson(view: View, here: Uname) -> Fact[str]:
    """The L4T release of a Jetson, such as `36.3.0`."""
    text = text_of(view, _TEGRA, 4096)
    if text is None:
        return unknown(
            Text(en=f"not a Jetson: there is no {_TEGRA}", zh=f"不是 Jetson：没有 {_TEGRA}")
            if here.machine == "aarch64"
            else Text(en="not a Jetson", zh="不是 Jetson")
        )
    match = re.search(r"R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)", text)
    return (
        known(f"{match[1]}.{match[2]}", _TEGRA)
        if match
        else unknown(Text(en=f"{_TEGRA} states no release", zh=f"{_TEGRA} 未给出版本"))
    )
