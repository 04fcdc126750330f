"""A target made of fixtures: torch 2.6 in small, and the extensions that a test asks for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from envdoctor.binaries import SystemLibraries, inspect_extensions
from envdoctor.facts.extensions import ExtensionFact

FIXTURES = Path(__file__).parent / "fixtures"
SITE = FIXTURES / "site"
TAG = "cpython-311-x86_64-linux-gnu"
ISA = {"11.8": "7.8", "12.4": "8.4", "13.0": "9.0"}


@dataclass(frozen=True, kw_only=True)
class Target:
    """A site-packages folder under test."""

    site: Path

    def add(self, name: str, *files: str, version: str = "1.0", empty: Sequence[str] = ()) -> None:
        """Installs fixture files (and empty ones) as a distribution with a RECORD."""
        for file in (*files, *empty):
            place = self.site / file
            place.parent.mkdir(parents=True, exist_ok=True)
            if file in empty:
                place.touch()
            else:
                shutil.copy(SITE / file, place)
        info = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in (*files, *empty)))

    def inspect(
        self,
        *,
        gpus: Sequence[str] = (),
        driver_cuda: str | None = None,
        python_tag: str = "cp311",
        torch: bool = True,
        torch_cuda: str | None = "12.4",
        system: SystemLibraries | None = None,
    ) -> dict[str, ExtensionFact]:
        """The facts by path."""
        facts = inspect_extensions(
            site_packages=[self.site],
            torch_dir=self.site / "torch" if torch else None,
            python_tag=python_tag,
            gpu_capabilities=gpus,
            driver_cuda=driver_cuda,
            system=system or fixture_system(),
            torch_cuda=torch_cuda,
            isa_by_cuda=ISA,
        )
        return {fact.path: fact for fact in facts}


def fixture_system(**more: object) -> SystemLibraries:
    """A machine whose only folder of libraries is fixtures/system: glibc 2.28, GLIBCXX 3.4.25."""
    return SystemLibraries(machine="x86_64", folders=(str(FIXTURES / "system"),), **more)  # type: ignore[arg-type]


def module(name: str) -> str:
    """The file name of a fixture extension."""
    return f"{name}.{TAG}.so"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    made = Target(site=tmp_path / "site-packages")
    made.site.mkdir()
    made.add("nvidia-cuda-runtime-cu12", "nvidia/cuda_runtime/lib/libcudart.so.12", version="12.4.127")
    lib = [f"torch/lib/{name}" for name in ("libc10.so", "libc10_cuda.so", "libtorch_global_deps.so")]
    made.add("torch", f"torch/{module('_C')}", *lib, version="2.6.0")
    return made


@pytest.fixture
def inspected(target: Target) -> Callable[[str], ExtensionFact]:
    """Installs one fixture extension and gives the fact about it."""

    def inspect(name: str) -> ExtensionFact:
        target.add("some-kernels", module(name))
        return target.inspect()[module(name)]

    return inspect
