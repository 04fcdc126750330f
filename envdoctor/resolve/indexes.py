"""Which indexes uv is told of: the call's, else uv's own configuration, else pip's, translated.

uv reads neither PIP_INDEX_URL nor pip.conf (https://docs.astral.sh/uv/pip/compatibility/). Credentials stay in the
arguments and the environment of the child; nothing here is ever written to a lock.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from envdoctor.files import read_regular
from envdoctor.text import Text
from envdoctor.values import dataclass

_UV_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
_UV_KEYS = ("index", "index-url", "extra-index-url", "find-links", "no-index")
UV_DEFAULT = Text(en="uv's default", zh="uv 默认索引")
UV_CONFIGURED = Text(en="uv's configuration", zh=" uv 配置")
_CAP = 1 << 20  # bytes of one configuration file


@dataclass(frozen=True, kw_only=True, slots=True)
class Indexes:
    """Arguments for uv. `extra` are sources that are asked only where `main` alone has no answer."""

    main: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    origin: Text = UV_DEFAULT


def find_indexes(
    given: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None, home: Path | None = None
) -> Indexes:
    """What the call names (`--index-url`, first one first); else what uv is set up with; else what pip is."""
    environment = os.environ if environment is None else environment
    home = _home() if home is None else home
    if given:
        return Indexes(main=_ordered(given), origin=Text(en="--index-url", zh=" --index-url "))
    if any(environment.get(name) for name in _UV_VARIABLES) or any(
        _names_index(path) for path in _uv_files(folder, environment, home)
    ):
        return Indexes(origin=UV_CONFIGURED)
    return _from_pip(_pip_settings(environment, home))


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a container run under a bare number has none
        return Path("/nonexistent")


def _ordered(urls: Sequence[str]) -> tuple[str, ...]:
    """pip's reading of many indexes: all are equal, the newest version wins."""
    found = ["--default-index", urls[0]]
    for url in urls[1:]:
        found += ["--index", url]
    return (*found, "--index-strategy", "unsafe-best-match") if len(urls) > 1 else tuple(found)


def _from_pip(settings: Mapping[str, str]) -> Indexes:
    main: list[str] = []
    if url := settings.get("index-url", "").strip():
        main += ["--default-index", url]
    if settings.get("no-index", "").strip().lower() in ("1", "true", "yes", "on"):
        main.append("--no-index")
    for host in settings.get("trusted-host", "").split():
        main += ["--allow-insecure-host", host]
    extra: list[str] = []
    for url in settings.get("extra-index-url", "").split():
        extra += ["--index", url]
    for place in settings.get("find-links", "").split():
        extra += ["--find-links", place]
    if extra:
        extra += ["--index-strategy", "unsafe-best-match"]
    if "--no-index" in main:
        main, extra = [*main, *extra], []
    certificate = settings.get("cert", "").strip()
    return Indexes(
        main=tuple(main),
        extra=tuple(extra),
        environment={"SSL_CERT_FILE": certificate} if certificate and "SSL_CERT_FILE" not in os.environ else {},
        origin=Text(en="pip's configuration", zh=" pip 配置") if main or extra else UV_DEFAULT,
    )


def _pip_settings(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """pip's own order: global files, the user's, the environment's, then PIP_ variables; later ones win."""
    found: dict[str, str] = {}
    for path in _pip_files(environment, home):
        found.update(_read_ini(path))
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            found[name[4:].lower().replace("_", "-")] = value
    return found


def _pip_files(environment: Mapping[str, str], home: Path) -> list[Path]:
    chosen = environment.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    folders = environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    found = [Path(folder) / "pip" / "pip.conf" for folder in reversed(folders) if folder]
    found += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    if environment.get("VIRTUAL_ENV"):
        found.append(Path(environment["VIRTUAL_ENV"]) / "pip.conf")
    return [*found, Path(chosen)] if chosen else found


def _read_ini(path: Path) -> dict[str, str]:
    try:
        parser = configparser.RawConfigParser()
        parser.read_string(read_regular(path, _CAP).decode())
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}  # pip would say so itself; a lock does not fail for a file that names no index
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found.update({k.lower().replace("_", "-"): v for k, v in parser.items(section)})
    return found


def _uv_files(folder: Path, environment: Mapping[str, str], home: Path) -> list[Path]:
    found = []
    for place in (folder, *folder.parents):
        found += [place / "uv.toml", place / "pyproject.toml"]
        if (place / "uv.toml").is_file() or (place / "pyproject.toml").is_file():
            break
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    found += [user / "uv" / "uv.toml"]
    found += [Path(d) / "uv" / "uv.toml" for d in environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if d]
    found.append(Path("/etc/uv/uv.toml"))
    if environment.get("UV_CONFIG_FILE"):
        found.insert(0, Path(environment["UV_CONFIG_FILE"]))
    return found


def _names_index(path: Path) -> bool:
    from envdoctor.toml import tomllib

    try:
        data: Any = tomllib.loads(read_regular(path, _CAP).decode())
    except (OSError, ValueError, RecursionError):
        return False
    if path.name == "pyproject.toml":
        tool = data.get("tool", {})
        data = tool.get("uv", {}) if isinstance(tool, Mapping) else {}
    if not isinstance(data, Mapping):
        return False
    pip = data.get("pip", {})
    return any(key in data for key in _UV_KEYS) or (isinstance(pip, Mapping) and any(key in pip for key in _UV_KEYS))
