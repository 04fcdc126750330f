from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from envdoctor.errors import UndeterminedError
from envdoctor.knowledge.derived import DerivedTables, read_folder
from envdoctor.workshop.derive import Progress, Target, derive, progress_bar, run, write_tables
from envdoctor.workshop.derive.index import PublishedWheel, each_version, find

from .served import Server, serving, torch_wheel, wheel

TARGET = Target(pythons=("3.10", "3.11"), platform="x86_64-manylinux_2_28")
TAG = "cp310-cp310-manylinux2014_x86_64"


def fill(server: Server) -> None:
    ext = "kernels.cpython-310-x86_64-linux-gnu.so"
    server.files |= {
        f"torch-2.2.2-{TAG}.whl": torch_wheel("2.2.2", "libc10-old.so", "12.1"),
        f"torch-2.3.0-{TAG}.whl": torch_wheel("2.3.0", "libc10-new.so", "12.1"),
        f"torch-2.3.1-{TAG}.whl": torch_wheel("2.3.1", "libc10-new.so", "12.1"),
        f"torch-2.11.0-{TAG}.whl": torch_wheel("2.11.0", "libc10-new.so", "13.0"),
        f"torch-2.12.0rc1-{TAG}.whl": torch_wheel("2.12.0rc1", "libc10-new.so", "13.0"),
        f"my_kernels-0.1-{TAG}.whl": wheel("my-kernels", "0.1", {ext: "ext-old.so"}, requires=("torch>=2.0",)),
        f"my_kernels-0.2-{TAG}.whl": wheel("my-kernels", "0.2", {ext: "ext-new.so"}, requires=("torch==2.3.1",)),
        "my_kernels-0.2-py3-none-any.whl": wheel("my-kernels", "0.2", {}),
        f"my_kernels-0.3-{TAG}.whl": wheel("my-kernels", "0.3", {ext: "plain.so"}, requires=("torch==2.3.1",)),
        f"my_kernels-0.4-{TAG}.whl": wheel(
            "my-kernels", "0.4", {ext: "ext-pair.so", "libext-helper.so": "libext-helper.so"}
        ),
        "my_kernels-0.5-cp311-cp311-manylinux2014_x86_64.whl": wheel("my-kernels", "0.5", {ext: "ext-pair.so"}),
    }


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        fill(state)
        yield state


