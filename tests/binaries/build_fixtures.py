"""Builds tests/binaries/fixtures: small shared libraries that each show one thing. Run by hand; its output is committed.

    python tests/binaries/build_fixtures.py [FOLDER_WITH_PTXAS_AND_FATBINARY]

Needs gcc and binutils; without ptxas and fatbinary (the wheel `nvidia-cuda-nvcc` 13.2 has both) the GPU code that is
committed stays as it is. Nothing here is ever loaded: the libraries hold no working code.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent / "fixtures"
SITE, SYSTEM = HERE / "site", HERE / "system"
TAG = "cpython-311-x86_64-linux-gnu"

# what the three generations of torch export of the names that the extensions below ask for
OLD_STRING = "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"
NEW_STRING = "_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
SET_DEVICE = {"2.2": "_ZN3c104cuda9SetDeviceEi", "2.6": "_ZN3c104cuda9SetDeviceEa", "2.8": "_ZN3c104cuda9SetDeviceEab"}
CHECK_FAIL = {"2.2": OLD_STRING, "2.6": OLD_STRING, "2.8": NEW_STRING}


def library(
    place: Path,
    *,
    defines: tuple[str, ...] = (),
    asks: tuple[str, ...] = (),
    weakly: tuple[str, ...] = (),
    needs: tuple[Path, ...] = (),
    soname: str | None = None,
    runpath: str | None = None,
    rpath: str | None = None,
    versions: str | None = None,
    gpu: tuple[Path, ...] = (),
    section: str = ".nv_fatbin",
    hash_style: str = "gnu",
) -> Path:
    """One shared library: the symbols it defines and asks for, the libraries it needs, the GPU code it carries."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in defines:
        lines += [f".globl {name}", f".type {name},@function", f"{name}: ret", f".size {name}, .-{name}"]
    lines.append(".data")
    lines += [f".quad {name}" for name in (*asks, *weakly)]
    lines += [f".weak {name}" for name in weakly]
    if gpu:
        lines += [f'.section {section},"a"', ".align 8"]
        for container in gpu:
            lines += [f'.incbin "{container}"', ".align 8"]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "a.s"
        source.write_text(".text\n" + "\n".join(lines) + '\n.section .note.GNU-stack,"",@progbits\n')
        command = ["gcc", "-shared", "-nostdlib", "-s", "-o", str(place), str(source)]
        command += [
            f"-Wl,--hash-style={hash_style},--build-id=none,-z,noseparate-code,-z,max-page-size=4096,-z,norelro"
        ]
        command += ["-Wl,--no-as-needed,--allow-shlib-undefined", *map(str, needs)]
        if soname:
            command.append(f"-Wl,-soname,{soname}")
        if runpath:
            command.append(f"-Wl,--enable-new-dtags,-rpath,{runpath}")
        if rpath:
            command.append(f"-Wl,--disable-new-dtags,-rpath,{rpath}")
        if versions:
            script = Path(folder) / "versions"
            script.write_text(versions)
            command.append(f"-Wl,--version-script={script}")
        subprocess.run(command, check=True)
    return place


def torch(folder: Path, release: str) -> dict[str, Path]:
    """A package folder with the libraries of one torch release, as far as the tests look."""
    lib = folder / "lib"
    cudart = library(
        folder.parent / "nvidia/cuda_runtime/lib/libcudart.so.12", soname="libcudart.so.12", defines=("cudaMalloc",)
    )
    c10 = library(lib / "libc10.so", soname="libc10.so", defines=(CHECK_FAIL[release],))
    rpath = "$ORIGIN/../../nvidia/cuda_runtime/lib:$ORIGIN"
    cuda = library(
        lib / "libc10_cuda.so",
        soname="libc10_cuda.so",
        defines=(SET_DEVICE[release],),
        asks=("cudaMalloc",),
        needs=(c10, cudart),
        rpath=rpath,
    )
    library(lib / "libtorch_global_deps.so", soname="libtorch_global_deps.so", needs=(cudart,), rpath=rpath)
    library(folder / f"_C.{TAG}.so", defines=("PyInit__C",), needs=(c10, cuda), rpath="$ORIGIN/lib")
    return {"c10": c10, "cuda": cuda, "cudart": cudart}


