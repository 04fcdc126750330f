"""How the versions of each kind of thing are ordered.

`pep440`   distributions. The public version is compared; a local part (`+cu121`) is a fact of its own.
`driver`   NVIDIA drivers, Linux and Windows alike: `550.54.14`, `546.80`.
`capability`  compute capabilities: `8.9`, also written `sm_89` or `9.0a` (the suffix names a feature set, not an order).
`dotted`   glibc, CUDA, Linux kernels, toolkits: the leading dotted number counts (`5.15.153.1-microsoft` is 5.15.153.1).
"""

from __future__ import annotations

import enum
import re
from functools import cache
from typing import Any

from envdoctor.values import dataclass


class Scheme(str, enum.Enum):
    """The kinds of version that conditions may compare."""

    PEP440 = "pep440"
    DRIVER = "driver"
    CAPABILITY = "capability"
    DOTTED = "dotted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a version stands. `around`: it is a pre-release, dev or vendor build of `key`'s release.

    NGC's torch `2.5.0a0+872d972e41.nv24.08` carries commits of 2.5 and of no release: it lies somewhere between the
    release before 2.5.0 and 2.5.0 itself.
    """

    key: Any
    around: Any = None  #: the release it is a build of, where its exact place is not known


_DOTTED = re.compile(r"\d+(?:\.\d+)*")
_CAPABILITY = re.compile(r"(?:sm_|compute_)?(\d+)(?:\.(\d+))?[af]?")


@cache
def position(scheme: Scheme, text: str) -> Position | None:
    """The place of a version in its scheme, or None where the text is no version of that scheme."""
    if scheme is Scheme.PEP440:
        return _pep440(text)
    if scheme is Scheme.CAPABILITY:
        return _capability(text)
    found = _DOTTED.match(text.strip())
    return Position(key=_strip(found.group().split("."))) if found else None


def _strip(parts: list[str]) -> tuple[int, ...]:
    numbers = [int(part[:9]) for part in parts[:8]]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _capability(text: str) -> Position | None:
    found = _CAPABILITY.fullmatch(text.strip())
    if found is None:
        return None
    major, minor = found.groups()
    if minor is None:  # sm_89, sm_120: the last digit is the minor number
        if len(major) < 2:
            return Position(key=(int(major), 0))
        major, minor = major[:-1], major[-1]
    return Position(key=(int(major), int(minor)))


def _pep440(text: str) -> Position | None:
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(text.strip())
    except InvalidVersion:
        return None
    if version.is_prerelease:
        release = Version(f"{version.epoch}!{version.base_version.split('!')[-1]}")
        return Position(key=Version(version.public), around=release)
    return Position(key=Version(version.public))


def is_valid(scheme: Scheme, text: str) -> bool:
    """Whether the text is a version of that scheme."""
    return position(scheme, text) is not None


def compare(scheme: Scheme, left: str, right: str) -> int | None:
    """-1, 0 or 1 by the scheme's plain order; None where either is no version. Pre-releases stand at their own place."""
    a, b = position(scheme, left), position(scheme, right)
    if a is None or b is None:
        return None
    return 0 if a.key == b.key else (-1 if a.key < b.key else 1)
