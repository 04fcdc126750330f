"""The gate of the matrix: what an entry must have before anybody is told about it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from envdoctor.diagnose.checks import CHECKS
from envdoctor.errors import EnvdoctorError, UndeterminedError
from envdoctor.knowledge.build import entry_files, read_toml
from envdoctor.knowledge.conditions import AllOf, AnyOf, Condition, Not, PackageLeaf
from envdoctor.knowledge.entry import EntryCore, core_from, texts_from
from envdoctor.knowledge.literals import required_literal
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.workshop.fixes import fix_problems

_KEYS = {
    "id", "aliases", "published", "modified", "withdrawn", "title", "explanation", "cause", "effect", "alone", "check",
    "checked", "when", "signature", "fix", "evidence", "case", "supersedes",
}  # fmt: skip
_SIGNATURE_KEYS = {"name", "pattern", "also", "conclusive"}
_FIX_KEYS = {"pins", "flags", "env", "commands", "text", "cost", "when"}
_EVIDENCE_KEYS = {"type", "url", "date", "says", "command"}
_CASE_KEYS = {"name", "expect", "facts"}
_ID = re.compile(r"ED-(\d{4})-(\d{4})")
_CHECK_ID = re.compile(r"EC-[a-z0-9]+(-[a-z0-9]+)*")
_HOSTILE = ("a" * 2000, " " * 2000, "=" * 2000, "0." * 1000, "x.y:" * 500, "'" * 2000, "sm_80 " * 333)
_HOSTILE_SIZES = (12, 16, 20, 24, 28, 64, 256, 2000)
_PATTERN_SECONDS = 0.1  # a linear pattern needs well under 10 ms for all of them
_HAN = re.compile(r"[\u4e00-\u9fff]")
_MIN_LITERAL = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that keeps an entry out: the file, and what is wrong in it."""

    file: str
    says: Text


def lint(source: Path) -> tuple[Problem, ...]:
    """Every problem of a matrix folder. Cases are run by `run_cases`, not here. Raises UndeterminedError without google-re2."""
    _re2()  # said once, and not for every pattern
    groups = read_toml(source / "groups.toml") if (source / "groups.toml").exists() else {}
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    supersedes: dict[str, Sequence[str]] = {}
    for path in entry_files(source):
        name = str(path.relative_to(source))
        try:
            data = read_toml(path)
            problems.extend(Problem(file=name, says=says) for says in lint_entry(data, path.stem, groups))
        except EnvdoctorError as error:
            problems.append(Problem(file=name, says=error.message))
            continue
        entry_id = str(data.get("id"))
        if entry_id in seen:
            problems.append(
                Problem(
                    file=name,
                    says=Text(
                        en=f"the id {entry_id} is also that of {seen[entry_id]}",
                        zh=f"编号 {entry_id} 与 {seen[entry_id]} 重复",
                    ),
                )
            )
        seen[entry_id] = name
        supersedes[name] = data.get("supersedes", ())
    problems.extend(
        Problem(file=name, says=Text(en=f"supersedes: {other} is no entry", zh=f"supersedes：没有条目 {other}"))
        for name, others in supersedes.items()
        for other in others
        if other not in seen and other not in CHECKS
    )
    problems.extend(
        Problem(
            file="checks/",
            says=Text(
                en=f"{check_id} has no file: a check needs its texts and cases",
                zh=f"{check_id} 没有对应文件：内置检查需要文本与用例",
            ),
        )
        for check_id in CHECKS
        if check_id not in seen
    )
    return tuple(problems)


def lint_entry(data: Mapping[str, Any], stem: str, groups: Mapping[str, Sequence[str]]) -> Iterator[Text]:
    """The problems of one entry's table; `stem` is its file name without suffix."""
    core = core_from(data, place=stem, groups=groups)
    texts_from(data, place=stem, groups=groups)
    yield from _keys(data)
    yield from _identity(data, core, stem)
    yield from _texts(data)
    yield from _empty(data)
    yield from _evidence(data)
    yield from _signatures(data)
    yield from _reach(data, core)
    yield from _cases(data)
    yield from fix_problems(data)


def _unknown(data: Mapping[str, Any], allowed: set[str], place: str) -> Iterator[Text]:
    for key in data:
        if key not in allowed:
            yield Text(en=f"{place}{key}: unknown key", zh=f"{place}{key}：未知的键")


