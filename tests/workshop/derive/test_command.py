"""`envdoctor matrix derive`: wiring only; what it measures is tested in test_run.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import parse_wheel_filename

from envdoctor.workshop.derive import Target, run
from envdoctor.workshop.derive.index import PublishedWheel
from tests.cli.conftest import envdoctor  # noqa: F401 (a fixture)

from .served import serving, torch_wheel, wheel

TAG = "cp310-cp310-manylinux2014_x86_64"
Runner = Callable[..., Any]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One torch and one package on loopback, listed without uv."""
    with serving() as server:
        server.files[f"torch-2.3.0-{TAG}.whl"] = torch_wheel("2.3.0", "libc10-new.so", "12.1")
        extension = {"kernels.cpython-310-x86_64-linux-gnu.so": "ext-new.so"}
        server.files[f"my_kernels-0.2-{TAG}.whl"] = wheel("my-kernels", "0.2", extension)
        server.files[f"my_kernels-0.3-{TAG}.whl"] = b"not a wheel"

        def listed(distribution: str, target: Target, *, within: str = "") -> Iterator[PublishedWheel]:
            for name in server.files:
                parsed, version, _, _ = parse_wheel_filename(name)
                if parsed == distribution:
                    yield PublishedWheel(
                        distribution=parsed, version=str(version), filename=name, url=server.url(name), sha256=server.sha256(name)
                    )  # fmt: skip

        monkeypatch.setattr(run, "each_version", listed)
        yield


def test_tables_are_written_and_what_was_skipped_is_said(envdoctor: Runner, published: None, tmp_path: Path):  # noqa: F811
    (tmp_path / "matrix" / "entries").mkdir(parents=True)
    done = envdoctor("matrix", "derive", "My_Kernels", "--cache", "cache")
    assert done.status == 0
    table = json.loads((tmp_path / "matrix" / "derived" / "my-kernels.json").read_text("utf-8"))
    assert "0.2" in json.dumps(table)
    assert done.out.splitlines() == ["wrote matrix/derived/my-kernels.json", "wrote matrix/derived/torch.json"]
    assert "1/3 torch 2.3.0" in done.err  # a line for each wheel where stderr is no terminal
    assert "skipped my-kernels 0.3: " in done.err
    assert "2 tables, 2 changed" in done.err


def test_a_second_run_reads_nothing_again(envdoctor: Runner, published: None, tmp_path: Path):  # noqa: F811
    (tmp_path / "matrix" / "entries").mkdir(parents=True)
    envdoctor("matrix", "derive", "my-kernels", "--cache", "cache")
    again = envdoctor("matrix", "derive", "my-kernels", "--cache", "cache")
    assert again.out == ""
    assert "0 changed" in again.err


def test_it_needs_a_checkout(envdoctor: Runner):  # noqa: F811
    assert envdoctor("matrix", "derive").status == 2
