"""A request -> a lock. Wires the pure core to uv and to the matrix; says on `say` what forced each round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from envdoctor.facts import Workload
from envdoctor.knowledge import Matrix
from envdoctor.resolve.abi import Abi, abi_of
from envdoctor.resolve.builds import TorchBuilds, torch_builds
from envdoctor.resolve.era import Anchor, Era, anchors_in, datable, era_of, implied_anchors
from envdoctor.resolve.indexes import UV_CONFIGURED, UV_DEFAULT, Indexes, find_indexes
from envdoctor.resolve.machine import ARCH_ID, DRIVER_ID, MachineLimits, machine_limits
from envdoctor.resolve.made import Lock
from envdoctor.resolve.mend import Mending
from envdoctor.resolve.names import Decisions, decisions_of, left_out_vetoes
from envdoctor.resolve.place import place_for
from envdoctor.resolve.predict import predicted
from envdoctor.resolve.problem import Conflict, Limit, Place, Problem
from envdoctor.resolve.reasons import describe
from envdoctor.resolve.refusal import refuse
from envdoctor.resolve.request import LockRequest
from envdoctor.resolve.search import Dead, Found, Say, Search
from envdoctor.resolve.solution import Solution
from envdoctor.resolve.solver import Solver
from envdoctor.resolve.uv import Runner, find_uv
from envdoctor.resolve.vetoes import Veto, vetoes_of_matrix, way_is_open
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """What the matrix gives to a search."""

    matrix: Matrix
    abi: Abi
    builds: TorchBuilds
    machine: MachineLimits
    decisions: Decisions


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixJudge:
    """Predicts the environment of a solution and holds it against everything that is known."""

    knowledge: Knowledge
    request: LockRequest
    python: str
    workload: Workload

    def vetoes(self, solution: Solution) -> Sequence[Veto]:
        """Entries, checks and the derived tables."""
        facts = predicted(
            self.request.facts, solution, python=self.python, workload=self.workload, builds=self.knowledge.builds
        )
        asked = self.request.asked
        found = (
            *left_out_vetoes(self.knowledge.decisions, solution),
            *self.knowledge.machine.vetoes(solution, asked),
            *self.knowledge.abi.vetoes(solution, asked),
            *vetoes_of_matrix(facts, self.knowledge.matrix, solution, asked, optional=self.knowledge.abi.optional),
        )
        return tuple(replace(v, ways=tuple(way for way in v.ways if way_is_open(way, asked))) for v in found)

    def needs(self, solution: Solution) -> Sequence[Limit]:
        """Undeclared needs that are still open."""
        return self.knowledge.decisions.unmet(solution, self.python)


def make_lock(
    request: LockRequest,
    *,
    matrix: Matrix | None = None,
    run: Runner | None = None,
    say: Say = lambda _: None,
    folder: Path | None = None,
    workload: Workload | None = None,
) -> Lock:
    """Solves a request. Raises ImpossibleError, SolverError, BudgetError, UsageError; never leaves anything behind."""
    if matrix is None:
        from envdoctor.knowledge import load_matrix

        matrix = load_matrix()
    indexes = find_indexes(request.indexes, folder=folder or Path.cwd())
    run = run or find_uv(**indexes.environment)
    abi = abi_of(matrix)
    builds = torch_builds(matrix, abi.tables)
    knowledge = Knowledge(
        matrix=matrix,
        abi=abi,
        builds=builds,
        machine=machine_limits(request.facts, builds),
        decisions=decisions_of(matrix),
    )
    attempt = _Attempt(
        request=request, knowledge=knowledge, run=run, say=say, workload=workload or request.facts.workload
    )
    outcome = attempt.with_indexes(indexes.main)
    used = indexes.main
    if isinstance(outcome.result, Dead) and indexes.extra and _may_differ(outcome.result):
        say(
            Text(
                en="the first index alone has no answer: the extra ones are asked too",
                zh="仅用第一个索引无解，改为同时查询其他索引",
            )
        )
        used = (*indexes.main, *indexes.extra)
        outcome = attempt.with_indexes(used)
    if isinstance(outcome.result, Dead):
        raise refuse(outcome.result, request=request, mending=outcome.mending, look=outcome.look)
    return describe(
        request=request,
        found=outcome.result,
        era=outcome.era,
        knowledge=(matrix, knowledge.decisions, builds),
        index=_index_line(indexes, used),
        solves=outcome.solves,
    )


def _may_differ(dead: Dead) -> bool:
    """Whether more indexes could help: with names, files and CUDA builds, not with what the matrix knows of a release."""
    return dead.veto is None or dead.veto.id in (DRIVER_ID, ARCH_ID)


def _index_line(indexes: Indexes, used: tuple[str, ...]) -> Text:
    line = UV_DEFAULT
    if used or indexes.origin == UV_CONFIGURED:
        line = Text(en=f"as set by {indexes.origin}", zh=f"由{indexes.origin.zh}指定")
    if indexes.extra and used != indexes.main:
        flag = "--index-strategy unsafe-best-match"
        return Text(
            en=f"{line}, with its extra indexes (install with the same, and with {flag})",
            zh=f"{line.zh}，并使用其中的其他索引（安装时也要用同样的索引，并加 {flag}）",
        )
    return line


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    result: Found | Dead
    era: Era | None
    mending: Mending
    look: Solver
    solves: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    request: LockRequest
    knowledge: Knowledge
    run: Runner
    say: Say
    workload: Workload

    def with_indexes(self, arguments: tuple[str, ...]) -> _Outcome:
        place = place_for(self.request.facts, python=self.request.python, index_arguments=arguments)
        look = Solver(run=self.run, timeout_s=self.request.timeout_s)
        era, undated = self._era(place, look)
        problem = Problem(
            requirements=tuple(a.text for a in self.request.asked),
            place=place,
            additions=self._leaves(),
            sources=self.knowledge.decisions.wheelless,
            era=era.end if era else None,
            preferences=self.request.keep,
            later=dict.fromkeys(undated),
        )
        if era:
            self.say(Text(en=f"era: {era.says}", zh=f"时间截点：{era.says.zh}"))
        outcome = self._search(problem, era, look)
        if era is not None and isinstance(outcome.result, Dead):
            timeless = self._timeless(problem, look)
            if timeless:
                names = ", ".join(timeless)
                self.say(
                    Text(
                        en=f"without upload times, so not bound by the era: {names}",
                        zh=f"没有上传时间，不受时间截点约束：{names}",
                    )
                )
                problem = replace(problem, later={**problem.later, **dict.fromkeys(timeless)})
                outcome = self._search(problem, era, look)
        if (
            era is None
            and self.request.era.mode == "derive"
            and not self.request.keep
            and isinstance(outcome.result, Found)
        ):
            return self._dated_again(outcome, look)
        return outcome

    def _timeless(self, problem: Problem, look: Solver) -> tuple[str, ...]:
        """Names that the index gives without an upload time: to uv, those are newer than any era."""
        answer = look(replace(problem, era=None, later={}))
        if isinstance(answer, Conflict):
            return ()
        return tuple(sorted(n for n, p in answer.packages.items() if p.uploaded is None and n not in problem.later))

    def _leaves(self) -> tuple[Limit, ...]:
        names = {a.name for a in self.request.asked}
        return tuple(limit for limit in self.knowledge.decisions.leaves() if limit.name not in names)

    def _search(self, problem: Problem, era: Era | None, look: Solver) -> _Outcome:
        asked = self.request.asked
        kept = {name for name, _ in self.request.keep} & {a.name for a in asked if not a.specifier}
        mending = Mending(look=look, decisions=self.knowledge.decisions, asked=asked, era=era, kept=frozenset(kept))
        judge = MatrixJudge(
            knowledge=self.knowledge, request=self.request, python=problem.place.python, workload=self.workload
        )
        search = Search(solve=look, judge=judge, mender=mending, say=self.say, max_solves=self.request.max_solves)
        result = search.run(problem)
        return _Outcome(result=result, era=era, mending=mending, look=look, solves=search.solves)

    def _era(self, place: Place, look: Solver) -> tuple[Era | None, tuple[str, ...]]:
        """The era, and the names that it cannot bind (pinned ones need no date; an index may not say when it got them)."""
        choice = self.request.era
        pinned = tuple(a.name for a in self.request.asked if a.exact)
        if choice.mode == "off":
            return None, ()
        if choice.mode == "set" and choice.end is not None:
            return Era(end=choice.end, derived=False), pinned
        if self.request.keep:
            return self._era_of_target(place, look), pinned
        dating = datable(self.request.asked)
        pins = all(a.exact for a in dating)  # a release's day does not change: no need to ask for it again
        anchors = self._anchors([a.text for a in dating], [a.name for a in dating], place, look, settled=pins)
        if anchors:
            floors = [a for a in self.request.asked if a.floored and not a.exact]
            anchors += self._anchors([a.text for a in floors], [a.name for a in floors], place, look, lowest=True)
        return era_of(anchors), pinned

    def _era_of_target(self, place: Place, look: Solver) -> Era | None:
        """The newest of what is installed dates a repair: nothing else has to move to another time."""
        texts = [f"{name}=={version}" for name, version in self.request.keep]
        return era_of(self._anchors(texts, [name for name, _ in self.request.keep], place, look, settled=True))

    def _anchors(
        self,
        texts: Sequence[str],
        names: Sequence[str],
        place: Place,
        look: Solver,
        *,
        lowest: bool = False,
        settled: bool = False,
    ) -> tuple[Anchor, ...]:
        if not texts:
            return ()
        question = Problem(requirements=tuple(texts), place=place, dependencies=False, lowest=lowest)
        remembered = look.remembered(question) if settled else None
        answer = remembered or look(question)
        if isinstance(answer, Conflict) and answer.wheelless:
            answer = look(replace(question, sources=answer.wheelless))
        return anchors_in(answer, names) if isinstance(answer, Solution) else ()

    def _dated_again(self, outcome: _Outcome, look: Solver) -> _Outcome:
        """Nothing was pinned: where what came out is old all the same, its companions are chosen from its time."""
        found = outcome.result
        if not isinstance(found, Found):
            return outcome
        limited = {limit.name for limit in found.problem.limits}
        era = era_of(implied_anchors(found.solution, self.request.asked, limited=limited))
        if era is None:
            return outcome
        self.say(Text(en=f"era: {era.says}", zh=f"时间截点：{era.says.zh}"))
        again = self._search(replace(found.problem, era=era.end), era, look)
        return again if isinstance(again.result, Found) else outcome
