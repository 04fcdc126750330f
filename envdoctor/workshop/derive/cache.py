"""Readings kept between runs: one compressed JSON a wheel, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from envdoctor.workshop.derive.index import PublishedWheel
from envdoctor.workshop.derive.reading import Library, WheelReading

__all__ = ["ReadingCache", "remembered_list"]

_FORMAT = 1


class ReadingCache:
    """Keyed by the wheel's digest: the same bytes are never read twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "readings"
        self._folder.mkdir(parents=True, exist_ok=True)

    def get(self, wheel: PublishedWheel) -> tuple[WheelReading, int] | None:
        """The reading and the wheel's size in bytes; None where it has to be read (again)."""
        try:
            data: Any = json.loads(gzip.decompress(self._path(wheel).read_bytes()))
        except (OSError, EOFError, ValueError):
            return None
        if not isinstance(data, dict) or data.get("format") != _FORMAT:
            return None
        fields: dict[str, Any] = data["reading"]
        libraries = tuple(_library(library) for library in fields.pop("libraries"))
        fields["requires_dist"] = tuple(fields["requires_dist"])
        return WheelReading(**fields, libraries=libraries), int(data["size"])

    def put(self, wheel: PublishedWheel, reading: WheelReading, size: int) -> None:
        """Keeps the reading: written beside its place and renamed, so that a stop leaves no half file."""
        path = self._path(wheel)
        beside = path.with_suffix(".part")
        text = json.dumps({"format": _FORMAT, "file": wheel.filename, "size": size, "reading": asdict(reading)})
        beside.write_bytes(gzip.compress(text.encode(), 6, mtime=0))
        beside.replace(path)

    def _path(self, wheel: PublishedWheel) -> Path:
        return self._folder / f"{wheel.distribution}-{wheel.version}-{wheel.sha256[:16]}.json.gz"


def remembered_list(path: Path, day: str, make: Callable[[], Iterable[PublishedWheel]]) -> list[PublishedWheel]:
    """The list that `make` gives, asked for once a day: a run that was interrupted need not ask the index everything again."""
    try:
        data: Any = json.loads(path.read_text("utf-8"))
        if isinstance(data, dict) and data.get("day") == day:
            return [PublishedWheel(**wheel) for wheel in data["wheels"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, or half written: asked for again
    wheels = list(make())
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({"day": day, "wheels": [asdict(wheel) for wheel in wheels]}), "utf-8")
    beside.replace(path)
    return wheels


def _library(data: dict[str, Any]) -> Library:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return Library(**fields)
