"""Which files there are, whose they are, which one a package picks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envdoctor.binaries.discover import (
    NativeFile,
    cuda_major,
    library_kind,
    native_files,
    python_fit,
    python_tag,
    stem,
    variants,
)


def test_files_of_recorded_and_of_unrecorded_folders(tmp_path: Path) -> None:
    for name in (
        "a/x.so",
        "a/sub/liby.so.1.2",
        "built/z.abi3.so",
        "built/note.txt",
        "top.so",
        "gone-1.dist-info/RECORD",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    info = tmp_path / "Some_Dist-2.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text('a/x.so,sha256=x,3\na/sub/liby.so.1.2,,\n"a/lost.so",,\na/__init__.py,,\n')
    found = {file.relative: (file.distribution, file.version) for file in native_files([tmp_path, tmp_path])}
    assert found == {
        "a/x.so": ("some-dist", "2.0"),
        "a/sub/liby.so.1.2": ("some-dist", "2.0"),
        "built/z.abi3.so": (None, None),
        "top.so": (None, None),
    }


def test_what_stands_in_the_place_of_files_and_folders_is_not_followed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("fifo-1.dist-info", "device-1.dist-info", "plain"):
        (site / name).mkdir(parents=True)
    (site / "plain/x.so").touch()
    os.mkfifo(site / "fifo-1.dist-info/RECORD")
    (site / "device-1.dist-info/RECORD").symlink_to("/dev/zero")
    (site / "loop.so").symlink_to("loop.so")
    (site / "loop-1.dist-info").symlink_to("loop-1.dist-info")
    (site / "itself").symlink_to(".")
    (site / "above").symlink_to("/")
    (site / "linked").symlink_to("plain")  # as some installers make them
    assert [file.relative for file in native_files([site])] == ["linked/x.so", "plain/x.so"]


@pytest.mark.parametrize(
    ("name", "tag", "module"),
    [
        ("awq_ext.cpython-311-x86_64-linux-gnu.so", "cp311", "awq_ext"),
        ("_C.cpython-313t-x86_64-linux-gnu.so", "cp313t", "_C"),
        ("_C.cpython-36m-x86_64-linux-gnu.so", "cp36", "_C"),
        ("_C.abi3.so", "abi3", "_C"),
        ("_C_90a.abi3.so", "abi3", "_C_90a"),
        ("_C.so", None, "_C"),
        ("libfoo.so.1.2", None, "libfoo"),
    ],
)
def test_tags_in_names(name: str, tag: str | None, module: str) -> None:
    assert python_tag(name) == tag
    assert stem(name) == module


@pytest.mark.parametrize(
    ("tag", "python", "fit"),
    [
        ("cp311", "cp311", "match"),
        ("cp311", "cp312", "mismatch"),
        ("cp313", "cp313t", "mismatch"),
        ("abi3", "cp312", "stable"),
        ("abi3", "cp313t", "mismatch"),
        (None, "cp312", "untagged"),
    ],
)
def test_python_fit(tag: str | None, python: str, fit: str) -> None:
    assert python_fit(tag, python).value == fit


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("libtorch_cpu.so", "torch"),
        ("libc10.so", "torch"),
        ("libcudart.so.12", "cuda"),
        ("libcudnn.so.9", "cuda"),
        ("libcudnn_ops.so.9", "cuda"),
        ("libnvJitLink.so.12", "cuda"),
        ("libcusparseLt.so.0", "cuda"),
        ("libnccl.so.2", "cuda"),
        ("libcuda.so.1", "driver"),
        ("libstdc++.so.6", "runtime"),
        ("libc.so.6", "runtime"),
        ("ld-linux-x86-64.so.2", "runtime"),
        ("libpython3.11.so.1.0", "python"),
        ("libnvinfer.so.10", "optional"),
        ("libamdhip64.so.6", "optional"),
        ("libavcodec.so.58", "other"),
        ("libcurl.so.4", "other"),
        ("libcupsfilters.so.1", "other"),
    ],
)
def test_kinds_of_libraries(name: str, kind: str) -> None:
    assert library_kind(name).value == kind


def test_cuda_major() -> None:
    assert cuda_major(("libc.so.6", "libcudart.so.12")) == 12
    assert cuda_major(("libcudart.so.11.0",)) == 11
    assert cuda_major(("libcudnn.so.9",)) is None


@pytest.mark.parametrize(
    ("version", "torch_cuda", "picked"),
    [
        ("0.46.1", "12.4", "124"),
        ("0.46.1", "12.5", None),
        ("0.50.2", "12.5", "124"),
        ("0.50.2", "11.7", "118"),
        ("0.50.2", "13.0", None),
        ("0.50.2", None, None),
        ("0.50.2", "13", None),
    ],
)
def test_the_variant_that_bitsandbytes_picks(version: str, torch_cuda: str | None, picked: str | None) -> None:
    names = [f"bitsandbytes/libbitsandbytes_{one}.so" for one in ("cpu", "cuda118", "cuda124", "cuda126", "rocm62")]
    files = [NativeFile(folder=Path("/s"), relative=n, distribution="bitsandbytes", version=version) for n in names]
    chosen = [path for path, is_it in variants(files, torch_cuda).items() if is_it]
    assert chosen == ([f"/s/bitsandbytes/libbitsandbytes_cuda{picked}.so"] if picked else [])
