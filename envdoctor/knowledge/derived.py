"""What was measured in published wheels: `matrix/derived/*.json`, read as frozen values. Nothing here was typed by hand.

    tables = DerivedTables(data)                      data: {"torch": {...}, "xformers": {...}, ...}, as the files have it
    tables.loads_on("autoawq-kernels", "0.0.9")       ("2.4.0", ..., "2.6.0")
    tables.torch_archs("2.8.0")                       ("sm_70", "sm_75", ..., "sm_120")

Rows are built when they are first asked for, so that loading the matrix costs nothing for tables that nobody looks at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envdoctor.errors import InputError
from envdoctor.text import Text
from envdoctor.values import dataclass

__all__ = ["DerivedLibrary", "DerivedRow", "DerivedTables", "TorchRow", "expand", "read_folder"]

SCHEMA = 1
_MAX_FILE = 4 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class DerivedLibrary:
    """One native file of a wheel. `cuda`: the CUDA majors whose runtime it asks for by name. `other_gpu`: `rocm` or `xpu`
    where it is the variant for GPUs of another maker.

    `gpu`: how many of its `containers` (CUDA translation units) hold each target: `sm_80`, `sm_90a`, PTX as `compute_80`.
    `needs`: torch symbols by the torch versions that export them (intervals), with their names; those that every measured
    torch exports are only counted (`everywhere`). `problem`: what could not be read of it.
    """

    path: str
    other_gpu: str | None = None
    cuda: tuple[int, ...] = ()
    gpu: Mapping[str, int]
    containers: int = 0
    needs: Mapping[str, tuple[str, ...]]
    everywhere: int = 0
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DerivedRow:
    """One published wheel. `torch`: the measured torch versions whose libraries export all that it needs; None: it links none.

    `floors`: the highest version of GLIBC, GLIBCXX and CXXABI that its libraries need, variants for other makers' GPUs left
    out. `python`: the interpreter tags of this file (others of the same version were not read). `requires_dist` is the
    wheel's own metadata, which may promise something else.
    """

    distribution: str
    version: str
    file: str
    size: int
    sha256: str
    uploaded: str | None
    python: str
    requires_python: str | None
    requires_dist: tuple[str, ...]
    floors: Mapping[str, str]
    torch: tuple[str, ...] | None
    libraries: tuple[DerivedLibrary, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchRow:
    """One published torch wheel: `cuda` is its CUDA version (`12.4`), `gpu` and `containers` are those of libtorch_cuda."""

    version: str
    file: str
    size: int
    sha256: str
    uploaded: str | None
    python: str
    requires_python: str | None
    requires_dist: tuple[str, ...]
    floors: Mapping[str, str]
    cuda: str | None
    gpu: Mapping[str, int]
    containers: int

    @property
    def archs(self) -> tuple[str, ...]:
        """The targets that it was built for as a whole. What only some kernels have (`sm_90a`) is in `gpu` alone."""
        most = max(self.gpu.values(), default=0)
        return tuple(target for target, count in self.gpu.items() if 2 * count > most)


class DerivedTables:
    """All derived tables. Made from plain data; every look-up of something that was not measured answers None or ()."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """`data` maps a distribution's name to its table. Raises InputError where a table is of another schema."""
        self._data: dict[str, Mapping[str, Any]] = {}
        for name, table in data.items():
            if not isinstance(table, Mapping) or table.get("schema") != SCHEMA:
                raise InputError(
                    Text(
                        en=f"derived table {name}: not of schema {SCHEMA}. Derive it again with this version.",
                        zh=f"测量表 {name}：schema 不是 {SCHEMA}，请用当前版本重新测量。",
                    )
                )
            self._data[canonicalize_name(name)] = table
        self._rows: dict[str, tuple[DerivedRow, ...]] = {}
        self._torch: tuple[TorchRow, ...] | None = None

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions that a table is there for, torch itself left out."""
        return tuple(sorted(name for name in self._data if name != "torch"))

    def made(self, distribution: str) -> str | None:
        """The day (ISO 8601) on which the table was made."""
        made = self._data.get(canonicalize_name(distribution), {}).get("made")
        return None if made is None else str(made)

    def measured(self, distribution: str) -> tuple[str, ...]:
        """The torch versions, ascending, that the distribution's wheels were held against."""
        return tuple(self._data.get(canonicalize_name(distribution), {}).get("measured", ()))

    def rows(self, distribution: str) -> tuple[DerivedRow, ...]:
        """Every version that was read, ascending; () for a distribution that has no table."""
        name = canonicalize_name(distribution)
        if name not in self._rows:
            table = self._data.get(name, {}) if name != "torch" else {}
            self._rows[name] = _read("derived table " + name, _extension_rows, table)
        return self._rows[name]

    def row(self, distribution: str, version: str) -> DerivedRow | None:
        """The row of a version; local labels (`0.0.7+cu118`) name other builds, which were not read: None."""
        return next((row for row in self.rows(distribution) if _same(row.version, version)), None)

    @property
    def torch_rows(self) -> tuple[TorchRow, ...]:
        """The default build of every torch that was read, ascending."""
        if self._torch is None:
            self._torch = _read("derived table torch", _torch_rows, self._data.get("torch", {}))
        return self._torch

    def torch(self, version: str) -> TorchRow | None:
        """The default build of a torch version. A local label (`+cu118`) is looked past: only `cuda` and `gpu` differ."""
        return next((row for row in self.torch_rows if _same(row.version, version.partition("+")[0])), None)

    def torch_archs(self, torch_version: str) -> tuple[str, ...]:
        """GPU targets of the default build (`sm_80`, PTX `compute_120`); () where it was not read."""
        row = self.torch(torch_version)
        return row.archs if row else ()

    def loads_on(self, distribution: str, version: str) -> tuple[str, ...] | None:
        """The torch versions, in their default builds, on which every library of the wheel loads.

        That is: torch exports all the symbols that it needs, and brings the CUDA major that it asks for. None where the
        wheel was not read or links no torch (bitsandbytes). With another build of the same torch (`+cu126`), `row.torch`
        says what the symbols allow, and the CUDA major has to fit.
        """
        row = self.row(distribution, version)
        if row is None or row.torch is None:
            return None
        majors = {major for library in row.libraries for major in library.cuda}
        return tuple(torch for torch in row.torch if not majors or majors == {self._cuda_major(torch)})

    def missing_symbols(self, distribution: str, version: str, torch_version: str) -> tuple[str, ...]:
        """Which (mangled) symbols of the wheel this torch does not export; () also where either was not measured."""
        missing = self._missing(distribution, version, torch_version)
        return tuple(sorted({symbol for symbols in missing.values() for symbol in symbols}))

    def _missing(self, distribution: str, version: str, torch_version: str) -> dict[str, set[str]]:
        row = self.row(distribution, version)
        measured = self.measured(distribution)
        torch = next((name for name in measured if _same(name, torch_version.partition("+")[0])), None)
        if row is None or torch is None:
            return {}
        missing = {
            library.path: {
                symbol
                for versions, symbols in library.needs.items()
                if torch not in expand(versions, measured)
                for symbol in symbols
            }
            for library in row.libraries
        }
        return {path: symbols for path, symbols in missing.items() if symbols}

    def _cuda_major(self, torch_version: str) -> int | None:
        row = self.torch(torch_version)
        return int(row.cuda.partition(".")[0]) if row and row.cuda else None


