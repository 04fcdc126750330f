"""Hostile text: never an exception of ours, bounded output. The long version runs with `-m fuzz`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envdoctor.errors import EnvdoctorError
from envdoctor.facts import Facts, decode, encode
from envdoctor.ingest import ingest
from envdoctor.ingest.log import MOST_LINES
from envdoctor.ingest.text import LINE_CAP
from tests.ingest.test_cases import CASES, TABLE

PIECES = sorted(
    {
        line.rstrip(b"\r")
        for path in Path(CASES).glob("*.txt")
        for line in path.read_bytes().split(b"\n")
        if line.strip()
    }
)
MARKS = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\x00",
    b"\x1b[31m",
    b"\xff",
    b"\xe6",
    b": ",
    b"==",
    b" | ",
    b"{",
    b"[",
    b'"',
    b"(",
    b"x" * 300,
    b"\\\n",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(MARKS), st.binary(max_size=24)), max_size=60).map(
    b"".join
)
SCRAMBLED = st.lists(st.tuples(st.sampled_from(PIECES), st.integers(0, 80), st.sampled_from(MARKS)), max_size=40).map(
    lambda rows: b"".join(piece[:cut] + mark for piece, cut, mark in rows)
)


def check(data: bytes) -> None:
    try:
        facts = ingest(data, gpu_table=TABLE)
    except EnvdoctorError:
        return
    assert len(facts.log) <= MOST_LINES
    assert all(len(line.text) <= LINE_CAP + 8 for line in facts.log)
    assert decode(Facts, encode(facts)) == facts


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(TEXTS, SCRAMBLED))
def test_any_mixture_is_read(data: bytes) -> None:
    check(data)


@pytest.mark.fuzz
def test_any_mixture_is_read_for_ten_minutes() -> None:
    end = time.monotonic() + 600

    @settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(TEXTS, SCRAMBLED, st.binary(max_size=4096)))
    def run(data: bytes) -> None:
        started = time.process_time()  # a busy machine is no fault of the parser
        check(data)
        assert time.process_time() - started < 1 + len(data) / (1 << 20)

    while time.monotonic() < end:
        run()


REPEATED = [
    b"GPU 0: ", b"/site-packages/", b"a 1.0 requires ", b"A100 ", b"RTX 4090 ", b"torch 2.4.0 ", b"OS: (", b"vllm serve --a ",
    b"LLM(a=", b"torch version (", "显卡:4090,".encode(), b"{\"a\": ", b"[[", b"CUDA_X=1 ", b"requires x, but you have y 1",
    b"| 0 a  ", b"Successfully installed a-1 ", b" ", b"\t", b"1.", b"-",
]  # fmt: skip


@pytest.mark.fuzz
@pytest.mark.parametrize("piece", REPEATED)
def test_no_repetition_takes_longer_than_a_second_a_megabyte(piece: bytes) -> None:
    line = (piece * (LINE_CAP // len(piece) + 1))[:LINE_CAP]
    text = (line + b"\n") * (1 << 19 >> 11)
    started = time.process_time()
    ingest(text, gpu_table=TABLE)
    assert time.process_time() - started < 1.0 * len(text) / (1 << 20) + 0.2


@pytest.mark.parametrize("piece", REPEATED)
def test_no_repetition_is_refused(piece: bytes) -> None:
    check((piece * 40 + b"\n") * 20)
