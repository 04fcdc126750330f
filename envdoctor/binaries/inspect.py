"""The front door: every compiled extension of an environment, judged from its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from envdoctor.binaries import discover, gpu
from envdoctor.binaries.discover import NativeFile, library_kind
from envdoctor.binaries.fatbin import archs
from envdoctor.binaries.judge import Judge
from envdoctor.binaries.loader import Library, LibraryStore, Process
from envdoctor.binaries.reading import UnreadableBinaryError
from envdoctor.binaries.system import SystemLibraries
from envdoctor.facts.extensions import ExtensionFact, LibraryKind, Loading, PythonFit
from envdoctor.values import dataclass


def inspect_extensions(
    *,
    site_packages: Sequence[Path],
    torch_dir: Path | None,
    python_tag: str,
    gpu_capabilities: Sequence[str],
    driver_cuda: str | None,
    system: SystemLibraries,
    torch_cuda: str | None = None,
    executable: Path | None = None,
    isa_by_cuda: Mapping[str, str] | None = None,
) -> tuple[ExtensionFact, ...]:
    """Judges every native file of an environment that links torch, CUDA or the C++ runtime. Nothing is imported or run.

    Args:
        site_packages: folders of the target, in the order of its path.
        torch_dir: the folder of the torch package; `None` where torch is not installed.
        python_tag: ABI tag of the target's interpreter: `cp311`, `cp313t`.
        gpu_capabilities: of every GPU to judge for, such as "8.9"; may be empty.
        driver_cuda: CUDA version that the driver implements ("12.4"), where known.
        system: where the loader of the target's machine looks (`read_system`).
        torch_cuda: the CUDA version of torch's build ("12.4"); `None` for a CPU build or where not known.
        executable: the target's interpreter, whose RPATH (conda) reaches the libraries of its extensions.
        isa_by_cuda: CUDA version to PTX ISA (matrix/tables/ptx-isa.toml); without it, PTX stays unknown.

    Returns:
        A fact for each file that links torch or CUDA or holds GPU code, and for each other one that has a fault; sorted
        by path. Files of NVIDIA's own wheels are never judged.
    """
    with LibraryStore(system) as store:
        survey = _Survey(
            files=tuple(discover.native_files([folder.absolute() for folder in site_packages])),
            store=store,
            python_tag=python_tag,
            torch_cuda=torch_cuda,
            torch_dir=torch_dir.absolute() if torch_dir is not None else None,
            plain=Process(store, executable=str(executable.resolve()) if executable is not None else None),
        )
        survey.load_torch()
        facts = list(survey.facts(gpu_capabilities, gpu.ptx_range(driver_cuda, isa_by_cuda or {})))
    return tuple(sorted(facts, key=lambda fact: fact.path))


@dataclass(slots=True)
class _Survey:
    """One pass over an environment."""

    files: tuple[NativeFile, ...]
    store: LibraryStore
    python_tag: str
    torch_cuda: str | None
    torch_dir: Path | None
    plain: Process  #: a Python process that has imported nothing
    with_torch: Process = field(init=False)  #: one that has imported torch
    torch_libraries: tuple[Library, ...] = ()

    def load_torch(self) -> None:
        """What `import torch` loads: its dependencies first, as torch/__init__.py does, then torch._C."""
        self.with_torch = self.plain.fork()
        if self.torch_dir is None:
            return
        # torch looks through the nvidia wheels itself where its RPATH finds nothing (torch._preload_cuda_deps)
        self.with_torch.fallback = {
            file.name: file.path for file in reversed(self.files) if _of_nvidia(file) and "/lib/" in file.relative
        }
        for place in (self.torch_dir / "lib/libtorch_global_deps.so", *self._torch_modules()):
            closure = self.with_torch.load(str(place))
            if closure is not None:
                self.torch_libraries += tuple(closure.libraries)
        self.with_torch.fallback = {}
        self.torch_libraries = tuple(
            dict.fromkeys(
                library
                for library in self.torch_libraries
                # conda keeps libtorch in the environment's lib folder
                if library.path.startswith(f"{self.torch_dir}/")
                or library_kind(library.path.rpartition("/")[2]) is LibraryKind.TORCH
            )
        )

    def _torch_modules(self) -> Iterator[Path]:
        for file in self.files:
            fit = discover.python_fit(discover.python_tag(file.name), self.python_tag)
            if file.path.startswith(f"{self.torch_dir}/_C.") and fit is not PythonFit.MISMATCH:
                yield Path(file.path)

    def facts(self, capabilities: Sequence[str], ptx: gpu.PtxRange | None) -> Iterator[ExtensionFact]:
        judge = Judge(
            store=self.store,
            plain=self.plain,
            with_torch=self.with_torch,
            torch_libraries=self.torch_libraries,
            owners={file.path: file for file in self.files},
            capabilities=tuple(dict.fromkeys(capabilities)),
            ptx=ptx,
        )
        variants = discover.variants(self.files, self.torch_cuda)
        ways = {file.path: self._loading(file, variants.get(file.path)) for file in self.files}
        families = Counter(discover.family(f) for f in self.files if ways[f.path] is Loading.OPERATORS)
        for file in self.files:
            if ways[file.path] is Loading.OPERATORS and families[discover.family(file)] > 1:
                ways[file.path] = Loading.PLUGIN  # variants: their package opens the one that fits, if any does
        roots = [f for f in self.files if ways[f.path] in (Loading.MODULE, Loading.OPERATORS, Loading.SELECTED)]
        linked = judge.linked_by(roots)
        fitting = {file.distribution for file in roots if discover.python_tag(file.name) is not None}
        for file in self.files:
            way = ways[file.path]
            if way is None:
                continue
            if way is Loading.NEVER:
                tag = discover.python_tag(file.name)
                # wheels bring files for several Pythons; it is a fault where none of them is for this one
                if tag is not None and file.distribution not in fitting:
                    yield judge.mismatched(file, tag)
                continue
            if way is Loading.PLUGIN and file.path in linked:
                way = Loading.LINKED
            fact = judge.fact(file, way, self.python_tag)
            if fact is not None:
                yield fact

    def _loading(self, file: NativeFile, selected: bool | None) -> Loading | None:
        """How a file comes to be loaded; `None`: not an extension at all, or a variant that its package passes over."""
        if _of_nvidia(file) or ".libs/" in file.relative or library_kind(file.name) is LibraryKind.CUDA:
            return None  # libraries that only others need, copies of NVIDIA's own among them
        if selected is not None:
            return Loading.SELECTED if selected else None
        tag = discover.python_tag(file.name)
        fit = discover.python_fit(tag, self.python_tag)
        if fit is PythonFit.MISMATCH:
            return Loading.NEVER
        if fit is not PythonFit.UNTAGGED:
            return Loading.MODULE
        library = self.store.get(file.path)
        if library is None:
            return Loading.PLUGIN
        try:
            if library.elf.exports([f"PyInit_{discover.stem(file.name)}"]):
                return Loading.MODULE
        except UnreadableBinaryError:
            return Loading.PLUGIN
        inside_torch = self.torch_dir is not None and file.path.startswith(f"{self.torch_dir}/")
        links_torch = any(library_kind(name) is LibraryKind.TORCH for name in library.needed)
        return Loading.OPERATORS if links_torch and not inside_torch else Loading.PLUGIN


def _of_nvidia(file: NativeFile) -> bool:
    owner = file.distribution or ""
    return owner.startswith("nvidia-") or file.relative.startswith("nvidia/")


def torch_archs(torch_dir: Path) -> tuple[str, ...]:
    """The GPU targets of a torch build, read from `libtorch_cuda.so`: "8.0", "9.0a", and "9.0+PTX" for PTX.

    Only targets that every other container shares are named: a few kernels are built for one chip only. Empty for a CPU
    build. Raises `UnreadableBinaryError` where the file is damaged.
    """
    path = torch_dir / "lib/libtorch_cuda.so"
    if not path.is_file():
        return ()
    containers = [code for code in archs(path) if code]
    counted: dict[tuple[int, str, bool], int] = {}
    for code in containers:
        for key in {(piece.sm, piece.suffix, piece.ptx_isa is not None) for piece in code}:
            counted[key] = counted.get(key, 0) + 1
    common = sorted(key for key, count in counted.items() if 2 * count >= len(containers))
    return tuple(f"{sm // 10}.{sm % 10}{suffix}{'+PTX' if ptx else ''}" for sm, suffix, ptx in common)
