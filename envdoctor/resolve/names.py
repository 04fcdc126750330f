"""Names that need a decision: sources that may be built, names that stay out, needs that nobody declares. All from the matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envdoctor.knowledge import Matrix
from envdoctor.resolve.problem import Limit
from envdoctor.resolve.solution import Solution
from envdoctor.resolve.vetoes import Veto
from envdoctor.text import Text
from envdoctor.values import dataclass

UNDECLARED = Text(en="undeclared need", zh="未声明的依赖")


@dataclass(frozen=True, kw_only=True, slots=True)
class HiddenNeed:
    """`package` in `versions` needs `requirement` and does not say so. `leaf`: the needed one needs nothing itself."""

    package: str
    versions: str
    requirement: str
    python: str
    why: Text
    leaf: bool

    @property
    def needed(self) -> str:
        """The normalized name of what is needed."""
        return canonicalize_name(Requirement(self.requirement).name)

    def applies(self, solution: Solution, python: str) -> bool:
        """Whether the solution holds a release that needs it, on this Python."""
        found = solution.packages.get(self.package)
        return (
            found is not None
            and SpecifierSet(self.versions).contains(found.public, prereleases=True)
            and SpecifierSet(self.python).contains(python)
        )

    def limit(self) -> Limit:
        """As an addition to a problem."""
        return Limit(text=self.requirement, name=self.needed, source=UNDECLARED, why=self.why)


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """`package` in `versions` does not start without the name that is left out."""

    name: str
    package: str
    versions: str
    why: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Decisions:
    """The tables `undeclared-needs`, `source-only` and `left-out-names` of the matrix."""

    needs: tuple[HiddenNeed, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)  #: name -> why it may be built
    wheelless: tuple[
        str, ...
    ] = ()  #: those of `sources` that never had a wheel: taken as sources from the first solve on
    left_out: Mapping[str, Text] = field(default_factory=dict)  #: name -> why it stays out
    broken: tuple[Broken, ...] = ()

    def leaves(self) -> tuple[Limit, ...]:
        """Needs without dependencies of their own: asked for at once, and dropped again where nobody needs them."""
        return tuple(dict.fromkeys(n.limit() for n in self.needs if n.leaf))

    def unmet(self, solution: Solution, python: str) -> tuple[Limit, ...]:
        """Needs of this solution that nothing in it satisfies."""
        found = [n.limit() for n in self.needs if n.applies(solution, python) and n.needed not in solution.packages]
        return tuple(dict.fromkeys(found))

    def wanted(self, solution: Solution, python: str) -> Mapping[str, tuple[HiddenNeed, ...]]:
        """Who needs what, by the needed name."""
        found: dict[str, list[HiddenNeed]] = {}
        for need in self.needs:
            if need.applies(solution, python):
                found.setdefault(need.needed, []).append(need)
        return {name: tuple(needs) for name, needs in found.items()}


def decisions_of(matrix: Matrix) -> Decisions:
    """What the matrix has decided about names."""
    return Decisions(
        needs=tuple(_need(row) for row in _rows(matrix, "undeclared-needs", "need")),
        sources={row["name"]: row["why"] for row in _rows(matrix, "source-only", "source")},
        wheelless=tuple(row["name"] for row in _rows(matrix, "source-only", "source") if row.get("never_a_wheel")),
        left_out={row["name"]: _why(row) for row in _rows(matrix, "left-out-names", "name")},
        broken=tuple(
            Broken(name=row["name"], package=b["package"], versions=b["versions"], why=_why(b))
            for row in _rows(matrix, "left-out-names", "name")
            for b in row.get("breaks", ())
        ),
    )


def left_out_vetoes(decisions: Decisions, solution: Solution) -> tuple[Veto, ...]:
    """Against releases that do not start without a name that is left out."""
    found = []
    for broken in decisions.broken:
        package = solution.packages.get(broken.package)
        if package is None or broken.name in solution.packages:
            continue
        if SpecifierSet(broken.versions).contains(package.public, prereleases=True):
            release, name = f"{broken.package} {package.version}", broken.name
            why = Text(
                en=f"{release} does not start without {name}: {broken.why}",
                zh=f"{release} 缺少 {name} 就无法启动：{broken.why.zh}",
            )
            left = decisions.left_out[name]
            limits = [_beyond(broken, spec.operator, spec.version, why) for spec in SpecifierSet(broken.versions)]
            found.append(
                Veto(
                    id="left-out-names",
                    why=why,
                    packages=(broken.package,),
                    ways=tuple(sorted(((limit,) for limit in limits if limit), key=lambda w: w[0].text, reverse=True)),
                    firm=True,
                    authority=Text(
                        en=f"left-out-names of the matrix: {left}", zh=f"知识库的 left-out-names 表：{left.zh}"
                    ),
                    advice=Text(
                        en=f"take a {broken.package} outside {broken.versions}",
                        zh=f"请使用 {broken.versions} 之外的 {broken.package}",
                    ),
                )
            )
    return tuple(found)


def _beyond(broken: Broken, operator: str, version: str, why: Text) -> Limit | None:
    turned = {"<": ">=", "<=": ">", ">=": "<", ">": "<="}.get(operator)
    if turned is None:
        return None
    return Limit(text=f"{broken.package}{turned}{version}", name=broken.package, source="left-out-names", why=why)


def _rows(matrix: Matrix, table: str, key: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = matrix.tables[table].get(key, ()) if table in matrix.tables else ()
    return found


def _why(row: Mapping[str, Any]) -> Text:
    return Text(en=row["why"], zh=row.get("why_zh", row["why"]))  # a matrix of somebody's own may lack it


def _need(row: Mapping[str, Any]) -> HiddenNeed:
    return HiddenNeed(
        package=row["package"],
        versions=row.get("versions", ""),
        requirement=row["needs"],
        python=row.get("python", ""),
        why=_why(row),
        leaf=bool(row.get("leaf", False)),
    )
