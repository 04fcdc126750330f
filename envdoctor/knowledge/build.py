"""Compiles the folder that people edit (`matrix/`, TOML) into the one JSON that the wheel carries.

Only what loading needs: every entry is parsed once, so that a matrix that compiles also loads. The other gates (evidence,
cases, dates) are `envdoctor matrix lint` and `test`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envdoctor.errors import system_says
from envdoctor.files import read_regular
from envdoctor.knowledge.conditions import anchors, package_names
from envdoctor.knowledge.entry import EntryError, core_from, texts_from
from envdoctor.knowledge.literals import probe, required_literal
from envdoctor.text import Text
from envdoctor.toml import tomllib
from envdoctor.versions import Scheme, compare

SCHEMA_VERSION = 1
_CAP = 16 << 20  # bytes of one file: the largest table has a tenth of it
#: the name of the file beside the matrix that holds what each release has and says
RELEASES = "releases.json"


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict; a file that is none raises EntryError that names it."""
    try:
        data: dict[str, Any] = tomllib.loads(read_regular(path, _CAP).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EntryError(
            Text(en=f"{path.name}: not TOML: {error}", zh=f"{path.name}：不是有效的 TOML：{error}")
        ) from None
    except OSError as error:
        why = system_says(error)
        raise EntryError(
            Text(en=f"{path.name}: cannot be read: {why}", zh=f"{path.name}：无法读取：{why.zh}")
        ) from None
    return data


def entry_files(source: Path) -> list[Path]:
    """The files of all entries and checks, in the order in which they are compiled."""
    return sorted(source.glob("entries/*/*.toml")) + sorted(source.glob("checks/*.toml"))


def compile_matrix(source: Path) -> str:
    """The whole matrix folder as one JSON array, a line an element: a head with the index, then entries, tables, and
    the literals of all signatures, which only a text needs.

    The reader parses the head, and of the other lines only those that it is asked for: that makes loading a matter of
    splitting lines. Deterministic. Raises EntryError with file and key.
    """
    groups = read_toml(source / "groups.toml") if (source / "groups.toml").exists() else {}
    items, latest = [], ""
    for path in entry_files(source):
        data = read_toml(path)
        items.append(_compile_entry(data, place=path.stem, groups=groups))
        latest = max(latest, str(data.get("modified", "")))
    named = {
        "tables": {p.stem: _plain(read_toml(p)) for p in sorted(source.glob("tables/*.toml"))},
        "derived": dict(_read_derived(source)),
        "stacks": {p.stem: _plain(read_toml(p)) for p in sorted(source.glob("stacks/*.toml"))},
    }
    index, literals = _index(items, groups, named["tables"])
    head: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "date": latest,
        "entries": len(items),
        "groups": groups,
        "ids": [item["id"] for item in items],
        "index": index,
        **{kind: list(tables) for kind, tables in named.items()},
        "releases": [
            f"{folder}/{p.stem}" for folder in ("names", "messages") for p in sorted(source.glob(f"{folder}/*.json"))
        ],
    }
    lines = [_dump(item) for item in items] + [_dump(table) for tables in named.values() for table in tables.values()]
    lines.append(_dump(literals))
    head["digest"] = hashlib.sha256("\n".join([_dump(head), *lines]).encode()).hexdigest()
    return "[" + ",\n".join([_dump(head), *lines]) + "\n]\n"


def compile_releases(source: Path) -> str:
    """What each release has and says (`names/`, `messages/`), a table a line after the list of their names.

    A file of its own: it is large, and only a report that misses a name or holds an unknown message asks for it.
    """
    tables = {
        f"{folder}/{path.stem}": json.loads(path.read_text("utf-8"))
        for folder in ("names", "messages")
        for path in sorted(source.glob(f"{folder}/*.json"))
    }
    return "\n".join([_dump(list(tables)), *(_dump(table) for table in tables.values())]) + "\n"


def _read_derived(source: Path) -> Iterable[tuple[str, Any]]:
    for path in sorted(source.glob("derived/*.toml")):
        yield path.stem, _plain(read_toml(path))
    for path in sorted(source.glob("derived/*.json")):
        yield path.stem, json.loads(path.read_text("utf-8"))


def _compile_entry(data: dict[str, Any], *, place: str, groups: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    data = _plain(data)
    for signature in data.get("signature", ()):
        signature["literal"] = required_literal(signature.get("pattern", ""))
    core_from(data, place=place, groups=groups)
    texts_from(data, place=place, groups=groups)
    return {key: value for key, value in data.items() if key != "case"}


def _index(
    items: Sequence[Mapping[str, Any]], groups: Mapping[str, Sequence[str]], tables: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, int, int, str]]]:
    """Which entries to look at, given what is there: by package, by fact; always; and by text of a signature."""
    keys: dict[str, list[int]] = {}
    literals: list[tuple[str, int, int, str]] = []
    always: list[int] = []
    for i, item in enumerate(items):
        core = core_from(item, place=item["id"], groups=groups)
        if core.withdrawn:
            continue
        for j, signature in enumerate(core.signatures):
            literals.append((signature.literal, i, j, probe(signature.literal)))
        if core.when is None or core.alone == "silent":
            continue
        needed = anchors(core.when)
        if not needed:
            always.append(i)
        for key in sorted(needed):
            keys.setdefault(key, []).append(i)
    return {"keys": keys, "always": always, "packages": _known_packages(items, groups, tables)}, literals


def _known_packages(
    items: Sequence[Mapping[str, Any]], groups: Mapping[str, Sequence[str]], tables: Mapping[str, Any]
) -> dict[str, str]:
    known: dict[str, str] = {}
    for item in items:
        core = core_from(item, place=item["id"], groups=groups)
        named = () if core.when is None else package_names(core.when)
        for name in (*core.packages, *core.checked, *named):
            if "{" not in name:  # a hole that the workload fills
                _note(known, name, core.checked.get(name, ""))
    for table, name in _TABLES_OF.items():
        for row in tables.get(table, {}).get("rows", ()):
            _note(known, name, str(row["version"]))
    for name, rows in tables.get("torch-family", {}).items():
        for row in rows if isinstance(rows, list) else ():
            if "version" in row:
                _note(known, name.replace("_", "-"), str(row["version"]))
    return dict(sorted(known.items()))


#: tables whose rows are the releases of one distribution
_TABLES_OF = {
    "vllm-pins": "vllm", "lmdeploy-pins": "lmdeploy", "sglang-pins": "sglang",
    "transformers": "transformers", "torch-builds": "torch",
    "bitsandbytes-cuda": "bitsandbytes",
}  # fmt: skip


def _note(known: dict[str, str], name: str, checked: str) -> None:
    if name not in known or (checked and (compare(Scheme.PEP440, checked, known[name] or "0") or 0) > 0):
        known[name] = checked


def _plain(value: Any) -> Any:
    """TOML's dates as text; everything else as it is."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=False)


def write_matrix(*, source: Path, target: Path) -> None:
    """Compile and write atomically, the releases beside it first: a reader sees the old files or the new ones."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(target.with_name(RELEASES), compile_releases(source))
    _write(target, compile_matrix(source))


def _write(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".matrix-")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    Path(name).chmod(0o644)  # a wheel keeps the mode, and others must be able to read it where it is installed
    Path(name).replace(target)
