from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from envdoctor.knowledge import Matrix
from envdoctor.knowledge.matrix import matrix_from
from tests.resolve.local_index import Index, Release


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """uv and pip know nothing of this machine: an own cache, no configuration, no index but the test's."""
    import os

    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv-cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def index() -> Iterator[Callable[..., Index]]:
    with ExitStack() as stack:
        yield lambda *releases, **options: stack.enter_context(Index(list(releases), **options))


@pytest.fixture
def matrix(tmp_path: Path) -> Callable[..., Matrix]:
    """A matrix of the given files: `{"tables/left-out-names.toml": "..."}`."""

    def make(files: dict[str, str] | None = None) -> Matrix:
        home = tmp_path / "matrix"
        (home / "entries").mkdir(parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return matrix_from(home)

    return make


__all__ = ["Release"]
