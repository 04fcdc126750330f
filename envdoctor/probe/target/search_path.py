"""The folders in which the target finds distributions, as its sys.path would order them, read as text."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Literal

from envdoctor.probe.ports import View, text_of
from envdoctor.probe.target.choice import Choice
from envdoctor.probe.target.interpreter import Interpreter
from envdoctor.values import dataclass

Origin = Literal["PYTHONPATH", "user site", "site-packages", ".pth"]

_PTH_LIMIT = 1 << 16
_MOST_FOLDERS = 256  # a folder full of .pth files must not make the report endless


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One folder of the search path, and the names in it."""

    folder: str
    origin: Origin
    names: tuple[str, ...]


def search_path(
    view: View, found: Interpreter, choice: Choice, environ: Mapping[str, str], cwd: str
) -> tuple[Place, ...]:
    """PYTHONPATH, user site, site-packages, and what their .pth files add. Folders that are not there are left out."""
    wanted: list[tuple[str, Origin]] = [(posixpath.join(cwd, folder), "PYTHONPATH") for folder in python_path(environ)]
    if user := user_site(found, choice, environ):
        wanted.append((user, "user site"))
    wanted += [(folder, "site-packages") for folder in found.site]
    places: dict[str, Place] = {}
    for folder, origin in wanted:
        _add(view, folder, origin, places)
    for place in list(places.values()):
        if place.origin != "PYTHONPATH":  # .pth files are read in site folders only
            for folder in _pth_folders(view, place):
                _add(view, folder, ".pth", places)
    return tuple(places.values())


def python_path(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The entries of PYTHONPATH."""
    return tuple(folder for folder in environ.get("PYTHONPATH", "").split(":") if folder)


def user_site(found: Interpreter, choice: Choice, environ: Mapping[str, str]) -> str | None:
    """The user's own site folder, where this environment reads it: not in a virtual environment on its own."""
    isolated = choice.config is not None and choice.config.get("include-system-site-packages", "").lower() != "true"
    if isolated or environ.get("PYTHONNOUSERSITE") or not found.feature:
        return None
    home = environ.get("HOME")
    base = environ.get("PYTHONUSERBASE") or (f"{home}/.local" if home else None)
    suffix = "t" if found.fields.get("abiflags") == "t" else ""
    return f"{base}/lib/python{found.feature}{suffix}/site-packages" if base else None


def _add(view: View, folder: str, origin: Origin, places: dict[str, Place]) -> None:
    if len(places) >= _MOST_FOLDERS or not folder.startswith("/"):
        return
    try:
        names = view.names(folder)
    except OSError:
        return
    real = view.real(folder)
    if real not in places:
        places[real] = Place(folder=folder.rstrip("/"), origin=origin, names=tuple(names))


def _pth_folders(view: View, place: Place) -> list[str]:
    folders: list[str] = []
    for name in place.names:
        if not name.endswith(".pth"):
            continue
        for line in (text_of(view, f"{place.folder}/{name}", _PTH_LIMIT) or "").splitlines()[:_MOST_FOLDERS]:
            text = line.strip()
            if text and not text.startswith(("#", "import ", "import\t")):
                folders.append(text if text.startswith("/") else f"{place.folder}/{text}")
    return folders
