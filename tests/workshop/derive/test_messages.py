"""Messages of releases: read out of sources, put side by side, and known again in a log."""

from __future__ import annotations

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix
from envdoctor.knowledge.wording import digest
from envdoctor.workshop.derive.messages import messages_table, raised


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("raise ValueError('this kernel wants a wider layer')", ("ValueError", "this kernel wants a wider layer")),
        ("raise ValueError(f'the dtype {dtype} does not go with this kernel at all')", ("ValueError", "does not go with this kernel at all")),
        ("raise RuntimeError('only %s is known to the loader of weights' % name)", ("RuntimeError", "is known to the loader of weights")),
        ("raise lib.OddError('first half of it, ' + 'and the second half')", ("OddError", "first half of it, and the second half")),
        ("raise OSError('{} is not a folder of any kind'.format(path))", ("OSError", "is not a folder of any kind")),
        ("assert x, 'the number of bits has to be four'", ("AssertionError", "the number of bits has to be four")),
    ],
)  # fmt: skip
def test_the_longest_fixed_piece(source: str, found: tuple[str, str]) -> None:
    assert raised(source) == {found}


@pytest.mark.parametrize(
    "source",
    ["raise ValueError('too short')", "raise", "raise error", "assert x", "raise ValueError(x)", "raise 'old' if"],
)
def test_what_says_nothing_is_left_out(source: str) -> None:
    assert not raised(source)


def test_releases_side_by_side() -> None:
    old, new = {("ValueError", "not for this release any more")}, {("ValueError", "only for the newer release")}
    table = messages_table(
        "lib", [("1.0", {"lib.a": frozenset(old)}), ("1.1", {"lib.a": frozenset(new), "lib.tests.x": frozenset(old)})], made="2026-01-01"
    )  # fmt: skip
    newer, older = (
        digest(["only", "for", "the", "newer", "release"]),
        digest(["not", "for", "this", "release", "any", "more"]),
    )
    assert table["messages"] == {"+1.1": {"ValueError": {"5": [newer]}}, "-1.1": {"ValueError": {"6": [older]}}}


def test_a_message_that_no_entry_knows_is_given_to_its_owner() -> None:
    matrix = load_matrix()
    text = "ValueError: Cannot add weighted adapters if they target the same module with modules_to_save, but found 2 such instance(s)."
    found = diagnose(ingest(text, gpu_table=matrix.tables["gpus"]), matrix).findings
    assert [(one.id, one.verdict, one.packages) for one in found] == [("EC-shape-message", "possible", ("peft",))]


def test_where_an_entry_explains_the_error_nobody_guesses() -> None:
    matrix = load_matrix()
    text = "ValueError: Please specify `target_modules` in `peft_config`"
    found = diagnose(ingest(text, gpu_table=matrix.tables["gpus"]), matrix).findings
    assert "EC-shape-message" not in [one.id for one in found]
