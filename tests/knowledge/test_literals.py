"""A literal's probe never hides a line that holds the literal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.diagnose.signatures import find_signatures
from envdoctor.facts.workload import LogLine
from envdoctor.knowledge import load_matrix
from envdoctor.knowledge.literals import probe, vocabulary

_TEXT = st.text(alphabet="abc xyz_09:\n.错'", max_size=60)


@given(before=_TEXT, literal=_TEXT.filter(lambda text: "\n" not in text), after=_TEXT)
def test_what_contains_a_literal_contains_its_probe(before: str, literal: str, after: str) -> None:
    assert probe(literal) in vocabulary(before + literal + after)


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("nccl", "nccl"),
        (": undefined symbol", "\nundefined\n"),
        ("cublas_status_invalid_value when", "\ninvalid\n"),
        ("out of memory", "\nmemory"),
        ("outofmemoryerror: x", "outofmemoryerror\n"),
        ("无意义", ""),
        ("", ""),
    ],
)
def test_the_longest_word_is_marked_where_it_begins_and_ends(literal: str, expected: str) -> None:
    assert probe(literal) == expected


def test_every_literal_of_the_matrix_is_found_in_a_line_that_holds_it() -> None:
    matrix = load_matrix()
    for literal, _number, _which, mark in matrix.literals():
        assert mark == probe(literal)
        assert mark in vocabulary(f"xx{literal}yy\nother")


def test_hits_know_their_lines_in_a_long_log() -> None:
    text = "RuntimeError: CUDA out of memory"
    lines = [
        LogLine(number=n, text=text if n in (7, 8, 90) else f"line {n} of a log", source="log") for n in range(1, 100)
    ]
    hits = [hit for found in find_signatures(load_matrix(), lines).values() for hit in found]
    assert {hit.line.number for hit in hits} == {7, 8, 90}
