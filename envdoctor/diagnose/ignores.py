"""Ignores with a reason: which findings a project has decided to live with, and which ignores no longer fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from envdoctor.diagnose.finding import Diagnosis, Finding
from envdoctor.knowledge import Matrix
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignore:
    """`until` a date, or `until_fixed`: while no option of the finding pins a version."""

    id: str
    reason: str
    until: date | None = None
    until_fixed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class IgnoreProblem:
    """An ignore that has no effect, and why."""

    id: str
    says: str


def apply_ignores(
    diagnosis: Diagnosis, ignores: Sequence[Ignore], matrices: Sequence[Matrix], today: date
) -> tuple[Diagnosis, tuple[IgnoreProblem, ...]]:
    """Findings with their status changed, and the ignores that match nothing, have expired or name no entry."""
    problems: list[IgnoreProblem] = []
    findings = list(diagnosis.findings)
    for ignore in ignores:
        if all(matrix.number(ignore.id) is None for matrix in matrices):
            problems.append(
                IgnoreProblem(id=ignore.id, says=Text(en="names no entry of the matrix", zh="知识库中没有这个条目"))
            )
        elif ignore.until is not None and ignore.until < today:
            problems.append(
                IgnoreProblem(
                    id=ignore.id,
                    says=Text(en=f"expired on {ignore.until.isoformat()}", zh=f"已于 {ignore.until.isoformat()} 过期"),
                )
            )
        elif not (places := [i for i, f in enumerate(findings) if f.id == ignore.id.upper() or f.id == ignore.id]):
            problems.append(
                IgnoreProblem(
                    id=ignore.id, says=Text(en="matches nothing in this environment", zh="在该环境中没有对应的问题")
                )
            )
        elif ignore.until_fixed and any(_has_version_fix(findings[i]) for i in places):
            problems.append(
                IgnoreProblem(
                    id=ignore.id, says=Text(en="a version that fixes it exists now", zh="现在已有修复该问题的版本")
                )
            )
        else:
            for i in places:
                findings[i] = replace(findings[i], status="ignored", note=ignore.reason)
    return replace(diagnosis, findings=tuple(findings)), tuple(problems)


def _has_version_fix(finding: Finding) -> bool:
    return any(option.pins for option in finding.options)
