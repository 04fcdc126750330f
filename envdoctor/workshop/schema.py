"""The JSON Schema of the report, made from the types of the facts and the structure of the contract.

    python -m envdoctor.workshop.schema          writes envdoctor/data/report.schema.json anew

Objects are open: within one schema version fields are added, and a reader must pass over what it does not know. `closed`
gives the strict variant, which the tests use so that nothing is in a report that the schema does not say.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from envdoctor.facts import Facts, Known
from envdoctor.facts.smoke import SmokeReport
from envdoctor.knowledge.entry import CLASSES, EFFECTS, EVIDENCE_TYPES
from envdoctor.render.report import SCHEMA_VERSION
from envdoctor.text import Text

SCHEMA_PATH = Path(__file__).resolve().parent.parent / "data" / "report.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = {str: "string", Text: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_COMMENT = re.compile(r"#:? *(?!fmt:|noqa)(?P<says>\S.*)$")
_ID = "^(ED-[0-9]{4}-[0-9]{4}|EC-[a-z0-9-]+)$"
Schema = dict[str, Any]


def report_schema(*, closed: bool = False) -> Schema:
    """JSON Schema 2020-12 of `diagnose --format json`. `closed` forbids every field that it does not name."""
    defs: dict[str, Schema] = {}
    facts, smoke = _type(Facts, defs), _type(SmokeReport, defs)
    finding = _finding()
    schema = {
        "$schema": _DIALECT,
        "$id": f"urn:envdoctor:report:{SCHEMA_VERSION}",
        "title": f"envdoctor report, schema version {SCHEMA_VERSION}",
        "description": "What `envdoctor diagnose --format json` writes. Readers pass over fields that they do not know.",
        **_object(
            {
                "schema_version": {"const": SCHEMA_VERSION},
                "tool": _object({"name": {"const": "envdoctor"}, "version": _string("version of envdoctor")}),
                "matrix": _object(
                    {
                        "date": _string("day of the newest entry, YYYY-MM-DD"),
                        "entries": _count("entries and checks"),
                        "digest": _string("SHA-256 of the compiled matrix, in hex", pattern="^[0-9a-f]{64}$"),
                    }
                ),
                "facts": facts,
                "findings": _list({"$ref": "#/$defs/Finding"}, "most likely cause first"),
                "smoke": {"anyOf": [smoke, {"type": "null"}], "description": "null where the ladder was not run"},
                "unknown": _list(
                    _object({"fact": _string("path in `facts`"), "reason": _string("why it is not known")}),
                    "facts that were looked for and could not be learned",
                ),
                "coverage": _coverage(),
                "lang": _one_of(["en", "zh"], "language of the texts"),
            }
        ),
        "$defs": dict(sorted({**defs, "Finding": finding}.items())),
    }
    return _closed(schema) if closed else schema


def schema_text() -> str:
    """The published file, byte for byte."""
    return json.dumps(report_schema(), ensure_ascii=False, indent=1) + "\n"


def _finding() -> Schema:
    option = _object(
        {
            "pins": _mapping("specifiers by distribution"),
            "commands": _mapping("ready to paste, by tool: pip, uv, conda, shell"),
            "flags": _list(_string(), "launch flags"),
            "env": _mapping("environment variables"),
            "text": _string("what to do, in a sentence"),
            "cost": _string("what it changes or takes; empty where nothing is known of it"),
        }
    )
    return _object(
        {
            "id": _string("ED-YYYY-NNNN (entry) or EC-name (check); never reused", pattern=_ID),
            "verdict": _one_of(["match", "possible"], "match: all that it needs is known and true; possible: a fact is unknown"),
            "severity": _one_of(["error", "warning", "info"], "follows from effect and verdict"),
            "effect": _one_of(EFFECTS, "cannot start, wrong output, slow or a warning, worth knowing"),
            "title": _string("one line, what is wrong"),
            "explanation": _string("mechanism and range"),
            "status": _one_of(["active", "ignored", "refuted"], "only active findings count for the exit status"),
            "note": _string("why it is ignored or refuted; else empty"),
            "url": {"type": ["string", "null"], "description": "first address among the evidence"},
            "cause": _object(
                {
                    "class": _one_of(CLASSES, "kind of cause; the list may grow"),
                    "packages": {**_list(_string(), "the guilty one first"), "maxItems": 3},
                }
            ),
            "because": _list(
                _object({"fact": _string(), "value": _string(), "source": _string("file, command or line of a text")}),
                "facts that the verdict rests on",
            ),
            "missing": _list(
                _object({"fact": _string(), "how": _string("how to get it")}), "facts that would decide a `possible`"
            ),
            "fix": _object(
                {
                    "pins": _mapping("pins of the first option that has any"),
                    "options": _list(option, "best first"),
                }
            ),
            "evidence": _list(
                _object(
                    {
                        "type": {"enum": list(EVIDENCE_TYPES)},
                        "url": {"type": ["string", "null"]},
                        "date": _string("YYYY, YYYY-MM or YYYY-MM-DD"),
                        "says": _string(),
                        "command": {"type": ["string", "null"], "description": "what was run, for `measured`"},
                    }
                ),
                "where it is known from",
            ),
        }
    )  # fmt: skip


def _coverage() -> Schema:
    return _object(
        {
            "known": _mapping(
                "installed distributions that the matrix speaks of, and the newest version that was checked"
            ),
            "newer_than_checked": _list(_string(), "installed distributions that are newer than that"),
            "not_covered": _count("installed distributions that the matrix does not speak of"),
            "undecided_entries": _count("entries that nothing triggered and that lack a fact"),
        }
    )


def _count(says: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": says}


def _type(kind: Any, defs: dict[str, Schema]) -> Schema:
    """The schema of what `envdoctor.facts.encode` makes of a value of this type."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(args, defs)
    if origin is tuple:
        return _list(_type(args[0], defs))
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _type(args[1], defs)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind, defs)
    return {"type": _SCALARS[kind]}


