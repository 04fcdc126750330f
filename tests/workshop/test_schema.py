"""The published schema: made from the types, and true of real reports."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envdoctor.diagnose import diagnose
from envdoctor.facts import Facts, Known, known
from envdoctor.knowledge import load_matrix
from envdoctor.knowledge.build import read_toml
from envdoctor.render.report import report
from envdoctor.text import Text, same
from envdoctor.workshop.cases import facts_of
from envdoctor.workshop.schema import SCHEMA_PATH, report_schema, schema_text
from tests.cli.conftest import envdoctor  # noqa: F401 (a fixture)
from tests.probe.checkpoint.tiny import write_checkpoint
from tests.probe.replay import HOSTS, replay

ROOT = Path(__file__).parents[2]
STRICT = jsonschema.Draft202012Validator(report_schema(closed=True))
PASTED = (
    "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n",
    "nothing that says anything\n",
)


def check(data: Any) -> None:
    error = jsonschema.exceptions.best_match(STRICT.iter_errors(data))
    assert error is None, f"{error.json_path}: {error.message}"


def reported(facts: Facts, lang: str = "en") -> dict[str, Any]:
    matrix = load_matrix()
    made: dict[str, Any] = json.loads(json.dumps(report(facts, diagnose(facts, matrix), matrix, lang=lang)))
    return made


def test_the_published_file_is_what_the_types_give():
    assert SCHEMA_PATH.read_text("utf-8") == schema_text(), "run python -m envdoctor.workshop.schema"


def test_it_is_a_schema_and_travels_with_the_package():
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))
    assert SCHEMA_PATH.parent == ROOT / "envdoctor" / "data"


def full(kind: Any, index: int = 0) -> Any:
    """A value of this type in which every field says something."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Text:
        return same("x")
    if kind in (str, int, float, bool):
        return {str: "x", int: 1, float: 0.5, bool: True}[kind]
    if origin is Known:
        return known(full(args[0]), "source")
    if args and origin not in (tuple, dict, Mapping):
        return full(args[0])
    if origin is tuple:
        return (full(args[0]),)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    assert is_dataclass(kind), kind
    hints = typing.get_type_hints(kind)
    return kind(**{field.name: full(hints[field.name]) for field in fields(kind)})  # type: ignore[call-overload]


def test_every_field_of_every_fact_is_in_it():
    facts = full(Facts)
    matrix = load_matrix()
    nothing = diagnose(Facts(), matrix)
    made = report(facts, nothing, matrix)
    check(made)
    assert set(made["facts"]) == {field.name for field in fields(Facts)}


@pytest.mark.parametrize("text", PASTED)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pasted_reports(envdoctor: Callable[..., Any], text: str, lang: str):  # noqa: F811
    check(json.loads(envdoctor("diagnose", "--from", "-", "--format", "json", "--lang", lang, stdin=text).out))


def test_the_live_machine_with_a_damaged_checkpoint_and_an_ignore(envdoctor: Callable[..., Any], tmp_path: Path):  # noqa: F811
    folder = write_checkpoint(tmp_path / "model")
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-100])
    (tmp_path / "envdoctor.toml").write_text(
        '[[ignore]]\nid = "EC-broken-checkpoint"\nreason = "a test"\nuntil = "2999-01-01"\n'
    )
    made = json.loads(envdoctor("diagnose", "--model", str(folder), "--format", "json").out)
    check(made)
    found = {item["id"]: item["status"] for item in made["findings"]}
    assert found["EC-broken-checkpoint"] == "ignored"
    assert made["facts"]["checkpoint"]["damage"]["value"]


@pytest.mark.parametrize("name", sorted(path.name for path in HOSTS.iterdir() if path.is_dir()))
def test_recorded_machines(name: str):
    check(reported(replay(name)))


@pytest.mark.parametrize(
    "stem", ["EC-extension-abi", "EC-extension-gpu", "EC-extension-library", "EC-smoke-failed", "EC-memory-fit"]
)
def test_reports_with_extensions_and_smoke_results(stem: str):
    cases = read_toml(ROOT / "matrix" / "checks" / f"{stem}.toml")["case"]
    made = [reported(facts_of(case["facts"], place=stem), "zh") for case in cases]
    for one in made:
        check(one)
    assert any(finding["id"] == stem for one in made for finding in one["findings"])
    if stem == "EC-smoke-failed":
        assert any(one["smoke"] for one in made)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 2),
        (("findings", 0, "verdict"), "certain"),
        (("findings", 0, "surprise"), 1),
        (("facts", "torch", "version"), {"unknown": 5}),
        (("facts", "torch", "colour"), {"value": "x", "source": "y"}),
        (("unknown",), None),
        (("coverage", "not_covered"), -1),
    ],
)
def test_what_is_no_report_is_refused(envdoctor: Callable[..., Any], path: tuple[Any, ...], value: Any):  # noqa: F811
    made = json.loads(envdoctor("diagnose", "--from", "-", "--format", "json", stdin=PASTED[0]).out)
    check(made)
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not STRICT.is_valid(made)


def test_readers_may_pass_over_what_is_new():
    made = {**reported(Facts()), "later": 1}
    assert not STRICT.is_valid(made)
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(made)