def _keys(data: Mapping[str, Any]) -> Iterator[Text]:
    yield from _unknown(data, _KEYS, "")
    for key, allowed in (
        ("signature", _SIGNATURE_KEYS),
        ("fix", _FIX_KEYS),
        ("evidence", _EVIDENCE_KEYS),
        ("case", _CASE_KEYS),
    ):
        for i, item in enumerate(data.get(key, ())):
            yield from _unknown(item, allowed, f"{key}[{i}].")
    yield from _unknown(data.get("cause", {}), {"class", "packages"}, "cause.")


def _identity(data: Mapping[str, Any], core: EntryCore, stem: str) -> Iterator[Text]:
    if core.check:
        if not _CHECK_ID.fullmatch(core.id):
            yield Text(en=f"id: {core.id!r} is not EC-name", zh=f"id：{core.id!r} 不是 EC-name 的形式")
        if core.id not in CHECKS:
            yield Text(en=f"id: no function computes the check {core.id}", zh=f"id：没有函数计算检查 {core.id}")
    elif not _ID.fullmatch(core.id):
        yield Text(en=f"id: {core.id!r} is not ED-YYYY-NNNN", zh=f"id：{core.id!r} 不是 ED-YYYY-NNNN 的形式")
    if core.id != stem:
        yield Text(
            en=f"id: the file is called {stem}, the entry {core.id}", zh=f"id：文件名为 {stem}，条目编号却是 {core.id}"
        )
    for key in ("published", "modified"):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(data.get(key, ""))):
            yield Text(en=f"{key}: a date is missing", zh=f"{key}：缺少日期")
    found = _ID.fullmatch(core.id)
    if found and not str(data.get("published", "")).startswith(found.group(1)):
        yield Text(en=f"published: the id says {found.group(1)}", zh=f"published：与编号中的年份 {found.group(1)} 不符")
    if str(data.get("modified", "")) < str(data.get("published", "")):
        yield Text(en="modified: is before published", zh="modified：早于 published")
    if len(core.packages) > 3:
        yield Text(
            en="cause.packages: at most three, the guilty one first", zh="cause.packages：最多三个，出问题的包放在最前"
        )
    patterns = "".join(str(item.get("pattern", "")) for item in data.get("signature", ()))
    for package in core.packages:
        if package.startswith("{") and package != "{engine}" and f"(?P<{package[1:-1]}>" not in patterns:
            yield Text(
                en=f"cause.packages: no signature has a group for {package}",
                zh=f"cause.packages：没有日志特征含有 {package} 对应的命名组",
            )


def _texts(data: Mapping[str, Any]) -> Iterator[Text]:
    texts = {f"{key}.zh": str(data[key]["zh"]) for key in ("title", "explanation")}
    texts |= {f"fix[{i}].text.zh": str(fix["text"]["zh"]) for i, fix in enumerate(data.get("fix", ()))}
    for key, text in texts.items():
        if not text.strip():
            yield Text(en=f"{key}: is empty (if you don't write Chinese, ask for it in the change)", zh=f"{key}：为空")
        elif not _HAN.search(text):
            yield Text(en=f"{key}: is not Chinese", zh=f"{key}：不是中文")


def _empty(data: Mapping[str, Any]) -> Iterator[Text]:
    """What a skeleton leaves open, where no other rule looks."""
    for key in ("title", "explanation"):
        if not data[key]["en"].strip():
            yield Text(en=f"{key}.en: is empty", zh=f"{key}.en：为空")
    for key, field in (("evidence", "says"), ("case", "name")):
        for i, item in enumerate(data.get(key, ())):
            if not str(item.get(field, "")).strip():
                yield Text(en=f"{key}[{i}].{field}: is empty", zh=f"{key}[{i}].{field}：为空")
    for i, fix in enumerate(data.get("fix", ())):
        if not fix["text"]["en"].strip():
            yield Text(en=f"fix[{i}].text.en: is empty", zh=f"fix[{i}].text.en：为空")


def _evidence(data: Mapping[str, Any]) -> Iterator[Text]:
    if not data.get("evidence"):
        yield Text(en="evidence: at least one source that was opened", zh="evidence：至少需要一条实际查看过的来源")
    for i, item in enumerate(data.get("evidence", ())):
        if item.get("type") == "measured":
            if not item.get("command"):
                yield Text(en=f"evidence[{i}]: measured needs the command", zh=f"evidence[{i}]：measured 需要写明命令")
        elif not str(item.get("url", "")).startswith("https://"):
            yield Text(en=f"evidence[{i}].url: an https address is missing", zh=f"evidence[{i}].url：缺少 https 地址")
        if not re.fullmatch(r"\d{4}(-\d{2}){0,2}", str(item.get("date", ""))):
            yield Text(
                en=f"evidence[{i}].date: YYYY, YYYY-MM or YYYY-MM-DD",
                zh=f"evidence[{i}].date：应为 YYYY、YYYY-MM 或 YYYY-MM-DD",
            )


