"""The driver rung against a libcuda of our own making, and its PTX against its meaning. No GPU is needed, or proven."""

from __future__ import annotations

import runpy
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envdoctor.facts.smoke import Outcome, RungResult
from envdoctor.smoke import Limits, run_ladder
from tests.smoke import ptx

PROGRAM = Path(__file__).parents[2] / "envdoctor" / "smoke" / "programs" / "driver.py"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("cuda")
    source = Path(__file__).with_name("fake_cuda.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(folder / "libcuda.so.1"), str(source)], check=True)
    return folder


def climb(fake: Path, monkeypatch: pytest.MonkeyPatch, mode: str, **options: Any) -> list[RungResult]:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(fake))
    monkeypatch.setenv("FAKE_CUDA", mode)
    return list(run_ladder(python=Path(sys.executable), rungs=["driver"], **options).results)


def test_a_right_driver_passes(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = climb(fake, monkeypatch, "")
    assert [(r.name, r.outcome.value) for r in results] == [
        ("libcuda", "passed"),
        ("devices", "passed"),
        ("context", "passed"),
        ("memory copy", "passed"),
        ("int4 kernel", "passed"),
    ]
    assert "CUDA up to 12.8" in results[0].detail
    assert results[1].detail == "cuda:0 Fake GPU, sm_90"
    assert results[4].detail == "256 of 256 results are exact"


@pytest.mark.parametrize(
    ("mode", "name", "outcome", "says"),
    [
        ("init", "libcuda", Outcome.ERROR, "CUDA_ERROR_UNKNOWN (999)"),
        ("nodevice", "libcuda", Outcome.CANNOT_RUN, "sees no GPU"),
        ("segfault", "libcuda", Outcome.SEGFAULT, "SIGSEGV"),
        ("copy", "memory copy", Outcome.WRONG_NUMBERS, "1 of 4194304"),
        ("ptx", "int4 kernel", Outcome.ERROR, "UNSUPPORTED_PTX_VERSION (222)"),
        ("wrong", "int4 kernel", Outcome.WRONG_NUMBERS, "wrong integers is 1"),
        ("skip", "int4 kernel", Outcome.NAN, "256 of 256 results are NaN"),
        ("fault", "int4 kernel", Outcome.ERROR, "cuCtxSynchronize"),
        ("memory", "memory copy", Outcome.ERROR, "cuMemAlloc_v2"),
    ],
)
def test_broken_drivers_are_told_apart(
    fake: Path, monkeypatch: pytest.MonkeyPatch, mode: str, name: str, outcome: Outcome, says: str
) -> None:
    result = next(r for r in climb(fake, monkeypatch, mode) if r.outcome is not Outcome.PASSED)
    assert (result.name, result.outcome) == (name, outcome)
    assert says in result.detail


def test_a_driver_that_hangs(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = climb(fake, monkeypatch, "hang", limits=Limits(deadline_s=1.5))
    assert [(r.name, r.outcome) for r in results] == [("libcuda", Outcome.HANG)]


def test_a_gpu_that_is_not_there(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = climb(fake, monkeypatch, "", device="cuda:3")[-1]
    assert last.outcome is Outcome.CANNOT_RUN
    assert "no cuda:3" in last.detail


def test_a_file_that_is_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libcuda.so.1").write_bytes(b"not an ELF file")
    result = climb(tmp_path, monkeypatch, "")[0]
    assert result.outcome in (Outcome.ERROR, Outcome.CANNOT_RUN)
    assert result.outcome is Outcome.ERROR or "no NVIDIA driver" not in result.detail


def test_the_ptx_means_what_the_check_expects() -> None:
    """The instructions, run one by one for some threads (and one past the end), give the exact integers."""
    program = runpy.run_path(str(PROGRAM))
    data, right = program["problem_data"]()
    memory: dict[int, bytes] = {}
    base = {"words": 1 << 20, "scales": 2 << 20, "zeros": 3 << 20, "x": 4 << 20, "out": 5 << 20}
    for name, blob in data.items():
        memory |= {base[name] + i: blob[i : i + 4] for i in range(0, len(blob), 4)}
    arguments = [*base.values(), program["K"] // 8, program["N"], program["GROUP"] // 8]
    for column in (0, 1, 127, 128, 255, 256):
        ptx.run_thread(program["PTX"], arguments, memory, column // 128, 128, column % 128)
        if column < 256:
            assert struct.unpack("<f", memory[base["out"] + 4 * column])[0] == right[column]
    assert sum(address >= base["out"] for address in memory) == 5
    assert max(abs(value) for value in right) < 2**24
    assert len(set(right)) > 100


def test_the_ptx_is_old_enough_for_old_drivers() -> None:
    text = runpy.run_path(str(PROGRAM))["PTX"]
    assert ".version 6.0\n" in text
    assert ".target sm_50\n" in text


@pytest.mark.network
@pytest.mark.parametrize(
    ("package", "arches"),
    [
        ("nvidia-cuda-nvcc-cu12", ("50", "61", "70", "75", "80", "86", "89", "90", "100", "120")),
        ("nvidia-cuda-nvcc", ("75", "80", "86", "89", "90", "100", "120")),  # CUDA 13 dropped what is older
    ],
)
def test_ptxas_takes_the_ptx(tmp_path: Path, package: str, arches: tuple[str, ...]) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "pip", "install", "-q", "--no-deps", "--target", tmp_path / "p", package], check=True)
    ptxas = next((tmp_path / "p").rglob("bin/ptxas"))
    ptxas.chmod(0o755)
    source = tmp_path / "kernel.ptx"
    source.write_text(runpy.run_path(str(PROGRAM))["PTX"])
    for arch in arches:
        done = subprocess.run(
            [ptxas, f"-arch=sm_{arch}", source, "-o", tmp_path / "out"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (arch, done.stderr)
