"""What a check is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

from envdoctor.diagnose.finding import Because
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.diagnose.view import FactView
from envdoctor.text import Text, in_zh
from envdoctor.values import dataclass

if TYPE_CHECKING:
    from envdoctor.knowledge.derived import DerivedTables


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One thing that a check found. What is None is taken from the check's data.

    `values` fill the holes of its texts, pins and commands. `explains`: 2, it states the cause of a pasted error; 1, it
    fits one; 0, it was found without any. `weight` orders hits of equal certainty: how much of it rests on known facts.
    """

    verdict: str = "match"
    because: tuple[Because, ...] = ()
    missing: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] | None = None
    cause: str | None = None
    effect: str | None = None
    explains: int = 0
    weight: float = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckContext:
    """Facts by path, the tables, the derived tables, and what the check's own signatures found in the log."""

    view: FactView
    tables: Mapping[str, Any]
    derived: Mapping[str, Any]
    hits: tuple[SignatureHit, ...] = ()

    def derived_of(self, *names: str) -> DerivedTables:
        """The derived tables of these distributions and of torch; only they are parsed."""
        from envdoctor.knowledge.derived import DerivedTables

        wanted = {name: self.derived[name] for name in (*names, "torch") if name in self.derived}
        return DerivedTables(wanted)

    def because(self, path: str, value: object = None) -> Because:
        """The fact at `path` as a reason."""
        fact = self.view.one(path)
        source = getattr(fact, "source", "")
        shown = getattr(fact, "value", "") if value is None else value
        return Because(fact=path, value=shown if isinstance(shown, str) else str(shown), source=source)


Check: TypeAlias = Callable[[CheckContext], Iterable[Hit]]

#: id -> function, filled by the modules of this package as they are imported
CHECKS: dict[str, Check] = {}


def check(check_id: str) -> Callable[[Check], Check]:
    """Registers a function as the check of that id."""

    def register(function: Check) -> Check:
        CHECKS[check_id] = function
        return function

    return register


def log_reason(hit: SignatureHit) -> Because:
    """The line of output as a reason."""
    return Because(
        fact="log",
        value=hit.line.text.strip()[:300],
        source=Text(
            en=f"{hit.line.source}, line {hit.line.number}", zh=f"{in_zh(hit.line.source)} 第 {hit.line.number} 行"
        ),
    )
