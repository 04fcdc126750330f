"""Problem 3 on real environments, resolved as of a day with uv: the old optimum is named, the repaired ones are not.

Opt in with `-m network`; each environment is about 5 GB and goes away when its tests are done.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.probe.checkpoint.tiny import write_checkpoint

pytestmark = pytest.mark.network

COMMON = ["torch==2.2.1", "auto-gptq==0.7.1", "transformers", "accelerate", "numpy<2"]
STACKS = {
    "1.19.2": ["--exclude-newer", "2024-06-15"],
    "1.20.0": ["--exclude-newer", "2024-08-01"],
    "1.23.3": ["--exclude-newer", "2024-11-15"],
}
ENTRY = "optimum"


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The environment of one version of optimum; gone before the next is made."""
    import uv

    version: str = request.param
    home = tmp_path_factory.mktemp(f"optimum-{version}") / "venv"
    tool = uv.find_uv_bin()
    try:
        subprocess.run([tool, "venv", "-q", "--python", "3.11", str(home)], check=True)
        install = [tool, "pip", "install", "-q", "--python", str(home / "bin/python")]
        subprocess.run([*install, *STACKS[version], f"optimum=={version}", *COMMON], check=True)
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def diagnosed(home: Path, model: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "envdoctor", "diagnose", "--python", str(home / "bin/python"), "--format", "json"]
    run = subprocess.run(
        [*command, "--model", str(model), "--engine", "transformers"], capture_output=True, check=False
    )
    data: dict[str, Any] = json.loads(run.stdout)
    return data


def about_biases(report: dict[str, Any]) -> list[dict[str, Any]]:
    errors = [f for f in report["findings"] if f["severity"] == "error" and f["cause"]["packages"][:1] == [ENTRY]]
    return [f for f in errors if any(b["fact"] == "checkpoint.missing_biases" for b in f["because"])]


@pytest.mark.parametrize(
    ("environment", "biases", "named"),
    [("1.19.2", False, True), ("1.19.2", True, False), ("1.20.0", False, False), ("1.23.3", False, False)],
    indirect=["environment"],
)
def test_the_missing_biases(environment: Path, tmp_path: Path, biases: bool, named: bool):
    write_checkpoint(tmp_path / "model", biases=biases)
    found = about_biases(diagnosed(environment, tmp_path / "model"))
    assert bool(found) is named
    if named:
        assert any(".bias" in b["value"] for b in found[0]["because"])
