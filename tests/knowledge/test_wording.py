"""Messages known again by digests of their words."""

from __future__ import annotations

import pytest

from envdoctor.knowledge.wording import digest, runs_of, words_of


def test_the_passage_is_found_whatever_stands_around_it() -> None:
    known = digest(words_of("The dtype is not supported by this kernel"))
    found = runs_of("ValueError: the DTYPE is not  supported by this kernel (torch.int3)!", 8)
    assert found[known] == "the DTYPE is not  supported by this kernel"


@pytest.mark.parametrize("text", ["", "two words", "is not supported by that kernel, is it"])
def test_other_words_are_no_match(text: str) -> None:
    assert digest(words_of("is not supported by this kernel")) not in runs_of(text, 6)


def test_a_very_long_message_costs_no_more_than_its_start() -> None:
    assert len(runs_of("word " * 100_000, 3)) == 1
    assert len(runs_of(" ".join(map(str, range(100_000))), 3)) == 118
