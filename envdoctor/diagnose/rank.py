"""Order and merging: cause before symptom, what explains the pasted error first, certain before possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from envdoctor.diagnose.finding import Finding, Missing

_SEVERITY = {"error": 2, "warning": 1, "info": 0}


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Most likely cause first; ties by id, so that the order is the same everywhere."""
    return tuple(sorted(findings, key=_key))


def _key(finding: Finding) -> tuple[float, str, tuple[str, ...]]:
    certain = finding.verdict == "match"
    points = 40 * finding.explains + 30 * certain + 8 * _SEVERITY[finding.severity] + min(finding.score, 6.0)
    if not certain and not finding.explains and _only_undeclared(finding.missing):
        points -= 20  # nothing is known to be wrong: it depends on what the user has not said
    return (-points, finding.id, finding.packages)


def _only_undeclared(missing: Sequence[Missing]) -> bool:
    return bool(missing) and all(item.fact.startswith(("workload.", "checkpoint.", "derived.")) for item in missing)


def merged(findings: Sequence[Finding], supersedes: Mapping[str, Sequence[str]]) -> list[Finding]:
    """One finding a cause: same id and packages become one with several witnesses, and a general one whose cause a
    specific one states is folded into it."""
    by_key: dict[tuple[str, tuple[str, ...], str], Finding] = {}
    for finding in findings:
        key = (finding.id, finding.packages, finding.title.en)
        first = by_key.get(key)
        by_key[key] = finding if first is None else _join(first, finding)
    kept = dict(enumerate(by_key.values()))
    for place in list(kept):
        if place not in kept:
            continue
        for other in [n for n, f in kept.items() if n != place and _covers(kept[place], f, supersedes)]:
            kept[place] = _join(kept[place], kept.pop(other), witnesses_only=True)
    return list(kept.values())


def _covers(special: Finding, general: Finding, supersedes: Mapping[str, Sequence[str]]) -> bool:
    """Whether `special` states the cause of `general`. A mere `possible` does not cover a certain finding, and one that
    hangs on a fact which nobody knows covers nothing."""
    if general.id not in supersedes.get(special.id, ()):
        return False
    if special.packages and general.packages and not set(special.packages) & set(general.packages):
        return False  # the same kind of trouble with something else
    return special.verdict == "match" or (general.verdict == "possible" and not special.missing)


def _join(first: Finding, other: Finding, *, witnesses_only: bool = False) -> Finding:
    because = tuple(dict.fromkeys((*first.because, *other.because)))
    if witnesses_only:
        return replace(first, because=because, explains=max(first.explains, other.explains))
    best, rest = (first, other) if _key(first) <= _key(other) else (other, first)
    missing = tuple(dict.fromkeys((*best.missing, *rest.missing))) if best.verdict == "possible" else ()
    return replace(best, because=because, missing=missing, explains=max(first.explains, other.explains))


def without_guesses(findings: Sequence[Finding]) -> list[Finding]:
    """Findings that only know the shape of a message go, where another one explains the error."""
    explained = any(explains(finding) for finding in findings)
    return [finding for finding in findings if not (explained and _guesses(finding))]


def explains(finding: Finding) -> bool:
    """Whether a finding explains the pasted error, and not only the shape of it."""
    return bool(finding.explains) and not _guesses(finding)


def _guesses(finding: Finding) -> bool:
    return finding.id.startswith("EC-shape-")
