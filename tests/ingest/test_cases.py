"""Pasted texts with what must come of them: `cases/NAME.txt` and `cases/NAME.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envdoctor.facts import Facts, Gpu, Known, Unknown, decode, encode
from envdoctor.ingest import GpuTable, ingest

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).parents[2]
TABLE = GpuTable(tomllib.loads((ROOT / "matrix/tables/gpus.toml").read_text("utf-8")))
NAMES = sorted(path.stem for path in CASES.glob("*.toml"))


def at(facts: Facts, path: str) -> Any:
    value: Any = facts
    for part in path.split("."):
        value = getattr(value, part)
    return value


def expectation(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / f"{name}.toml").read_text("utf-8"))


def facts_of(name: str) -> Facts:
    return ingest((CASES / f"{name}.txt").read_bytes(), gpu_table=TABLE)


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def check_gpu(gpu: Gpu, want: dict[str, Any]) -> None:
    for key, value in want.items():
        if key == "unknown":
            for field in value:
                assert isinstance(getattr(gpu, field), Unknown), f"{field} should be unknown, is {getattr(gpu, field)}"
        elif key in ("memory_gib", "memory_mib"):
            assert isinstance(gpu.memory_bytes, Known)
            unit = 1 << 30 if key == "memory_gib" else 1 << 20
            assert gpu.memory_bytes.value == int(value * unit)
        else:
            fact = getattr(gpu, key)
            assert isinstance(fact, Known), f"{key}: {fact}"
            assert fact.value == value


@pytest.mark.parametrize("name", NAMES)
def test_a_pasted_text_gives_these_facts(name: str) -> None:
    want, facts = expectation(name), facts_of(name)
    for path, value in want.get("facts", {}).items():
        fact = at(facts, path)
        assert isinstance(fact, Known), f"{path} is unknown: {fact}"
        assert plain(fact.value) == value, f"{path}: {fact}"
        assert fact.source.startswith("line ")
    for path, reason in want.get("unknown", {}).items():
        fact = at(facts, path)
        assert isinstance(fact, Unknown), f"{path}: {fact}"
        assert fact.reason == reason
    installed = {d.name: d.version for d in facts.distributions.installed}
    for package, version in want.get("packages", {}).items():
        assert installed.get(package) == version, package
    assert not set(want.get("packages_absent", {}).get("names", ())) & set(installed)
    variables = {v.name: v.value for v in facts.environment}
    if "environment" in want:
        assert variables == want["environment"]
    if "gpus" in want:
        assert isinstance(facts.gpus, Known), facts.gpus
        assert len(facts.gpus.value) == len(want["gpus"])
        for gpu, expected in zip(facts.gpus.value, want["gpus"], strict=True):
            check_gpu(gpu, expected)
    if "unmet" in want:
        assert [encode(u) for u in facts.distributions.unmet] == want["unmet"]
    log = [line.text for line in facts.log]
    for text in want.get("log", {}).get("has", ()):
        assert any(text == line or line.endswith(text) for line in log), text
    for text in want.get("log", {}).get("lacks", ()):
        assert not any(text in line for line in log), text


@pytest.mark.parametrize("name", NAMES)
def test_facts_survive_their_json(name: str) -> None:
    facts = facts_of(name)
    assert decode(Facts, encode(facts)) == facts


@pytest.mark.parametrize("name", NAMES)
def test_every_source_points_to_a_line_that_exists(name: str) -> None:
    total = (CASES / f"{name}.txt").read_bytes().count(b"\n") + 1
    facts = facts_of(name)
    lines = [int(d.source.split()[1]) for d in facts.distributions.installed] + [line.number for line in facts.log]
    assert all(1 <= number <= total for number in lines)


def test_each_text_has_its_expectation() -> None:
    assert {path.stem for path in CASES.glob("*.txt")} == set(NAMES)
