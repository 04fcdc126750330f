"""Tickets from end to end: complete, deterministic, closed when in doubt, written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import time
import tracemalloc
import zipfile
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envdoctor.errors import EnvdoctorError, UndeterminedError, UsageError
from envdoctor.facts import Facts, decode
from envdoctor.ticket import LeakError, build_ticket, preview, read_ticket, write_ticket
from envdoctor.ticket.archive import packed
from envdoctor.ticket.excerpt import excerpt
from envdoctor.ticket.redact import Literal
from envdoctor.ticket.sensitivity import Sensitivity, sensitivity_of
from tests.ticket import planted, sample


def ticket(**options: Any) -> Any:
    return build_ticket(sample.report(), other=sample.report("zh"), literals=planted.LITERALS, **options)


def whole(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return "\n".join(name + "\n" + archive.read(name).decode() for name in archive.namelist())


def test_members_and_manifest(tmp_path: Path) -> None:
    log = tmp_path / "wangxiaoming.log"
    log.write_text("start\nRuntimeError: at /data/users/wangxiaoming/x\n")
    path = write_ticket(ticket(logs=[log], lock="torch==2.7.0 --hash=sha256:" + "ab" * 32 + "\n"), tmp_path / "t.zip")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("MANIFEST.json"))
        for entry in manifest["files"]:
            data = archive.read(entry["name"])
            assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert names == [
        "MANIFEST.json",
        "report.json",
        "report.md",
        "report.html",
        "requirements.txt",
        "smoke.json",
        "proposed-requirements.txt",
        "logs/log-1.txt",
    ]
    assert [entry["name"] for entry in manifest["files"]] == names[1:]
    assert manifest["withheld"] == []
    assert manifest["redactions"]["literal"] > 5
    assert manifest["tool"]["name"] == "envdoctor"
    assert manifest["matrix"]["entries"] == 300


def test_nothing_of_the_machine_is_in_the_archive(tmp_path: Path) -> None:
    text = whole(write_ticket(ticket(), tmp_path / "t.zip"))
    for secret in (
        "wangxiaoming",
        "gpu-rig-07",
        "10.23.45.67",
        "aurora-labs",
        "hunter2",
        "short-" + "but",
        "another-" + "secret",
        "d84b73b6",
        "private-sdk.git",
    ):
        assert secret not in text, secret
    for kept in (
        "2.4.0+cu121",
        "10.3.5.147",
        "Qwen/Qwen2.5-7B-Instruct-AWQ",
        "NVIDIA GeForce RTX 5090",
        "no kernel image is available",
        "535.183.01",
    ):
        assert kept in text, kept


def test_planted_corpus_does_not_leave_in_a_log_or_in_any_text_field(tmp_path: Path) -> None:
    corpus = [item for item in planted.corpus() if item.place != "long line"]
    logs = []
    for i in range(0, len(corpus), 40):
        path = tmp_path / f"{i}.log"
        path.write_text("\n\n".join(item.text for item in corpus[i : i + 40]), encoding="utf-8")
        logs.append(path)
    report = sample.report()
    report["facts"]["log"] = [{"number": i, "text": item.text, "source": "run.log"} for i, item in enumerate(corpus)]
    report["facts"]["environment"] += [
        {"name": "PYTORCH_CUDA_ALLOC_CONF", "value": item.text, "source": "environment"} for item in corpus[::5]
    ]
    report["unknown"] += [{"fact": "driver.version", "reason": item.text} for item in corpus[::3]]
    report["smoke"]["results"][0]["stderr_tail"] = "\n".join(item.text for item in corpus[::7])
    report["findings"][0]["because"] += [
        {"fact": "log", "value": item.text, "source": item.text} for item in corpus[::4]
    ]
    made = build_ticket(report, logs=logs, literals=planted.LITERALS)
    text = whole(write_ticket(made, tmp_path / "t.zip"))
    assert [(item.kind, item.place) for item in corpus if item.leaks(text, step=11)] == []


def test_same_facts_same_bytes(tmp_path: Path) -> None:
    assert packed(ticket()) == packed(ticket())


def test_read_back_gives_the_same_findings_and_facts(tmp_path: Path) -> None:
    report = sample.report()
    back = read_ticket(write_ticket(ticket(), tmp_path / "t.zip"))
    assert [(f["id"], f["verdict"], f["severity"]) for f in back["findings"]] == [
        (f["id"], f["verdict"], f["severity"]) for f in report["findings"]
    ]
    facts = decode(Facts, back["facts"])
    assert [(d.name, d.version) for d in facts.distributions.installed] == [
        (d["name"], d["version"]) for d in report["facts"]["distributions"]["installed"]
    ]
    again = build_ticket(back, literals=planted.LITERALS)
    assert json.loads(again.text_of("report.json"))["facts"] == {
        **back["facts"],
        "gpus": json.loads(again.text_of("report.json"))["facts"]["gpus"],
    }


def test_one_name_for_one_secret_in_all_files(tmp_path: Path) -> None:
    made = ticket()
    report = json.loads(made.text_of("report.json"))
    assert report["facts"]["target"]["executable"]["value"] == "<home-1>/venv/bin/python"
    assert "<home-1>/venv/bin/python" in made.text_of("smoke.json")
    assert "<home-1>/hf" in made.text_of("report.md").replace("&lt;", "<")


def test_what_no_row_names_does_not_leave(tmp_path: Path) -> None:
    report = sample.report()
    report["facts"]["host"]["neighbours"] = {"value": "printer in room 5", "source": "x"}
    report["facts"]["novel"] = [{"thing": "room 6"}]
    report["notes"] = "room 7"
    made = build_ticket(report, literals=planted.LITERALS)
    assert "room" not in "".join(member.text for member in made.members)
    assert {item.field for item in made.omissions} == {"facts.host.neighbours", "facts.novel[].thing", "notes"}


def leaves(kind: Any, path: str) -> list[str]:
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ == "Known":
            return []
        hints = get_type_hints(kind)
        return [leaf for field in fields(kind) for leaf in leaves(hints[field.name], f"{path}.{field.name}")]
    origin, args = getattr(kind, "__origin__", None), get_args(kind)
    if origin is tuple:
        return leaves(args[0], f"{path}[]")
    if origin is not None and getattr(origin, "__name__", "") == "Known":
        return leaves(args[0], path)
    if args:
        return [
            leaf
            for arg in args
            if getattr(arg, "__name__", "") not in {"Unknown", "NoneType"}
            for leaf in leaves(arg, path)
        ]
    return [path]


def test_every_fact_has_a_sensitivity() -> None:
    found = sorted(set(leaves(Facts, "facts")))
    assert len(found) > 80
    assert [
        path for path in found if not path.startswith("facts.smoke") and sensitivity_of(path) is Sensitivity.DENIED
    ] == []


def test_pages_that_the_matrix_cites_stay(tmp_path: Path) -> None:
    report = sample.report()
    page = "https://forum.vendor.example/t/no-kernel-image/123"
    report["findings"][0]["url"] = report["findings"][0]["evidence"][0]["url"] = page
    report["facts"]["log"].append({"number": 14, "text": "see https://git.vendor.example/x/y", "source": "x"})
    text = whole(write_ticket(build_ticket(report, literals=planted.LITERALS), tmp_path / "t.zip"))
    assert text.count(page) >= 4
    assert "git.vendor.example" not in text


def test_leak_in_a_public_field_closes_the_ticket(tmp_path: Path) -> None:
    report = sample.report()
    report["facts"]["distributions"]["installed"][4]["version"] = "1.0+wangxiaoming"
    out = tmp_path / "t.zip"
    with pytest.raises(LeakError) as caught:
        write_ticket(build_ticket(report, literals=planted.LITERALS), out)
    assert caught.value.field == "distributions.installed[4].version"
    assert "wangxiaoming" not in str(caught.value) + str(caught.value.advice)
    assert list(tmp_path.iterdir()) == []
    made = build_ticket(report, literals=planted.LITERALS, withhold=[caught.value.field])
    text = whole(write_ticket(made, out))
    assert "wangxiaoming" not in text
    assert '"field": "facts.distributions.installed[4].version"' in text
    decode(Facts, read_ticket(out)["facts"])


@pytest.mark.parametrize(
    "field",
    [
        "environment",
        "log",
        "target.executable",
        "gpus",
        "distributions.installed",
        "checkpoint",
        "findings",
        "logs",
        "report.html",
        "host.cpu",
        "distributions.installed[1].version",
        "driver.version",
    ],
)
def test_withheld_fields_are_gone_and_the_rest_can_be_read(tmp_path: Path, field: str) -> None:
    log = tmp_path / "x.log"
    log.write_text("hello\n")
    made = ticket(withhold=[field], logs=[log])
    assert any(field in item.field or item.field.startswith(field) for item in made.omissions)
    path = write_ticket(made, tmp_path / "t.zip")
    decode(Facts, read_ticket(path)["facts"])
    assert field in (tmp_path / "t.zip").name or field in made.text_of("MANIFEST.json")


def test_withheld_field_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="names no field"):
        ticket(withhold=["enviroment"])


def test_preview_shows_everything_but_the_page() -> None:
    text = preview(ticket(withhold=["environment"]))
    assert "facts.environment: the user withheld it" in text
    assert "===== report.json =====" in text
    assert "<!DOCTYPE" not in text
    assert "wangxiaoming" not in text


def test_existing_file_stays_without_force(tmp_path: Path) -> None:
    out = tmp_path / "t.zip"
    out.write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists already"):
        write_ticket(ticket(), out)
    assert out.read_bytes() == b"mine"
    write_ticket(ticket(), out, force=True)
    assert read_ticket(out)["schema_version"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["t.zip"]


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        write_ticket(ticket(), tmp_path / "no" / "t.zip")
    with pytest.raises(UsageError, match="is a folder"):
        write_ticket(ticket(), tmp_path)


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UndeterminedError, match="No space left on device") as caught:
        write_ticket(ticket(), tmp_path / "t.zip")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        ticket(logs=[tmp_path / "none.log"])


def test_large_log_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    line = "INFO 11-21 02:10:11 engine.py:31] step {} for wangxiaoming took 12 ms, throughput 31.2 tokens/s\n"
    with path.open("w") as stream:
        for block in range(110):
            stream.write("".join(line.format(block * 1000 + i) for i in range(1000)))
            if block % 25 == 7:
                stream.write(
                    "RuntimeError: CUDA error: an illegal memory access was encountered\n" + "x" * 3_000_000 + "\n"
                )
    assert path.stat().st_size > 15_000_000
    tracemalloc.start()
    made = ticket(logs=[path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24_000_000
    text = made.text_of("logs/log-1.txt")
    assert "illegal memory access" in text
    assert "step 109999 " in text
    assert "step 0 " in text
    assert "wangxiaoming" not in text


def test_excerpt_numbers_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"line {i}\n" if i != 500 else "ValueError: 500\n" for i in range(1, 1001)))
    found = excerpt(path)
    assert found.lines == 1000
    starts = dict(found.blocks)
    for start, text in starts.items():
        for offset, line in enumerate(text.split("\n")):
            assert line in {f"line {start + offset}", f"ValueError: {start + offset}"}
    assert "ValueError: 500" in "\n".join(starts.values())


def evil(path: Path, members: list[tuple[str, bytes]], **attributes: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, data)
    return path


def lying(path: Path) -> Path:
    """A bomb whose directory says that it is small."""
    return declared(evil(path, [("report.json", b"[" + b" " * 40_000_000 + b"]")]), 1000)


def declared(path: Path, size: int) -> Path:
    """The archive with another size written into every header."""
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset : place + offset + 4] = size.to_bytes(4, "little")
            place = data.find(signature, place + 4)
    path.write_bytes(bytes(data))
    return path


def many(path: Path) -> Path:
    """A million members: only the end of the file says so, as a real one would cost minutes to write."""
    record = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    count = 65_000
    data = record * count
    path.write_bytes(
        data + b"PK\x05\x06" + bytes(4) + count.to_bytes(2, "little") * 2 + len(data).to_bytes(4, "little") + bytes(6)
    )
    return path


GOOD = json.dumps({"schema_version": 1, "facts": {}}).encode()


def zip64(path: Path) -> Path:
    """A directory of the large kind, in front of an end that says nothing of it."""
    data = evil(path, [("report.json", GOOD)]).read_bytes()
    start, size = len(data) - 22, 1_000_000
    end = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(12) + size.to_bytes(8, "little") * 2 + bytes(16)
    locator = b"PK\x06\x07" + bytes(4) + start.to_bytes(8, "little") + (1).to_bytes(4, "little")
    path.write_bytes(data[:start] + end + locator + data[start:])
    return path


HOSTILE = {
    "no zip": lambda p: (p.write_bytes(b"hello" * 100), p)[1],
    "empty": lambda p: (p.write_bytes(b""), p)[1],
    "cut off": lambda p: (evil(p, [("report.json", GOOD)]), p.write_bytes(p.read_bytes()[:-9]), p)[2],
    "bomb": lambda p: evil(p, [("report.json", b" " * 40_000_000)]),
    "bomb beside": lambda p: declared(evil(p, [("report.json", GOOD), *((f"{i}", b" ") for i in range(9))]), 30_000_000),
    "lying bomb": lying,
    "dots": lambda p: evil(p, [("../report.json", GOOD)]),
    "absolute": lambda p: evil(p, [("/etc/passwd", b""), ("report.json", GOOD)]),
    "backslash": lambda p: evil(p, [("..\\..\\x", b""), ("report.json", GOOD)]),
    "drive": lambda p: evil(p, [("C:/x", b""), ("report.json", GOOD)]),
    "link": lambda p: evil(p, [("report.json", b"/etc/passwd")], external_attr=0o120777 << 16, create_system=3),
    "many": many,
    "zip64": zip64,
    "no report": lambda p: evil(p, [("other.json", GOOD)]),
    "two reports": lambda p: evil(p, [("a/report.json", GOOD), ("b/report.json", GOOD)]),
    "deep": lambda p: evil(p, [("report.json", b"[" * 200_000)]),
    "no JSON": lambda p: evil(p, [("report.json", b"\xff\xfe{")]),
    "a list": lambda p: evil(p, [("report.json", b"[1]")]),
    "newer": lambda p: evil(p, [("report.json", b'{"schema_version": 2, "facts": {}}')]),
    "long number": lambda p: evil(p, [("report.json", b'{"schema_version": 1, "facts": {}, "n": ' + b"9" * 100_000 + b"}")]),
    "bad checksum": lambda p: (evil(p, [("report.json", GOOD * 3)]), p.write_bytes(p.read_bytes().replace(b"PK\x01\x02\x14\x00\x14\x00\x00\x00\x08\x00\x00\x00!\x00", b"PK\x01\x02\x14\x00\x14\x00\x00\x00\x08\x00\x00\x00!\x01")), p)[2],
    "folder": lambda p: (p.mkdir(), p)[1],
    "missing": lambda p: p,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_foreign_archives_are_refused_with_one_line(tmp_path: Path, name: str) -> None:
    path = HOSTILE[name](tmp_path / "foreign.zip")
    start = time.process_time()
    tracemalloc.start()
    with pytest.raises(EnvdoctorError) as caught:
        read_ticket(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert "foreign.zip" in str(caught.value)
    assert caught.value.exit_status in (2, 3)
    assert peak < 80_000_000
    assert time.process_time() - start < 5


def test_ticket_that_was_zipped_again_in_a_folder(tmp_path: Path) -> None:
    assert (
        read_ticket(evil(tmp_path / "x.zip", [("ticket/report.json", GOOD), ("ticket/", b"")]))["schema_version"] == 1
    )


def test_unzip_agrees(tmp_path: Path) -> None:
    path = write_ticket(ticket(), tmp_path / "t.zip")
    done = subprocess.run(["python3", "-m", "zipfile", "-t", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_user_who_is_called_like_a_package() -> None:
    report = sample.report()
    made = build_ticket(report, literals=[Literal(kind="user", value="vllm"), Literal(kind="user", value="flash")])
    assert "flash-attn==2.6.3" in made.text_of("requirements.txt")
    assert '"engine": {\n    "value": "vllm"' in made.text_of("report.json")


PASTED = """\
PyTorch version: 2.4.0+cu121
OS: Ubuntu 22.04.4 LTS (x86_64)
Libc version: glibc-2.35
Python version: 3.10.14
Nvidia driver version: 535.183.01
GPU 0: NVIDIA GeForce RTX 5090
[pip3] numpy==2.1.0
[pip3] nvidia-curand-cu12==10.3.5.147
[pip3] optimum==1.17.0
[pip3] torch==2.4.0
[pip3] transformers==4.45.0
[pip3] vllm==0.6.3
HF_HOME=/data/users/wangxiaoming/hf
$ vllm serve Qwen/Qwen2.5-7B-Instruct-AWQ --tensor-parallel-size 2 --api-key another-secret
  File "/data/users/wangxiaoming/venv/lib/python3.10/site-packages/torch/nn/modules/linear.py", line 3, in f