def _re2() -> Any:
    """The engine that cannot backtrack: it decides which syntax is allowed. Raises UndeterminedError where it is missing."""
    try:
        import re2
    except ImportError:
        raise UndeterminedError(
            Text(
                en="the gate compiles patterns with google-re2, which is not installed",
                zh="检查需要用 google-re2 编译日志特征，但未安装",
            ),
            advice=Text(
                en="python -m pip install google-re2, or the group dev: see CONTRIBUTING.md",
                zh="请执行 python -m pip install google-re2，或安装 dev 依赖组，见 CONTRIBUTING.md",
            ),
        ) from None
    return re2


def _signatures(data: Mapping[str, Any]) -> Iterator[Text]:
    try:
        re2 = _re2()
    except UndeterminedError as error:
        yield Text(en=f"signature: not checked: {error}", zh=f"signature：未检查：{error.message.zh}")
        return

    for i, signature in enumerate(data.get("signature", ())):
        for pattern in (signature.get("pattern", ""), *signature.get("also", ())):
            try:
                re2.compile(pattern)
                compiled = re.compile(pattern)
            except (re2.error, re.error) as error:
                yield Text(en=f"signature[{i}].pattern: {error}", zh=f"signature[{i}].pattern：{error}")
                continue
            if _slow(compiled):
                yield Text(
                    en=f"signature[{i}].pattern: takes too long on hostile text",
                    zh=f"signature[{i}].pattern：在恶意文本上耗时过长",
                )
        if len(required_literal(signature.get("pattern", "")).encode()) < _MIN_LITERAL:
            yield Text(
                en=f"signature[{i}].pattern: needs {_MIN_LITERAL} plain characters in a row that every hit contains",
                zh=f"signature[{i}].pattern：需要至少 {_MIN_LITERAL} 个连续的、每次命中都包含的普通字符",
            )


def _slow(pattern: re.Pattern[str]) -> bool:
    """Whether the pattern backtracks on hostile text. The text grows step by step, so that an exponential one ends early."""
    for size in _HOSTILE_SIZES:
        start = time.process_time()
        for text in _HOSTILE:
            pattern.search(text[:size])
            if time.process_time() - start > _PATTERN_SECONDS:
                return True
    return False


def _reach(data: Mapping[str, Any], core: EntryCore) -> Iterator[Text]:
    if not core.check and core.when is None and not core.signatures:
        yield Text(
            en="when: neither a condition nor a signature: nothing can reach it",
            zh="when：既没有条件也没有日志特征，永远不会命中",
        )
    if core.alone == "silent" and not core.signatures and not core.check:
        yield Text(
            en="alone: silent, and no signature: nothing can reach it",
            zh="alone：为 silent 且没有日志特征，永远不会命中",
        )
    if core.when is not None:
        for name in _open_packages(core.when):
            if name not in core.checked:
                yield Text(
                    en=f"checked.{name}: an interval without `fixed` needs the newest version that was checked",
                    zh=f"checked.{name}：没有 `fixed` 的区间需写明已验证的最新版本",
                )
    del data


def _open_packages(condition: Condition) -> Iterator[str]:
    if isinstance(condition, PackageLeaf):
        if any(interval.fixed is None for interval in condition.intervals):
            yield from condition.names
    elif isinstance(condition, Not):
        yield from _open_packages(condition.part)
    elif isinstance(condition, (AllOf, AnyOf)):
        for part in condition.parts:
            yield from _open_packages(part)


def _cases(data: Mapping[str, Any]) -> Iterator[Text]:
    expected = [case.get("expect") for case in data.get("case", ())]
    for i, value in enumerate(expected):
        if value not in ("match", "possible", "silent"):
            yield Text(
                en=f"case[{i}].expect: match, possible or silent",
                zh=f"case[{i}].expect：应为 match、possible 或 silent",
            )
    if not any(value in ("match", "possible") for value in expected):
        yield Text(en="case: none that must apply", zh="case：缺少必须命中的用例")
    if "silent" not in expected:
        yield Text(en="case: no near miss that must stay silent", zh="case：缺少必须不命中的相近用例")
