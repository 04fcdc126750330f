"""The solve port over uv: the network once, then uv's cache for as long as it gives the same answer.

A solve behind a slow index costs seconds for asking again whether hundreds of pages have changed, and a twentieth of that
from the cache. A cached answer counts only where every name it looked at was asked for over the network by this very run,
and nothing was missing.
"""

from __future__ import annotations

from dataclasses import field

from envdoctor.resolve.errors import SolverError
from envdoctor.resolve.problem import Conflict, Problem, solve
from envdoctor.resolve.solution import Solution
from envdoctor.resolve.uv import Runner
from envdoctor.values import dataclass


@dataclass(kw_only=True, slots=True)
class Solver:
    """Answers problems. `fresh` are the names whose pages this run has fetched."""

    run: Runner
    timeout_s: float = 300.0
    fresh: set[str] = field(default_factory=set)
    warm: bool = False  #: a whole request was solved over the network: before that, the cache cannot suffice for one

    def __call__(self, problem: Problem) -> Solution | Conflict:
        """One solve. Raises SolverError."""
        if self.fresh and (self.warm or not problem.dependencies):
            try:
                answer = solve(self.run, problem, offline=True, timeout_s=self.timeout_s)
            except SolverError:
                answer = None  # the cache does not hold all that this question looks at
            if answer is not None and answer.looked <= self.fresh and not answer.incomplete:
                return answer
        answer = solve(self.run, problem, timeout_s=self.timeout_s)
        self.fresh |= answer.looked
        self.warm = self.warm or problem.dependencies
        return answer

    def remembered(self, problem: Problem) -> Solution | None:
        """What uv's cache says, however old; None where it does not hold the whole answer. For what never changes: the day
        of a release. Says nothing about what is fresh."""
        try:
            answer = solve(self.run, problem, offline=True, timeout_s=self.timeout_s)
        except SolverError:
            return None
        return answer if isinstance(answer, Solution) and not answer.incomplete else None