RuntimeError: CUDA error: no kernel image is available for execution on the device
ImportError: /data/users/wangxiaoming/x.so: undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_string
A module that was compiled using NumPy 1.x cannot be run in NumPy 2.1.0
"""


@settings(deadline=None, max_examples=10)
@given(
    st.lists(st.sampled_from([item.text for item in planted.corpus() if len(item.text) < 400]), max_size=6),
    st.integers(0, 18),
)
def test_masking_changes_no_finding(tmp_path_factory: pytest.TempPathFactory, extra: list[str], place: int) -> None:
    from envdoctor.diagnose import diagnose
    from envdoctor.ingest import ingest
    from envdoctor.knowledge import load_matrix
    from envdoctor.render.report import report as report_of

    lines = PASTED.splitlines()
    text = "\n".join([*lines[:place], *extra, *lines[place:]])
    matrix = load_matrix()
    facts = ingest(text.encode(), source="pasted text", gpu_table=matrix.tables["gpus"])
    before = diagnose(facts, matrix)
    made = build_ticket(report_of(facts, before, matrix), literals=planted.LITERALS)
    path = write_ticket(made, tmp_path_factory.mktemp("t") / "t.zip")
    assert made.omissions == ()
    after = diagnose(decode(Facts, read_ticket(path)["facts"]), matrix)
    assert [(f.id, f.verdict, f.severity, f.status) for f in after.findings] == [
        (f.id, f.verdict, f.severity, f.status) for f in before.findings
    ]


PACKED = packed(build_ticket(sample.report(), literals=planted.LITERALS))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 60),
)
def test_damaged_tickets_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(PACKED)
    for place, value in changes:
        data[place if place % 3 else len(PACKED) - 1 - place % 600] = value
    path = tmp_path_factory.mktemp("d") / "foreign.zip"
    path.write_bytes(bytes(data[: len(data) - cut if cut % 5 == 0 else len(data)]))
    try:
        assert read_ticket(path)["schema_version"] == 1
    except EnvdoctorError as error:
        assert "\n" not in str(error)
