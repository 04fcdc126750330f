"""Why each pin is there, and what the lock was made for: the words of a lock."""

from __future__ import annotations

import re
from collections import Counter

from envdoctor.facts import Facts, Gpu, Known, value_of
from envdoctor.knowledge import Matrix
from envdoctor.resolve.builds import TorchBuilds
from envdoctor.resolve.era import Era
from envdoctor.resolve.made import Header, Lock, Pin
from envdoctor.resolve.names import Decisions
from envdoctor.resolve.predict import cuda_of
from envdoctor.resolve.problem import Limit, Problem
from envdoctor.resolve.request import LockRequest
from envdoctor.resolve.search import Found
from envdoctor.resolve.solution import Package, Solution

_SHOWN = 4  # dependents named by a reason


def describe(
    *,
    request: LockRequest,
    found: Found,
    era: Era | None,
    knowledge: tuple[Matrix, Decisions, TorchBuilds],
    index: str,
    solves: int,
) -> Lock:
    """The solution as a lock: additions that nobody turned out to need are taken out again."""
    matrix, decisions, builds = knowledge
    problem = found.problem
    kept = _without_idle(found.solution, problem, decisions)
    hidden = decisions.wanted(kept, problem.place.python)
    pins = []
    for name, package in sorted(kept.packages.items()):
        built = not package.has_wheel or name in problem.sources
        reasons = [*_asked(name, request), *_needed(name, kept)]
        reasons += [f"needed by {n.package}, which does not say so: {n.why}" for n in hidden.get(name, ())]
        reasons += _limits(name, problem.limits)
        if era is not None:
            reasons.append(_era_reason(package, problem, era))
        if built:
            reasons.append("built from its source: there is no wheel")
        pins.append(Pin(package=package, reasons=tuple(r for r in reasons if r), built=built))
    header = Header(
        request=tuple(a.text for a in request.asked),
        python=problem.place.python,
        platform=problem.place.platform,
        machine=_machine(request.facts),
        needs=_requirements_of_build(kept, builds),
        era=str(era) if era else "off" if request.era.mode == "off" else "none (nothing that was asked for dates it)",
        matrix=f"{matrix.date or 'undated'}, {matrix.count} entries, sha256 {matrix.digest[:16]}",
        tool=f"envdoctor lock, solved by {found.solution.uv}",
        index=index,
        notes=tuple(f"{li.name} is left out: {li.why}" for li in problem.left_out),
    )
    left = tuple(li.name for li in problem.left_out)
    return Lock(pins=tuple(pins), header=header, solution=kept, solves=solves, left_out=left)


def _without_idle(solution: Solution, problem: Problem, decisions: Decisions) -> Solution:
    wanted = decisions.wanted(solution, problem.place.python)
    idle = {
        limit.name
        for limit in problem.additions
        if limit.name not in wanted and not solution.needs.get(limit.name) and limit.name in solution.packages
    }
    return Solution(
        packages={n: p for n, p in solution.packages.items() if n not in idle},
        needs={n: of for n, of in solution.needs.items() if n not in idle},
        uv=solution.uv,
    )


def _asked(name: str, request: LockRequest) -> list[str]:
    where = f" (stack {request.stack})" if request.stack else ""
    return [f"asked for: {a.text}{where}" for a in request.asked if a.name == name]


def _needed(name: str, solution: Solution) -> list[str]:
    needs = solution.needs.get(name, ())
    if not needs:
        return []
    shown = [f"{n.dependent} ({n.specifier})" if n.specifier else n.dependent for n in needs[:_SHOWN]]
    more = f" and {len(needs) - _SHOWN} more" if len(needs) > _SHOWN else ""
    return ["needed by " + ", ".join(_tidy(s) for s in shown) + more]


def _tidy(text: str) -> str:
    """uv writes `==2.4.0` as `>=2.4.0, <2.4.0+`."""
    return re.sub(r">=(\S+), <\1\+", r"==\1", text)


def _limits(name: str, limits: tuple[Limit, ...]) -> list[str]:
    return [f"{limit.source}: {limit.text} ({limit.why})" for limit in limits if limit.name == name]


def _era_reason(package: Package, problem: Problem, era: Era) -> str:
    if package.uploaded is None:
        return "the index does not say when it was uploaded: not bound by the era"
    if package.name in problem.later and package.uploaded > era.end:
        return f"uploaded {package.uploaded:%Y-%m-%d}, let in after the era"
    return f"uploaded {package.uploaded:%Y-%m-%d}"


def _machine(facts: Facts) -> tuple[str, ...]:
    """The machine facts that the lock rests on. No names, no addresses, no paths."""
    architecture, glibc = value_of(facts.host.architecture), value_of(facts.host.glibc)
    driver, gpus = value_of(facts.driver.version), value_of(facts.gpus) or ()
    rows = [f"{architecture or 'x86_64'}, glibc {glibc or 'unknown (2.28 assumed)'}"]
    if driver:
        rows.append(f"NVIDIA driver {driver}")
    for name, count in Counter(_gpu(gpu) for gpu in gpus).items():
        rows.append(f"{count} x {name}" if count > 1 else name)
    if not gpus:
        seen = "there is none" if isinstance(facts.gpus, Known) else "none was named"
        rows.append(f"GPU: {seen}; the lock is for the default CUDA build")
    return tuple(rows)


def _gpu(gpu: Gpu) -> str:
    name, capability = value_of(gpu.name), value_of(gpu.compute_capability)
    return f"{name or 'GPU'} (compute capability {capability or 'unknown'})"


def _requirements_of_build(solution: Solution, builds: TorchBuilds) -> tuple[str, ...]:
    """What driver and compute capability the chosen torch build asks for, as far as it was measured."""
    torch = solution.packages.get("torch")
    cuda = value_of(cuda_of(solution, builds))
    if torch is None or cuda is None:
        return ()
    if cuda == "none":
        return (f"torch {torch.version} is a CPU build: it uses no GPU",)
    line = f"torch {torch.version} is built for CUDA {cuda}"
    floor = builds.drivers.get("linux", {}).get(cuda.partition(".")[0])
    if floor:
        line += f": NVIDIA driver {floor} or newer"
    row = builds.of(torch.version)
    if row and row.archs:
        line += "; code for compute capability " + " ".join(row.archs)
    return (line,)