def expand(text: str, measured: Sequence[str]) -> tuple[str, ...]:
    """The versions that an interval text of the tables stands for: `2.3.0..2.6.0,2.8.0`, `*` for all, `none` for none.

    Raises InputError where it names a version that is not among `measured`.
    """
    if text == "*":
        return tuple(measured)
    if text == "none":
        return ()
    found: list[str] = []
    for part in text.split(","):
        first, _, last = part.partition("..")
        try:
            found.extend(measured[measured.index(first) : measured.index(last or first) + 1])
        except ValueError:
            raise InputError(
                Text(
                    en=f"interval {part!r} names a version that was not measured",
                    zh=f"区间 {part!r} 提到了未测量的版本",
                )
            ) from None
    return tuple(found)


def read_folder(folder: Path) -> dict[str, Any]:
    """The tables of a folder (`matrix/derived`) as `DerivedTables` takes them, by distribution, in the order of the names.

    Raises InputError where a file is not JSON, is larger than any real table, or does not name its distribution.
    """
    tables: dict[str, Any] = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if not entry.name.endswith(".json"):
            continue
        with entry.open("rb") as stream:
            raw = stream.read(_MAX_FILE + 1)
        try:
            table = json.loads(raw) if len(raw) <= _MAX_FILE else None
        except (ValueError, RecursionError):
            table = None
        if not isinstance(table, dict) or not isinstance(table.get("distribution"), str):
            raise InputError(
                Text(
                    en=f"{entry.name}: not a derived table (JSON with `distribution`, at most {_MAX_FILE} bytes)",
                    zh=f"{entry.name}：不是测量表（应为带 `distribution` 的 JSON，不超过 {_MAX_FILE} 字节）",
                )
            )
        tables[table["distribution"]] = table
    return tables


