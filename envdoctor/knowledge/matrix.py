"""The matrix as it is used: cores read at once in one go, texts and tables only when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from envdoctor.errors import UndeterminedError
from envdoctor.knowledge.entry import EntryCore, EntryTexts, core_from, texts_from
from envdoctor.text import Text

_DATA = Path(__file__).resolve().parent.parent / "data" / "matrix.json"
_RELEASES = _DATA.with_name("releases.json")
_SOURCE = Path(__file__).resolve().parent.parent.parent / "matrix"
SCHEMA_VERSION = 1


class LazyTables(Mapping[str, Any]):
    """Named tables, each kept as JSON text until it is first looked up.

    `later` names further ones, whose texts `read` gives (a list of names, then a table a line) when one is asked for.
    """

    def __init__(
        self, texts: Mapping[str, str | bytes], later: Sequence[str] = (), read: Callable[[], str] = lambda: "[]"
    ) -> None:
        self._texts = dict(texts)
        self._later = tuple(later)
        self._read = read
        self._parsed: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._parsed:
            if name in self._later and name not in self._texts:
                names, *lines = self._read().splitlines()
                self._texts.update(zip(json.loads(names), lines, strict=True))
            self._parsed[name] = json.loads(self._texts[name])
        return self._parsed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._texts or name in self._later

    def __iter__(self) -> Any:
        return iter(dict.fromkeys((*self._texts, *self._later)))

    def __len__(self) -> int:
        return len(set(self._texts) | set(self._later))


class Matrix:
    """The compiled knowledge. Immutable to its users; `core(i)` and `texts(i)` parse entry `i` on first use."""

    def __init__(self, text: str | bytes, releases: Callable[[], str] | None = None) -> None:
        """`text` is what `compile_matrix` gives, or the file with it; `releases` gives what `compile_releases` does.

        Raises UndeterminedError where it is of another schema, or damaged.
        """
        self._releases = releases
        data = text.encode() if isinstance(text, str) else text
        lines = data.removeprefix(b"[").removesuffix(b"\n]\n").split(b",\n")  # each is decoded when it is parsed
        try:
            head: dict[str, Any] = json.loads(lines[0])
            if head["schema_version"] != SCHEMA_VERSION:
                raise UndeterminedError(
                    Text(
                        en=f"the matrix has schema version {head['schema_version']!r}, this envdoctor reads {SCHEMA_VERSION}",
                        zh=f"知识库的 schema 版本为 {head['schema_version']!r}，本版 envdoctor 读取 {SCHEMA_VERSION}",
                    ),
                    advice=Text(
                        en="upgrade envdoctor-gpu, or rebuild the matrix with it",
                        zh="请升级 envdoctor-gpu，或用它重新构建知识库",
                    ),
                )
            self._read(head, lines[1:])
        except (ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
            raise UndeterminedError(
                Text(
                    en=f"the matrix is damaged: {type(error).__name__}: {error}",
                    zh=f"知识库已损坏：{type(error).__name__}: {error}",
                )
            ) from None

    def _read(self, head: Mapping[str, Any], lines: Sequence[bytes]) -> None:
        self.date: str = head["date"]
        self.digest: str = head["digest"]
        self.count: int = head["entries"]
        self._ids: Sequence[str] = head["ids"]
        self._groups: Mapping[str, Sequence[str]] = head["groups"]
        self._index: Mapping[str, Any] = head["index"]
        self._lines = lines[: self.count]
        rest = iter(lines[self.count :])
        tables = {name: next(rest) for name in head["tables"]}
        self.tables = LazyTables(tables, head["releases"], self._releases) if self._releases else LazyTables(tables)
        self.derived = LazyTables({name: next(rest) for name in head["derived"]})
        self.stacks = LazyTables({name: next(rest) for name in head["stacks"]})
        self._literals: bytes | Sequence[tuple[str, int, int, str]] = next(rest)
        self._items: dict[int, Mapping[str, Any]] = {}
        self._cores: dict[int, EntryCore] = {}
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return self.count

    def _item(self, number: int) -> Mapping[str, Any]:
        if number not in self._items:
            self._items[number] = json.loads(self._lines[number])
        return self._items[number]

    def core(self, number: int) -> EntryCore:
        """The matching half of entry `number`."""
        found = self._cores.get(number)
        if found is None:
            found = self._cores[number] = core_from(self._item(number), place=self._ids[number], groups=self._groups)
        return found

    def texts(self, number: int) -> EntryTexts:
        """The shown half of entry `number`."""
        return texts_from(self._item(number), place=self._ids[number], groups=self._groups)

    def number(self, entry_id: str) -> int | None:
        """The number of an id (case does not matter), or None."""
        if not self._numbers:
            self._numbers = {name.upper(): i for i, name in enumerate(self._ids)}
        return self._numbers.get(entry_id.upper())

    def ids(self) -> tuple[str, ...]:
        """Every id, in compiled order."""
        return tuple(self._ids)

    def keyed(self, key: str) -> Sequence[int]:
        """Entries that look at something when `key` (`package:NAME`, `fact:PATH`) is present."""
        found: Sequence[int] = self._index["keys"].get(key, ())
        return found

    def fact_keys(self) -> tuple[str, ...]:
        """The fact paths by which entries are indexed."""
        return tuple(key[5:] for key in self._index["keys"] if key.startswith("fact:"))

    def always(self) -> Sequence[int]:
        """Entries that no key can rule out."""
        found: Sequence[int] = self._index["always"]
        return found

    def known_packages(self) -> Mapping[str, str]:
        """Distributions that the matrix speaks of, and the newest version that was checked ("" where none is stated)."""
        found: Mapping[str, str] = self._index["packages"]
        return found

    def literals(self) -> Sequence[tuple[str, int, int, str]]:
        """(required lower-case text, entry number, signature number, the text's probe) of every signature."""
        if isinstance(self._literals, bytes):
            self._literals = json.loads(self._literals)
        return self._literals  # type: ignore[return-value]


@cache
def load_matrix() -> Matrix:
    """The matrix of this installation. In a checkout it is compiled again whenever a source file is newer.

    Raises UndeterminedError where the installation holds none.
    """
    if _SOURCE.is_dir() and (_SOURCE / "entries").is_dir():
        _refresh()
    try:
        return Matrix(_DATA.read_bytes(), lambda: _RELEASES.read_text("utf-8"))
    except OSError as error:
        raise UndeterminedError(
            Text(
                en=f"the matrix of this installation cannot be read: {_DATA.name}: {error}",
                zh=f"本次安装的知识库无法读取：{_DATA.name}：{error}",
            ),
            advice=Text(en="install envdoctor-gpu again", zh="请重新安装 envdoctor-gpu"),
        ) from None


def _refresh() -> None:
    from envdoctor.knowledge import build

    try:
        built = _DATA.stat().st_mtime_ns
    except OSError:
        built = 0
    # folders count too: a file that was taken away changes only its folder's time
    newest = max((path.stat().st_mtime_ns for path in _SOURCE.rglob("*") if path.suffix != ".md"), default=0)
    if max(newest, Path(build.__file__).stat().st_mtime_ns) > built:
        build.write_matrix(source=_SOURCE, target=_DATA)


def matrix_from(source: Path) -> Matrix:
    """A matrix compiled from a folder (extra folders of the configuration, tests, authors at work)."""
    from envdoctor.knowledge.build import compile_matrix, compile_releases

    return Matrix(compile_matrix(source), lambda: compile_releases(source))
