"""Pages over tables and types: stacks, coverage, the fields of a report, the facts that conditions may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envdoctor.knowledge import Matrix
from envdoctor.knowledge.catalog import CATALOG, FAMILIES, FactKind
from envdoctor.workshop.docs.entries import Page
from envdoctor.workshop.docs.markdown import code, page, table, text
from envdoctor.workshop.schema import report_schema


def stacks_page(matrix: Matrix) -> str:
    """Every named stack: what it asks for, what the machine must have, its options."""
    parts = []
    for name in sorted(matrix.stacks):
        data: Mapping[str, Any] = matrix.stacks[name]
        needs = data.get("needs", {})
        rows = [("requirements", ", ".join(code(item) for item in data["requirements"]))]
        if "capability" in needs:
            rows.append(("GPU", f"compute capability {needs['capability']} or newer"))
        if needs.get("compiler"):
            rows.append(("compiler", "builds code on the machine"))
        for option, other in sorted(data.get("options", {}).items()):
            rows.append((code(f"{name}:{option}"), f"{text(other['title']['en'])}<br>{text(other['title']['zh'])}"))
        parts.append(
            f"## {name}\n\n{text(data['title']['en'])}<br>{text(data['title']['zh'])}\n\n{table(('', ''), rows)}"
        )
    return page(
        "# Stacks",
        "A stack is a named set of requirements for a purpose. `envdoctor lock --stack NAME` pins one for a machine; "
        "further requirements refine it.",
        *parts,
    )


def coverage_page(matrix: Matrix, entries: Sequence[Page]) -> str:
    """What the matrix speaks of, and up to which version somebody looked."""
    counts: dict[str, int] = {}
    for entry in entries:
        for name in entry.core.packages:
            counts[name] = counts.get(name, 0) + 1
    known = [
        (code(name), version or "no end stated", str(counts.get(name, 0)))
        for name, version in matrix.known_packages().items()
        if "{" not in name
    ]
    causes: dict[str, int] = {}
    for entry in entries:
        causes[entry.core.cause] = causes.get(entry.core.cause, 0) + 1
    measured = [
        (
            code(name),
            str(len(data["rows"])),
            f"{data['made']}, {data['platform']}",
            str(len(data.get("measured", ()))) or "",
        )
        for name, data in sorted(matrix.derived.items())
    ]
    return page(
        "# Coverage",
        f"{matrix.count} entries and checks, the newest of {matrix.date}. What stands here in no row is not known to the matrix: "
        "a report with nothing found says how many installed packages that concerns.",
        "## By package",
        table(("package", "newest version checked", "entries that name it as a cause"), known),
        "## By cause",
        table(("cause", "entries"), [(f"[{c}](entries/by-class.md#{c})", str(n)) for c, n in sorted(causes.items())]),
        "## Measured in published wheels",
        table(("package", "versions", "measured", "against so many versions of torch"), measured),
    )


def fields_page() -> str:
    """Every object of the report with its fields, from the published schema."""
    schema = report_schema()
    parts = [f"## Report\n\n{_fields(schema)}"]
    for name, one in schema["$defs"].items():
        if "properties" in one and name != "Unknown":
            about = text(one.get("description", ""))
            parts.append(f"## {name}\n\n" + (f"{about}\n\n" if about else "") + _fields(one))
    return page(
        "# Fields of the report",
        "Made from [report.schema.json](report.schema.json), which is also in the wheel (`envdoctor/data/`). "
        "*fact of T* is `{\"value\": T, \"source\": ...}` or `{\"unknown\": reason}`; a field at its default is left out. "
        "What the contract promises stands in [The report](report.md).",
        *parts,
    )  # fmt: skip


def _fields(one: Mapping[str, Any]) -> str:
    required = set(one.get("required", ()))
    rows = []
    for name, field in one["properties"].items():
        shown = code(name) + ("" if name in required else " (optional)")
        rows.append((shown, _kind(field), text(str(field.get("description", "")))))
        rows += [(code(f"{name}{path}"), kind, says) for path, kind, says in _inner(field)]
    return table(("field", "type", "meaning"), rows)


def _inner(field: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The fields of an object that has no name of its own."""
    mark, holder = ("[]", field["items"]) if field.get("type") == "array" else ("", field)
    for name, inner in holder.get("properties", {}).items():
        yield f"{mark}.{name}", _kind(inner), text(str(inner.get("description", "")))
        for path, kind, says in _inner(inner):
            yield f"{mark}.{name}{path}", kind, says


def _kind(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return (
            f"fact of {name[:-4].lower()}"
            if name.endswith("Fact") and name != "ExtensionFact"
            else f"[{name}](#{name.lower()})"
        )
    if "const" in field:
        return code(field["const"])
    if "enum" in field:
        return " or ".join(code(value) for value in field["enum"])
    if "anyOf" in field:
        inner = field["anyOf"][0]
        if "value" in inner.get("properties", {}):
            return f"fact of {_kind(inner['properties']['value'])}"
        return " or ".join(_kind(one) for one in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}"
    if isinstance(field.get("additionalProperties"), Mapping):
        return f"object of {_kind(field['additionalProperties'])}"
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return " or ".join(kinds)


def facts_page() -> str:
    """The fact paths that conditions, cases and reports use."""
    rows = [(code(path), _order(kind), text(kind.how), text(kind.how_zh)) for path, kind in CATALOG.items()]
    families = [
        (code(f"{prefix}NAME"), _order(kind), text(kind.how), text(kind.how_zh)) for prefix, kind in FAMILIES.items()
    ]
    package = (code("package.NAME"), "version (PEP 440)", code("pip list"), "运行 pip list")
    return page(
        "# Facts that conditions may name",
        "The same paths stand in entries (`fact = ...`), in their cases, and in reports (`because`, `missing`).",
        table(("path", "ordered as", "how to get it", "如何获得"), [package, *families, *rows]),
    )  # fmt: skip


def _order(kind: FactKind) -> str:
    if kind.scheme is not None:
        return f"version ({kind.scheme.value})"
    return "number" if kind.number else ""
