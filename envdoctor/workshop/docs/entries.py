"""A page an entry or check, at an address that follows from its id alone; and the indexes over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envdoctor.knowledge.build import entry_files, read_toml
from envdoctor.knowledge.entry import CLASSES, EntryCore, EntryTexts, FixOption, core_from, texts_from
from envdoctor.render.entry import condition_lines
from envdoctor.values import dataclass
from envdoctor.workshop.docs.markdown import block, code, page, table, text

_EFFECTS = {
    "blocks": "it cannot start",
    "corrupts": "the output is wrong",
    "degrades": "slow, or a warning",
    "advice": "worth knowing",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One entry as it was read from its file."""

    core: EntryCore
    texts: EntryTexts
    cases: Sequence[Mapping[str, Any]]


def read_entries(source: Path) -> tuple[Page, ...]:
    """Every entry and check below `source`, by id. Raises EntryError with file and key."""
    groups = read_toml(source / "groups.toml") if (source / "groups.toml").exists() else {}
    found = []
    for path in entry_files(source):
        data = read_toml(path)
        core = core_from(data, place=path.stem, groups=groups)
        texts = texts_from(data, place=path.stem, groups=groups)
        found.append(Page(core=core, texts=texts, cases=data.get("case", ())))
    return tuple(sorted(found, key=lambda item: item.core.id))


def entry_pages(entries: Sequence[Page]) -> dict[str, str]:
    """`entries/ID.md` each, `entries/index.md`, and the two indexes."""
    pages = {f"entries/{entry.core.id}.md": entry_page(entry) for entry in entries}
    pages["entries/index.md"] = _index(entries)
    pages["entries/by-class.md"] = _grouped(
        "Entries by cause", {name: [e for e in entries if e.core.cause == name] for name in CLASSES}
    )
    packages = sorted({name for entry in entries for name in entry.core.packages if "{" not in name})
    pages["entries/by-package.md"] = _grouped(
        "Entries by package", {name: [e for e in entries if name in e.core.packages] for name in packages}
    )
    return pages


def entry_page(entry: Page) -> str:
    """Everything that the matrix says about one entry, in English and Chinese."""
    core, texts = entry.core, entry.texts
    return page(
        f"# {core.id}: {text(texts.title.en)}",
        f"**{text(texts.title.zh)}**",
        "**Withdrawn:** nothing is reported by this entry any more." if core.withdrawn else "",
        "\n".join(f"- {name}: {says}" for name, says in _head(core, texts)),
        text(texts.explanation.en),
        text(texts.explanation.zh),
        _when(core),
        "## Fix · 解决办法",
        "\n\n".join(_fix(i, fix) for i, fix in enumerate(texts.fixes, 1)),
        "## Evidence",
        "\n".join(
            f"- {text(item.says)} ({item.type}, {item.date}): "
            + (f"<{item.url}>" if item.url else code(item.command or ""))
            for item in texts.evidence
        ),
        "## Cases",
        "Each runs in every test of the matrix.",
        table(("case", "verdict"), [(text(str(c.get("name", ""))), str(c.get("expect", ""))) for c in entry.cases]),
    )


def _head(core: EntryCore, texts: EntryTexts) -> list[tuple[str, str]]:
    rows = [
        ("cause", f"[{core.cause}](by-class.md#{core.cause})"),
        ("effect", f"{core.effect}: {_EFFECTS[core.effect]}"),
        ("packages", ", ".join(code(name) for name in core.packages) or "none is guilty"),
        ("published, modified", f"{texts.published}, {texts.modified}"),
    ]
    if texts.aliases:
        rows.append(("also known as", ", ".join(text(alias) for alias in texts.aliases)))
    if core.checked:
        rows.append(("checked up to", ", ".join(f"{name} {version}" for name, version in core.checked.items())))
    if core.supersedes:
        rows.append(("states the cause of", ", ".join(f"[{other}]({other}.md)" for other in core.supersedes)))
    return rows


def _when(core: EntryCore) -> str:
    parts = ["## When it applies"]
    if core.check:
        parts.append("A function of the program decides it; what it looks at stands in the explanation.")
    if core.when is not None:
        parts.append(block(condition_lines(core.when)))
    if core.when is not None and core.alone != "match":
        says = {"possible": "a `possible`", "silent": "nothing"}[core.alone]
        parts.append(f"Without a line of output that shows it, this condition alone gives {says}.")
    if core.signatures:
        parts.append("Lines of output that show it (RE2 syntax):")
        parts.append(block(s.pattern + ("    (states the cause)" if s.conclusive else "") for s in core.signatures))
    return page(*parts)


def _fix(number: int, fix: FixOption) -> str:
    lines = [f"**{number}.** {text(fix.text.en)}", text(fix.text.zh)]
    if fix.pins:
        lines.append("Pins: " + ", ".join(code(f"{name} {pin}") for name, pin in fix.pins.items()))
    if fix.flags:
        lines.append("Flags: " + ", ".join(code(flag) for flag in fix.flags))
    if fix.env:
        lines.append("Environment: " + ", ".join(code(f"{name}={value}") for name, value in fix.env.items()))
    if fix.commands:
        lines.append(block(f"{command}   # {tool}" for tool, command in fix.commands.items()).rstrip())
    if fix.when is not None:
        lines.append("Only where this is not false:\n\n" + block(condition_lines(fix.when)).rstrip())
    if fix.cost:
        lines.append(f"Cost: {text(fix.cost)}")
    return "\n\n".join(lines)


def _index(entries: Sequence[Page]) -> str:
    return page(
        "# Entries and checks",
        "Every piece of knowledge that a report can name. `ED-` entries are data alone; the program computes `EC-` checks. "
        "Sorted [by cause](by-class.md) and [by package](by-package.md).",
        _rows(entries),
    )


def _grouped(title: str, groups: Mapping[str, Sequence[Page]]) -> str:
    parts = [f"## {name}\n\n{_rows(found)}" for name, found in groups.items() if found]
    return page(f"# {title}", *parts)


def _rows(entries: Iterable[Page]) -> str:
    rows = [
        (f"[{e.core.id}]({e.core.id}.md)", e.core.effect, f"{text(e.texts.title.en)}<br>{text(e.texts.title.zh)}")
        for e in entries
    ]
    return table(("id", "effect", "title"), rows)
