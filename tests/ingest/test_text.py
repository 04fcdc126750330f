from __future__ import annotations

import pytest

from envdoctor.ingest.text import HEAD_LINES, LINE_CAP, TAIL_LINES, clean, decode, plain, read_lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_what_shells_write_is_decoded(encoding: str) -> None:
    text = "操作系统:Ubuntu 22.04\r\n显卡驱动:535.183.01,报错信息如下:无法加载模型\r\n"
    if encoding == "utf-16-le":
        text = "OS: Ubuntu 22.04\r\nNvidia driver version: 535.183.01\r\n"
    assert decode(text.encode(encoding)) == text


def test_a_cut_off_utf_8_text_is_not_taken_for_another_encoding() -> None:
    assert decode("显卡:4090,驱动".encode()[:-1]).startswith("显卡:4090")


def test_invalid_bytes_never_raise() -> None:
    assert "Error" in decode(b"\xff\x00\xfe Error \x80\x81")


def test_colours_overwritten_progress_and_controls_are_gone() -> None:
    assert clean("\x1b[31mERROR\x1b[0m it\x00 failed\x07  ") == "ERROR it failed"
    assert clean("[1;36m(EngineCore_0)[0m ERROR") == "(EngineCore_0) ERROR"
    assert clean(" 10%|#   |\r 100%|####|\r\n") == " 100%|####|"
    assert clean("\x1b]0;title\x07$ ls") == "$ ls"
    assert clean("[rank0]: x[0] and [128]m") == "[rank0]: x[0] and [128]m"


def test_the_marks_around_a_line_are_gone() -> None:
    assert plain("> - **PyTorch** `version`:2.4.0") == "PyTorch version:2.4.0"
    assert plain("3、显卡:A100 × 2") == "3, 显卡:A100 x 2"
    assert plain("[pip3] torch==2.4.0") == "[pip3] torch==2.4.0"


def test_a_line_is_capped_before_anything_reads_it() -> None:
    (line,) = read_lines("x" * 1_000_000)
    assert len(line.text) == LINE_CAP


def test_of_very_many_lines_head_tail_and_errors_are_kept_with_their_numbers() -> None:
    total = HEAD_LINES + TAIL_LINES + 10_000
    rows = [f"row {n}" for n in range(1, total + 1)]
    rows[HEAD_LINES + 5_000] = "ValueError: in the middle"
    lines = read_lines("\n".join(rows))
    numbers = [line.number for line in lines]
    assert numbers[0] == 1
    assert numbers[-1] == total
    assert len(lines) == HEAD_LINES + TAIL_LINES + 1
    assert lines[HEAD_LINES].text == "ValueError: in the middle"
    assert lines[HEAD_LINES].number == HEAD_LINES + 5_001
