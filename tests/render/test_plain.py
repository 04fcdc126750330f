"""Printable text and its width: nothing hidden, nothing lost, no line too wide, none that ends in a space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.render.plain import cells, indented, shortened, visible, visible_lines, wrapped


def test_what_is_not_printed_is_shown_as_such():
    assert visible("a\x1b[31mb\u202ec\x9b\x7f") == "a�[31mb�c��"
    assert visible("a\tb\nc\u3000d\u00a0e") == "a b c d e"
    assert visible("\udcff") == "�"
    assert visible_lines("a\x1b\nb") == "a�\nb"


def test_cells_of_wide_and_combining_characters():
    assert (cells("abc"), cells("模型"), cells("e\u0301")) == (3, 4, 1)


@given(st.text(max_size=300), st.integers(min_value=4, max_value=90))
def test_wrapping_keeps_every_character_and_the_width(text: str, width: int):
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(visible(text).split())
    for line in lines:
        assert line == line.rstrip()
        assert (
            cells(line.rstrip("，。、；：！？）》」』”’…")) <= width
        )  # a closing mark hangs over where nothing can go down with it


@given(st.text(max_size=60), st.integers(min_value=2, max_value=40))
def test_what_is_shortened_fits(text: str, width: int):
    assert cells(shortened(text, width)) <= max(width, 1)


@pytest.mark.parametrize(
    "text", ["在引擎中加载模型时，显存不足。", "使用transformers加载AWQ模型（4位），然后重试：失败。"]
)
def test_no_line_of_chinese_begins_with_a_closing_mark_or_ends_with_an_opening_one(text: str):
    for width in range(8, 40):
        lines = wrapped(text, width)
        assert not [line for line in lines if line[0] in "，。：）" or line[-1] == "（"]
        assert max(map(cells, lines)) <= width or width < cells("transformers")


def test_the_first_line_has_its_label_and_the_others_its_margin():
    assert indented("one two three", 20, "  fix  ", "       ") == ["  fix  one two three"]
    assert indented("one two three four", 24, "  fix  ", "       ") == ["  fix  one two three", "       four"]