def extensions(site: Path, libs: dict[str, Path], scratch: Path) -> None:
    """One extension for each thing that can be right or wrong."""
    both = (libs["c10"], libs["cuda"])

    def extension(name: str, **more: object) -> None:
        library(site / f"{name}.{TAG}.so", defines=(f"PyInit_{name}",), **more)  # type: ignore[arg-type]

    extension("for_torch_2_6", asks=(SET_DEVICE["2.6"], OLD_STRING), needs=both)
    extension("for_torch_2_2", asks=(SET_DEVICE["2.2"], OLD_STRING), needs=both)
    extension("for_torch_2_8", asks=(SET_DEVICE["2.8"], NEW_STRING), needs=both)
    extension("weak_only", asks=(OLD_STRING,), weakly=(SET_DEVICE["2.8"],), needs=both)
    own = library(site / "bundled/libown.so", soname="libown.so", defines=("_ZN5torch3ownEv",))
    extension("brings_its_own", asks=("_ZN5torch3ownEv",), needs=(*both, own), runpath="$ORIGIN/bundled")
    extension("loses_its_own", asks=("_ZN5torch3ownEv",), needs=(*both, own))

    cudart11 = library(scratch / "libcudart.so.11.0", soname="libcudart.so.11.0", defines=("cudaMalloc",))
    extension("for_cuda_11", asks=("cudaMalloc",), needs=(libs["c10"], cudart11))
    nvinfer = library(scratch / "libnvinfer.so.10", soname="libnvinfer.so.10", defines=("nv",))
    library(
        site / "engines/libtrt_plugin.so",
        soname="libtrt_plugin.so",
        needs=(libs["c10"], nvinfer),
        asks=(SET_DEVICE["2.2"],),
    )
    library(site / "ops/_C.so", needs=both, asks=(SET_DEVICE["2.6"],))
    library(site / "other_python.cpython-310-x86_64-linux-gnu.so", defines=("PyInit_other_python",), needs=both)
    library(site / "stable.abi3.so", defines=("PyInit_stable",), needs=both)

    symbol = "_ZNSt9from_libstdcxxEv"
    for place, version in ((scratch, "3.4.32"), (SYSTEM, "3.4.25")):
        versions = f"GLIBCXX_3.4 {{ global: old; }};\nGLIBCXX_{version} {{ global: {symbol}; }} GLIBCXX_3.4;\n"
        library(place / "libstdc++.so.6", soname="libstdc++.so.6", defines=("old", symbol), versions=versions)
    for place, version in ((scratch, "2.38"), (SYSTEM, "2.28")):
        versions = f"GLIBC_2.2.5 {{ global: printf; }};\nGLIBC_{version} {{ global: strlcpy; }} GLIBC_2.2.5;\n"
        library(place / "libc.so.6", soname="libc.so.6", defines=("printf", "strlcpy"), versions=versions)
    extension("new_libstdcxx", asks=(symbol,), needs=(libs["c10"], scratch / "libstdc++.so.6"))
    extension("new_glibc", asks=("strlcpy",), needs=(libs["c10"], scratch / "libc.so.6"))
    extension("old_glibc", asks=("printf",), needs=(libs["c10"], SYSTEM / "libc.so.6"))
    library(
        site / f"sysv_hash.{TAG}.so", defines=("PyInit_sysv_hash", "_Zother"), asks=("undefined",), hash_style="sysv"
    )


def gpu_code(tools: Path, scratch: Path) -> dict[str, Path]:
    """CUDA containers with known targets."""
    isa = {"sm_75": "7.7", "sm_80": "8.0", "sm_86": "8.0", "sm_90a": "8.0", "sm_100f": "8.8", "sm_120": "8.8"}
    for target, version in isa.items():
        entry = ".visible .entry k(){ ret; }"
        (scratch / f"{target}.ptx").write_text(f".version {version}\n.target {target}\n.address_size 64\n{entry}\n")
        command = [tools / "ptxas", "-arch", target, scratch / f"{target}.ptx", "-o", scratch / f"{target}.cubin"]
        subprocess.run(command, check=True)
        subprocess.run(["strip", scratch / f"{target}.cubin"], check=False, stderr=subprocess.DEVNULL)

    def container(name: str, *targets: str, ptx: tuple[str, ...] = (), compress: bool = False) -> Path:
        place = scratch / f"{name}.fatbin"
        images = [f"--image3=kind=elf,sm={t.removeprefix('sm_')},file={scratch}/{t}.cubin" for t in targets]
        images += [f"--image3=kind=ptx,sm={t.removeprefix('sm_')},file={scratch}/{t}.ptx" for t in ptx]
        options = ["--compress-all"] if compress else ["--compress=false"]
        subprocess.run([tools / "fatbinary", f"--create={place}", "-64", *options, *images], check=True)
        return place

    return {
        "wide": container("wide", "sm_75", "sm_80", "sm_86"),
        "narrow": container("narrow", "sm_80"),
        "packed": container("packed", "sm_75", "sm_86", ptx=("sm_80",), compress=True),
        "hopper": container("hopper", "sm_90a"),
        "family": container("family", "sm_100f", "sm_120", compress=True),
        "ptx": container("ptx", ptx=("sm_80",)),
    }


def gpu_files(site: Path, libs: dict[str, Path], code: dict[str, Path]) -> None:
    """Extensions that carry GPU code."""
    both = (libs["c10"], libs["cuda"])
    for name, containers in {
        "gpu_wide": ("wide", "packed"),
        "gpu_partial": ("wide", "narrow"),
        "gpu_hopper": ("hopper",),
        "gpu_family": ("family",),
        "gpu_ptx": ("ptx",),
    }.items():
        gpu = tuple(code[one] for one in containers)
        library(site / f"{name}.{TAG}.so", defines=(f"PyInit_{name}",), needs=both, gpu=gpu)
    library(
        site / f"gpu_rdc.{TAG}.so",
        defines=("PyInit_gpu_rdc",),
        needs=both,
        gpu=(code["narrow"],),
        section="__nv_relfatbin",
    )


def main() -> None:
    tools = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        kept = {path.name: path.read_bytes() for path in (SITE).glob("gpu_*.so")} if SITE.is_dir() else {}
        shutil.rmtree(HERE, ignore_errors=True)
        libs = torch(SITE / "torch", "2.6")
        extensions(SITE, libs, scratch)
        if tools is not None:
            gpu_files(SITE, libs, gpu_code(tools, scratch))
        else:
            for file, data in kept.items():
                (SITE / file).write_bytes(data)


if __name__ == "__main__":
    main()
