"""Makes a ticket: everything that support needs to diagnose from, and nothing that the allow-list does not name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envdoctor.errors import UsageError
from envdoctor.facts import Facts, decode
from envdoctor.text import COMMA, Text, joined
from envdoctor.ticket.excerpt import Excerpt, excerpt
from envdoctor.ticket.outgoing import BY_USER, Omission, Outgoing, cited, versions_of
from envdoctor.ticket.redact import Literal, Redactor, machine_literals
from envdoctor.values import dataclass

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One file of a ticket."""

    name: str
    text: str

    @property
    def data(self) -> bytes:
        """Its bytes (UTF-8)."""
        return self.text.encode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """What would leave. `members` in the order of the archive; `redactor` knows what must not be in them."""

    members: tuple[Member, ...]
    omissions: tuple[Omission, ...]
    redactions: Mapping[str, int]
    redactor: Redactor

    def text_of(self, name: str) -> str:
        """The text of a member. Raises KeyError."""
        return {member.name: member.text for member in self.members}[name]


def build_ticket(
    report: Mapping[str, Any],
    *,
    other: Mapping[str, Any] | None = None,
    logs: Sequence[Path] = (),
    lock: str | None = None,
    literals: Iterable[Literal] | None = None,
    withhold: Iterable[str] = (),
) -> Ticket:
    """The ticket for a report (made before any redaction, so that masking changes no finding).

    `other` is the same report in the other language, for the language switch of report.html; `lock` a proposed lock file;
    `literals` what this machine knows by name (default: read from its files); `withhold` fields (paths of facts such as
    `target.executable` or `environment`, or members such as `logs/log-1.txt`) that stay here. The same input gives the same
    members. Raises UsageError where a log cannot be read or a withheld field names nothing.
    """
    withhold = tuple(withhold)
    known = _without_words(machine_literals() if literals is None else literals, report)
    redactor = Redactor(known, keep=versions_of(report) | cited(report))
    lang = str(report.get("lang", "en"))
    excerpts = [excerpt(path) for path in logs]
    redactor.reserve(
        [json.dumps(report, ensure_ascii=False, default=str), *(text for e in excerpts for _, text in e.blocks)]
    )
    outgoing = Outgoing(redactor, withhold)
    clean_report = outgoing.report(report)
    clean_other = outgoing.report(other) if other is not None else None
    members = _members(clean_report, clean_other)
    if lock is not None:
        members.append(Member(name="proposed-requirements.txt", text=redactor.redact(lock)))
    members += [_log_member(i, item, redactor, lang) for i, item in enumerate(excerpts, 1)]
    kept = [member for member in members if not _named(member.name, withhold)]
    omissions = dict(outgoing.omissions)
    for member in members:
        if member not in kept:
            omissions[member.name] = Omission(field=member.name, reason=BY_USER)
    for field in withhold:
        if not outgoing.kept_back(field) and not any(_named(member.name, (field,)) for member in members):
            raise UsageError(
                Text(
                    en=f"--withhold {field}: names no field of this report",
                    zh=f"--withhold {field}：报告中没有这个字段",
                ),
                advice=Text(en="--preview shows the names", zh="字段名见 --preview"),
            )
    ordered = tuple(omissions[key] for key in sorted(omissions))
    counts = dict(sorted(redactor.counts.items()))
    manifest = _manifest(clean_report, kept, ordered, counts, excerpts)
    return Ticket(members=(manifest, *kept), omissions=ordered, redactions=counts, redactor=redactor)


def _without_words(literals: Iterable[Literal], report: Mapping[str, Any]) -> list[Literal]:
    """The literals without those that are also the name of an installed package: a user `pytorch` is not found out by that."""
    rows = report.get("facts", {}).get("distributions", {}).get("installed", ())
    words = {
        word for row in rows for name in [str(row.get("name", "")).casefold()] for word in (name, *name.split("-"))
    }
    return [literal for literal in literals if literal.value.casefold() not in words]


def _named(name: str, withhold: Sequence[str]) -> bool:
    return any(name == field or name.startswith(field.rstrip("/") + "/") for field in withhold)


