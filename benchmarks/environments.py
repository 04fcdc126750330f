"""The environments that are measured, built with uv into one folder and kept there for the next run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
#: what somebody has who tries models on a notebook: with all that these bring, some 160 distributions
COMPANIONS = (
    "transformers", "accelerate", "datasets", "peft", "optimum", "sentencepiece", "tiktoken", "einops", "scipy",
    "scikit-learn", "pandas", "fastapi", "uvicorn[standard]", "openai", "tensorboard", "jupyterlab", "pip",
)  # fmt: skip
#: published wheels with CUDA or torch code; installed without what they ask for, or they would bring another torch
EXTENSIONS = ("bitsandbytes", "xformers", "torchao", "autoawq-kernels", "auto-gptq")
_PEERS = ("env-doctor", "cuda-doctor")


@dataclass(frozen=True, kw_only=True)
class Torch:
    """Where torch comes from: a requirement, and arguments of uv that find a CPU build."""

    requirement: str = "torch"
    arguments: tuple[str, ...] = ("--torch-backend", "cpu")


@dataclass(frozen=True, kw_only=True)
class Environments:
    """Folders of virtual environments, and the folder with vLLM's collect_env."""

    own: Path
    bare: Path  #: torch and NumPy alone
    plain: Path
    extended: Path
    peers: dict[str, Path]
    vllm: Path
    vllm_version: str

    @property
    def envdoctor(self) -> str:
        """The installed command: a wheel of this checkout, with bytecode, as pip installs it."""
        return str(self.own / "bin/envdoctor")

    @property
    def uv(self) -> str:
        """The uv that envdoctor brings."""
        return str(self.own / "bin/uv")


def build(home: Path, torch: Torch, python: str, tell: Callable[[str], None]) -> Environments:
    """All of them; what an earlier run built from the same requirements is taken as it is, but for envdoctor's own."""
    home.mkdir(parents=True, exist_ok=True)
    torch_first = (torch.requirement, *COMPANIONS)

    def made(name: str, *requirements: str, bare: Sequence[str] = ()) -> Path:
        tell(f"environment {name}")
        return _environment(home / name, python, requirements, torch.arguments, bare)

    tell("environment own")
    version = _vllm_collect_env(home / "vllm", tell)
    return Environments(
        own=_own(home / "own", python),
        bare=made("bare", torch.requirement, "numpy"),
        plain=made("plain", *torch_first),
        extended=made("extended", *torch_first, bare=EXTENSIONS),
        peers={peer: made(peer, *torch_first, peer) for peer in _PEERS},
        vllm=home / "vllm",
        vllm_version=version,
    )


def _uv(*arguments: str) -> None:
    from uv import find_uv_bin

    run = subprocess.run([find_uv_bin(), *arguments], capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"uv {' '.join(arguments[:3])}: {run.stderr.strip()[-800:]}")


def _own(folder: Path, python: str) -> Path:
    if not (folder / "bin/python").exists():
        _uv("venv", "--python", python, str(folder))
    with tempfile.TemporaryDirectory() as name:
        _uv("build", "--wheel", "--out-dir", name, str(CHECKOUT))
        (wheel,) = Path(name).glob("*.whl")
        _uv(
            "pip", "install", "--python", str(folder / "bin/python"), "--compile-bytecode", "--reinstall-package",
            "envdoctor-gpu", str(wheel),
        )  # fmt: skip
    return folder


def _environment(
    folder: Path, python: str, requirements: Sequence[str], arguments: Sequence[str], bare: Sequence[str]
) -> Path:
    recipe = "\n".join((python, *requirements, *arguments, "--", *bare))
    mark = folder / "recipe.txt"
    if mark.is_file() and mark.read_text("utf-8") == recipe:
        return folder
    _uv("venv", "--clear", "--python", python, str(folder))
    install = ("pip", "install", "--python", str(folder / "bin/python"), "--compile-bytecode")
    _uv(*install, *arguments, *requirements)
    if bare:
        _uv(*install, "--no-deps", "--only-binary", ":all:", *bare)
    mark.write_text(recipe, "utf-8")
    return folder


def _vllm_collect_env(folder: Path, tell: Callable[[str], None]) -> str:
    """vLLM's collect_env.py out of its newest wheel, beside a stub of the package: importing the engine is not counted.

    Returns the version. Only the part of the wheel that holds the file is fetched, where the index can do ranges.
    """
    mark = folder / "version.txt"
    if mark.is_file():
        return mark.read_text("utf-8")
    tell("vLLM's collect_env out of its wheel")
    version, text = _from_wheel("vllm", "vllm/collect_env.py")
    package = folder / "vllm"
    package.mkdir(parents=True, exist_ok=True)
    (package / "collect_env.py").write_text(text, "utf-8")
    (package / "envs.py").write_text("environment_variables = {}\n", "utf-8")
    numbers = ", ".join(part if part.isdigit() else repr(part) for part in version.split("."))
    (package / "__init__.py").write_text(f"__version__, __version_tuple__ = {version!r}, ({numbers})\n", "utf-8")
    mark.write_text(version, "utf-8")
    return version


def _from_wheel(name: str, member: str) -> tuple[str, str]:
    from envdoctor.toml import tomllib
    from envdoctor.workshop.derive.remote import Fetcher

    with tempfile.TemporaryDirectory() as folder, Fetcher() as fetcher:
        wanted, lock = Path(folder) / "wanted.in", Path(folder) / "pylock.toml"
        wanted.write_text(name, "utf-8")
        _uv(
            "pip", "compile", "--no-deps", "--only-binary", ":all:", "--python-platform", "x86_64-manylinux_2_35",
            "--python-version", "3.12", "-o", str(lock), str(wanted),
        )  # fmt: skip
        package = tomllib.loads(lock.read_text("utf-8"))["packages"][0]
        wheel = next(wheel for wheel in package["wheels"] if "x86_64" in wheel["url"])
        stream, *_ = fetcher.open(wheel["url"], sha256=wheel["hashes"]["sha256"], spare=Path(folder) / "spare.whl")
        with stream, zipfile.ZipFile(stream) as archive:
            return package["version"], archive.read(member).decode("utf-8")


def made_up(folder: Path, distributions: int) -> Path:
    """An environment of that many small made-up distributions, for growth."""
    mark = folder / "bin/python"
    if mark.exists():
        return folder
    _uv("venv", "--python", sys.executable, str(folder))
    site = next(folder.glob("lib/python3*/site-packages"))
    for number in range(distributions):
        info = site / f"made_up_{number}-1.{number}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: made-up-{n}>=1\n" for n in range(max(0, number - 5), number))
        text = f"Metadata-Version: 2.1\nName: made-up-{number}\nVersion: 1.{number}\n{needs}\n" + "A line.\n" * 100
        (info / "METADATA").write_text(text, "utf-8")
        package = site / f"made_up_{number}"
        package.mkdir()
        files = [f"made_up_{number}/part_{n}.py" for n in range(40)]
        for file in files:
            (site / file).touch()
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), "utf-8")
    return folder
