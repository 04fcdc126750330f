"""What each torch release is built for: the table `torch-builds`, corrected by what was measured in the wheels themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from packaging.version import Version

from envdoctor.knowledge import Matrix
from envdoctor.knowledge.derived import DerivedTables
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchBuild:
    """The default build of one release. `archs`: "8.0", PTX as "9.0+PTX"; empty: not known. `labels`: all builds (`cu126`)."""

    version: str
    cuda: str | None = None
    archs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    source: Text = Text(en="torch-builds of the matrix", zh="知识库的 torch-builds 表")


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchBuilds:
    """Every known release, ascending, and the oldest driver for each CUDA major."""

    rows: tuple[TorchBuild, ...] = ()
    drivers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: platform -> CUDA major -> driver

    def of(self, version: str) -> TorchBuild | None:
        """The default build of a release; a version with a local part is another build, of which nothing is known here."""
        return next((row for row in self.rows if row.version == version), None)


def torch_builds(matrix: Matrix, tables: DerivedTables) -> TorchBuilds:
    """From the matrix; what was measured outranks what was typed."""
    found: dict[str, TorchBuild] = {}
    for row in matrix.tables["torch-builds"]["rows"] if "torch-builds" in matrix.tables else ():
        found[row["version"]] = TorchBuild(
            version=row["version"],
            cuda=row.get("cuda"),
            archs=tuple(row.get("archs", ())),
            labels=tuple(row.get("builds", ())),
        )
    for measured in tables.torch_rows:
        typed = found.get(measured.version)
        found[measured.version] = TorchBuild(
            version=measured.version,
            cuda=measured.cuda,
            archs=tuple(_arch(target) for target in measured.archs),
            labels=typed.labels if typed else (),
            source=Text(en="the published wheel (matrix/derived)", zh="已发布的 wheel（matrix/derived）"),
        )
    rows = tuple(found[version] for version in sorted(found, key=Version))
    return TorchBuilds(rows=rows, drivers=_drivers(matrix))


def _arch(target: str) -> str:
    """`sm_90a` -> "9.0a"; `compute_120` (PTX) -> "12.0+PTX"."""
    kind, _, digits = target.partition("_")
    number = digits.rstrip("af")
    text = f"{number[:-1]}.{number[-1]}{digits[len(number) :]}"
    return f"{text}+PTX" if kind == "compute" else text


def _drivers(matrix: Matrix) -> dict[str, dict[str, str]]:
    rows = matrix.tables["cuda-driver"]["majors"] if "cuda-driver" in matrix.tables else ()
    return {
        platform: {row["cuda"]: row[platform] for row in rows if platform in row} for platform in ("linux", "windows")
    }
