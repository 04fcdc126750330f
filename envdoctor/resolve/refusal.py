"""Why there is no lock, in three sentences: what contradicts what, on whose word, what to change."""

from __future__ import annotations

import re
from collections.abc import Callable

from envdoctor.errors import EnvdoctorError
from envdoctor.patterns import lazy
from envdoctor.resolve.errors import ImpossibleError
from envdoctor.resolve.mend import Mending
from envdoctor.resolve.problem import Conflict, Problem, without_credentials
from envdoctor.resolve.request import LockRequest
from envdoctor.resolve.search import Dead
from envdoctor.resolve.solution import Solution
from envdoctor.text import Text, in_zh, joined, same

Look = Callable[[Problem], "Solution | Conflict"]
_NAME = r"[A-Za-z0-9._-]+(?:\[[^\]]*\])?"
_DEPENDS = lazy(
    rf"(?:^|Because |because |and |we know that )((?:all versions of )?{_NAME}(?:[<>=!~][^ ]*)?)"
    rf" depends? on ({_NAME})([<>=!~][^ ]*)?"
)
_YOU = lazy(r"you require ([A-Za-z0-9._-]+)(?:\[[^\]]*\])?([<>=!~][^ ]*)?")


def refuse(dead: Dead, *, request: LockRequest, mending: Mending, look: Look) -> EnvdoctorError:
    """The error to raise for a branch that ended. Never claims more than was proven."""
    if dead.veto is not None:
        return _of_veto(dead, request)
    text = dead.conflict.text if dead.conflict else ""
    if mending.strangers:
        name, why = sorted(mending.strangers.items())[0]
        return ImpossibleError(
            conflict=why,
            authority=Text(
                en="the index (upload times and files), as solved by uv", zh="索引（上传时间与文件），由 uv 求解"
            ),
            change=_change_name(name, request, why),
        )
    if "was not found in the package registry" in text:
        return _unheard(text, request)
    return ImpossibleError(
        conflict=_clash(without_credentials(text)),
        authority=_by_metadata(dead.problem),
        change=_advice(dead, request, look),
    )


def _unheard(text: str, request: LockRequest) -> ImpossibleError:
    found = re.search(r"(\S+) was not found in the package registry", text)
    name = found.group(1) if found else "a name"
    asked = any(a.name == name for a in request.asked)
    return ImpossibleError(
        conflict=Text(
            en=f"no index has {name}" + ("" if asked else ", which the request needs"),
            zh=f"索引中没有 {name}" + ("" if asked else "，而需求依赖它"),
        ),
        authority=Text(en="the index, as asked by uv", zh="索引，由 uv 查询"),
        change=Text(en=f"check the spelling of {name}", zh=f"请检查 {name} 的拼写")
        if asked
        else Text(en=f"add the index that has {name} with --index-url", zh=f"请用 --index-url 加上含有 {name} 的索引"),
    )


def _of_veto(dead: Dead, request: LockRequest) -> ImpossibleError:
    veto = dead.veto
    assert veto is not None  # noqa: S101 - the caller looked
    pinned = [a.text for a in request.asked if a.name in veto.packages and not a.free]
    what = veto.why
    if pinned:
        what = Text(
            en=f"{what}; the request says {' and '.join(pinned)}", zh=f"{what.zh}；而需求写明 {'、'.join(pinned)}"
        )
    names = ", ".join(veto.packages)
    change = veto.advice or Text(
        en=f"ask for other versions of {names or 'what was pinned'}", zh=f"请换用其他版本的 {names or '已固定的包'}"
    )
    return ImpossibleError(conflict=what, authority=veto.authority or same(veto.id), change=change)


def _change_name(name: str, request: LockRequest, why: Text) -> Text:
    if any(a.name == name for a in request.asked):
        return Text(
            en=f"ask for another Python version, or for something else in the place of {name}",
            zh=f"请换一个 Python 版本，或用其他包代替 {name}",
        )
    if "re-registered" in why:
        return Text(
            en=f"ask for a release that does not need {name}, or for {name} by name after you have read what it contains",
            zh=f"请换用不依赖 {name} 的版本；若已检查过它的内容，可在需求中写明 {name}",
        )
    return Text(
        en=f"ask for {name} by name if you trust its source, or for a release that does not need it",
        zh=f"若信任它的源码，可在需求中写明 {name}；否则请换用不依赖它的版本",
    )


def _by_metadata(problem: Problem) -> Text:
    python, limits = problem.place.python, problem.limits
    en, zh = "", ""
    if limits:
        en = ", under " + ", ".join(f"{limit.text} ({limit.source})" for limit in limits)
        zh = "，且受以下限制：" + "、".join(f"{limit.text}（{in_zh(limit.source)}）" for limit in limits)
    return Text(
        en=f"the packages' own metadata, as solved by uv for Python {python}{en}",
        zh=f"软件包自身的元数据，由 uv 按 Python {python} 求解{zh}",
    )


def _clash(text: str) -> Text:
    """The two statements that exclude each other, picked out of uv's proof; else its last conclusion."""
    text = re.sub(r"\{[^}]*\}", "", text)  # markers
    flat = " ".join(line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("hint:"))
    wants: dict[str, list[Text]] = {}
    for holder, name, specifier in _DEPENDS.findall(flat):
        wants.setdefault(name.partition("[")[0], []).append(_needs(holder, f"{name}{_trim(specifier)}"))
    for name, specifier in _YOU.findall(flat):
        asked = f"{name}{_trim(specifier)}"
        wants.setdefault(name, []).append(Text(en=f"you ask for {asked}", zh=f"需求为 {asked}"))
    for said in sorted(wants.values(), key=len, reverse=True):
        unique = list(dict.fromkeys(said))
        if len(unique) > 1:
            return joined(unique[:2], Text(en=", but ", zh="，而 "))
    for pattern in (
        r"Because (there (?:is|are) no versions? of [^,]+?) and ",
        r"Because (\S+ was not found [^,]+?) and ",
    ):
        found = re.search(pattern, flat)
        if found:
            return _of_uv(found.group(1))
    found = re.search(r"Because (.+?), we can conclude", flat)
    return _of_uv((found.group(1) if found else flat.partition("cause:")[2].strip() or flat)[:300])


def _of_uv(words: str) -> Text:
    """uv's own words, which there are in English only."""
    return Text(en=words, zh=f'uv 报告："{words}"')


def _needs(holder: str, what: str) -> Text:
    every = holder.removeprefix("all versions of ")
    if every != holder:
        return Text(en=f"every version of {every} needs {what}", zh=f"{every} 的所有版本都需要 {what}")
    return Text(en=f"{holder} needs {what}", zh=f"{holder} 需要 {what}")


def _trim(specifier: str) -> str:
    return specifier.rstrip(",.;")


def _advice(dead: Dead, request: LockRequest, look: Look) -> Text:
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
            better = f"{a.name}=={answer.version(a.name)}"
            helpful.append(Text(en=f"{better} in the place of {a.text}", zh=f"把 {a.text} 换成 {better}"))
    if helpful:
        ways = joined(helpful, Text(en=", or ", zh="，或"))
        return Text(en=f"take {ways}", zh=f"请{ways.zh}")
    names = ", ".join(a.text for a in request.asked)
    if len(request.asked) > 1:
        return Text(en=f"give up one of: {names}", zh=f"请放弃其中之一：{names}")
    return Text(
        en=f"ask for another version than {names}, or for another Python",
        zh=f"请换用 {names} 以外的版本，或换一个 Python",
    )
