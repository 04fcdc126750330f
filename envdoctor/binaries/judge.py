"""One native file of an environment against its torch, its system and its GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from envdoctor.binaries import discover, gpu, torch_abi
from envdoctor.binaries.discover import NativeFile, library_kind
from envdoctor.binaries.elf import ElfFile
from envdoctor.binaries.fatbin import SECTIONS, archs
from envdoctor.binaries.loader import Closure, Library, LibraryStore, Process
from envdoctor.binaries.reading import UnreadableBinaryError
from envdoctor.facts.extensions import (
    ExtensionFact,
    LibraryKind,
    Loading,
    MissingLibrary,
    PythonFit,
    ShadowedLibrary,
    UnmetVersion,
)
from envdoctor.text import Text
from envdoctor.values import dataclass

_MAX_SYMBOLS_NAMED = 50
_FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")


@dataclass(slots=True)
class Judge:
    """What all files of one environment are judged against.

    `plain` and `with_torch` are a Python process that imported nothing, and one that imported torch; `owners` maps the
    absolute path of every native file of the environment to what is known of it; `ptx` is what the driver takes.
    """

    store: LibraryStore
    plain: Process
    with_torch: Process
    torch_libraries: tuple[Library, ...]
    owners: Mapping[str, NativeFile]
    capabilities: tuple[str, ...]
    ptx: gpu.PtxRange | None
    _names: dict[str, str] = field(init=False)
    _closures: dict[str, Closure | None] = field(init=False, default_factory=dict)
    _versions: dict[str, frozenset[str]] = field(init=False, default_factory=dict)
    _needs: dict[str, Mapping[str, Sequence[str]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._names = {file.name: path for path, file in reversed(list(self.owners.items()))}

    def linked_by(self, roots: Iterable[NativeFile]) -> frozenset[str]:
        """The paths of all that these files bring with them."""
        found: set[str] = set()
        for file in roots:
            closure = self._closure(file.path)
            if closure is not None:
                found.update(library.path for library in closure.libraries if library.path in self.owners)
        return frozenset(found)

    def mismatched(self, file: NativeFile, tag: str) -> ExtensionFact:
        """The fact about a module that this interpreter does not look at."""
        return replace(_bare(file), loading=Loading.NEVER, python_tag=tag, python_fit=PythonFit.MISMATCH)

    def fact(self, file: NativeFile, loading: Loading, python: str) -> ExtensionFact | None:
        """The fact about a file; `None` where there is nothing to say: no part in torch or CUDA, and no fault."""
        library = self.store.get(file.path)
        if library is not None and not _concerned(library):
            return None
        tag = discover.python_tag(file.name)
        bare = replace(_bare(file), loading=loading, python_tag=tag, python_fit=discover.python_fit(tag, python))
        if library is None:
            return replace(
                bare, unreadable=self.store.unreadable.get(file.path, Text(en="cannot be read", zh="无法读取"))
            )
        try:
            return self._judged(bare, file, library)
        except UnreadableBinaryError as error:
            return replace(bare, unreadable=error.says)

    def _judged(self, bare: ExtensionFact, file: NativeFile, library: Library) -> ExtensionFact | None:
        kinds = {library_kind(name) for name in library.needed}
        elf = library.elf
        fact = self._with_libraries(bare, file, library)
        faulty = bool(fact.unmet_versions) or any(m.kind is LibraryKind.RUNTIME for m in fact.missing_libraries)
        linked = bool(kinds & {LibraryKind.TORCH, LibraryKind.CUDA, LibraryKind.DRIVER})
        if not (linked or faulty or elf.may_have_section(SECTIONS)):
            return None  # most of an environment: NumPy, SciPy, pandas, ...
        fact = replace(
            fact,
            links_torch=LibraryKind.TORCH in kinds,
            cuda_major=discover.cuda_major(library.needed),
            glibc_needed=_text(elf.highest_need("GLIBC")),
            glibcxx_needed=_text(elf.highest_need("GLIBCXX")),
            cxxabi_needed=_text(elf.highest_need("CXXABI")),
        )
        if fact.links_torch and library not in self.torch_libraries:  # torch fits itself
            fact = self._with_symbols(fact, library)
        fact = self._with_gpu_code(fact, elf)
        return fact if linked or faulty or fact.gpu_code or fact.gpu_unreadable else None

    # -- libraries -----------------------------------------------------------------------------------------------------

    def _closure(self, path: str) -> Closure | None:
        if path not in self._closures:
            self._closures[path] = self.with_torch.fork().load(path)
        return self._closures[path]

    def _with_libraries(self, fact: ExtensionFact, file: NativeFile, library: Library) -> ExtensionFact:
        closure = self._closure(file.path)
        if closure is None:
            return fact
        missing: list[MissingLibrary] = []
        elsewhere: list[str] = []
        for lost in closure.unresolved:
            asker = self.owners.get(lost.asked_by)
            if lost.asked_by != file.path and (asker is None or asker.distribution != file.distribution):
                continue  # the fault of another distribution: it is told there
            if lost.name in self._names:
                elsewhere.append(lost.name)
                continue
            by = asker.relative if asker is not None else file.relative
            missing.append(MissingLibrary(name=lost.name, kind=library_kind(lost.name), needed_by=by))
        loading = fact.loading
        if loading is Loading.OPERATORS and any(_is_optional(lost.kind) for lost in missing):
            loading = Loading.PLUGIN  # a variant for an engine or a codec that is not here
        return replace(
            fact,
            loading=loading,
            missing_libraries=tuple(missing),
            found_elsewhere=tuple(dict.fromkeys(elsewhere)),
            needs_torch_first=self._needs_torch_first(file.path, closure, library),
            shadowed_libraries=tuple(self._shadowed(closure)),
            unmet_versions=tuple(self._unmet(closure, file)),
        )

    def _needs_torch_first(self, path: str, closure: Closure, library: Library) -> bool:
        kinds = {library_kind(name) for name in library.needed}
        if not kinds & {LibraryKind.TORCH, LibraryKind.CUDA}:
            return False
        alone = self.plain.fork().load(path)
        lost = {lost.name for lost in closure.unresolved}
        return alone is not None and any(one.name not in lost for one in alone.unresolved)

    def _shadowed(self, closure: Closure) -> Iterator[ShadowedLibrary]:
        for library in closure.libraries:
            name = library.soname or ""
            hidden = self._names.get(name)
            outside = library.path not in self.owners
            if hidden is not None and outside and library_kind(name) is LibraryKind.CUDA:
                yield ShadowedLibrary(name=name, used=library.path, hidden=self.owners[hidden].relative)

    def _unmet(self, closure: Closure, file: NativeFile) -> Iterator[UnmetVersion]:
        """What ld.so checks when it loads a file: each library offers every version that is asked of it."""
        by_name = {
            name: library for library in closure.libraries for name in (library.soname, _base(library.path)) if name
        }
        told: set[tuple[str, str]] = set()
        for library in closure.libraries:
            owner = self.owners.get(library.path)
            if library.path != file.path and (owner is None or owner.distribution != file.distribution):
                continue
            for name, versions in self._asked(library).items():
                giver = by_name.get(name)
                offered = self._offered(giver) if giver is not None else None
                if giver is None or not offered or offered.issuperset(versions):
                    continue
                for version in versions:
                    if version in offered or (name, version) in told:
                        continue
                    told.add((name, version))
                    family = version.partition("_")[0]
                    has = _text(giver.elf.highest_definition(family)) if family in _FAMILIES else None
                    yield UnmetVersion(library=name, version=version, path=giver.path, has=has and f"{family}_{has}")

    def _asked(self, library: Library) -> Mapping[str, Sequence[str]]:
        """The versions that a library asks of others and cannot do without."""
        if library.path not in self._needs:
            asked: dict[str, list[str]] = {}
            for need in library.version_needs:
                if not need.weak:
                    asked.setdefault(need.library, []).append(need.version)
            self._needs[library.path] = asked
        return self._needs[library.path]

    def _offered(self, library: Library) -> frozenset[str]:
        if library.path not in self._versions:
            self._versions[library.path] = frozenset(library.elf.version_definitions)
        return self._versions[library.path]

    # -- symbols and GPU code ------------------------------------------------------------------------------------------

    def _with_symbols(self, fact: ExtensionFact, library: Library) -> ExtensionFact:
        wanted = {name for name in library.elf.undefined.strong if torch_abi.is_torch_symbol(name)}
        missing = set(wanted)
        closure = self._closure(library.path)
        givers = (*self.torch_libraries, *(closure.libraries if closure is not None else ()))
        if self.torch_libraries:
            for giver in dict.fromkeys(givers):
                if not missing:
                    break
                missing -= giver.elf.exports(missing)
            for name in fact.found_elsewhere:  # its package loads these by hand
                giver = self.store.get(self._names[name])
                missing -= giver.elf.exports(missing) if giver is not None else set()
        else:
            missing.clear()  # without a torch there is nothing to compare with; that it is missing is told already
        return replace(
            fact,
            cxx11_abi=torch_abi.cxx11_abi(wanted),
            built_for_torch=torch_abi.built_for(wanted),
            missing_symbols=torch_abi.missing_symbols(missing)[:_MAX_SYMBOLS_NAMED],
        )

    def _with_gpu_code(self, fact: ExtensionFact, elf: ElfFile) -> ExtensionFact:
        try:
            sections = elf.sections
            if sections is not None and not any(name in SECTIONS for name, _span in sections):
                return fact
            if sections is None and fact.cuda_major is None and not fact.links_torch:
                return fact
            containers = gpu.group(archs(elf))
        except UnreadableBinaryError as error:
            return replace(fact, gpu_unreadable=error.says)
        return replace(fact, gpu_code=containers, gpu_verdicts=gpu.verdicts(containers, self.capabilities, self.ptx))


def _bare(file: NativeFile) -> ExtensionFact:
    return ExtensionFact(path=file.relative, distribution=file.distribution, distribution_version=file.version)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _is_optional(kind: LibraryKind) -> bool:
    return kind in (LibraryKind.OPTIONAL, LibraryKind.OTHER)


def _concerned(library: Library) -> bool:
    """Whether a file links torch, CUDA or the C++ runtime."""
    kinds = {library_kind(name) for name in library.needed}
    if kinds & {LibraryKind.TORCH, LibraryKind.CUDA, LibraryKind.DRIVER}:
        return True
    return any(name.startswith("libstdc++") for name in library.needed)


def _text(version: Sequence[int] | None) -> str | None:
    return ".".join(map(str, version)) if version is not None else None
