"""What uv solved: read from its pylock.toml and from its log, checked as foreign input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timezone
from typing import Any

from envdoctor.patterns import lazy
from envdoctor.resolve.errors import SolverError
from envdoctor.text import Text
from envdoctor.values import dataclass

# "DEBUG Adding transitive dependency for vllm==0.6.6: torch==2.5.1": the only place where uv says who needs what
_NEEDS = lazy(
    r"^DEBUG Adding transitive dependency for ([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+?): ([A-Za-z0-9._-]+)(.*)$"
)


_VERSION = lazy(r"^DEBUG uv (\d[0-9A-Za-z.]*)", re.MULTILINE)
_LOOKED = lazy(r"^DEBUG Searching for a compatible version of ([A-Za-z0-9._-]+)", re.MULTILINE)
#: what an offline uv says of a release whose metadata it does not have, and then goes on to an older one
_MISSING = "needs to be downloaded from a registry"


def looked_in(log: str) -> frozenset[str]:
    """The names whose index pages a solve read."""
    return frozenset(_LOOKED.findall(log))


def incomplete_in(log: str) -> bool:
    """Whether a release was passed over because the cache lacks it."""
    return _MISSING in log


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One file of a release. `uploaded` is None where the index does not say."""

    url: str
    filename: str
    hashes: tuple[tuple[str, str], ...]
    uploaded: datetime | None = None
    size: int | None = None
    wheel: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One pinned release and its files."""

    name: str
    version: str
    artifacts: tuple[Artifact, ...]
    index: str | None = None

    @property
    def uploaded(self) -> datetime | None:
        """When its first file was uploaded; wheels for newer Pythons may follow years later."""
        times = [a.uploaded for a in self.artifacts if a.uploaded is not None]
        return min(times) if times else None

    @property
    def public(self) -> str:
        """The version without its local part."""
        return self.version.partition("+")[0]

    @property
    def local(self) -> str:
        """The local part of the version (`cu121`), or nothing."""
        return self.version.partition("+")[2]

    @property
    def has_wheel(self) -> bool:
        """Whether nothing has to be built."""
        return any(a.wheel for a in self.artifacts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """`dependent` (a name) asks for this package with `specifier` (uv's spelling)."""

    dependent: str
    specifier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """A whole set of pins, by name. `needs` is empty where the log was not kept."""

    packages: Mapping[str, Package]
    needs: Mapping[str, tuple[Need, ...]] = field(default_factory=dict)
    uv: str = ""
    looked: frozenset[str] = frozenset()
    incomplete: bool = False

    def version(self, name: str) -> str | None:
        """The pinned version, or None."""
        found = self.packages.get(name)
        return found.version if found else None


def read_solution(pylock: str, log: str = "") -> Solution:
    """Reads uv's output. Raises SolverError where it is not a pylock that envdoctor can use."""
    from packaging.pylock import Pylock, PylockValidationError

    from envdoctor.toml import tomllib

    try:
        data = tomllib.loads(pylock)
        Pylock.from_dict(data)
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        raise SolverError(
            Text(en=f"uv's answer cannot be read: {error}", zh=f"uv 的求解结果无法读取：{error}")
        ) from None
    packages = {p["name"]: _package(p) for p in data.get("packages", ())}
    version = _VERSION.search(log)
    return Solution(
        packages=packages,
        needs=_needs(log, packages),
        uv=f"uv {version.group(1)}" if version else "uv",
        looked=looked_in(log),
        incomplete=incomplete_in(log),
    )


def _package(data: Mapping[str, Any]) -> Package:
    artifacts = [_artifact(wheel, wheel=True) for wheel in data.get("wheels", ())]
    if "sdist" in data:
        artifacts.append(_artifact(data["sdist"], wheel=False))
    for kind in ("archive", "vcs", "directory"):
        if kind in data:
            raise SolverError(
                Text(
                    en=f"{data['name']} comes from a {kind}, not from an index: a lock cannot hold it",
                    zh=f"{data['name']} 来自 {kind} 而不是索引，无法写入锁定文件",
                )
            )
    if "version" not in data:
        raise SolverError(
            Text(en=f"uv's answer has no version for {data['name']}", zh=f"uv 的求解结果中没有 {data['name']} 的版本")
        )
    return Package(
        name=data["name"], version=data["version"], artifacts=tuple(artifacts), index=data.get("index"),
    )  # fmt: skip


def _artifact(data: Mapping[str, Any], *, wheel: bool) -> Artifact:
    from urllib.parse import unquote, urlsplit

    place = str(data.get("url") or data.get("path") or "")
    uploaded = data.get("upload-time")
    if isinstance(uploaded, datetime) and uploaded.tzinfo is None:
        uploaded = uploaded.replace(tzinfo=timezone.utc)
    return Artifact(
        url=place,
        filename=str(data.get("name") or unquote(urlsplit(place).path.rsplit("/", 1)[-1])),
        hashes=tuple(sorted((str(k), str(v)) for k, v in data.get("hashes", {}).items())),
        uploaded=uploaded if isinstance(uploaded, datetime) else None,
        size=data.get("size"),
        wheel=wheel,
    )


def _needs(log: str, packages: Mapping[str, Package]) -> dict[str, tuple[Need, ...]]:
    """Who needs what, among the pinned versions only: the log also tells of versions that were tried and dropped."""
    found: dict[str, dict[str, str]] = {}
    for line in log.splitlines():
        hit = _NEEDS.match(line[:2000])
        if hit is None:
            continue
        dependent, version, name, rest = hit.groups()
        holder = packages.get(dependent)
        if holder is None or holder.version != version or name not in packages or name == dependent:
            continue
        found.setdefault(name, {})[dependent] = _plain(rest)
    return {n: tuple(Need(dependent=d, specifier=s) for d, s in sorted(of.items())) for n, of in sorted(found.items())}


def _plain(rest: str) -> str:
    """uv's range without extras and markers; `*` is nothing."""
    text = re.sub(r"\[[^\]]*\]|\{[^}]*\}", "", rest).strip()
    return "" if text == "*" else text
