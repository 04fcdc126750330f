"""What changed between two reports that can matter: for "it worked yesterday" and "it works on the other machine"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.version import InvalidVersion, Version

from envdoctor.render.chain import ENGINES, EXTENSIONS
from envdoctor.render.terminal import flat_facts
from envdoctor.render.words import WORDS, word
from envdoctor.values import dataclass

_Key = tuple[str, tuple[str, ...]]

RANKS = (
    "finding",
    "driver",
    "gpu",
    "torch",
    "extension",
    "engine",
    "cuda",
    "environment",
    "checkpoint",
    "workload",
    "host",
    "python",
    "package",
    "smoke",
)
"""What a change is about, most telling first."""

_SECTION_RANK = {
    "driver": "driver", "gpus": "gpu", "torch": "torch", "cuda": "cuda", "checkpoint": "checkpoint", "workload": "workload",
    "host": "host",
    "target": "python", "distributions": "python", "extensions": "extension", "distribution_gpus": "extension",
}  # fmt: skip
_SKIPPED = ("log", "environment", "distributions.installed")
_NOISE = (
    "host.cpu_count", "target.executable", "target.prefix", "target.site_packages", "memory_free_bytes", ".uuid",
    "checkpoint.path", "driver.says",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference. `how`: appeared, gone, newer, older, changed, or unknown (one side does not say)."""

    rank: str
    path: str
    before: str | None
    after: str | None
    how: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What changed from one report to another, most telling first."""

    changes: tuple[Change, ...]
    findings_differ: bool

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `envdoctor diff --format json`."""
        return {
            "schema_version": 1,
            "findings_differ": self.findings_differ,
            "changes": [
                {"rank": c.rank, "path": c.path, "how": c.how, "before": c.before, "after": c.after}
                for c in self.changes
            ],
        }


def diff_reports(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """The difference of two reports (dicts of schema version 1). What one side does not say is `unknown`, never `gone`."""
    findings = tuple(_findings(before, after))
    rest = [*_packages(before, after), *_variables(before, after), *_facts(before, after), *_smoke(before, after)]
    order = {"gone": 0, "appeared": 0, "older": 0, "newer": 0, "changed": 0, "unknown": 1}
    rest.sort(key=lambda c: (order[c.how], RANKS.index(c.rank), c.path))
    return Difference(changes=(*findings, *rest), findings_differ=bool(findings))


def _active(report: Mapping[str, Any]) -> dict[_Key, tuple[str, str]]:
    """By id and packages: how serious and how certain, and the same with the title in the language of the report."""
    out: dict[_Key, tuple[str, str]] = {}
    zh = report.get("lang") == "zh"
    for finding in report.get("findings") or ():
        if finding.get("status", "active") == "active":
            words = [str(finding.get("severity")), str(finding.get("verdict"))]
            state, title = ", ".join(words), str(finding.get("title"))
            shown = f"{state}: {title}"
            if zh:
                shown = "、".join(word(key, "zh") if key in WORDS else key for key in words) + f"：{title}"
            packages = (finding.get("cause") or {}).get("packages") or ()
            out.setdefault((str(finding["id"]), tuple(map(str, packages))), (state, shown))
    return out


def _named(keys: Iterable[_Key]) -> dict[_Key, str]:
    """What each finding is called: its id, and its packages where one id stands for several findings."""
    every = set(keys)
    many = Counter(name for name, _ in every)
    return {key: key[0] if many[key[0]] == 1 or not key[1] else f"{key[0]} ({', '.join(key[1])})" for key in every}


def _findings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = _active(before), _active(after)
    called = _named((*old, *new))
    for name in [*(n for n in new if n not in old), *(n for n in old if n not in new)]:
        yield Change(
            rank="finding",
            path=called[name],
            before=old[name][1] if name in old else None,
            after=new[name][1] if name in new else None,
            how="appeared" if name in new else "gone",
        )
    for name in old:
        if name in new and old[name][0] != new[name][0]:
            yield Change(rank="finding", path=called[name], before=old[name][1], after=new[name][1], how="changed")


def _how(before: str | None, after: str | None, *, absent_is_gone: bool) -> str:
    if before is None:
        return "appeared" if absent_is_gone else "unknown"
    if after is None:
        return "gone" if absent_is_gone else "unknown"
    try:
        old, new = Version(before), Version(after)
    except InvalidVersion:
        return "changed"
    if old == new:
        return "changed"
    return "newer" if new > old else "older"


def _installed(report: Mapping[str, Any]) -> tuple[dict[str, str], bool]:
    section = (report.get("facts") or {}).get("distributions") or {}
    complete = section.get("complete")
    names = {str(row["name"]): str(row["version"]) for row in section.get("installed") or ()}
    return names, isinstance(complete, Mapping) and complete.get("value") is True


def _package_rank(name: str) -> str:
    if name == "torch":
        return "torch"
    if name in ENGINES:
        return "engine"
    if name in EXTENSIONS:
        return "extension"
    return "cuda" if name.startswith(("nvidia-", "cuda-")) else "package"


def _packages(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    (old, old_complete), (new, new_complete) = _installed(before), _installed(after)
    for name in sorted({*old, *new}):
        a, b = old.get(name), new.get(name)
        if a != b:
            certain = old_complete if a is None else new_complete
            yield Change(
                rank=_package_rank(name),
                path=f"package.{name}",
                before=a,
                after=b,
                how=_how(a, b, absent_is_gone=certain),
            )


def _variables(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    def variables(report: Mapping[str, Any]) -> dict[str, str]:
        return {str(row["name"]): str(row["value"]) for row in (report.get("facts") or {}).get("environment") or ()}

    old, new = variables(before), variables(after)
    for name in sorted({*old, *new}):
        a, b = old.get(name), new.get(name)
        if a != b:
            how = "appeared" if a is None else "gone" if b is None else "changed"
            yield Change(rank="environment", path=f"environment.{name}", before=a, after=b, how=how)


def _flat(report: Mapping[str, Any]) -> dict[str, str]:
    facts = {key: value for key, value in (report.get("facts") or {}).items() if key not in _SKIPPED}
    if isinstance(facts.get("distributions"), Mapping):
        facts["distributions"] = {k: v for k, v in facts["distributions"].items() if k != "installed"}
    return {
        path: value for path, value, _ in flat_facts(facts) if not path.endswith(_NOISE) and not path.startswith(_NOISE)
    }


def _facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = _flat(before), _flat(after)
    for path in sorted({*old, *new}):
        a, b = old.get(path), new.get(path)
        if a != b:
            rank = _SECTION_RANK.get(path.split(".")[0].split("[")[0], "host")
            yield Change(rank=rank, path=path, before=a, after=b, how=_how(a, b, absent_is_gone=False))


def _smoke(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    def outcomes(report: Mapping[str, Any]) -> dict[str, str]:
        smoke = report.get("smoke") or {}
        return {f"smoke.{r.get('rung')}.{r.get('name')}": str(r.get("outcome")) for r in smoke.get("results") or ()}

    old, new = outcomes(before), outcomes(after)
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            yield Change(
                rank="smoke",
                path=path,
                before=old.get(path),
                after=new.get(path),
                how=_how(old.get(path), new.get(path), absent_is_gone=False),
            )