def _members(report: dict[str, Any], other: dict[str, Any] | None) -> list[Member]:
    from envdoctor.render.html import render_html
    from envdoctor.render.markdown import render_markdown

    facts = decode(Facts, report["facts"], "facts")
    out = [
        Member(name="report.json", text=json.dumps(report, ensure_ascii=False, indent=1) + "\n"),
        Member(name="report.md", text=render_markdown(facts, report)),
        Member(name="report.html", text=render_html(report, other=other)),
        Member(name="requirements.txt", text=_requirements(report["facts"], str(report.get("lang", "en")))),
    ]
    if report.get("smoke"):
        out.append(Member(name="smoke.json", text=json.dumps(report["smoke"], ensure_ascii=False, indent=1) + "\n"))
    return out


def _requirements(facts: Mapping[str, Any], lang: str) -> str:
    """What is installed, as pip would freeze it; local builds and editable installs as comments."""
    section = facts.get("distributions")
    rows = section.get("installed", []) if isinstance(section, Mapping) else []
    lines = []
    for row in sorted(rows, key=lambda r: (str(r.get("name", "")), str(r.get("version", "")))):
        url, notes = row.get("direct_url"), []
        if row.get("editable"):
            notes.append(Text(en="editable", zh="可编辑安装"))
        if url:
            notes.append(Text(en=f"from {url}", zh=f"来自 {url}"))
        note = f"  # {joined(notes, COMMA).get(lang)}" if notes else ""
        lines.append(f"{row.get('name')}=={row.get('version')}{note}")
    head = Text(en="as installed; made by envdoctor", zh="已安装的包；由 envdoctor 生成")
    return "\n".join([f"# {head.get(lang)}", *lines]) + "\n"


def _log_member(index: int, item: Excerpt, redactor: Redactor, lang: str) -> Member:
    name = redactor.redact(item.name)
    head = Text(
        en=f"{name}: {item.kept} of {item.lines} lines ({item.size} bytes)",
        zh=f"{name}：共 {item.lines} 行（{item.size} 字节），收录 {item.kept} 行",
    )
    parts = [f"# {head.get(lang)}"]
    for start, text in item.blocks:
        place = Text(en=f"from line {start}", zh=f"从第 {start} 行起").get(lang)
        parts += ["", f"--- {place} ---", redactor.redact(text)]
    return Member(name=f"logs/log-{index}.txt", text="\n".join(parts) + "\n")


def _manifest(
    report: Mapping[str, Any],
    members: Sequence[Member],
    omissions: Sequence[Omission],
    counts: Mapping[str, int],
    excerpts: Sequence[Excerpt],
) -> Member:
    document = {
        "format": FORMAT,
        "tool": report.get("tool"),
        "matrix": report.get("matrix"),
        "files": [
            {"name": member.name, "size": len(member.data), "sha256": hashlib.sha256(member.data).hexdigest()}
            for member in members
        ],
        "withheld": [
            {"field": item.field, "reason": item.reason.get(str(report.get("lang", "en")))} for item in omissions
        ],
        "redactions": dict(counts),
        "logs": [{"lines": item.lines, "kept": item.kept, "bytes": item.size} for item in excerpts],
    }
    return Member(name="MANIFEST.json", text=json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def preview(ticket: Ticket, *, lang: str = "en") -> str:
    """What would leave, for a person: the files, what was masked and withheld, and the whole text of each file but the HTML."""

    def said(en: str, zh: str) -> str:
        return Text(en=en, zh=zh).get(lang)

    count, nothing, colon = len(ticket.members), [said("  nothing", "  无")], said(": ", "：")
    lines = [said(f"{count} files:", f"共 {count} 个文件：")]
    lines += [said(f"  {m.name}  {len(m.data)} bytes", f"  {m.name}  {len(m.data)} 字节") for m in ticket.members]
    lines.append(said("masked:", "已遮蔽："))
    lines += [f"  {rule}{colon}{times}" for rule, times in ticket.redactions.items()] or nothing
    lines.append(said("withheld:", "未收录："))
    lines += [f"  {item.field}{colon}{item.reason.get(lang)}" for item in ticket.omissions] or nothing
    for member in ticket.members:
        if not member.name.endswith(".html"):
            lines += ["", f"===== {member.name} =====", member.text.rstrip("\n")]
    return "\n".join(lines) + "\n"
