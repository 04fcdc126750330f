"""What the matrix has against a solution, and the ways out of it as things that uv can solve.

A veto is never about one version: its ways are version ranges, so that a solve does not walk release by release.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envdoctor.diagnose import Finding, diagnose
from envdoctor.facts import Facts
from envdoctor.knowledge import Matrix
from envdoctor.knowledge.conditions import AllOf, AnyOf, Condition, Not, PackageLeaf
from envdoctor.resolve.problem import Limit
from envdoctor.resolve.request import Asked
from envdoctor.resolve.solution import Solution
from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass
from envdoctor.versions import Interval, Scheme, within

Way = tuple[Limit, ...]
#: facts that only the machine can tell: where no machine was named, a lock says what it needs and steers by none of them
_MACHINE = ("driver", "gpu", "gpus", "host", "wsl", "cuda")
_SERIOUS = ("blocks", "corrupts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Veto:
    """Something against a solution. `firm`: it must go; otherwise it steers where nothing is lost by it."""

    id: str
    why: Text
    packages: tuple[str, ...]
    ways: tuple[Way, ...]
    firm: bool
    authority: Text = NOTHING
    advice: Text = NOTHING


def vetoes_of_matrix(
    facts: Facts, matrix: Matrix, solution: Solution, asked: Sequence[Asked], *, optional: Container[str] = ()
) -> tuple[Veto, ...]:
    """The findings of blocking or corrupting effect over the predicted facts, as vetoes.

    `optional`: distributions that go on without their extension, so that a mismatch of it only steers.
    """
    found = []
    for finding in diagnose(facts, matrix).findings:
        if finding.effect not in _SERIOUS or finding.status != "active":
            continue
        steers = finding.cause == "abi-mismatch" and finding.packages[:1] and finding.packages[0] in optional
        firm = finding.verdict == "match" and not steers
        if not firm and _only_machine(finding):
            continue
        ways = _ways(finding, matrix, solution, asked, firm=firm)
        if firm or ways:
            found.append(_veto(finding, ways, firm=firm))
    return tuple(found)


def _only_machine(finding: Finding) -> bool:
    return bool(finding.missing) and all(m.fact.partition(".")[0] in _MACHINE for m in finding.missing)


def _veto(finding: Finding, ways: tuple[Way, ...], *, firm: bool) -> Veto:
    source = next((e.url or e.command or e.says for e in finding.evidence), "")
    origin = Text(en=f"{finding.id} of the matrix", zh=f"知识库条目 {finding.id}")
    if source:
        origin = Text(en=f"{origin} ({source})", zh=f"{origin.zh}（{source}）")
    return Veto(
        id=finding.id,
        why=finding.title,
        packages=finding.packages,
        ways=ways,
        firm=firm,
        authority=origin,
        advice=finding.options[0].text if finding.options else NOTHING,
    )


def _ways(
    finding: Finding, matrix: Matrix, solution: Solution, asked: Sequence[Asked], *, firm: bool
) -> tuple[Way, ...]:
    """The entry's own fixes first; then out of each interval that its condition names."""
    free = {name for name in solution.packages if all(a.free for a in asked if a.name == name)}
    ways: list[Way] = []
    for option in finding.options:
        way = _way(option.pins, finding, solution)
        if way and way_is_open(way, asked) and (firm or all(limit.name in free for limit in way)):
            ways.append(way)
    if firm:
        number = matrix.number(finding.id)
        when = matrix.core(number).when if number is not None else None
        ways += [w for w in _outside(when, finding, solution) if way_is_open(w, asked)]
    return tuple(dict.fromkeys(ways))


def _way(pins: Mapping[str, str], finding: Finding, solution: Solution) -> Way:
    """An option's pins as limits. One that asks for a package which is not there is no way for a solver."""
    limits = []
    for name, pin in sorted(pins.items()):
        if name not in solution.packages:
            return ()
        text = specifier_text(pin)
        if text is None:
            return ()
        limits.append(Limit(text=f"{name}{text}", name=name, source=finding.id, why=finding.title))
    unmet = [li for li in limits if not _holds(solution, li)]
    return tuple(limits) if unmet else ()


def _holds(solution: Solution, limit: Limit) -> bool:
    version = solution.packages[limit.name].public
    return SpecifierSet(limit.text[len(limit.name) :]).contains(version, prereleases=True)


def specifier_text(pin: str) -> str | None:
    """A pin as a specifier (`1.2` is `==1.2`), or None where it is none."""
    text = pin.strip()
    if text and text[0].isdigit():
        text = f"=={text}"
    try:
        return str(SpecifierSet(text)) or None
    except InvalidSpecifier:
        return None


def way_is_open(way: Way, asked: Sequence[Asked]) -> bool:
    """False where the user pinned a version that the way rules out: no solve is needed to know that."""
    for limit in way:
        for a in asked:
            if a.name != limit.name or not a.exact:
                continue
            version = next(s.version for s in SpecifierSet(a.specifier) if s.operator in ("==", "==="))
            if not SpecifierSet(limit.text[len(limit.name) :].partition("+")[0]).contains(
                Version(version).public, prereleases=True
            ):
                return False
    return True


def _outside(when: Condition | None, finding: Finding, solution: Solution) -> Iterable[Way]:
    for leaf in _leaves(when):
        for name in leaf.names:
            found = solution.packages.get(name)
            if found is None:
                continue
            interval = next((i for i in leaf.intervals if within(Scheme.PEP440, found.public, (i,)) is True), None)
            for text in _sides(interval):
                yield (Limit(text=f"{name}{text}", name=name, source=finding.id, why=finding.title),)


def _leaves(when: Condition | None) -> Iterable[PackageLeaf]:
    if isinstance(when, PackageLeaf):
        if not when.absent and when.intervals:
            yield when
    elif isinstance(when, (AllOf, AnyOf)):
        for part in when.parts:
            yield from _leaves(part)
    elif isinstance(when, Not):
        return


def _sides(interval: Interval | None) -> tuple[str, ...]:
    if interval is None:
        return ()
    above = (f">={interval.fixed}",) if interval.fixed else ()
    below = (f"<{interval.introduced}",) if interval.introduced else ()
    return above + below
