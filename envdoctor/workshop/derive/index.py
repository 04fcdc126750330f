"""Which wheels of a distribution are published, said by uv: no index address stands in this project.

uv reads the user's own index configuration and writes what it found as a pylock document (PEP 751), which carries the
address and the digest of every wheel that fits the asked interpreter and platform.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.pylock import Pylock, PylockValidationError
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from envdoctor.errors import EnvdoctorError, UndeterminedError
from envdoctor.text import Text
from envdoctor.values import dataclass

__all__ = ["PublishedWheel", "Target", "each_version", "find"]

_TIMEOUT_S = 180.0
_MAX_VERSIONS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The interpreter versions to try, best first, and uv's name of the platform.

    A wheel is taken for the first of `pythons` that has one: the compiled code that a table speaks of is the same for all.
    """

    pythons: tuple[str, ...] = ("3.10", "3.11", "3.9", "3.8", "3.12", "3.13", "3.14")
    platform: str = "x86_64-manylinux_2_40"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedWheel:
    """One published file: its names, where it lies (`http(s)://` or `file://`) and the index's digest of it."""

    distribution: str
    version: str
    filename: str
    url: str = field(repr=False)
    sha256: str
    size: int | None = None
    uploaded: str | None = None


def find(requirement: str, *, python: str, platform: str) -> PublishedWheel | None:
    """The best wheel of the highest version that `requirement` admits; None where no wheel fits.

    Raises UndeterminedError when uv cannot be run or its index cannot be reached.
    """
    text = _compile(requirement, python=python, platform=platform)
    return None if text is None else _best(text, requirement)


def each_version(distribution: str, target: Target, *, within: str = "") -> Iterator[PublishedWheel]:
    """Every published version that has a wheel for the target, newest first for each interpreter in turn.

    An index has no command that lists versions, so each one found is excluded from the next question: one run of uv
    (about 0.2 s) per version. Pre-releases, yanked files and versions that are published as source only are not seen.
    """
    seen: list[str] = []
    for python in target.pythons:
        while len(seen) < _MAX_VERSIONS:
            clauses = [*([within] if within else []), *(f"!={version}" for version in seen)]
            wheel = find(distribution + ",".join(clauses), python=python, platform=target.platform)
            if wheel is None:
                break
            seen.append(wheel.version)
            yield wheel


def _compile(requirement: str, *, python: str, platform: str) -> str | None:
    from uv import find_uv_bin

    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--format", "pylock.toml", "--no-deps"]
    command += ["--only-binary", ":all:", "--prerelease", "disallow"]
    command += ["--python-version", python, "--python-platform", platform]
    # Only names and addresses are asked for: any interpreter will do, and looking for one of that version takes seconds.
    command += ["--python", sys.executable, "-"]
    try:
        done = subprocess.run(
            command,
            input=requirement,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UndeterminedError(
            Text(
                en=f"uv did not answer for {requirement!r}: {error}. Check the network and try again.",
                zh=f"uv 对 {requirement!r} 没有响应：{error}。请检查网络后重试。",
            )
        ) from error
    if done.returncode == 0:
        return done.stdout
    if done.returncode == 1 and "No solution found" in done.stderr:
        return None
    last = done.stderr.strip().splitlines()[-1:] or ["no message"]
    raise UndeterminedError(
        Text(
            en=f"uv failed for {requirement!r} (status {done.returncode}): {last[0].strip()[:200]}",
            zh=f"uv 处理 {requirement!r} 失败（状态 {done.returncode}）：{last[0].strip()[:200]}",
        )
    )


def _best(text: str, requirement: str) -> PublishedWheel | None:
    from envdoctor.toml import tomllib

    try:
        lock = Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        raise EnvdoctorError(
            Text(
                en=f"uv wrote a lock for {requirement!r} that cannot be read: {error}",
                zh=f"uv 为 {requirement!r} 写出的锁定文件无法读取：{error}",
            )
        ) from error
    candidates: list[tuple[int, int, PublishedWheel]] = []
    for package in lock.packages:
        for wheel in package.wheels or ():
            url = wheel.url or (Path(wheel.path).absolute().as_uri() if wheel.path else None)
            digest = wheel.hashes.get("sha256")
            if url is None or digest is None or package.version is None:
                continue
            name = wheel.name or unquote(urlsplit(url).path.rpartition("/")[2])
            rank = _rank(name)
            if rank is None:
                continue
            found = PublishedWheel(
                distribution=package.name,
                version=str(package.version),
                filename=name,
                url=url,
                sha256=digest,
                size=wheel.size,
                uploaded=wheel.upload_time.date().isoformat() if wheel.upload_time else None,
            )
            candidates.append((*rank, found))
    return min(candidates, key=lambda item: (item[0], item[1], item[2].filename))[2] if candidates else None


def _rank(filename: str) -> tuple[int, int] | None:
    """Compiled before pure (torchao publishes both under one version), then older platform tags first."""
    try:
        tags: Sequence[Tag] = tuple(parse_wheel_filename(filename)[3])
    except InvalidWheelFilename:
        return None
    pure = any(tag.platform == "any" for tag in tags)
    return (int(pure), len(filename))
