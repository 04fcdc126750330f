"""Host facts that recorded machines do not show: containers, other C libraries, WSL kernels, and this very machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envdoctor.facts import Host
from envdoctor.probe.host import container, host
from envdoctor.probe.live import LiveView
from envdoctor.probe.ports import Uname
from envdoctor.probe.target.search_path import Place
from envdoctor.probe.target.torch import torch
from envdoctor.probe.wsl import is_wsl2
from tests.probe.recorded import RecordedView

from .replay import reason, value


def view(
    folder: Path, files: dict[str, str] | None = None, nodes: tuple[str, ...] = (), libc: str = ""
) -> RecordedView:
    quoted = ", ".join(f'"{node}"' for node in nodes)
    (folder / "host.toml").write_text(f'machine = "x86_64"\nlibc = "{libc}"\nnodes = [{quoted}]\n')
    for path, text in (files or {}).items():
        place = folder / "files" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return RecordedView(folder)


@pytest.mark.parametrize(
    ("files", "nodes", "environ", "name"),
    [
        ({}, (), {}, "none"),
        ({}, ("/.dockerenv",), {}, "docker"),
        ({}, ("/run/.containerenv",), {}, "podman"),
        ({}, ("/.dockerenv",), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({"/run/systemd/container": "lxc\n"}, (), {}, "lxc"),
        ({"/run/systemd/container": "wsl\n"}, (), {}, "none"),
        ({"/proc/1/cgroup": "0::/kubepods/besteffort/pod1\n"}, (), {}, "kubernetes"),
        ({"/proc/1/cgroup": "0::/init.scope\n"}, (), {}, "none"),
        ({}, (), {"container": "oci"}, "oci"),
        ({}, (), {"APPTAINER_CONTAINER": "/image.sif"}, "apptainer"),
    ],
)
def test_containers(
    tmp_path: Path, files: dict[str, str], nodes: tuple[str, ...], environ: dict[str, str], name: str
) -> None:
    assert value(container(view(tmp_path, files, nodes), environ)) == name


def test_musl(tmp_path: Path) -> None:
    files = {"/lib/ld-musl-x86_64.so.1": "", "/usr/lib/os-release": 'NAME="Alpine Linux"\nVERSION_ID=3.20.1\n'}
    found = host(view(tmp_path, files), {})
    assert "musl" in reason(found.glibc)
    assert value(found.distribution) == "Alpine Linux"
    assert value(found.distribution_version) == "3.20.1"
    assert value(host(view(tmp_path, files), {}, "glibc 2.31").glibc) == "2.31"  # the target brings its own


def test_an_empty_machine_is_unknown_and_no_failure(tmp_path: Path) -> None:
    found = host(view(tmp_path), {})
    for fact in (found.distribution, found.glibc, found.glibcxx, found.cpu, found.cpu_count, found.ram_bytes):
        assert reason(fact)
    assert value(found.os) == "linux"


def test_damaged_libstdcxx(tmp_path: Path) -> None:
    found = host(view(tmp_path, {"/usr/lib/x86_64-linux-gnu/libstdc++.so.6": "not ELF"}), {})
    assert "cannot be read" in reason(found.glibcxx)


@pytest.mark.parametrize(
    ("release", "nodes", "expected"),
    [
        ("5.15.153.1-microsoft-standard-WSL2", (), True),
        ("4.19.104-microsoft-standard", (), True),
        ("4.4.0-19041-Microsoft", (), False),  # WSL1
        ("6.1.0-my-kernel", ("/dev/dxg", "/proc/sys/fs/binfmt_misc/WSLInterop"), True),
        ("6.1.0-azure", ("/dev/dxg",), False),
        ("6.8.0-45-generic", (), False),
    ],
)
def test_kernels_of_wsl(tmp_path: Path, release: str, nodes: tuple[str, ...], expected: bool) -> None:
    here = Uname(system="Linux", release=release, machine="x86_64")
    assert is_wsl2(view(tmp_path, nodes=nodes), here).value is expected


@pytest.mark.skipif(sys.platform != "linux", reason="the live machine is Linux")
def test_this_machine() -> None:
    found: Host = host(LiveView(), {})
    assert value(found.os) == "linux"
    ram = value(found.ram_bytes)
    assert isinstance(ram, int)
    assert ram > 1 << 27


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("strings") is None, reason="needs binutils on Linux")
def test_libstdcxx_of_this_machine_against_its_strings() -> None:
    fact = host(LiveView(), {}).glibcxx
    path = getattr(fact, "source", None)
    if path is None:
        pytest.skip("no libstdc++ here")
    text = subprocess.run(["strings", path], capture_output=True, text=True, check=True).stdout
    found = [
        line[8:] for line in text.splitlines() if line.startswith("GLIBCXX_") and line[8:].replace(".", "").isdigit()
    ]
    newest = max(found, key=lambda version: [int(part) for part in version.split(".")])
    assert value(fact) == newest


OLD = "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"
NEW = "_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("gcc") is None, reason="needs gcc on Linux")
@pytest.mark.parametrize(("symbols", "expected"), [((OLD,), False), ((NEW,), True), ((OLD, NEW), None), ((), None)])
def test_abi_of_torch(tmp_path: Path, symbols: tuple[str, ...], expected: bool | None) -> None:
    library = tmp_path / "torch/lib/libc10.so"
    library.parent.mkdir(parents=True)
    (tmp_path / "torch/version.py").write_text("__version__ = '2.6.0'\n")
    source = "int other(void) { return 0; }\n" + "".join(f"void {name}(void) {{}}\n" for name in symbols)
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "-o", library, "-"], input=source, text=True, check=True
    )
    place = Place(folder=str(tmp_path), origin="site-packages", names=("torch",))
    abi = torch(LiveView(), [place], []).cxx11_abi
    if expected is None:
        assert "neither or both" in reason(abi)
    else:
        assert value(abi) is expected
