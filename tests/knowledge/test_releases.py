"""What releases have and say lies in a file of its own, and is read only when it is asked for."""

from __future__ import annotations

from pathlib import Path

from envdoctor.knowledge.build import compile_matrix, compile_releases, write_matrix
from envdoctor.knowledge.matrix import Matrix

SOURCE = Path(__file__).parents[2] / "matrix"


def test_the_tables_of_releases_are_read_when_one_is_asked_for() -> None:
    asked: list[str] = []

    def read() -> str:
        asked.append("read")
        return compile_releases(SOURCE)

    matrix = Matrix(compile_matrix(SOURCE), read)
    assert {"names/peft", "messages/peft", "moved-names"} <= set(matrix.tables)
    assert "names/peft" in matrix.tables
    assert matrix.tables["moved-names"]["row"]
    assert not asked
    assert matrix.tables["names/peft"]["distribution"] == "peft"
    assert matrix.tables["messages/transformers"]["messages"]
    assert asked == ["read"]


def test_a_matrix_without_them_does_not_speak_of_them() -> None:
    assert not [name for name in Matrix(compile_matrix(SOURCE)).tables if "/" in name]


def test_both_files_are_written(tmp_path: Path) -> None:
    write_matrix(source=SOURCE, target=tmp_path / "matrix.json")
    assert {path.name for path in tmp_path.iterdir()} == {"matrix.json", "releases.json"}
    assert (tmp_path / "releases.json").read_text("utf-8") == compile_releases(SOURCE)
