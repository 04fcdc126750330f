"""Reads `[tool.envdoctor]` of pyproject.toml, or envdoctor.toml, in the working folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from envdoctor.diagnose.ignores import Ignore
from envdoctor.errors import UsageError
from envdoctor.render.plain import shortened

_KEYS = {"fail-on", "engine", "task", "tp", "dtype", "lang", "matrix", "ignore"}
_IGNORE_KEYS = {"id", "reason", "until", "until-fixed"}
_CAP = 4 << 20
FAIL_ON = ("error", "warning", "never")


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The defaults of a project: threshold, workload, language, further matrix folders, ignores."""

    fail_on: str = "error"
    engine: str | None = None
    task: str | None = None
    tp: int | None = None
    dtype: str | None = None
    lang: str | None = None
    matrix_folders: tuple[Path, ...] = ()
    ignores: tuple[Ignore, ...] = ()


def read_config(folder: Path) -> Config:
    """envdoctor.toml where it exists, else `[tool.envdoctor]`. Raises UsageError that names file and key."""
    own, project = folder / "envdoctor.toml", folder / "pyproject.toml"
    if own.is_file():
        return _config(_toml(own), own)
    if project.is_file():
        tool = _toml(project).get("tool", {})
        section = tool.get("envdoctor", {}) if isinstance(tool, Mapping) else {}
        return _config(section, project)
    return Config()


def _toml(path: Path) -> dict[str, Any]:
    from envdoctor.toml import tomllib

    try:
        with path.open("rb") as file:
            text = file.read(_CAP + 1)
        if len(text) > _CAP:
            raise UsageError(f"{path.name}: larger than {_CAP >> 20} MiB", advice="run from another folder")
        data: dict[str, Any] = tomllib.loads(text.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        says = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(
            f"{path.name} cannot be read: {says}", advice="mend the file, or run from another folder"
        ) from None
    return data


def _config(data: Any, path: Path) -> Config:
    if not isinstance(data, Mapping):
        raise UsageError(
            f"{path.name}: [tool.envdoctor] is no table", advice="write [tool.envdoctor] and keys below it"
        )
    for key in data:
        if key not in _KEYS:
            raise UsageError(f"{path.name}: unknown key {key!r}", advice=f"known keys: {', '.join(sorted(_KEYS))}")
    fail_on = _typed(data, "fail-on", str, path) or "error"
    if fail_on not in FAIL_ON:
        raise UsageError(f"{path.name}: fail-on = {fail_on!r}", advice=f"one of {', '.join(FAIL_ON)}")
    folders = _typed(data, "matrix", list, path) or []
    return Config(
        fail_on=fail_on,
        engine=_typed(data, "engine", str, path),
        task=_typed(data, "task", str, path),
        tp=_typed(data, "tp", int, path),
        dtype=_typed(data, "dtype", str, path),
        lang=_typed(data, "lang", str, path),
        matrix_folders=tuple(path.parent / str(folder) for folder in folders),
        ignores=tuple(
            _ignore(item, f"{path.name}: ignore[{i}]")
            for i, item in enumerate(_typed(data, "ignore", list, path) or ())
        ),
    )


def _typed(data: Mapping[str, Any], key: str, kind: type[Any], path: Path) -> Any:
    value = data.get(key)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise UsageError(f"{path.name}: {key} must be a {kind.__name__}, found {shortened(repr(value), 60)}")
    return value


def _ignore(data: Any, place: str) -> Ignore:
    if not isinstance(data, Mapping) or set(data) - _IGNORE_KEYS:
        raise UsageError(f"{place}: expected id, reason and until or until-fixed")
    if not all(isinstance(data.get(key), str) and data[key] for key in ("id", "reason")):
        raise UsageError(f"{place}: an ignore needs `id` and `reason`, both texts")
    until = data.get("until")
    if isinstance(until, datetime):
        until = until.date()
    if isinstance(until, str):
        try:
            until = date.fromisoformat(until)
        except ValueError:
            raise UsageError(f"{place}: until = {until!r} is no date (YYYY-MM-DD)") from None
    if until is not None and not isinstance(until, date):
        raise UsageError(f"{place}: until = {shortened(repr(until), 60)} is no date (YYYY-MM-DD)")
    if until is None and not data.get("until-fixed"):
        raise UsageError(f"{place}: say how long: until = a date, or until-fixed = true")
    return Ignore(id=data["id"], reason=data["reason"], until=until, until_fixed=bool(data.get("until-fixed")))
