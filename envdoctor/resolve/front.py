"""The front door: `lock`, `lock_fix` and `prove`, over names and facts. The command line and the Python API call these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from envdoctor.facts import Facts
from envdoctor.knowledge import Matrix
from envdoctor.resolve.fix import Fix, fix_from, request_for
from envdoctor.resolve.indexes import find_indexes
from envdoctor.resolve.made import Lock
from envdoctor.resolve.maker import make_lock
from envdoctor.resolve.proof import prove_lock
from envdoctor.resolve.request import EraChoice, LockRequest, parse_asked
from envdoctor.resolve.stacks import check_machine, find_stack, merged, recognised, workload_of
from envdoctor.resolve.uv import Runner, find_uv
from envdoctor.text import Text

Say = Callable[[Text], None]


def _silent(_: Text) -> None:
    return


def lock(
    requirements: Sequence[str] = (),
    *,
    stack: str | None = None,
    facts: Facts | None = None,
    python: str | None = None,
    indexes: Sequence[str] = (),
    era: EraChoice | None = None,
    matrix: Matrix | None = None,
    run: Runner | None = None,
    folder: Path | None = None,
    say: Say = _silent,
) -> Lock:
    """Pins for `requirements`, or for a stack (which they refine), that hold on the machine that `facts` describe.

    `python` is `3.11` (default: the target's of the facts); `indexes` are addresses, the first one first (default: uv's
    configuration, else pip's); `folder` is where uv looks for its configuration (default: the current one); `say` gets one line
    for every round. Raises ImpossibleError (status 1, proven), BudgetError and SolverError (status 3), UsageError (status 2).
    """
    matrix, facts = _matrix() if matrix is None else matrix, facts or Facts()
    asked = parse_asked(requirements) if requirements or stack is None else ()
    if stack is not None:
        chosen = find_stack(matrix, stack)
        check_machine(chosen, facts)
        asked, workload = merged(chosen, asked), workload_of(chosen, facts)
    else:
        workload = recognised(matrix, asked, facts)
    request = LockRequest(
        asked=asked, facts=facts, python=python, indexes=tuple(indexes), era=era or EraChoice(), stack=stack
    )
    return make_lock(request, matrix=matrix, run=run, say=say, folder=folder, workload=workload)


def lock_fix(
    facts: Facts,
    *,
    requirements: Sequence[str] = (),
    python: str | None = None,
    indexes: Sequence[str] = (),
    era: EraChoice | None = None,
    matrix: Matrix | None = None,
    run: Runner | None = None,
    folder: Path | None = None,
    say: Say = _silent,
) -> Fix:
    """The smallest set of changes to the target of `facts` that leaves no finding which blocks or corrupts.

    `requirements` are the user's own wishes beside it. The target is never changed. Raises what `lock` raises.
    """
    extra = parse_asked(requirements) if requirements else ()
    request = replace(request_for(facts, extra=extra, indexes=tuple(indexes)), python=python, era=era or EraChoice())
    made = make_lock(request, matrix=matrix, run=run, say=say, folder=folder, workload=facts.workload)
    return fix_from(facts, made)


def prove(
    made: Lock,
    *,
    facts: Facts | None = None,
    stack: str | None = None,
    indexes: Sequence[str] = (),
    matrix: Matrix | None = None,
    run: Runner | None = None,
    folder: Path | None = None,
    smoke: bool = True,
    say: Say = _silent,
) -> Lock:
    """The lock with the outcome of its proof in the header: built with uv, diagnosed, the stack's imports run, smoke climbed.

    Raises ProofError (status 1) where it does not hold, SolverError (status 3) where it cannot be tried here.
    """
    matrix = _matrix() if matrix is None else matrix
    found = find_indexes(indexes, folder=folder or Path.cwd())
    arguments = found.main + (found.extra if "extra indexes" in made.header.index else ())
    return prove_lock(
        made,
        matrix=matrix,
        run=run or find_uv(**found.environment),
        machine=facts or Facts(),
        imports=find_stack(matrix, stack).imports if stack else (),
        index_arguments=arguments,
        smoke=smoke,
        say=say,
    )


def _matrix() -> Matrix:
    from envdoctor.knowledge import load_matrix

    return load_matrix()
