"""Ways out of uv's refusals that are no question of versions: the era hides too much, or a wheel does not exist.

Nothing is let in silently: every way says why. A name that only appeared long after those who need it is never let in by itself,
and a source is built only where the user asked for it by name or the matrix vouches for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from envdoctor.patterns import lazy
from envdoctor.resolve.era import STRANGER, Era
from envdoctor.resolve.names import Decisions
from envdoctor.resolve.problem import Conflict, Limit, Problem
from envdoctor.resolve.request import Asked
from envdoctor.resolve.solution import Package, Solution
from envdoctor.text import SEMICOLON, Text, joined
from envdoctor.values import dataclass

Look = Callable[[Problem], "Solution | Conflict"]
_STEPS = (timedelta(days=60), timedelta(days=180), timedelta(days=540), None)
_MINUTE = timedelta(minutes=1)
LEFT_OUT = Text(en="left out", zh="不纳入")
#: one version, as written (`==2.1`) and as uv's log has it (`>=2.1, <2.1+`)
_EXACT = lazy(r"==|>=(\S+), <\1\+")


@dataclass(kw_only=True, slots=True)
class Mending:
    """Mends for one request. `look` solves small questions about one name; its answers are kept."""

    look: Look
    decisions: Decisions
    asked: Sequence[Asked]
    era: Era | None
    kept: frozenset[str] = frozenset()  #: what a repaired target holds and nobody asked for by name
    strangers: dict[str, Text] = field(default_factory=dict)  #: names that were refused, and why
    _seen: dict[tuple[object, ...], Package | None] = field(default_factory=dict)

    def mend(self, problem: Problem, conflict: Conflict) -> Iterator[tuple[Problem, Text]]:
        """The problem changed for every name that uv complains of at once; then wider dates, one step after the other."""
        out = [n for n in (*conflict.wheelless, *conflict.filtered) if self._left_out(n) and not _is_out(problem, n)]
        if out:
            limits = tuple(Limit(text=n, name=n, source=LEFT_OUT, why=self.decisions.left_out[n]) for n in out)
            yield replace(problem, left_out=(*problem.left_out, *limits)), joined(map(left_out, limits), SEMICOLON)
            return
        stays = [
            n for n in conflict.wheelless if n in self.kept and not _is_out(problem, n) and self._is_local(problem, n)
        ]
        if stays:
            why = Text(
                en="it has no wheel, so what is installed stays; where torch changes, build it again (--no-build-isolation)",
                zh="它没有 wheel，因此保留已安装的版本；若 torch 变了，需重新编译（--no-build-isolation）",
            )
            limits = tuple(Limit(text=n, name=n, source=LEFT_OUT, why=why) for n in stays)
            names = ", ".join(stays)
            said = Text(en=f"{names} is left out: {why}", zh=f"不纳入 {names}：{why.zh}")
            yield replace(problem, left_out=(*problem.left_out, *limits)), said
            return
        built = [n for n in conflict.wheelless if n not in problem.sources and self._may_be_built(problem, n)]
        if built:
            names = ", ".join(built)
            why = Text(en=f"{names}: no wheel, so built from source", zh=f"{names}：没有 wheel，从源码构建")
            yield replace(problem, sources=(*problem.sources, *built)), why
        pinned = {a.name for a in self.asked if a.exact}
        for name in conflict.wheelless:
            yield from self._dated_by_wheel(problem, name)
        for name in conflict.tagless:  # torch of 2023 on Python 3.12: its first release for that Python came later
            if name not in pinned and self._one(problem, name, dated=False, lowest=True) is not None:
                yield from self._dated_by_wheel(problem, name, existed=True)
        yield from self._hidden(problem, conflict.filtered)
        yield from self._hidden(problem, conflict.yanked, known=True)  # nobody takes over a name that was there before

    def _left_out(self, name: str) -> bool:
        return name in self.decisions.left_out and all(a.name != name for a in self.asked)

    def _is_local(self, problem: Problem, name: str) -> bool:
        """Whether it can only have been built on the target: no wheel of any date, and nobody vouches for its source."""
        return name not in self.decisions.sources and self._one(problem, name, dated=False, lowest=False) is None

    def _may_be_built(self, problem: Problem, name: str) -> bool:
        """Whether the user asked for it by name, or the matrix vouches for it; what is compiled elsewhere is not packaging."""
        asked = [a for a in self.asked if a.name == name]
        if not asked:
            return name in self.decisions.sources
        elsewhere = self._compiled_elsewhere(problem, name)
        if elsewhere:
            python = problem.place.python
            self.strangers[name] = Text(
                en=f"{name} has compiled wheels for Python {elsewhere}, but none for {python}",
                zh=f"{name} 有适用于 Python {elsewhere} 的预编译 wheel，但没有适用于 {python} 的",
            )
        return not elsewhere

    def _dated_by_wheel(self, problem: Problem, name: str, *, existed: bool = False) -> Iterator[tuple[Problem, Text]]:
        """A name that only got wheels after the era: the first of them, where the project itself is older."""
        first = self._one(problem, name, dated=False, lowest=True)
        if first is None:
            if name not in self.decisions.sources and all(a.name != name for a in self.asked):
                text = Text(
                    en=f"{name} exists only as a source for this Python, and nobody vouches for building it",
                    zh=f"对这个 Python 版本，{name} 只有源码，且未经确认可以安全构建",
                )
                self.strangers.setdefault(name, text)
            return
        era = problem.era
        late = era is not None and first.uploaded is not None and first.uploaded > era
        if (
            late
            and first.uploaded is not None
            and name not in problem.later
            and (existed or self._existed(problem, name))
        ):
            moment = first.uploaded + _MINUTE
            yield (
                problem.with_later(name, moment),
                Text(
                    en=f"{name} has wheels only since {moment:%Y-%m-%d}: its era is its own",
                    zh=f"{name} 自 {moment:%Y-%m-%d} 起才有 wheel，单独使用自己的时间截点",
                ),
            )

    def _hidden(self, problem: Problem, names: Sequence[str], *, known: bool = False) -> Iterator[tuple[Problem, Text]]:
        """Later dates for all names that the era hides, one step after the other; strangers stay out, unless `known`."""
        era = problem.era
        if era is None:
            return
        free = [n for n in names if not any(a.name == n and a.exact for a in self.asked)]
        meant = [n for n in free if known or self._is_known(problem, n)]
        if not meant:
            return
        limited = [n for n in meant if self._is_limited(problem, n)]
        bounded = [self._one(problem, n, dated=False, lowest=True, limited=True) for n in limited]
        moments = {p.uploaded + _MINUTE for p in bounded if p is not None and p.uploaded is not None}
        moments |= {m for m in problem.later.values() if m is not None}  # companions of what was let in already
        steps = [None if step is None else era + step for step in _STEPS]
        for moment in (*sorted(m for m in moments if m > era), *steps):
            late = [n for n in meant if not _reaches(problem, n, moment)]
            if late:
                until = Text(en="at any date", zh="任意日期")
                if moment is not None:
                    until = Text(en=f"until {moment:%Y-%m-%d}", zh=f" {moment:%Y-%m-%d} ")
                late += [n for n in self._companions(problem, late, moment) if not _reaches(problem, n, moment)]
                later = {**problem.later, **dict.fromkeys(late, moment)}
                names = ", ".join(late)
                why = Text(
                    en=f"{names}: let in {until}, the era alone has no answer",
                    zh=f"{names}：时间截点之内无解，放宽到{until.zh}".rstrip(),
                )
                yield replace(problem, later=later), why

    def _companions(self, problem: Problem, names: Sequence[str], moment: datetime | None) -> list[str]:
        """What these names fix to one version at that date (torch its nvidia-* and triton): it has to move with them."""
        texts = [limit.text for limit in problem.limits if limit.name in names]
        texts += [f"{a.name}{a.specifier}" for a in self.asked if a.name in names]
        answer = self.look(Problem(requirements=(*names, *texts), place=problem.place, era=moment))
        if not isinstance(answer, Solution):
            return []
        held = [n for n, needs in answer.needs.items() if any(_EXACT.search(need.specifier) for need in needs)]
        return sorted(n for n in held if n not in names and self._is_known(problem, n))

    def _is_known(self, problem: Problem, name: str) -> bool:
        """Whether the name is old enough to be meant by those who need it. A stranger is kept in mind for the refusal."""
        era = problem.era
        if era is None or self._existed(problem, name):
            return True
        first = self._first(problem, name)
        if first is None or first.uploaded is None:
            return False
        if first.uploaded - era <= STRANGER:
            return True
        day = f"{first.uploaded:%Y-%m-%d}"
        self.strangers[name] = Text(
            en=f"{name} was first uploaded on {day}, long after those who need it: it looks like a re-registered name",
            zh=f"{name} 首次上传于 {day}，远晚于依赖它的包，疑似被他人重新注册的包名",
        )
        return False

    def _is_limited(self, problem: Problem, name: str) -> bool:
        return any(limit.name == name for limit in problem.limits) or any(
            a.name == name and not a.free for a in self.asked
        )

    def _first(self, problem: Problem, name: str) -> Package | None:
        """The oldest release, as a wheel or as a source."""
        found = [self._one(problem, name, dated=False, lowest=True, sources=s) for s in (False, True)]
        dated = [(p.uploaded, p) for p in found if p is not None and p.uploaded is not None]
        return min(dated, key=lambda pair: pair[0])[1] if dated else None

    def _existed(self, problem: Problem, name: str) -> bool:
        return any(self._one(problem, name, dated=True, lowest=False, sources=s) is not None for s in (False, True))

    def _compiled_elsewhere(self, problem: Problem, name: str) -> str:
        """A Python that has compiled wheels of it, or nothing: then its source is a compilation, not a packaging habit."""
        for python in ("3.11", "3.10", "3.9", "3.12"):
            if python == problem.place.python:
                continue
            found = self._one(
                replace(problem, place=replace(problem.place, python=python)), name, dated=False, lowest=False
            )
            if found is not None and any(a.wheel and not a.filename.endswith("-none-any.whl") for a in found.artifacts):
                return python
        return ""

    def _one(
        self, problem: Problem, name: str, *, dated: bool, lowest: bool, sources: bool = False, limited: bool = False
    ) -> Package | None:
        """One release of a name by itself, or None. `limited`: within what was asked and vetoed."""
        texts = [f"{name}{a.specifier}" for a in self.asked if a.name == name] if limited else []
        if limited:
            texts += [limit.text for limit in problem.limits if limit.name == name]
        key = (name, dated and problem.era, lowest, sources, problem.place.python, tuple(texts))
        if key not in self._seen:
            question = Problem(
                requirements=tuple(texts) or (name,),
                place=problem.place,
                era=problem.era if dated else None,
                sources=(name,) if sources else (),
                dependencies=False,
                lowest=lowest,
            )
            answer = self.look(question)
            self._seen[key] = answer.packages.get(name) if isinstance(answer, Solution) else None
        return self._seen[key]


def _reaches(problem: Problem, name: str, moment: datetime | None) -> bool:
    """Whether a name's own end is there already, or later."""
    if name not in problem.later:
        return False
    own = problem.later[name]
    return own is None or (moment is not None and own >= moment)


def _is_out(problem: Problem, name: str) -> bool:
    return any(limit.name == name for limit in problem.left_out)


def left_out(limit: Limit) -> Text:
    """That a name stays out of the lock, and why."""
    return Text(en=f"{limit.name} is left out: {limit.why}", zh=f"不纳入 {limit.name}：{limit.why.zh}")
