"""What the loader would find: the shared libraries of a process, resolved from files in the loader's own order.

The order is that of ld.so(8): a library that is loaded already under that name; RPATH of the asking file and of those
that loaded it (not where there is a RUNPATH); LD_LIBRARY_PATH; RUNPATH of the asking file; ld.so.cache; default
folders.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import field

from envdoctor.binaries.elf import ElfFile, VersionNeed
from envdoctor.binaries.reading import UnreadableBinaryError
from envdoctor.binaries.system import SystemLibraries
from envdoctor.text import Text
from envdoctor.values import dataclass

_MAX_LIBRARIES = 2000


@dataclass(slots=True, eq=False)
class Library:
    """One shared library as the loader sees it. Made once per file by `LibraryStore`."""

    path: str
    elf: ElfFile
    needed: tuple[str, ...]
    soname: str | None
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]

    @property
    def version_needs(self) -> tuple[VersionNeed, ...]:
        """What it asks of the versions of others."""
        return self.elf.version_needs


class LibraryStore:
    """Reads each file once, whatever asks for it. A context manager: it holds the files open."""

    def __init__(self, system: SystemLibraries) -> None:
        self.system = system
        self._libraries: dict[str, Library | None] = {}
        self.unreadable: dict[str, Text] = {}

    def __enter__(self) -> LibraryStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes every file."""
        for library in self._libraries.values():
            if library is not None:
                library.elf.close()
        self._libraries.clear()

    def get(self, path: str) -> Library | None:
        """The library at a path, `None` where it is none that this machine could load (why stands in `unreadable`)."""
        if path not in self._libraries:
            self._libraries[path] = self._read(path)
        return self._libraries[path]

    def _read(self, path: str) -> Library | None:
        try:
            elf = ElfFile(self.system.place(path))
        except UnreadableBinaryError as error:
            self.unreadable[path] = error.says
            return None
        if elf.machine != self.system.machine:
            self.unreadable[path] = Text(
                en=f"built for {elf.machine}, not for {self.system.machine}",
                zh=f"为 {elf.machine} 编译，不适用于 {self.system.machine}",
            )
            elf.close()
            return None
        try:
            return Library(
                path=path,
                elf=elf,
                needed=elf.needed,
                soname=elf.soname,
                rpath=tuple(_expand(elf.rpath, path)),
                runpath=tuple(_expand(elf.runpath, path)),
            )
        except UnreadableBinaryError as error:
            self.unreadable[path] = error.says
            elf.close()
            return None


def _expand(folders: Iterable[str], path: str) -> Iterator[str]:
    origin = os.path.dirname(path)  # noqa: PTH120 - the loader's own textual notion; called for every file
    for folder in folders:
        place = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        if "$" not in place and place.startswith("/"):
            yield os.path.normpath(place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unresolved:
    """`name` was not found; `asked_by` is the path of the file that needs it."""

    name: str
    asked_by: str


@dataclass(slots=True)
class Closure:
    """What loading one file brought: libraries in load order, and what was not found."""

    libraries: list[Library] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)


class Process:
    """The libraries of one process, as they accumulate. `fork` gives a copy to try something in."""

    def __init__(self, store: LibraryStore, *, executable: str | None = None) -> None:
        """`executable` is the program (its RPATH reaches every library that has no RUNPATH of its own)."""
        self._store = store
        self._by_name: dict[str, Library] = {}
        self._loader: dict[Library, Library] = {}
        self._program: Library | None = None
        self.fallback: dict[str, str] = {}  #: name -> path, asked last: what a package opens by hand beforehand
        if executable is not None:
            self._program = store.get(executable)
            if self._program is not None:
                self._close_over(self._program)

    def fork(self) -> Process:
        """A process in the same state that can be changed without changing this one."""
        other = Process(self._store)
        other._by_name = dict(self._by_name)
        other._loader = dict(self._loader)
        other._program = self._program
        other.fallback = self.fallback
        return other

    def loaded(self, name: str) -> Library | None:
        """What is loaded under a name."""
        return self._by_name.get(name)

    @property
    def libraries(self) -> tuple[Library, ...]:
        """All that is loaded, each once."""
        return tuple(dict.fromkeys(self._by_name.values()))

    def load(self, path: str) -> Closure | None:
        """Loads a file and all that it needs, as dlopen would; `None` where the file itself cannot be loaded."""
        library = self._store.get(path)
        if library is None:
            return None
        if self._program is not None:
            self._loader.setdefault(library, self._program)
        return self._close_over(library)

    def _close_over(self, library: Library) -> Closure:
        closure = Closure()
        self._remember(library, os.path.basename(library.path))  # noqa: PTH119 - called for every file
        queue: deque[Library] = deque([library])
        seen = {library}
        while queue and len(seen) < _MAX_LIBRARIES:
            current = queue.popleft()
            closure.libraries.append(current)
            for name in current.needed:
                found = self._by_name.get(name) or self._find(name, current)
                if found is None:
                    closure.unresolved.append(Unresolved(name=name, asked_by=current.path))
                    continue
                self._remember(found, name)
                if found not in seen:
                    seen.add(found)
                    if found is not current:
                        self._loader.setdefault(found, current)
                    queue.append(found)
        return closure

    def _remember(self, library: Library, name: str) -> None:
        self._by_name.setdefault(name, library)
        if library.soname:
            self._by_name.setdefault(library.soname, library)

    def _find(self, name: str, asker: Library) -> Library | None:
        if "/" in name:
            return self._store.get(name) if name.startswith("/") else None
        for place in self._places(name, asker):
            if os.path.exists(self._store.system.place(place)):  # noqa: PTH110 - hundreds of times a run
                library = self._store.get(place)
                if library is not None:  # the loader skips files of another machine
                    return library
        return None

    def _places(self, name: str, asker: Library) -> Iterator[str]:
        system = self._store.system
        if not asker.runpath:
            yield from (f"{folder}/{name}" for library in self._chain(asker) for folder in library.rpath)
        yield from (f"{folder}/{name}" for folder in system.library_path)
        yield from (f"{folder}/{name}" for folder in asker.runpath)
        yield from system.cache.get(name, ())
        yield from (f"{folder}/{name}" for folder in system.folders)
        if name in self.fallback:
            yield self.fallback[name]

    def _chain(self, library: Library) -> Iterator[Library]:
        """The asking file, what loaded it, and so on up to the program; those with a RUNPATH have no say."""
        current: Library | None = library
        for _ in range(_MAX_LIBRARIES):
            if current is None:
                return
            if not current.runpath:
                yield current
            current = self._loader.get(current)
