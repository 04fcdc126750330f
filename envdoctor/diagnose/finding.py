"""What a diagnosis says: findings, each with its verdict, what it rests on and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from envdoctor.knowledge import Evidence
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Because:
    """A fact that the verdict rests on."""

    fact: str
    value: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A fact that would decide a `possible`, and how to get it."""

    fact: str
    how: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One way out, filled in for this machine. `commands` are ready to paste, by tool."""

    text: Text
    pins: Mapping[str, str]
    commands: Mapping[str, str]
    flags: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    cost: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """An entry or check that applied to these facts. `explains`: how far it explains the pasted error (0, 1, 2)."""

    id: str
    verdict: str  #: match, possible
    severity: str  #: error, warning, info
    effect: str
    title: Text
    explanation: Text
    cause: str
    packages: tuple[str, ...]
    because: tuple[Because, ...]
    missing: tuple[Missing, ...]
    options: tuple[Option, ...]
    evidence: tuple[Evidence, ...]
    status: str = "active"  #: active, ignored, refuted
    note: str = ""  #: why it is ignored or refuted
    explains: int = 0
    score: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What the matrix knows of what is installed: so that "nothing found" can be told from "nothing known"."""

    known: Mapping[str, str]  #: installed name -> newest version that was checked ("" where none is stated)
    newer: tuple[str, ...]  #: installed names that are newer than anybody checked
    unknown_count: int  #: installed distributions that the matrix does not speak of


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """Everything that the diagnosis of one set of facts gives. Deterministic: same facts, same matrix, same value."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    untriggered: int  #: entries that could not be decided and that nothing triggered


def severity_of(effect: str, verdict: str) -> str:
    """blocks or corrupts with match is an error; with possible, and degrades, a warning; advice is info."""
    if effect == "advice":
        return "info"
    return "error" if verdict == "match" and effect in ("blocks", "corrupts") else "warning"
