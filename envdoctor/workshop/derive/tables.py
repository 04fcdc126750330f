"""Readings of wheels -> the committed tables: which torch each extension's symbols are found in, small and in a fixed order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from envdoctor.knowledge.derived import expand
from envdoctor.values import dataclass
from envdoctor.workshop.derive.index import PublishedWheel
from envdoctor.workshop.derive.intervals import as_intervals
from envdoctor.workshop.derive.reading import Library, WheelReading

__all__ = ["Measured", "Support", "extension_table", "measure_support", "outside_needs", "render", "torch_table"]

SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One wheel that was read, and its size in bytes."""

    wheel: PublishedWheel
    size: int
    reading: WheelReading


@dataclass(frozen=True, kw_only=True, slots=True)
class Support:
    """For each symbol that some extension needs: which of the measured torch versions (ascending) export it, as intervals."""

    versions: tuple[str, ...]
    exported_on: Mapping[str, str]


def outside_needs(reading: WheelReading) -> dict[str, frozenset[str]]:
    """Per library of a wheel (by path): the symbols that torch has to export, as none of the wheel's own libraries does."""
    by_name = {library.path.rpartition("/")[2]: library for library in reading.libraries}
    return {
        library.path: frozenset(library.imports) - _exports_within(library, by_name) for library in reading.libraries
    }


