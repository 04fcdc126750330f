"""Published wheels: the static verdict beside what loading really does. Opt-in: installs gigabytes.

    pytest -m network tests/binaries/test_real.py

The outcome of a run stands in docs/compiled-extensions.md.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .real_pairs import outcomes

PYTHON = "3.11"
# torch, further packages with their needs, packages without (their metadata forbids the pair, or pins another torch),
# and which distributions load
ENVIRONMENTS = [
    (
        "2.2.2",
        ("numpy<2", "setuptools"),
        ("autoawq-kernels==0.0.6", "auto-gptq==0.7.1", "xformers==0.0.25.post1", "torchao==0.12.0"),
        {"autoawq-kernels": True, "auto-gptq": True, "xformers": True, "torchao": False},
    ),
    (
        "2.4.1",
        ("numpy<2", "setuptools"),
        ("autoawq-kernels==0.0.8", "auto-gptq==0.7.1", "xformers==0.0.28.post1"),
        {"autoawq-kernels": True, "auto-gptq": False, "xformers": True},
    ),
    (
        "2.6.0",
        ("numpy<2.3", "setuptools", "bitsandbytes==0.46.1"),
        ("autoawq-kernels==0.0.9", "xformers==0.0.29.post3", "torchao==0.12.0"),
        {"autoawq-kernels": True, "xformers": True, "torchao": False, "bitsandbytes": True},
    ),
    (
        "2.15.0",
        ("numpy", "setuptools", "bitsandbytes==0.50.2"),
        ("autoawq-kernels==0.0.9", "torchao==0.18.0", "xformers==0.0.35"),
        {"autoawq-kernels": False, "torchao": True, "xformers": False, "bitsandbytes": True},
    ),
]


@pytest.mark.network
@pytest.mark.parametrize(
    ("torch", "requirements", "alone", "loads"), ENVIRONMENTS, ids=[f"torch-{row[0]}" for row in ENVIRONMENTS]
)
def test_the_verdict_is_what_happens(
    tmp_path: Path, torch: str, requirements: tuple[str, ...], alone: tuple[str, ...], loads: dict[str, bool]
) -> None:
    import uv

    environment = tmp_path / "target"
    tool = uv.find_uv_bin()
    install = [tool, "pip", "install", "-q", "--python", str(environment / "bin/python")]
    subprocess.run([tool, "venv", "-q", "--python", PYTHON, str(environment)], check=True)
    try:
        subprocess.run([*install, f"torch=={torch}", *requirements], check=True)
        subprocess.run([*install, "--no-deps", *alone], check=True)
        found = list(outcomes(environment))
        disagreements = [
            f"{one.fact.path}: said {one.says_loads}, {one.text or 'loads'}" for one in found if not one.agree
        ]
        assert not disagreements
        by_owner = {name: {one.loads for one in found if one.fact.distribution == name} for name in loads}
        assert by_owner == {name: {expected} for name, expected in loads.items()}
    finally:
        shutil.rmtree(environment, ignore_errors=True)
