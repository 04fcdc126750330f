"""Starts an entry: a skeleton with the next free id, in which everything that its author must still say is empty."""

from __future__ import annotations

import re
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
_CONDITION = """\
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
"""


def new_entry(source: Path, family: str, *, today: date, entry_id: str | None = None) -> Path:
    """Write `entries/FAMILY/ID.toml` below `source` and return its path. An existing file is never touched.

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
    path, text = source / "entries" / family / f"{chosen}.toml", skeleton(chosen, today).as_string()
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


def skeleton(entry_id: str, today: date) -> TOMLDocument:
    """The document: right keys in the right order, values that the gate refuses, and what belongs there as comments."""
    import tomlkit

    doc = tomlkit.document()
    doc.add(tomlkit.comment("What is still missing: envdoctor matrix lint. What the keys mean: matrix/README.md"))
    doc["id"] = entry_id
    doc["published"] = today
    doc["modified"] = today
    _put(doc, "effect", EFFECTS[0], "one of " + ", ".join(EFFECTS))
    _put(doc, "alone", ALONE[0], f"one of {', '.join(ALONE)}: what the condition alone reaches, without an error text")
    doc["title"] = _both("one line, what is wrong: versions and names, no verdict on anybody")
    doc["explanation"] = _both("two to five sentences: mechanism, range, how certain")
    cause = tomlkit.table()
    _put(cause, "class", "known-bug", "one of " + ", ".join(CLASSES))
    _put(cause, "packages", [], "at most three, the guilty one first; [] where no package is guilty")
    doc["cause"] = cause
    doc.add(tomlkit.nl())
    for line in _CONDITION.splitlines():
        doc.add(tomlkit.comment(line))
    doc["fix"] = _tables(_fix())
    doc["evidence"] = _tables(_evidence())
    doc["case"] = _tables(
        _case("match", "an environment that must match"), _case("silent", "a near miss, which must not")
    )
    return doc


def _both(says: str) -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(table, "en", "", says)
    _put(table, "zh", "", "the same in Simplified Chinese; where you cannot, ask for it in the change")
    return table


def _fix() -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(
        table,
        "pins",
        tomlkit.inline_table(),
        'what a program can carry out: { optimum = ">=1.20.0" }; or flags, env, commands',
    )
    table["text"] = _both("what to do, in one sentence")
    return table


def _evidence() -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(table, "type", EVIDENCE_TYPES[0], "one of " + ", ".join(EVIDENCE_TYPES))
    _put(table, "url", "", "a page that you opened; measured: `command` instead")
    _put(table, "date", "", "YYYY-MM or YYYY-MM-DD")
    _put(table, "says", "", "what it shows, in your own words")
    return table


def _case(expect: str, says: str) -> Any:
    import tomlkit

    table = tomlkit.table()
    _put(table, "name", "", says)
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


def _put(table: Any, key: str, value: Any, says: str) -> None:
    table[key] = value
    table[key].comment(says)
