"""The loop: solve, match against the matrix, turn what is vetoed into limits, solve again. A pure core over a solver port.

Depth first: each round adds at least one limit that was not there, so it ends; a limit that leads nowhere is taken back and the
next way is tried. At most `max_solves` solves; then BudgetError, which is neither a lock nor a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import Protocol

from envdoctor.resolve.errors import BudgetError
from envdoctor.resolve.problem import Conflict, Limit, Problem
from envdoctor.resolve.solution import Solution
from envdoctor.resolve.vetoes import Veto, Way
from envdoctor.text import Text
from envdoctor.values import dataclass

Say = Callable[[Text], None]


class Judge(Protocol):
    """What is against a solution, and which needs it leaves open. Pure: same arguments, same answer."""

    def vetoes(self, solution: Solution) -> Sequence[Veto]: ...

    def needs(self, solution: Solution) -> Sequence[Limit]: ...


class Mender(Protocol):
    """Ways to change a problem that uv refused: later dates, sources, names left out. May look things up with uv."""

    def mend(self, problem: Problem, conflict: Conflict) -> Iterable[tuple[Problem, Text]]: ...


class SolvePort(Protocol):
    """One solve. Raises SolverError where uv neither solves the problem nor proves it impossible."""

    def __call__(self, problem: Problem) -> Solution | Conflict: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A solution that nothing firm speaks against, and the problem that gave it."""

    problem: Problem
    solution: Solution
    steered: tuple[Veto, ...] = ()  #: what could only be said with a fact that is not known


@dataclass(frozen=True, kw_only=True, slots=True)
class Dead:
    """Why a branch ended: uv's conflict, or a veto without a way out. `problem` is what was asked last."""

    problem: Problem
    conflict: Conflict | None = None
    veto: Veto | None = None


@dataclass(kw_only=True, slots=True)
class Search:
    """One request's search. `solves` counts; `refused` are soft limits that cost the solution."""

    solve: SolvePort
    judge: Judge
    mender: Mender
    say: Say
    max_solves: int = 12
    solves: int = 0
    _refused: set[str] = field(default_factory=set)

    def run(self, problem: Problem) -> Found | Dead:
        """The whole search. Raises BudgetError, and what the solver raises."""
        return self._visit(problem, ())

    def _visit(self, problem: Problem, soft: tuple[Limit, ...]) -> Found | Dead:
        answer = self._ask(problem)
        if isinstance(answer, Conflict):
            return self._after_conflict(problem, answer, soft)
        needs = self.judge.needs(answer)
        if needs:
            names = sorted(needs, key=lambda need: need.text)
            self.say(
                Text(
                    en="undeclared: " + ", ".join(f"{n.text} ({n.why})" for n in names),
                    zh="未声明的依赖：" + "、".join(f"{n.text}（{n.why.zh}）" for n in names),
                )
            )
            return self._visit(replace(problem, additions=(*problem.additions, *needs)), soft)
        vetoes = self.judge.vetoes(answer)
        firm = [v for v in vetoes if v.firm]
        steering = self._steering(problem, [v for v in vetoes if not v.firm])
        if not firm and not steering:
            return Found(problem=problem, solution=answer, steered=tuple(v for v in vetoes if not v.firm))
        stuck = next((v for v in firm if not self._open(problem, v)), None)
        movable = [v for v in firm if self._open(problem, v)]
        if stuck is not None and not movable:
            return Dead(problem=problem, veto=stuck)
        # one without a way of its own often goes with another: a driver too old for CUDA 13, once torch is another build
        result = self._after_vetoes(problem, movable, steering, soft)
        return result if isinstance(result, Found) or stuck is None else Dead(problem=problem, veto=stuck)

    def _ask(self, problem: Problem) -> Solution | Conflict:
        if self.solves >= self.max_solves:
            raise BudgetError(
                Text(
                    en=f"{self.max_solves} solves did not settle the request",
                    zh=f"求解 {self.max_solves} 次仍没有结论",
                ),
                advice=Text(
                    en="pin more of it (torch, transformers), or ask for less at once",
                    zh="请固定更多版本（torch、transformers），或一次少要求一些",
                ),
            )
        self.solves += 1
        return self.solve(problem)

    def _open(self, problem: Problem, veto: Veto) -> list[Way]:
        """The ways of a veto that say something new."""
        have = {limit.text for limit in problem.limits}
        return [way for way in veto.ways if any(limit.text not in have for limit in way)]

    def _steering(self, problem: Problem, vetoes: Sequence[Veto]) -> tuple[Limit, ...]:
        """The first way of each soft veto, unless it was tried and refused."""
        found: list[Limit] = []
        for veto in vetoes:
            ways = [w for w in self._open(problem, veto) if not any(li.text in self._refused for li in w)]
            if ways:
                found += ways[0]
        return tuple(dict.fromkeys(found))

    def _after_conflict(self, problem: Problem, conflict: Conflict, soft: tuple[Limit, ...]) -> Found | Dead:
        if any(limit.name in conflict.text for limit in problem.additions) and self.solves == 1:
            # asked for in advance, not proven to be needed: never a reason to refuse
            return self._visit(replace(problem, additions=()), soft)
        dead = Dead(problem=problem, conflict=conflict)
        for mended, why in self.mender.mend(problem, conflict):
            self.say(why)
            result = self._visit(mended, soft)
            if isinstance(result, Found):
                return result
            dead = result  # it came further, so it knows the better reason
            if dead.veto is not None:
                break  # it had a solution, and the matrix is against it: no later date changes that
        if soft:
            texts = {limit.text for limit in soft}
            self._refused |= texts
            self.say(
                Text(
                    en="taken back (it would leave no solution): " + ", ".join(sorted(texts)),
                    zh="撤回（否则无解）：" + "、".join(sorted(texts)),
                )
            )
            kept = tuple(limit for limit in problem.limits if limit.text not in texts)
            return self._visit(replace(problem, limits=kept), ())
        return dead

    def _after_vetoes(
        self, problem: Problem, firm: Sequence[Veto], steering: tuple[Limit, ...], soft: tuple[Limit, ...]
    ) -> Found | Dead:
        """All first ways at once; where that leads nowhere, the ways of the first veto one by one."""
        first = [self._open(problem, veto)[0] for veto in firm]
        limits = [limit for way in first for limit in way]
        for veto, way in zip(firm, first, strict=True):
            self.say(_turn(veto.id, veto.why, way))
        for limit in steering:
            self.say(_turn(f"{limit.source} (possible)", limit.why, (limit,), zh=f"{limit.source}（可能）"))
        result = self._visit(problem.with_limits([*limits, *steering]), (*soft, *steering))
        if isinstance(result, Found) or not firm:
            return result
        dead = result
        for way in self._open(problem, firm[0])[1 if len(firm) == 1 else 0 :]:
            self.say(_turn(firm[0].id, Text(en="another way", zh="换一种办法"), way))
            result = self._visit(problem.with_limits(way), soft)
            if isinstance(result, Found):
                return result
        return Dead(problem=dead.problem, conflict=dead.conflict, veto=firm[0])


def _turn(source: str, why: Text, way: Way, *, zh: str = "") -> Text:
    """What is against the solution, and the limits that it leads to."""
    texts = ", ".join(limit.text for limit in way)
    return Text(en=f"{source}: {why} -> {texts}", zh=f"{zh or source}：{why.zh} -> {texts}")
