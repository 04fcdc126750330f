"""The whole way: list, read what is not in the cache, measure, tables."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from envdoctor.errors import EnvdoctorError
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.workshop.derive.cache import ReadingCache, remembered_list
from envdoctor.workshop.derive.index import PublishedWheel, Target, each_version
from envdoctor.workshop.derive.reading import read_wheel
from envdoctor.workshop.derive.remote import BudgetSpentError, Fetcher
from envdoctor.workshop.derive.tables import (
    Measured,
    extension_table,
    measure_support,
    outside_needs,
    render,
    torch_table,
)

__all__ = ["PACKAGES", "Derivation", "Progress", "Skipped", "derive", "write_tables"]

#: What is derived when nothing is named, in the order of its worth: should the bytes run out, the last ones are missing.
PACKAGES = ("autoawq-kernels", "auto-gptq", "torchao", "xformers", "torchvision", "bitsandbytes")

#: The torch versions that everything is held against; auto-gptq 0.4 was built for 2.0.
TORCH = ">=2.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Said before a wheel, and after every piece of it. `done` and `total` count wheels; `received` is bytes in all."""

    package: str
    version: str
    done: int
    total: int
    received: int
    member: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A published wheel that is not in the tables, and why."""

    package: str
    version: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Derivation:
    """`tables` by distribution (torch among them), ready for `write_tables`. `received`: bytes read over the network."""

    tables: Mapping[str, Mapping[str, Any]]
    skipped: tuple[Skipped, ...]
    received: int
    seconds: float


@dataclass(kw_only=True, slots=True)
class _Work:
    cache: ReadingCache
    spare: Path
    fetcher: Fetcher
    report: Callable[[Progress], None]
    total: int
    done: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    spent: str | None = None


def derive(
    *,
    packages: Sequence[str] = PACKAGES,
    torch: str = TORCH,
    target: Target = Target(),  # noqa: B008  (a frozen value)
    cache: Path,
    budget: int = 60 * 10**9,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Derivation:
    """Reads every published version of `packages` and of torch (a version specifier), and measures one against the other.

    `cache` is a folder for readings, which are kept between runs, and for one unpacked library at a time (up to 2 GB).
    `budget` caps the bytes read over the network; what it does not reach is named in `skipped` and in the tables.
    A wheel that cannot be read is skipped; raises UndeterminedError where uv or its index cannot be asked at all.
    """
    started = time.monotonic()
    names: list[str] = [canonicalize_name(package) for package in packages]
    spare = cache / "spare"
    spare.mkdir(parents=True, exist_ok=True)
    today = datetime.now(timezone.utc).date().isoformat()
    published = {name: _listed(name, "", target, cache, today) for name in names}
    torches = _last_patches_first(_listed("torch", torch, target, cache, today))
    with Fetcher(budget=budget) as fetcher:
        work = _Work(
            cache=ReadingCache(cache),
            spare=spare,
            fetcher=fetcher,
            report=on_progress,
            total=len(torches) + sum(map(len, published.values())),
        )
        # The torches of today first, then the packages, then the torches between: the most useful rows come soonest.
        latest = sum(1 for _ in _minors(torches))
        for wheel in [*torches[:latest], *(wheel for name in names for wheel in published[name]), *torches[latest:]]:
            _read_into_cache(wheel, work)
    tables = _tables(published, torches, work, made=today, target=target)
    return Derivation(
        tables=tables,
        skipped=tuple(work.skipped),
        received=fetcher.received,
        seconds=time.monotonic() - started,
    )


def _listed(name: str, within: str, target: Target, cache: Path, today: str) -> list[PublishedWheel]:
    asked = repr((name, within, target)).encode()
    path = cache / "lists" / f"{name}-{hashlib.sha256(asked).hexdigest()[:12]}.json"
    return remembered_list(path, today, lambda: each_version(name, target, within=within))


def write_tables(tables: Mapping[str, Mapping[str, Any]], folder: Path) -> tuple[Path, ...]:
    """Writes a file a table. Each is written beside its place and renamed; the paths that changed are given back."""
    folder.mkdir(parents=True, exist_ok=True)
    changed: list[Path] = []
    for name, table in tables.items():
        path = folder / f"{name}.json"
        text = render(table)
        if path.exists() and path.read_text("utf-8") == text:
            continue
        beside = path.with_suffix(".part")
        beside.write_text(text, "utf-8")
        beside.replace(path)
        changed.append(path)
    return tuple(changed)


def _read_into_cache(wheel: PublishedWheel, work: _Work) -> None:
    def report(member: str | None = None) -> None:
        work.report(
            Progress(
                package=wheel.distribution,
                version=wheel.version,
                done=work.done,
                total=work.total,
                received=work.fetcher.received,
                member=member,
            )
        )

    report()
    work.done += 1
    if work.cache.get(wheel) is not None:
        return
    if work.spent is not None:
        work.skipped.append(Skipped(package=wheel.distribution, version=wheel.version, reason=work.spent))
        return
    whole = work.spare / "wheel.part"
    work.fetcher.on_bytes = lambda _: report()
    try:
        stream, size, _ = work.fetcher.open(wheel.url, sha256=wheel.sha256, spare=whole)
        with closing(stream):
            reading = read_wheel(stream, spare=work.spare, on_member=report)
        work.cache.put(wheel, reading, size)
    except BudgetSpentError:
        work.spent = Text(en="not read yet: the run's byte budget was spent", zh="尚未读取：本次运行的流量上限已用完")
        work.skipped.append(Skipped(package=wheel.distribution, version=wheel.version, reason=work.spent))
    except EnvdoctorError as error:
        work.skipped.append(Skipped(package=wheel.distribution, version=wheel.version, reason=str(error)))
    finally:
        whole.unlink(missing_ok=True)


def _tables(
    published: Mapping[str, Sequence[PublishedWheel]],
    torches: Sequence[PublishedWheel],
    work: _Work,
    *,
    made: str,
    target: Target,
) -> dict[str, dict[str, Any]]:
    read = {name: list(_from_cache(wheels, work.cache)) for name, wheels in published.items()}
    symbols = {
        symbol
        for wheels in read.values()
        for wheel in wheels
        for needs in outside_needs(wheel.reading).values()
        for symbol in needs
    }
    # A torch exports 100,000 names: each is loaded, asked and dropped again.
    support = measure_support(_from_cache(torches, work.cache), symbols)
    tables = {
        name: extension_table(name, wheels, support, head=_head(name, made, target, work.skipped))
        for name, wheels in read.items()
    }
    tables["torch"] = torch_table(
        [_without_exports(torch) for torch in _from_cache(torches, work.cache)],
        head=_head("torch", made, target, work.skipped),
    )
    return tables


def _head(name: str, made: str, target: Target, skipped: Iterable[Skipped]) -> dict[str, Any]:
    missing = {item.version: item.reason for item in skipped if item.package == name}
    return {"made": made, "platform": target.platform.partition("-")[0], "not_covered": missing}


def _from_cache(wheels: Iterable[PublishedWheel], cache: ReadingCache) -> Iterator[Measured]:
    for wheel in wheels:
        found = cache.get(wheel)
        if found is not None:
            yield Measured(wheel=wheel, reading=found[0], size=found[1])


def _without_exports(torch: Measured) -> Measured:
    from dataclasses import replace

    slim = tuple(replace(library, exports=(), imports=()) for library in torch.reading.libraries)
    return replace(torch, reading=replace(torch.reading, libraries=slim))


def _last_patches_first(torches: Iterable[PublishedWheel]) -> list[PublishedWheel]:
    """The last patch of every minor, newest minor first; then the others."""
    ordered = sorted(torches, key=lambda wheel: Version(wheel.version), reverse=True)
    last = list(_minors(ordered))
    return last + [wheel for wheel in ordered if wheel not in last]


def _minors(torches: Sequence[PublishedWheel]) -> Iterator[PublishedWheel]:
    """The first wheel of each minor, in the order given."""
    seen: set[tuple[int, int]] = set()
    for wheel in torches:
        version = Version(wheel.version)
        minor = (version.major, version.minor)
        if minor not in seen:
            seen.add(minor)
            yield wheel