def _exports_within(library: Library, by_name: Mapping[str, Library]) -> frozenset[str]:
    """What the libraries of the same wheel export that this one links, directly or not."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(library.needed)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        found.update(by_name[name].exports)
        waiting.extend(by_name[name].needed)
    return frozenset(found)


def measure_support(torches: Iterable[Measured], symbols: Iterable[str]) -> Support:
    """Holds `symbols` against each torch. The torches are gone through once, so they may be loaded one at a time."""
    wanted = frozenset(symbols)
    exported: dict[str, frozenset[str]] = {}
    for torch in torches:
        names: set[str] = set()
        for library in torch.reading.libraries:
            names.update(wanted.intersection(library.exports))
        exported[torch.wheel.version] = frozenset(names)
    versions = tuple(sorted(exported, key=Version))
    return Support(
        versions=versions,
        exported_on={
            symbol: as_intervals({version for version in versions if symbol in exported[version]}, versions)
            for symbol in sorted(wanted)
        },
    )


# -- rows ----------------------------------------------------------------------------------------------------------------


def torch_table(torches: Sequence[Measured], *, head: Mapping[str, Any]) -> dict[str, Any]:
    """The table of torch itself, ascending: what each build needs, and the GPU code of libtorch_cuda."""
    return {
        **_head("torch", head),
        "rows": [_torch_row(torch) for torch in sorted(torches, key=lambda item: Version(item.wheel.version))],
    }


def _torch_row(torch: Measured) -> dict[str, Any]:
    libraries = torch.reading.libraries
    code = next((library for library in libraries if library.path.endswith("/libtorch_cuda.so")), None)
    row = _common(torch)
    row["cuda"] = torch.reading.cuda_version
    row["floors"] = _highest_floors(libraries)
    row["gpu"] = gpu_text(code) if code else ""
    row["containers"] = code.containers if code else 0
    row["arch_flags"] = torch.reading.arch_flags
    return row


def extension_table(
    distribution: str, wheels: Sequence[Measured], support: Support, *, head: Mapping[str, Any]
) -> dict[str, Any]:
    """The table of one distribution: a row a version, ascending, and in each row a line a library.

    `measured` are the torch versions that it was held against. `symbols` lists, by the versions that export them, the
    symbols that not every measured version exports; a library's `needs` has places in those lists, and under `*` how many
    symbols it needs besides, which every measured version exports.
    """
    order = {version: place for place, version in enumerate(support.versions)}
    rows = sorted(wheels, key=lambda item: Version(item.wheel.version))
    needs = [outside_needs(row.reading) for row in rows]
    classes = _classes(frozenset().union(*(names for row in needs for names in row.values())), support)
    symbols = {key: classes[key] for key in sorted(classes, key=lambda text: _interval_key(text, order))}
    requirements: list[list[str]] = []
    lines = []
    for wheel, wanted in zip(rows, needs, strict=True):
        row = _common(wheel)
        requirement = row.pop("requires_dist")
        if requirement not in requirements:
            requirements.append(requirement)
        row["requires"] = requirements.index(requirement)
        row["floors"] = _highest_floors(wheel.reading.libraries)
        row["torch"] = _torch_of(wanted, support)
        row["libraries"] = [_library_line(lib, wanted[lib.path], symbols, support) for lib in wheel.reading.libraries]
        lines.append(row)
    return {
        **_head(distribution, head),
        "measured": list(support.versions),
        "symbols": symbols,
        "requires": requirements,
        "rows": lines,
    }


def _classes(symbols: Iterable[str], support: Support) -> dict[str, list[str]]:
    """The symbols that not every torch exports, by the versions that do."""
    classes: dict[str, list[str]] = {}
    for symbol in sorted(symbols):
        versions = support.exported_on[symbol]
        if versions != "*":
            classes.setdefault(versions, []).append(symbol)
    return classes


def _head(distribution: str, head: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema": SCHEMA, "distribution": distribution, **head}


def _common(item: Measured) -> dict[str, Any]:
    tags = sorted({tag.interpreter for tag in parse_wheel_filename(item.wheel.filename)[3]})
    return {
        "version": item.wheel.version,
        "file": item.wheel.filename,
        "size": item.size,
        "sha256": item.wheel.sha256,
        "uploaded": item.wheel.uploaded,
        "python": ".".join(tags),
        "requires_python": item.reading.requires_python,
        "requires_dist": list(item.reading.requires_dist),
    }


def _library_line(
    library: Library, needs: frozenset[str], symbols: Mapping[str, list[str]], support: Support
) -> dict[str, Any]:
    line: dict[str, Any] = {"path": library.path}
    if other := _other_gpu(library):
        line["other_gpu"] = other
    cuda = cuda_majors(library)
    if cuda:
        line["cuda"] = cuda
    if library.gpu:
        line["gpu"] = gpu_text(library)
        line["containers"] = library.containers
    if needs:
        everywhere = sum(1 for symbol in needs if support.exported_on[symbol] == "*")
        line["needs"] = {"*": everywhere} | {
            versions: places
            for versions, names in symbols.items()
            if (places := [place for place, name in enumerate(names) if name in needs])
        }
    if library.problem:
        line["problem"] = library.problem
    return line


def _torch_of(needs: Mapping[str, frozenset[str]], support: Support) -> str | None:
    """The torch versions that export all that all of its libraries need; None where none of them needs torch."""
    if not any(needs.values()):
        return None
    lacking = {
        version
        for symbols in needs.values()
        for key in {support.exported_on[symbol] for symbol in symbols}
        for version in set(support.versions) - set(expand(key, support.versions))
    }
    return as_intervals(set(support.versions) - lacking, support.versions)


def cuda_majors(library: Library) -> list[int]:
    """The CUDA majors whose runtime it asks for by name. A copy inside the wheel (its name carries a digest) needs none."""
    found = {
        int(match[1])
        for name in library.needed
        if (match := re.fullmatch(r"libcu(?:dart|blas|blasLt)\.so\.(\d+)(?:\..*)?", name))
    }
    return sorted(found)


def gpu_text(library: Library) -> str:
    """The targets of its GPU code, each with the number of containers that hold it where not all do: `sm_80 sm_90a:2`."""
    counts = (library.gpu or {}).items()
    return " ".join(target if count == library.containers else f"{target}:{count}" for target, count in counts)


def _other_gpu(library: Library) -> str | None:
    """`rocm` or `xpu` for a variant of the library for GPUs of other makers: its needs say nothing about NVIDIA systems."""
    for family, names in {"rocm": r"lib(hip|roc|amdhip|hsa)", "xpu": r"lib(sycl|ze_loader)"}.items():
        if any(re.match(names, needed) for needed in library.needed):
            return family
    return None


def _highest_floors(libraries: Iterable[Library]) -> dict[str, str]:
    highest: dict[str, str] = {}
    for library in libraries:
        for family, floor in library.floors.items() if _other_gpu(library) is None else ():
            if family not in highest or Version(floor) > Version(highest[family]):
                highest[family] = floor
    return dict(sorted(highest.items()))


def _interval_key(text: str, order: Mapping[str, int]) -> tuple[int, int, str]:
    """The universal class first, then by the first version, then by the last; `none` stands last."""
    if text == "*":
        return (-1, 0, "")
    if text == "none":
        return (len(order), 0, "")
    return (order[re.split(r"\.\.|,", text)[0]], order[re.split(r"\.\.|,", text)[-1]], text)


# -- text ----------------------------------------------------------------------------------------------------------------


def render(table: Mapping[str, Any]) -> str:
    """JSON in a fixed layout: a fact a line, a library a line, so that a review sees what changed."""
    return "".join(_lines(table)) + "\n"


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    yield "{\n"
    for place, (key, value) in enumerate(table.items()):
        yield (",\n" if place else "") + f" {json.dumps(key)}: "
        yield from _block(value, 2) if key in {"rows", "requires", "symbols"} else (_flat(value),)
    yield "\n}"


def _block(value: Any, depth: int) -> Iterator[str]:
    """Opened out for `depth` levels, flat below; what is short stays on its line."""
    flat = _flat(value)
    if not isinstance(value, (dict, list)) or not value or (len(flat) <= 100 and depth < 2) or depth < 0:
        yield flat
        return
    pad = " " * (4 - depth)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    yield f"{opening}\n"
    items: Iterable[tuple[str, Any]] = (
        ((f"{json.dumps(key)}: ", item) for key, item in value.items())
        if isinstance(value, dict)
        else (("", item) for item in value)
    )
    for place, (label, item) in enumerate(items):
        yield (",\n" if place else "") + pad + label
        yield from _block(item, depth - 1)
    yield f"\n{pad[1:]}{closing}"


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
