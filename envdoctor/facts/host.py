"""Facts about the machine and its operating system."""

from __future__ import annotations

from envdoctor.facts.known import NOT_STATED, Fact
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Wsl:
    """What only exists under WSL2. On any other system every field is unknown and `Host.wsl2` is false."""

    dxg: Fact[bool] = NOT_STATED  #: /dev/dxg exists
    lib_folder: Fact[bool] = NOT_STATED  #: /usr/lib/wsl/lib holds libcuda
    libcuda: Fact[str] = NOT_STATED  #: the libcuda.so.1 that the loader finds first
    libcuda_shadowed: Fact[bool] = NOT_STATED  #: that one is not the one of the Windows driver
    memory_cap_bytes: Fact[int] = NOT_STATED  #: memory that the virtual machine was given
    linux_driver_packages: Fact[tuple[str, ...]] = NOT_STATED  #: distribution packages that bring a Linux libcuda


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """The machine. Sizes are bytes."""

    os: Fact[str] = NOT_STATED  #: linux, windows or macos
    distribution: Fact[str] = NOT_STATED  #: as /etc/os-release names it, e.g. "Ubuntu 22.04.4 LTS"
    distribution_version: Fact[str] = NOT_STATED  #: "22.04"
    kernel: Fact[str] = NOT_STATED  #: `uname -r`
    architecture: Fact[str] = NOT_STATED  #: x86_64, aarch64
    glibc: Fact[str] = NOT_STATED  #: "2.35"; unknown on musl, with the reason
    glibcxx: Fact[str] = NOT_STATED  #: newest GLIBCXX symbol version of the system's libstdc++
    cpu: Fact[str] = NOT_STATED
    cpu_count: Fact[int] = NOT_STATED
    cpu_flags: Fact[tuple[str, ...]] = NOT_STATED  #: the ones kernels ask for: avx2, avx512f, amx...
    ram_bytes: Fact[int] = NOT_STATED  #: what this process may use (cgroup limit where there is one)
    shm_bytes: Fact[int] = NOT_STATED  #: size of /dev/shm
    container: Fact[str] = NOT_STATED  #: "none", or docker, podman, kubernetes, lxc, ...
    image: Fact[str] = NOT_STATED  #: container image and tag, where a launch command names it
    wsl2: Fact[bool] = NOT_STATED
    jetson: Fact[str] = NOT_STATED  #: L4T release of a Jetson
    wsl: Wsl = Wsl()
