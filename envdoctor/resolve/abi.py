"""Compiled extensions against torch: the derived tables say on which torch a release loads; its metadata rarely does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from envdoctor.knowledge import Matrix
from envdoctor.knowledge.derived import DerivedTables
from envdoctor.patterns import lazy
from envdoctor.resolve.problem import Limit
from envdoctor.resolve.request import Asked
from envdoctor.resolve.solution import Package, Solution
from envdoctor.resolve.vetoes import Veto, Way, way_is_open
from envdoctor.text import Text
from envdoctor.values import dataclass

ID = "EC-extension-abi"
_AUTHORITY = Text(
    en="the symbols of the published wheels (matrix/derived)", zh="已发布 wheel 的符号表（matrix/derived）"
)
# uv's spelling of an exact pin: ">=2.4.0, <2.4.0+"
_EXACT = lazy(r"==|>=(\S+), <\1\+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Abi:
    """The tables, and the distributions that go on without their extension."""

    tables: DerivedTables
    optional: Mapping[str, str] = field(default_factory=dict)

    def vetoes(self, solution: Solution, asked: Sequence[Asked]) -> tuple[Veto, ...]:
        """One for each extension of the solution that does not load on its torch."""
        torch = solution.packages.get("torch")
        if torch is None:
            return ()
        found = []
        for name in self.tables.distributions:
            package = solution.packages.get(name)
            if package is None or self._loads(package, torch) is not False:
                continue
            firm = name not in self.optional
            ways = tuple(w for w in self._ways(package, torch, solution) if way_is_open(w, asked))
            if not firm:
                ways = tuple(w for w in ways if all(_is_free(li.name, asked) for li in w))
            if firm or ways:
                found.append(self._veto(package, torch, ways, firm=firm))
        return tuple(found)

    def _fits(self, name: str, version: str) -> tuple[str, ...] | None:
        return self.tables.loads_on(name, version)

    def _loads(self, package: Package, torch: Package) -> bool | None:
        row = self.tables.row(package.name, package.version)
        if row is None or row.torch is None or torch.public not in self.tables.measured(package.name):
            return None
        if (
            torch.local
        ):  # another CUDA build of the same torch: its symbols are the same, its CUDA major is not looked at
            return torch.public in row.torch
        return torch.public in (self._fits(package.name, package.version) or ())

    def _veto(self, package: Package, torch: Package, ways: tuple[Way, ...], *, firm: bool) -> Veto:
        fits = self._fits(package.name, package.version) or ()
        release = f"{package.name} {package.version}"
        loads = Text(en="loads on no torch that was measured", zh="在已测量的 torch 上均无法加载")
        advice = Text(en=f"ask for another {package.name}", zh=f"请换一个 {package.name} 版本")
        if fits:
            loads = Text(en=f"loads on torch {', '.join(fits)}", zh=f"可在 torch {'、'.join(fits)} 上加载")
            advice = Text(en=f"ask for torch {fits[-1]}", zh=f"请改用 torch {fits[-1]}")
        return Veto(
            id=ID,
            why=Text(
                en=f"{release} {loads}, not on {torch.version}",
                zh=f"{release} {loads.zh}，不能在 {torch.version} 上加载",
            ),
            packages=(package.name, "torch"),
            ways=ways,
            firm=firm,
            authority=_AUTHORITY,
            advice=advice,
        )

    def _ways(self, package: Package, torch: Package, solution: Solution) -> list[Way]:
        why = Text(
            en=f"{package.name} {package.version} loads on no other torch",
            zh=f"{package.name} {package.version} 在其他 torch 上无法加载",
        )
        ways: list[Way] = []
        text = span(self._fits(package.name, package.version) or (), self.tables.measured(package.name))
        if text:
            ways.append((Limit(text=f"torch{text}", name="torch", source=ID, why=why),))
        versions = [row.version for row in self.tables.rows(package.name)]
        good = [v for v in versions if torch.public in (self._fits(package.name, v) or ())]
        text = span(good, versions)
        if text:
            why = Text(
                en=f"only these releases load on torch {torch.public}",
                zh=f"只有这些版本能在 torch {torch.public} 上加载",
            )
            ways.append((Limit(text=f"{package.name}{text}", name=package.name, source=ID, why=why),))
        pinned = any(_EXACT.search(need.specifier) for need in solution.needs.get("torch", ()))
        return ways[::-1] if pinned else ways


def _is_free(name: str, asked: Sequence[Asked]) -> bool:
    return all(a.free for a in asked if a.name == name)


def span(chosen: Sequence[str], all_of: Sequence[str]) -> str:
    """The newest unbroken run of `chosen` within `all_of` (both ascending), as a range up to the first version outside it."""
    if not chosen:
        return ""
    end = all_of.index(chosen[-1])
    start = end
    while start > 0 and all_of[start - 1] in chosen:
        start -= 1
    upper = f",<{all_of[end + 1]}" if end + 1 < len(all_of) else f",<={all_of[end]}"
    return f">={all_of[start]}{upper}"


def abi_of(matrix: Matrix) -> Abi:
    """The derived tables of a matrix, and its table `optional-extensions`."""
    rows = matrix.tables["optional-extensions"].get("extension", ()) if "optional-extensions" in matrix.tables else ()
    return Abi(tables=DerivedTables(dict(matrix.derived)), optional={row["name"]: row["why"] for row in rows})
