"""Reads `[tool.envdoctor]` of pyproject.toml, or envdoctor.toml, in the working folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from envdoctor.cli.language import LANGUAGES
from envdoctor.diagnose.ignores import Ignore
from envdoctor.errors import UsageError
from envdoctor.facts import ENGINES, TASKS
from envdoctor.nearest import did_you_mean, nearest, one_of
from envdoctor.render.plain import shortened
from envdoctor.text import SPACE, Text, joined, same
from envdoctor.values import dataclass

_KEYS = {"fail-on", "engine", "task", "tp", "dtype", "lang", "matrix", "ignore"}
_IGNORE_KEYS = {"id", "reason", "until", "until-fixed"}
_CAP = 4 << 20
_KINDS = {
    str: Text(en="a text", zh="文本"), int: Text(en="a whole number", zh="整数"), list: Text(en="a list", zh="列表"),
}  # fmt: skip
FAIL_ON = ("error", "warning", "never")
SHORT_DTYPES = {"half": "float16", "fp16": "float16", "bf16": "bfloat16", "float": "float32", "fp32": "float32"}
DTYPES = ("auto", "float16", "bfloat16", "float32", *SHORT_DTYPES)
_ALLOWED = {"fail-on": FAIL_ON, "lang": LANGUAGES, "engine": ENGINES, "task": TASKS, "dtype": DTYPES}


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
            raise UsageError(
                Text(en=f"{path.name}: larger than {_CAP >> 20} MiB", zh=f"{path.name}：超过 {_CAP >> 20} MiB"),
                advice=Text(en="run from another folder", zh="请换一个目录运行"),
            )
        data: dict[str, Any] = tomllib.loads(text.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        why = Text(en="nested too deeply", zh="嵌套过深") if isinstance(error, RecursionError) else same(error)
        raise UsageError(
            Text(en=f"{path.name} cannot be read: {why}", zh=f"{path.name} 无法读取：{why.zh}"),
            advice=Text(en="mend the file, or run from another folder", zh="请修正该文件，或换一个目录运行"),
        ) from None
    return data


def _config(data: Any, path: Path) -> Config:
    if not isinstance(data, Mapping):
        raise UsageError(
            Text(en=f"{path.name}: [tool.envdoctor] is no table", zh=f"{path.name}：[tool.envdoctor] 不是表"),
            advice=Text(en="write [tool.envdoctor] and keys below it", zh="请写成 [tool.envdoctor]，键写在其下"),
        )
    for key in data:
        if key not in _KEYS:
            keys, close = sorted(_KEYS), nearest(str(key), _KEYS)
            known = Text(en=f"known keys: {', '.join(keys)}", zh=f"可用的键：{'、'.join(keys)}")
            raise UsageError(
                Text(en=f"{path.name}: unknown key {key!r}", zh=f"{path.name}：未知的键 {key!r}"),
                advice=joined((did_you_mean(close), known), SPACE) if close else known,
            )
    chosen = {key: _chosen(data, key, path) for key in _ALLOWED}
    folders = _typed(data, "matrix", list, path) or []
    return Config(
        fail_on=chosen["fail-on"] or "error",
        engine=chosen["engine"],
        task=chosen["task"],
        tp=_typed(data, "tp", int, path),
        dtype=chosen["dtype"],
        lang=chosen["lang"],
        matrix_folders=tuple(path.parent / str(folder) for folder in folders),
        ignores=tuple(
            _ignore(item, f"{path.name}: ignore[{i}]")
            for i, item in enumerate(_typed(data, "ignore", list, path) or ())
        ),
    )


def _chosen(data: Mapping[str, Any], key: str, path: Path) -> str | None:
    value: str | None = _typed(data, key, str, path)
    return None if value is None else one_of(f"{path.name}: {key} =", value, _ALLOWED[key])


def _typed(data: Mapping[str, Any], key: str, kind: type[Any], path: Path) -> Any:
    value = data.get(key)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        found = shortened(repr(value), 60)
        raise UsageError(
            Text(
                en=f"{path.name}: {key} must be {_KINDS[kind]}, found {found}",
                zh=f"{path.name}：{key} 应为{_KINDS[kind].zh}，实际为 {found}",
            )
        )
    return value


def _refused(place: str, says: Text) -> UsageError:
    return UsageError(Text(en=f"{place}: {says}", zh=f"{place}：{says.zh}"))


def _ignore(data: Any, place: str) -> Ignore:
    if not isinstance(data, Mapping) or set(data) - _IGNORE_KEYS:
        raise _refused(
            place,
            Text(en="expected id, reason and until or until-fixed", zh="应有 id、reason，以及 until 或 until-fixed"),
        )
    if not all(isinstance(data.get(key), str) and data[key] for key in ("id", "reason")):
        raise _refused(
            place, Text(en="an ignore needs `id` and `reason`, both texts", zh="忽略项需要 `id` 与 `reason`，均为文本")
        )
    until = data.get("until")
    if isinstance(until, datetime):
        until = until.date()
    if isinstance(until, str):
        try:
            until = date.fromisoformat(until)
        except ValueError:
            raise _refused(place, _no_date(until)) from None
    if until is not None and not isinstance(until, date):
        raise _refused(place, _no_date(until))
    if until is None and not data.get("until-fixed"):
        raise _refused(
            place,
            Text(
                en="say how long: until = a date, or until-fixed = true",
                zh="请说明忽略到何时：until = 日期，或 until-fixed = true",
            ),
        )
    return Ignore(id=data["id"], reason=data["reason"], until=until, until_fixed=bool(data.get("until-fixed")))


def _no_date(value: Any) -> Text:
    shown = shortened(repr(value), 60)
    return Text(en=f"until = {shown} is no date (YYYY-MM-DD)", zh=f"until = {shown} 不是日期（YYYY-MM-DD）")