def _read(where: str, build: Any, table: Mapping[str, Any]) -> Any:
    try:
        return tuple(build(table))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            Text(
                en=f"{where}: damaged ({type(error).__name__}: {error}). Derive it again.",
                zh=f"{where}：已损坏（{type(error).__name__}: {error}），请重新测量。",
            )
        ) from error


def _extension_rows(table: Mapping[str, Any]) -> Iterator[DerivedRow]:
    symbols: Mapping[str, Sequence[str]] = table.get("symbols", {})
    for row in table.get("rows", ()):
        yield DerivedRow(
            distribution=table["distribution"],
            **_common(row),
            requires_dist=tuple(table["requires"][row["requires"]]),
            torch=None if row["torch"] is None else expand(row["torch"], table["measured"]),
            libraries=tuple(_library(library, symbols) for library in row["libraries"]),
        )


def _library(data: Mapping[str, Any], symbols: Mapping[str, Sequence[str]]) -> DerivedLibrary:
    needs: dict[str, Any] = dict(data.get("needs", {}))
    everywhere = int(needs.pop("*", 0))
    return DerivedLibrary(
        path=data["path"],
        other_gpu=data.get("other_gpu"),
        cuda=tuple(data.get("cuda", ())),
        gpu=_gpu(data.get("gpu", ""), data.get("containers", 0)),
        containers=data.get("containers", 0),
        needs=MappingProxyType(
            {versions: tuple(symbols[versions][place] for place in places) for versions, places in needs.items()}
        ),
        everywhere=everywhere,
        problem=data.get("problem"),
    )


def _torch_rows(table: Mapping[str, Any]) -> Iterator[TorchRow]:
    for row in table.get("rows", ()):
        yield TorchRow(
            **_common(row),
            requires_dist=tuple(row["requires_dist"]),
            cuda=row["cuda"],
            gpu=_gpu(row["gpu"], row["containers"]),
            containers=row["containers"],
        )


def _gpu(text: str, containers: int) -> Mapping[str, int]:
    """`sm_80 sm_90a:2` of 10 containers as `{"sm_80": 10, "sm_90a": 2}`."""
    pairs = (part.partition(":") for part in text.split())
    return MappingProxyType({target: int(count) if count else containers for target, _, count in pairs})


def _common(row: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("version", "file", "size", "sha256", "uploaded", "python", "requires_python")
    return {key: row[key] for key in keys} | {"floors": MappingProxyType(dict(row["floors"]))}


def _same(published: str, asked: str) -> bool:
    if published == asked:
        return True
    try:
        return Version(published) == Version(asked)
    except InvalidVersion:
        return False
