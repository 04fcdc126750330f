"""Why there is no lock, in three sentences: what contradicts what, on whose word, what to change."""

from __future__ import annotations

import re
from collections.abc import Callable

from envdoctor.errors import EnvdoctorError
from envdoctor.resolve.errors import ImpossibleError
from envdoctor.resolve.mend import Mending
from envdoctor.resolve.problem import Conflict, Problem, without_credentials
from envdoctor.resolve.request import LockRequest
from envdoctor.resolve.search import Dead
from envdoctor.resolve.solution import Solution

Look = Callable[[Problem], "Solution | Conflict"]
_NAME = r"[A-Za-z0-9._-]+(?:\[[^\]]*\])?"
_DEPENDS = re.compile(
    rf"(?:^|Because |because |and |we know that )((?:all versions of )?{_NAME}(?:[<>=!~][^ ]*)?)"
    rf" depends? on ({_NAME})([<>=!~][^ ]*)?"
)
_YOU = re.compile(r"you require ([A-Za-z0-9._-]+)(?:\[[^\]]*\])?([<>=!~][^ ]*)?")


def refuse(dead: Dead, *, request: LockRequest, mending: Mending, look: Look) -> EnvdoctorError:
    """The error to raise for a branch that ended. Never claims more than was proven."""
    if dead.veto is not None:
        return _of_veto(dead, request)
    text = dead.conflict.text if dead.conflict else ""
    if mending.strangers:
        name, why = sorted(mending.strangers.items())[0]
        return ImpossibleError(
            conflict=why,
            authority="the index (upload times and files), as solved by uv",
            change=_change_name(name, request, why),
        )
    if "was not found in the package registry" in text:
        return _unheard(text, request)
    return ImpossibleError(
        conflict=without_credentials(_clash(text)),
        authority=f"the packages' own metadata, as solved by uv for Python {dead.problem.place.python}"
        + _limits_line(dead.problem),
        change=_advice(dead, request, look),
    )


def _unheard(text: str, request: LockRequest) -> ImpossibleError:
    found = re.search(r"(\S+) was not found in the package registry", text)
    name = found.group(1) if found else "a name"
    asked = any(a.name == name for a in request.asked)
    return ImpossibleError(
        conflict=f"no index has {name}" + ("" if asked else ", which the request needs"),
        authority="the index, as asked by uv",
        change=f"check the spelling of {name}" if asked else f"add the index that has {name} with --index-url",
    )


def _of_veto(dead: Dead, request: LockRequest) -> ImpossibleError:
    veto = dead.veto
    assert veto is not None  # noqa: S101 - the caller looked
    pinned = [a.text for a in request.asked if a.name in veto.packages and not a.free]
    what = veto.why + (f"; the request says {' and '.join(pinned)}" if pinned else "")
    change = veto.advice or f"ask for other versions of {', '.join(veto.packages) or 'what was pinned'}"
    return ImpossibleError(conflict=what, authority=veto.authority or veto.id, change=change)


def _change_name(name: str, request: LockRequest, why: str) -> str:
    if any(a.name == name for a in request.asked):
        return f"ask for another Python version, or for something else in the place of {name}"
    if "re-registered" in why:
        return (
            f"ask for a release that does not need {name}, or for {name} by name after you have read what it contains"
        )
    return f"ask for {name} by name if you trust its source, or for a release that does not need it"


def _limits_line(problem: Problem) -> str:
    limits = [f"{limit.text} ({limit.source})" for limit in problem.limits]
    return ", under " + ", ".join(limits) if limits else ""


def _clash(text: str) -> str:
    """The two statements that exclude each other, picked out of uv's proof; else its last conclusion."""
    text = re.sub(r"\{[^}]*\}", "", text)  # markers
    flat = " ".join(line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("hint:"))
    wants: dict[str, list[str]] = {}
    for holder, name, specifier in _DEPENDS.findall(flat):
        wants.setdefault(name.partition("[")[0], []).append(f"{_holder(holder)} needs {name}{_trim(specifier)}")
    for name, specifier in _YOU.findall(flat):
        wants.setdefault(name, []).append(f"you ask for {name}{_trim(specifier)}")
    for said in sorted(wants.values(), key=len, reverse=True):
        unique = list(dict.fromkeys(said))
        if len(unique) > 1:
            return ", but ".join(unique[:2])
    for pattern in (
        r"Because (there (?:is|are) no versions? of [^,]+?) and ",
        r"Because (\S+ was not found [^,]+?) and ",
    ):
        found = re.search(pattern, flat)
        if found:
            return found.group(1)
    found = re.search(r"Because (.+?), we can conclude", flat)
    return (found.group(1) if found else flat.partition("cause:")[2].strip() or flat)[:300]


def _holder(text: str) -> str:
    return text.replace("all versions of", "every version of")


def _trim(specifier: str) -> str:
    return specifier.rstrip(",.;")


def _advice(dead: Dead, request: LockRequest, look: Look) -> str:
    """Loosens the pinned requirements one by one and names the first that helps: a small question to uv each."""
    pinned = [a for a in request.asked if not a.free]
    helpful = []
    for a in pinned if len(request.asked) > 1 else ():
        texts = tuple(
            (a.name + (f"[{','.join(a.extras)}]" if a.extras else "")) if b is a else b.text for b in request.asked
        )
        question = Problem(requirements=texts, place=dead.problem.place, limits=dead.problem.limits)
        try:
            answer = look(question)
        except EnvdoctorError:
            continue
        if isinstance(answer, Solution) and answer.version(a.name):
            helpful.append(f"{a.name}=={answer.version(a.name)} in the place of {a.text}")
    if helpful:
        return "take " + ", or ".join(helpful)
    if len(request.asked) > 1:
        return "give up one of: " + ", ".join(a.text for a in request.asked)
    return f"ask for another version than {request.asked[0].text}, or for another Python"
