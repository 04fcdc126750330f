"""What is broken in what is diagnosed is a finding in a full report with status 1, never an error of the tool."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]
CONFIG = json.dumps({"model_type": "llama", "hidden_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2})


def tensors(header: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + b"0" * 32


def offsets(begin: int, end: int) -> bytes:
    return tensors(json.dumps({"w": {"dtype": "F16", "shape": [4, 4], "data_offsets": [begin, end]}}).encode())


DAMAGE: dict[str, dict[str, str | bytes]] = {
    "a header of 2^62 bytes": {"config.json": CONFIG, "model.safetensors": tensors(b"{}", 2**62)},
    "a header of 2^64-1 bytes": {"config.json": CONFIG, "model.safetensors": tensors(b"{}", 2**64 - 1)},
    "a config nested 100,000 deep": {"config.json": "[" * 100_000},
    "a header nested 100,000 deep": {"config.json": CONFIG, "model.safetensors": tensors(b'{"a":' * 100_000)},
    "offsets outside of the file": {"config.json": CONFIG, "model.safetensors": offsets(0, 1 << 50)},
    "offsets that run backwards": {"config.json": CONFIG, "model.safetensors": offsets(32, 0)},
    "a config that is a list": {"config.json": "[1, 2]"},
    "a config that is cut off": {"config.json": CONFIG[:40], "model.safetensors": tensors(b"{}")},
    "a missing shard": {
        "config.json": CONFIG,
        "model.safetensors.index.json": json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}),
    },
    "an index that leads out": {
        "config.json": CONFIG,
        "model.safetensors.index.json": json.dumps({"weight_map": {"a": "../../etc/passwd"}}),
    },
    "an empty folder": {},
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_checkpoint_is_a_finding(envdoctor: Runner, tmp_path: Path, name: str):
    model = tmp_path / "model"
    model.mkdir()
    for file, data in DAMAGE[name].items():
        (model / file).write_bytes(data.encode() if isinstance(data, str) else data)
    run = envdoctor("diagnose", "--from", "-", "--model", "model", "--format", "json", stdin="torch==2.4.0\n")
    assert run.status == 1, run.err
    first = json.loads(run.out)["findings"][0]
    assert (first["cause"]["class"], first["verdict"], first["severity"]) == ("broken-model-files", "match", "error")
    shown = envdoctor("diagnose", "--from", "-", "--model", "model", stdin="torch==2.4.0\n")
    assert (shown.status, "EC-broken-checkpoint" in shown.out) == (1, True)


def test_a_pipe_in_the_place_of_a_config_is_not_waited_for(envdoctor: Runner, tmp_path: Path):
    os.mkfifo(tmp_path / "config.json")
    run = envdoctor("diagnose", "--from", "-", "--model", str(tmp_path), stdin="torch==2.4.0\n")
    assert (run.status, "not a regular file" in run.out) == (1, True)


def target(folder: Path, distributions: dict[str, str | bytes]) -> Path:
    """An environment as `python -m venv --without-pip` leaves it; its interpreter is the one that runs the tests."""
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    site.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    version = ".".join(map(str, sys.version_info[:3]))
    home = Path(sys.executable).resolve().parent
    (folder / "pyvenv.cfg").write_text(f"home = {home}\nversion = {version}\n")
    for name, metadata in distributions.items():
        info = site / f"{name}.dist-info"
        info.mkdir()
        (info / "METADATA").write_bytes(metadata.encode() if isinstance(metadata, str) else metadata)
    return folder


def metadata(name: str, version: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def findings(run: Any) -> dict[str, dict[str, Any]]:
    return {finding["id"]: finding for finding in json.loads(run.out)["findings"]}


def test_a_target_whose_interpreter_is_gone(envdoctor: Runner, tmp_path: Path):
    folder = target(tmp_path / "env", {"torch-2.4.0": metadata("torch", "2.4.0")})
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/no/such/python3")
    run = envdoctor("diagnose", "--python", "env", "--format", "json")
    assert run.status == 1, run.err
    finding = findings(run)["EC-broken-target"]
    assert (finding["cause"]["class"], finding["severity"]) == ("misconfiguration", "error")
    assert "/no/such/python3" in finding["title"]
    facts = json.loads(run.out)["facts"]
    assert facts["distributions"]["installed"][0]["name"] == "torch"  # the rest of the report is there
    assert envdoctor("smoke", "--python", "env").status == 3


def test_corrupted_metadata_and_two_versions_in_400_distributions(envdoctor: Runner, tmp_path: Path):
    many: dict[str, str | bytes] = {f"pkg_{i}-1.{i}": metadata(f"pkg-{i}", f"1.{i}") for i in range(400)}
    many |= {"torch-2.2.1": metadata("torch", "2.2.1"), "torch-2.4.0": metadata("torch", "2.4.0")}
    many |= {"bad-1.0": os.urandom(4000), "evil-1.0": metadata("ev\x1b[31mil\u202e", "1.0\x1b]0;x\x07")}
    target(tmp_path / "env", many)
    run = envdoctor("diagnose", "--python", "env", "--format", "json")
    found = findings(run)
    assert found["EC-duplicate-distribution"]["because"][0]["value"] in ("2.2.1, 2.4.0", "2.4.0, 2.2.1")
    assert found["EC-damaged-metadata"]["severity"] == "warning"
    assert len([name for name in found if name == "EC-damaged-metadata"]) == 1
    assert len(json.loads(run.out)["facts"]["distributions"]["installed"]) >= 400
    shown = envdoctor("diagnose", "--python", "env", "--verbose").out
    assert [c for c in shown if not c.isprintable() and c != "\n"] == []


def test_an_interpreter_that_fails_is_a_finding(envdoctor: Runner, tmp_path: Path):
    folder = target(tmp_path / "env", {})
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").write_text("#!/bin/sh\nexit 7\n")
    (folder / "bin" / "python").chmod(0o755)
    run = envdoctor("diagnose", "--python", "env")
    assert (run.status, "EC-broken-target" in run.out, "exit status 7" in run.out) == (1, True, True)
