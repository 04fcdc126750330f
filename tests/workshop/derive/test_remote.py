from __future__ import annotations

import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from envdoctor.errors import EnvdoctorError, UndeterminedError
from envdoctor.workshop.derive.remote import BudgetSpentError, Fetcher

from .served import Server, serving

BIG = random.Random(7).randbytes(3_000_000)
NAME = "big-1.0-py3-none-any.whl"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        state.files[NAME] = BIG
        yield state


def test_reads_only_what_is_asked_for_where_ranges_work(server: Server, tmp_path: Path) -> None:
    with Fetcher(pause_s=0) as fetcher:
        stream, size, ranged = fetcher.open(server.url(NAME), sha256=server.sha256(NAME), spare=tmp_path / "w")
        with stream:
            assert (size, ranged) == (len(BIG), True)
            stream.seek(-30, 2)
            assert stream.read(30) == BIG[-30:]
            stream.seek(1_000_000)
            assert stream.read(1000) == BIG[1_000_000:1_001_000]
        assert fetcher.received < 600_000
        assert not (tmp_path / "w").exists()


def test_any_walk_through_ranges_gives_the_same_bytes_as_the_file(server: Server, tmp_path: Path) -> None:
    dice = random.Random(11)
    with Fetcher(pause_s=0) as fetcher:
        stream, _, _ = fetcher.open(server.url(NAME), sha256=server.sha256(NAME), spare=tmp_path / "w")
        with stream:
            for _ in range(60):
                at, count = dice.randrange(len(BIG)), dice.choice([1, 30, 5_000, 200_000])
                stream.seek(at)
                assert stream.read(count) == BIG[at : at + count]
            stream.seek(len(BIG))
            assert stream.read(10) == b""


def test_reading_on_takes_few_requests(server: Server, tmp_path: Path) -> None:
    with Fetcher(pause_s=0) as fetcher:
        stream, _, _ = fetcher.open(server.url(NAME), sha256=server.sha256(NAME), spare=tmp_path / "w")
        with stream:
            assert stream.read() == BIG
    assert len(server.asked) <= 8


def test_whole_file_where_ranges_do_not_work_and_its_digest_is_checked(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    with Fetcher(pause_s=0) as fetcher:
        stream, size, ranged = fetcher.open(server.url(NAME), sha256=server.sha256(NAME), spare=tmp_path / "w")
        with stream:
            assert (stream.read(), size, ranged) == (BIG, len(BIG), False)
        with pytest.raises(UndeterminedError, match="could not be fetched"):
            fetcher.open(server.url(NAME), sha256="0" * 64, spare=tmp_path / "w")


@pytest.mark.parametrize("ranges", [True, False])
def test_goes_on_after_a_busy_server_and_a_cut_connection(server: Server, tmp_path: Path, ranges: bool) -> None:
    server.ranges, server.failures, server.cut = ranges, 2, 2
    with Fetcher(pause_s=0) as fetcher:
        stream, _, _ = fetcher.open(server.url(NAME), sha256=server.sha256(NAME), spare=tmp_path / "w")
        with stream:
            assert stream.read() == BIG


def test_a_file_that_is_gone_is_said_at_once(server: Server, tmp_path: Path) -> None:
    with Fetcher(pause_s=60) as fetcher, pytest.raises(UndeterminedError, match=r"^gone\.whl could not be fetched"):
        fetcher.open(server.url("gone.whl"), sha256="", spare=tmp_path / "w")


def test_budget_stops_the_reading(server: Server, tmp_path: Path) -> None:
    with Fetcher(pause_s=0, budget=1_000_000) as fetcher:
        stream, _, _ = fetcher.open(server.url(NAME), sha256=server.sha256(NAME), spare=tmp_path / "w")
        with stream, pytest.raises(BudgetSpentError, match="1000000 bytes"):
            stream.read()


def test_other_kinds_of_address_are_refused(tmp_path: Path) -> None:
    with Fetcher() as fetcher, pytest.raises(EnvdoctorError, match="'ftp' addresses"):
        fetcher.open("ftp://127.0.0.1/x.whl", sha256="", spare=tmp_path / "w")


def test_a_wheel_on_disk_is_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a b.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with Fetcher() as fetcher:
        stream, size, ranged = fetcher.open(path.as_uri(), sha256="", spare=tmp_path / "w")
        with stream, zipfile.ZipFile(stream) as archive:
            assert (archive.read("x"), size, ranged, fetcher.received) == (b"y", path.stat().st_size, False, 0)
