"""What is installed in the target: the metadata folders of its search path, read as text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from envdoctor.errors import system_says
from envdoctor.facts import Distribution, UnreadableMetadata
from envdoctor.patterns import lazy
from envdoctor.probe.environment import without_user_info
from envdoctor.probe.ports import View, printable
from envdoctor.probe.target.search_path import Place
from envdoctor.text import Text
from envdoctor.values import dataclass

_FIRST_BYTES = 1 << 14  # the headers of almost every distribution; the description that follows is not read
_MOST_BYTES = 1 << 20
_HEADER = re.compile(rb"^(name|version|requires-dist)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(rb"\r?\n\r?\n")
_SEPARATORS = lazy(r"[-_.]+")
_NAME = lazy(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$")
_VERSION = lazy(r"[A-Za-z0-9][A-Za-z0-9._+!-]*$")


def normalized(name: str) -> str:
    """The name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name).lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """A distribution with its requirements, as METADATA states them, and where it was found."""

    distribution: Distribution
    requires: tuple[str, ...]
    place: Place


class _UnreadableError(Exception):
    """Why one metadata folder says nothing. `there`: its METADATA exists, so its files most likely do too."""

    def __init__(self, reason: Text, *, there: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.there = there


def installed(view: View, places: Iterable[Place]) -> tuple[list[Installed], list[UnreadableMetadata]]:
    """Every distribution, by name; the one that an import would find is first, others are its duplicates."""
    found: dict[str, list[Installed]] = {}
    unreadable: list[UnreadableMetadata] = []
    for place in places:
        for name in place.names:
            if not name.endswith((".dist-info", ".egg-info", ".egg-link")):
                continue
            path = f"{place.folder}/{name}"
            item: Installed | None
            try:
                item = _read(view, place, name)
            except _UnreadableError as error:
                unreadable.append(UnreadableMetadata(path=printable(path), reason=error.reason))
                item = _from_name(place, name) if error.there else None
            if item is not None:
                found.setdefault(item.distribution.name, []).append(item)
    return [_merge(items) for _, items in sorted(found.items())], unreadable


def _read(view: View, place: Place, name: str) -> Installed:
    path = f"{place.folder}/{name}"
    if name.startswith("~"):
        raise _UnreadableError(
            Text(en="left behind by an install or uninstall that was interrupted", zh="安装或卸载中断后的残留")
        )
    if name.endswith(".egg-link"):
        return _egg_link(view, place, name)
    try:
        headers = _headers(view, path)
    except FileNotFoundError:
        raise _UnreadableError(
            Text(
                en="METADATA is missing: an install or uninstall was interrupted",
                zh="缺少 METADATA：安装或卸载曾被中断",
            )
        ) from None
    except OSError as error:
        raise _UnreadableError(
            Text(en=f"METADATA cannot be read: {system_says(error)}", zh=f"METADATA 无法读取：{system_says(error).zh}"),
            there=True,
        ) from None
    return _parsed(view, place, path, headers)


def _parsed(view: View, place: Place, path: str, headers: bytes) -> Installed:
    fields: dict[bytes, str] = {}
    requires: list[str] = []
    for key, value in _HEADER.findall(headers):
        text = value.decode("utf-8", "replace").strip()
        if key.lower() == b"requires-dist":
            requires.append(text)
        else:
            fields.setdefault(key.lower(), text)
    for key in (b"name", b"version"):
        if not (_NAME if key == b"name" else _VERSION).match(fields.get(key, "")):
            word = key.decode().capitalize()
            problem = (
                Text(en=f"holds {word}: {fields[key]!r:.60}", zh=f"中的 {word} 为 {fields[key]!r:.60}")
                if key in fields
                else Text(en=f"has no {word}", zh=f"没有 {word}")
            )
            raise _UnreadableError(Text(en=f"METADATA {problem}", zh=f"METADATA {problem.zh}"), there=True)
    installer, url, editable = _record(view, path) if path.endswith(".dist-info") else (None, None, False)
    distribution = Distribution(
        name=normalized(fields[b"name"]), version=fields[b"version"], source=printable(path),
        installer=installer, direct_url=url, editable=editable,
    )  # fmt: skip
    return Installed(distribution=distribution, requires=tuple(requires), place=place)


def _headers(view: View, path: str) -> bytes:
    file = f"{path}/METADATA"
    if path.endswith(".egg-info"):
        file = f"{path}/PKG-INFO" if view.kind(path) == "folder" else path
    data = view.read(file, _FIRST_BYTES)
    end = _BLANK.search(data)
    if end is None and len(data) == _FIRST_BYTES:
        data = view.read(file, _MOST_BYTES)
        end = _BLANK.search(data)
    return data[: end.start()] if end else data


def _record(view: View, path: str) -> tuple[str | None, str | None, bool]:
    """The installer, the direct URL without credentials, and whether it is an editable install."""
    installer = url = None
    editable = False
    try:
        installer = view.read(f"{path}/INSTALLER", 256).decode("utf-8", "replace").strip()[:40] or None
    except OSError:
        installer = None
    try:
        data = view.read(f"{path}/direct_url.json", 1 << 16)
    except OSError:
        return installer, None, False
    import json

    try:
        origin = json.loads(data)
        url = without_user_info(str(origin["url"]))[:500]
        editable = origin.get("dir_info", {}).get("editable") is True
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return installer, url, editable
    return installer, url, editable


def _egg_link(view: View, place: Place, name: str) -> Installed:
    """`setup.py develop`: the link names a source folder that holds the egg-info."""
    path = f"{place.folder}/{name}"
    try:
        target = view.read(path, 1 << 12).decode("utf-8", "replace").splitlines()[0].strip()
        eggs = [egg for egg in view.names(target) if egg.endswith(".egg-info")]
        found = _parsed(view, place, f"{target}/{eggs[0]}", _headers(view, f"{target}/{eggs[0]}"))
    except (OSError, IndexError):
        raise _UnreadableError(
            Text(en="the source folder that it links to is gone", zh="它指向的源码目录已不存在")
        ) from None
    return replace(found, distribution=replace(found.distribution, editable=True))


def _from_name(place: Place, name: str) -> Installed | None:
    """Name and version out of the folder's name, where its METADATA is there and says nothing: the files are there."""
    stem, version = name.rpartition(".")[0], ""
    stem, _, version = stem.partition("-")
    if not (_NAME.match(stem) and _VERSION.match(version)):
        return None
    distribution = Distribution(name=normalized(stem), version=version, source=printable(f"{place.folder}/{name}"))
    return Installed(distribution=distribution, requires=(), place=place)


def _merge(items: list[Installed]) -> Installed:
    """The one that counts, with the other versions as its duplicates."""
    if len(items) == 1:
        return items[0]
    first, *rest = _in_order(items)
    # An editable install shows twice in one version (its link and its source): no duplicate.
    others = tuple(
        dict.fromkeys(item.distribution.version for item in rest if item.place.folder != first.place.folder
                      or item.distribution.version != first.distribution.version)
    )  # fmt: skip
    if all(version == first.distribution.version for version in others):
        others = ()
    return replace(first, distribution=replace(first.distribution, duplicates=others))


def _in_order(items: list[Installed]) -> list[Installed]:
    """Those in the folder that comes first on the search path before others; within one folder the newest first."""
    folder = items[0].place.folder
    here = [item for item in items if item.place.folder == folder]
    if len(here) > 1:
        here.sort(key=_version_key, reverse=True)
    return here + [item for item in items if item.place.folder != folder]


def _version_key(item: Installed) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", item.distribution.version.partition("+")[0])[:8])
