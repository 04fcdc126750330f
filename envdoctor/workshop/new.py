"""Starts an entry: a skeleton with the next free id, in which everything that its author must still say is empty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envdoctor.errors import UndeterminedError, UsageError, system_says
from envdoctor.knowledge.build import entry_files
from envdoctor.knowledge.entry import ALONE, CLASSES, EFFECTS, EVIDENCE_TYPES
from envdoctor.text import Text

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_FAMILY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ID = re.compile(r"ED-(\d{4})-(\d{4})")
_LAST_NUMBER = 9999
_CONDITION = Text(
    en="""\
When it applies. Nothing reaches the entry until this or a signature is filled in; paths and operators: matrix/README.md
[[when.all]]
package = ""
versions = [{ introduced = "", fixed = "" }]   # introduced <= v < fixed; leave out what has no bound
[[when.all]]
fact = "checkpoint.quant_method"
is = ""
A line of output that shows it, in RE2 syntax. Leave it out where nothing is printed.
[[signature]]
name = ""
pattern = ''
conclusive = false   # true: the line states this very cause
""",
    zh="""\
适用条件。填写它或日志特征之前，条目不会命中；路径与运算符见 matrix/README.md
[[when.all]]
package = ""
versions = [{ introduced = "", fixed = "" }]   # introduced <= v < fixed；没有的一端不写
[[when.all]]
fact = "checkpoint.quant_method"
is = ""
能表明该问题的一行输出，RE2 语法。没有输出时不写。
[[signature]]
name = ""
pattern = ''
conclusive = false   # true：这一行直接说明了该原因
""",
)


def new_entry(source: Path, family: str, *, today: date, entry_id: str | None = None, lang: str = "en") -> Path:
    """Write `entries/FAMILY/ID.toml` below `source`, its comments in `lang`; an existing file is never touched. Returns its path.

    Raises UsageError where the family or the id cannot be used, UndeterminedError where the file cannot be written.
    """
    if not _FAMILY.fullmatch(family):
        raise UsageError(
            Text(en=f"{family!r} is no family", zh=f"{family!r} 不是可用的类别名"),
            advice=Text(
                en="lower-case words joined by -, such as the package: llm-compressor",
                zh="请用小写单词并以 - 连接，通常为包名，如 llm-compressor",
            ),
        )
    taken = {path.stem for path in entry_files(source)}
    chosen = next_id(taken, today.year) if entry_id is None else _checked(entry_id, taken, today.year)
    path, text = source / "entries" / family / f"{chosen}.toml", skeleton(chosen, today, lang).as_string()
    try:
        path.parent.mkdir(exist_ok=True)
        out = path.open("x", encoding="utf-8")
    except OSError as error:
        raise UndeterminedError(
            Text(en=f"cannot write {path}: {system_says(error)}", zh=f"无法写入 {path}：{system_says(error).zh}")
        ) from None
    with out:
        out.write(text)
    return path


def next_id(taken: set[str], year: int) -> str:
    """The number after the highest one of this year: a withdrawn or removed id in between is not used again."""
    numbers = [int(found[2]) for name in taken if (found := _ID.fullmatch(name)) and int(found[1]) == year]
    number = max(numbers, default=0) + 1
    if number > _LAST_NUMBER:
        raise UsageError(
            Text(en=f"the ids of {year} are used up", zh=f"{year} 年的编号已用完"),
            advice=Text(en="give a free one with --id", zh="请用 --id 指定空闲的编号"),
        )
    return f"ED-{year}-{number:04d}"


def _checked(entry_id: str, taken: set[str], year: int) -> str:
    found = _ID.fullmatch(entry_id)
    if not found or int(found[1]) != year:
        raise UsageError(
            Text(en=f"--id {entry_id}: not ED-{year}-NNNN", zh=f"--id {entry_id}：不是 ED-{year}-NNNN 的形式"),
            advice=Text(en="the year is that of publication", zh="年份为发布年份"),
        )
    if entry_id in taken:
        raise UsageError(
            Text(en=f"--id {entry_id}: is taken", zh=f"--id {entry_id}：已被占用"),
            advice=Text(en="leave --id out and the next free one is used", zh="不写 --id 即使用下一个空闲编号"),
        )
    return entry_id


def skeleton(entry_id: str, today: date, lang: str = "en") -> TOMLDocument:
    """The document: right keys in the right order, values that the gate refuses, and what belongs there as comments."""
    import tomlkit

    doc = tomlkit.document()
    doc.add(
        tomlkit.comment(
            Text(
                en="What is still missing: envdoctor matrix lint. What the keys mean: matrix/README.md",
                zh="还缺什么：envdoctor matrix lint。各键的含义：matrix/README.md",
            ).get(lang)
        )
    )
    doc["id"] = entry_id
    doc["published"] = today
    doc["modified"] = today
    _put(doc, "effect", EFFECTS[0], _one_of(EFFECTS), lang)
    _put(
        doc,
        "alone",
        ALONE[0],
        Text(
            en=f"one of {', '.join(ALONE)}: what the condition alone reaches, without an error text",
            zh=f"取值 {', '.join(ALONE)}：没有报错文本时，仅凭条件能得出的判定",
        ),
        lang,
    )
    doc["title"] = _both(
        Text(
            en="one line, what is wrong: versions and names, no verdict on anybody",
            zh="一行，说明问题：写版本与名称，不评价任何人",
        ),
        lang,
    )
    doc["explanation"] = _both(
        Text(en="two to five sentences: mechanism, range, how certain", zh="两到五句：机理、范围、把握程度"), lang
    )
    cause = tomlkit.table()
    _put(cause, "class", "known-bug", _one_of(CLASSES), lang)
    _put(
        cause,
        "packages",
        [],
        Text(
            en="at most three, the guilty one first; [] where no package is guilty",
            zh="最多三个，出问题的包在前；与包无关时写 []",
        ),
        lang,
    )
    doc["cause"] = cause
    doc.add(tomlkit.nl())
    for line in _CONDITION.get(lang).splitlines():
        doc.add(tomlkit.comment(line))
    doc["fix"] = _tables(_fix(lang))
    doc["evidence"] = _tables(_evidence(lang))
    doc["case"] = _tables(
        _case("match", Text(en="an environment that must match", zh="必须命中的环境"), lang),
        _case("silent", Text(en="a near miss, which must not", zh="相近但不应命中的环境"), lang),
    )
    return doc


def _both(says: Text, lang: str) -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(table, "en", "", says, lang)
    _put(
        table,
        "zh",
        "",
        Text(
            en="the same in Simplified Chinese; where you cannot, ask for it in the change", zh="同样的内容，用简体中文"
        ),
        lang,
    )
    return table


def _fix(lang: str) -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(
        table,
        "pins",
        tomlkit.inline_table(),
        Text(
            en='what a program can carry out: { optimum = ">=1.20.0" }; or flags, env, commands',
            zh='程序可以执行的办法：{ optimum = ">=1.20.0" }；或 flags、env、commands',
        ),
        lang,
    )
    table["text"] = _both(Text(en="what to do, in one sentence", zh="一句话说明怎么做"), lang)
    return table


def _evidence(lang: str) -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(table, "type", EVIDENCE_TYPES[0], _one_of(EVIDENCE_TYPES), lang)
    _put(
        table,
        "url",
        "",
        Text(en="a page that you opened; measured: `command` instead", zh="实际打开过的网页；measured 则写 `command`"),
        lang,
    )
    _put(table, "date", "", Text(en="YYYY-MM or YYYY-MM-DD", zh="YYYY-MM 或 YYYY-MM-DD"), lang)
    _put(table, "says", "", Text(en="what it shows, in your own words", zh="用自己的话写它说明了什么"), lang)
    return table


def _case(expect: str, says: Text, lang: str) -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(table, "name", "", says, lang)
    table["expect"] = expect
    facts = tomlkit.table()
    facts.add(tomlkit.comment('"package.optimum" = "1.19.2"'))
    table["facts"] = facts
    return table


def _tables(*items: Any) -> Any:
    import tomlkit

    array = tomlkit.aot()
    for item in items:
        array.append(item)
    return array


def _put(table: Any, key: str, value: Any, says: Text, lang: str) -> None:
    table[key] = value
    table[key].comment(says.get(lang))


def _one_of(values: Sequence[str]) -> Text:
    names = ", ".join(values)
    return Text(en=f"one of {names}", zh=f"可选：{names}")
