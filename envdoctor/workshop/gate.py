"""Runs the cases of a whole matrix folder."""

from __future__ import annotations

from pathlib import Path

from envdoctor.knowledge import Matrix, matrix_from
from envdoctor.knowledge.build import entry_files, read_toml
from envdoctor.workshop.cases import CaseResult, run_cases


def test_matrix(source: Path, only: str | None = None) -> tuple[CaseResult, ...]:
    """Every case of every entry (or of one), each run against the whole matrix."""
    matrix: Matrix = matrix_from(source)
    results: list[CaseResult] = []
    for path in entry_files(source):
        data = read_toml(path)
        if only is None or data.get("id", "").upper() == only.upper():
            results.extend(run_cases(data["id"], data.get("case", ()), matrix))
    return tuple(results)
