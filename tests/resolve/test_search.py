"""The loop alone, over a made-up solver and a made-up judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envdoctor.resolve.problem import Conflict, Limit, Place, Problem
from envdoctor.resolve.search import Dead, Found, Search
from envdoctor.resolve.solution import Package, Solution
from envdoctor.resolve.vetoes import Veto
from envdoctor.text import same

PLACE = Place(python="3.11", platform="linux", interpreter="python")
OLDER = Limit(text="torch<2.11", name="torch", source="EC-cuda-driver", why=same("w"))
BY_TORCH = Veto(
    id="EC-cuda-driver", why=same("torch is built for CUDA 13"), packages=("torch",), ways=((OLDER,),), firm=True
)
BY_DRIVER = Veto(id="EC-driver-too-old", why=same("the driver is too old"), packages=(), ways=(), firm=True)


class OfTorch:
    """torch 2.15 breaks both ways; what is older, `left` alone."""

    def __init__(self, *left: Veto) -> None:
        self.left = left

    def vetoes(self, solution: Solution) -> Sequence[Veto]:
        return (BY_DRIVER, BY_TORCH) if solution.packages["torch"].version == "2.15.0" else self.left

    def needs(self, solution: Solution) -> Sequence[Limit]:
        return ()

    def mend(self, problem: Problem, conflict: Conflict) -> Iterable[tuple[Problem, str]]:
        return ()


def solver(problem: Problem) -> Solution:
    version = "2.10.0" if OLDER in problem.limits else "2.15.0"
    return Solution(packages={"torch": Package(name="torch", version=version, artifacts=())}, needs={})


def search(judge: OfTorch) -> Found | Dead:
    found = Search(solve=solver, judge=judge, mender=judge, say=lambda _: None)
    return found.run(Problem(requirements=("torch",), place=PLACE))


def test_a_veto_without_a_way_of_its_own_goes_with_one_that_has_a_way() -> None:
    result = search(OfTorch())
    assert isinstance(result, Found)
    assert result.solution.packages["torch"].version == "2.10.0"


def test_a_veto_without_a_way_that_stays_ends_the_search() -> None:
    result = search(OfTorch(BY_DRIVER))
    assert isinstance(result, Dead)
    assert result.veto == BY_DRIVER
