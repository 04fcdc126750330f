from __future__ import annotations

import os
from pathlib import Path

import pytest

from envdoctor.resolve.indexes import find_indexes
from envdoctor.resolve.problem import without_credentials


def _find(tmp_path: Path, given: list[str] | None = None, **environment: str) -> object:
    return find_indexes(
        given or [], folder=tmp_path, environment={"PIP_CONFIG_FILE": "/dev/null", **environment}, home=tmp_path
    )


def test_the_call_comes_first_and_many_are_equal(tmp_path: Path) -> None:
    one = find_indexes(
        ["https://a.example/s"], folder=tmp_path, environment={"UV_INDEX_URL": "https://b.example"}, home=tmp_path
    )
    assert one.main == ("--default-index", "https://a.example/s")
    two = find_indexes(["https://a.example/s", "https://c.example/s"], folder=tmp_path, environment={}, home=tmp_path)
    assert two.main[-2:] == ("--index-strategy", "unsafe-best-match")


def test_uvs_own_configuration_is_left_to_uv(tmp_path: Path) -> None:
    by_variable = _find(tmp_path, UV_DEFAULT_INDEX="https://a.example", PIP_INDEX_URL="https://p.example")
    assert (by_variable.main, by_variable.extra) == ((), ())
    (tmp_path / "uv.toml").write_text('[[index]]\nurl = "https://a.example"\n')
    assert _find(tmp_path, PIP_INDEX_URL="https://p.example").origin == "uv's configuration"
    (tmp_path / "uv.toml").unlink()
    (tmp_path / "pyproject.toml").write_text('[tool.uv.pip]\nindex-url = "https://a.example"\n')
    assert _find(tmp_path, PIP_INDEX_URL="https://p.example").origin == "uv's configuration"


def test_pips_is_translated(tmp_path: Path) -> None:
    found = _find(
        tmp_path, PIP_INDEX_URL="https://m.example/simple", PIP_EXTRA_INDEX_URL="https://x.example https://y.example",
        PIP_FIND_LINKS="/wheels", PIP_TRUSTED_HOST="m.example", PIP_CERT="/ca.pem",
    )  # fmt: skip
    assert found.main == ("--default-index", "https://m.example/simple", "--allow-insecure-host", "m.example")
    assert found.extra[:6] == (
        "--index",
        "https://x.example",
        "--index",
        "https://y.example",
        "--find-links",
        "/wheels",
    )


def test_pips_files_are_read_in_pips_order(tmp_path: Path) -> None:
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text(
        "[global]\nindex-url = https://user.example/s\nextra-index-url =\n    https://a.example\n    https://b.example\n"
    )
    found = find_indexes([], folder=tmp_path, environment={}, home=tmp_path)
    assert found.main[:2] == ("--default-index", "https://user.example/s")
    assert found.extra.count("--index") == 2
    later = find_indexes([], folder=tmp_path, environment={"PIP_INDEX_URL": "https://env.example"}, home=tmp_path)
    assert later.main[:2] == ("--default-index", "https://env.example")


@pytest.mark.parametrize("text", ["[global\nindex-url = x", "\xff", "index-url = y"])
def test_a_broken_pip_file_is_no_index(tmp_path: Path, text: str) -> None:
    (tmp_path / "pip.conf").write_bytes(text.encode("latin-1"))
    assert (
        find_indexes(
            [], folder=tmp_path, environment={"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}, home=tmp_path / "h"
        ).main
        == ()
    )


def test_credentials_are_cut_out_of_every_address() -> None:
    text = "Failed to fetch: https://bob:pa%40ss@m.example/simple/x/ <- http://tok@n.example/"
    assert without_credentials(text) == "Failed to fetch: https://m.example/simple/x/ <- http://n.example/"


@pytest.mark.parametrize("name", ["uv.toml", "pyproject.toml"])
def test_a_configuration_that_cannot_be_read_names_no_index(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x = " + "[" * 100_000)
    assert _find(tmp_path, PIP_INDEX_URL="https://p.example").origin != "uv's configuration"
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    assert _find(tmp_path, PIP_INDEX_URL="https://p.example").main[1] == "https://p.example"