def _union(args: tuple[Any, ...], defs: dict[str, Schema]) -> Schema:
    value = next((arg for arg in args if get_origin(arg) is Known), None)
    if value is None:
        return {"anyOf": [_type(arg, defs) for arg in args]}
    _unknown_def(defs)
    inner = get_args(value)[0]
    if inner not in _SCALARS:
        return _fact(_type(inner, defs), defs)
    name = f"{_SCALARS[inner].capitalize()}Fact"
    defs[name] = _fact({"type": _SCALARS[inner]}, defs)
    return {"$ref": f"#/$defs/{name}"}


def _fact(value: Schema, defs: dict[str, Schema]) -> Schema:
    witness = _type(get_args(typing.get_type_hints(Known)["also"])[0], defs)
    also = _list(witness, "others that were asked for the same fact")
    known = _object({"value": value, "source": _string("where it was read"), "also": also})
    return {"anyOf": [{**known, "required": ["value", "source"]}, {"$ref": "#/$defs/Unknown"}]}


def _unknown_def(defs: dict[str, Schema]) -> None:
    defs["Unknown"] = {**_object({"unknown": _string("why it is not known")}), "title": "A fact that is not known"}


def _dataclass(kind: type[Any], defs: dict[str, Schema]) -> Schema:
    name = kind.__name__
    if name not in defs:
        defs[name] = {}  # holds the place: a type may name itself
        hints, says = typing.get_type_hints(kind), field_comments(kind)
        properties = {f.name: _described(_type(hints[f.name], defs), says.get(f.name)) for f in fields(kind)}
        required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
        about = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
        defs[name] = {"type": "object", "description": about, "properties": properties, "required": required}
    return {"$ref": f"#/$defs/{name}"}


def field_comments(kind: type[Any]) -> dict[str, str]:
    """The comment at the end of each field's line: the meaning stands once, beside the type."""
    source = textwrap.dedent(inspect.getsource(kind))
    lines = source.splitlines()
    found: dict[str, str] = {}
    body = ast.parse(source).body[0]
    for node in body.body if isinstance(body, ast.ClassDef) else ():
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.end_lineno:
            hit = _COMMENT.search(lines[node.end_lineno - 1][node.end_col_offset or 0 :])
            if hit:
                found[node.target.id] = hit["says"]
    return found


def _described(schema: Schema, says: str | None) -> Schema:
    return {**schema, "description": says} if says else schema


def _string(says: str | None = None, *, pattern: str | None = None) -> Schema:
    schema = {"type": "string", "pattern": pattern} if pattern else {"type": "string"}
    return _described(schema, says)


def _one_of(values: Iterable[str], says: str) -> Schema:
    return {"enum": list(values), "description": says}


def _list(items: Schema, says: str | None = None) -> Schema:
    return _described({"type": "array", "items": items}, says)


def _mapping(says: str) -> Schema:
    return _described({"type": "object", "additionalProperties": {"type": "string"}}, says)


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _closed(value) for key, value in schema.items()}
    if isinstance(inner.get("properties"), dict) and inner.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text(), encoding="utf-8")