@pytest.fixture
def index(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server as the only index that uv knows."""
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{server.address}/simple")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.mktemp("uv")))
    return server


@pytest.fixture
def listed(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, with the list of its wheels made here instead of by a dozen runs of uv."""

    def wheels(distribution: str, target: Target, *, within: str = "") -> Iterator[PublishedWheel]:
        for name in server.files:
            parsed, version, _, _ = parse_wheel_filename(name)
            if parsed == distribution and not version.is_prerelease and "none-any" not in name:
                yield PublishedWheel(
                    distribution=parsed,
                    version=str(version),
                    filename=name,
                    url=server.url(name),
                    sha256=server.sha256(name),
                )

    monkeypatch.setattr(run, "each_version", wheels)
    return server


def test_versions_newest_first_compiled_before_pure(index: Server) -> None:
    found = list(each_version("my-kernels", TARGET))
    assert [wheel.version for wheel in found] == ["0.4", "0.3", "0.2", "0.1", "0.5"]
    assert found[2].filename == f"my_kernels-0.2-{TAG}.whl"
    assert found[2].sha256 == index.sha256(found[2].filename)
    assert find("my-kernels>9", python="3.10", platform=TARGET.platform) is None


def test_no_prereleases(index: Server) -> None:
    assert [wheel.version for wheel in each_version("torch", TARGET, within=">=2.3.0")] == ["2.11.0", "2.3.1", "2.3.0"]


def test_an_index_that_is_gone_is_said(index: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(UndeterminedError, match="uv failed for 'torch'"):
        find("torch", python="3.10", platform=TARGET.platform)


@pytest.mark.parametrize("ranges", [True, False])
def test_from_wheels_to_what_loads_where(listed: Server, tmp_path: Path, ranges: bool) -> None:
    listed.ranges = ranges
    steps: list[Progress] = []
    done = derive(packages=["My_Kernels"], target=TARGET, cache=tmp_path / "cache", on_progress=steps.append)
    assert done.skipped == ()
    assert done.received > 10_000
    assert list((tmp_path / "cache" / "spare").iterdir()) == []
    assert {step.total for step in steps} == {9}

    write_tables(done.tables, tmp_path / "derived")
    tables = DerivedTables(read_folder(tmp_path / "derived"))
    assert tables.distributions == ("my-kernels",)
    assert tables.measured("my-kernels") == ("2.2.2", "2.3.0", "2.3.1", "2.11.0")
    assert [row.version for row in tables.rows("my-kernels")] == ["0.1", "0.2", "0.3", "0.4", "0.5"]
    assert tables.loads_on("my-kernels", "0.1") == ("2.2.2",)
    # The symbols are there in 2.11.0, but its default build brings CUDA 13, not 12.
    row = tables.row("my-kernels", "0.2")
    assert row is not None
    assert row.torch == ("2.3.0", "2.3.1", "2.11.0")
    assert tables.loads_on("my-kernels", "0.2") == ("2.3.0", "2.3.1")
    assert row.requires_dist == ("torch==2.3.1",)
    assert row.libraries[0].gpu == {"sm_80": 1, "compute_80": 1}
    assert tables.loads_on("my-kernels", "0.3") is None
    # 0.4 brings the library that exports the missing symbol; in 0.5 it was left out.
    assert tables.loads_on("my-kernels", "0.4") == tables.measured("my-kernels")
    assert tables.loads_on("my-kernels", "0.5") == ()
    assert tables.missing_symbols("my-kernels", "0.1", "2.3.1+cu118") == ("_ZN3c104cuda9SetDeviceEi",)
    assert tables.missing_symbols("my-kernels", "0.5", "2.2.2") == ("_ZN2at6helperEv",)
    assert [(row.version, row.cuda) for row in tables.torch_rows] == [
        ("2.2.2", "12.1"),
        ("2.3.0", "12.1"),
        ("2.3.1", "12.1"),
        ("2.11.0", "13.0"),
    ]


def test_from_the_index_to_the_tables(index: Server, tmp_path: Path) -> None:
    target = Target(pythons=("3.11",), platform=TARGET.platform)
    done = derive(packages=["my-kernels"], torch=">9", target=target, cache=tmp_path / "cache")
    assert [row["file"] for row in done.tables["my-kernels"]["rows"]] == [
        "my_kernels-0.2-py3-none-any.whl",
        "my_kernels-0.5-cp311-cp311-manylinux2014_x86_64.whl",
    ]


def test_a_second_run_reads_nothing_and_changes_nothing(listed: Server, tmp_path: Path) -> None:
    first = derive(packages=["my-kernels"], target=TARGET, cache=tmp_path / "cache")
    assert len(write_tables(first.tables, tmp_path / "derived")) == 2
    second = derive(packages=["my-kernels"], target=TARGET, cache=tmp_path / "cache")
    assert second.received == 0
    assert write_tables(second.tables, tmp_path / "derived") == ()


def test_what_the_budget_does_not_reach_is_named(listed: Server, tmp_path: Path) -> None:
    # Everything but the last few wheels fits; torch 2.3.0 is neither a last patch nor an extension, so it comes last.
    full = derive(packages=["my-kernels"], target=TARGET, cache=tmp_path / "full").received
    short = derive(packages=["my-kernels"], target=TARGET, cache=tmp_path / "cache", budget=full - 1000)
    assert [(item.package, item.version) for item in short.skipped] == [("torch", "2.3.0")]
    assert list(short.tables["torch"]["not_covered"]) == ["2.3.0"]
    rest = derive(packages=["my-kernels"], target=TARGET, cache=tmp_path / "cache")
    assert rest.skipped == ()
    assert 0 < rest.received < full


def test_a_broken_wheel_is_skipped_with_the_reason(listed: Server, tmp_path: Path) -> None:
    name = f"my_kernels-0.1-{TAG}.whl"
    whole = listed.files[name]
    listed.files[name] = whole.replace(b"METADATA", b"METADATB")
    listed.files[f"my_kernels-0.2-{TAG}.whl"] = whole[:-40] + bytes(40)
    done = derive(packages=["my-kernels"], target=TARGET, cache=tmp_path / "cache")
    reasons = {item.version: item.reason for item in done.skipped}
    assert set(reasons) >= {"0.2"}
    assert "not a readable wheel" in reasons["0.2"]
    assert done.tables["my-kernels"]["not_covered"] == reasons


def test_the_bar_goes_to_stderr(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich shows bars on terminals only
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar() as show:
        show(
            Progress(
                package="torch", version="2.6.0", done=3, total=9, received=12_000_000, member="torch/lib/libc10.so"
            )
        )
    out, err = capfd.readouterr()
    assert out == ""
    assert "3/9" in err
    assert "12 MB" in err
    assert "torch 2.6.0 libc10.so" in err
