"""The report as one JSON-able dict: the contract of `--format json`, and what every other rendering is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from envdoctor.diagnose import Diagnosis, Finding
from envdoctor.facts import NOT_STATED, Facts, Known, Unknown, encode
from envdoctor.knowledge import Matrix
from envdoctor.text import Text, said
from envdoctor.version import __version__

SCHEMA_VERSION = 1


def report(facts: Facts, diagnosis: Diagnosis, matrix: Matrix, *, lang: str = "en") -> dict[str, Any]:
    """The report, schema version 1. Deterministic; texts in `lang` (en or zh)."""
    encoded = encode(facts, lang)
    smoke = encode(facts.smoke.value, lang) if isinstance(facts.smoke, Known) else None
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "envdoctor", "version": __version__},
        "matrix": {"date": matrix.date, "entries": matrix.count, "digest": matrix.digest},
        "facts": encoded,
        "findings": [finding_dict(finding, lang) for finding in diagnosis.findings],
        "smoke": smoke,
        "unknown": [{"fact": path, "reason": reason.get(lang)} for path, reason in unknown_facts(facts)],
        "coverage": {
            "known": dict(diagnosis.coverage.known),
            "newer_than_checked": list(diagnosis.coverage.newer),
            "not_covered": diagnosis.coverage.unknown_count,
            "undecided_entries": diagnosis.untriggered,
        },
        "lang": lang,
    }


def finding_dict(finding: Finding, lang: str) -> dict[str, Any]:
    """One finding as the contract states it."""
    options = [
        {
            "pins": dict(option.pins),
            "commands": dict(option.commands),
            "flags": list(option.flags),
            "env": dict(option.env or {}),
            "text": option.text.get(lang),
            "cost": said(option.cost, lang),
        }
        for option in finding.options
    ]
    return {
        "id": finding.id,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "effect": finding.effect,
        "title": finding.title.get(lang),
        "explanation": finding.explanation.get(lang),
        "status": finding.status,
        "note": said(finding.note, lang),
        "url": next((item.url for item in finding.evidence if item.url), None),
        "cause": {"class": finding.cause, "packages": list(finding.packages)},
        "because": [
            {"fact": b.fact, "value": said(b.value, lang), "source": said(b.source, lang)} for b in finding.because
        ],
        "missing": [{"fact": m.fact, "how": m.how.get(lang)} for m in finding.missing],
        "fix": {"pins": next((option["pins"] for option in options if option["pins"]), {}), "options": options},
        "evidence": [
            {"type": e.type, "url": e.url, "date": e.date, "says": e.says, "command": e.command}
            for e in finding.evidence
        ],
    }


def unknown_facts(facts: Facts) -> Iterator[tuple[str, Text]]:
    """(path, reason) of every fact that somebody tried to learn and could not."""
    yield from _unknown(facts, "")


def _unknown(value: Any, path: str) -> Iterator[tuple[str, Text]]:
    if isinstance(value, Unknown):
        if value is not NOT_STATED and value != NOT_STATED:
            yield path, value.reason
    elif isinstance(value, Known):
        yield from _unknown(value.value, path)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _unknown(item, f"{path}[{i}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _unknown(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)


def threshold_reached(report_: Mapping[str, Any], fail_on: str) -> bool:
    """Whether an active finding is at or above the threshold (`error`, `warning`; `never`: none is)."""
    levels = {"error": ("error",), "warning": ("error", "warning"), "never": ()}[fail_on]
    return any(f["severity"] in levels and f["status"] == "active" for f in report_["findings"])
