"""Redaction of text: nothing planted survives, nothing innocent is masked, and doing it twice is doing it once."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envdoctor.ticket import redact as package
from envdoctor.ticket.redact import Literal, Redactor, machine_literals
from envdoctor.ticket.redact.clean import LINE_CAP, clean
from envdoctor.ticket.redact.shapes import SHAPES
from tests.ticket import innocents, planted

CORPUS = planted.corpus()


def test_corpus_is_as_large_as_it_says() -> None:
    assert len(CORPUS) >= 200
    assert len({item.kind for item in CORPUS}) >= 25
    assert len({item.place for item in CORPUS}) >= 25
    # Each secret can be read where it was planted: a test that finds nothing in the output means something.
    assert [(item.kind, item.place) for item in CORPUS if not item.leaks(clean(item.text))] == []


@pytest.mark.parametrize("kind", sorted({item.kind for item in CORPUS}))
def test_nothing_planted_survives(kind: str) -> None:
    for item in CORPUS:
        if item.kind == kind:
            out = Redactor(planted.LITERALS).redact(item.text)
            assert not item.leaks(out), (item.place, out[:2000])
            assert Redactor(planted.LITERALS).redact(out) == out, item.place


def test_everything_planted_in_one_log() -> None:
    text = "\n".join(item.text for item in CORPUS if item.place != "long line")
    redactor = Redactor(planted.LITERALS)
    out = redactor.redact(text)
    assert [(item.kind, item.place) for item in CORPUS if item.leaks(out)] == []
    assert Redactor(planted.LITERALS).redact(out) == out
    assert redactor.find(out) == []
    assert redactor.survivors(out) == ()


@pytest.mark.parametrize("line", innocents.LINES)
def test_innocents_come_through(line: str) -> None:
    assert Redactor(planted.LITERALS).redact(line) == line


def test_innocents_come_through_together() -> None:
    assert len(innocents.LINES) >= 300
    text = "\n".join(innocents.LINES)
    assert Redactor(planted.LITERALS).redact(text) == text


def test_one_secret_has_one_name() -> None:
    a, b = planted.TOKENS["hugging face"], planted.TOKENS["groq"]
    redactor = Redactor()
    assert redactor.redact(f"{b} {a}") == "<token-1> <token-2>"
    assert redactor.redact(f"again {a}") == "again <token-2>"
    assert redactor.counts == {"hugging-face": 2, "groq": 1}


def test_masks_that_are_there_keep_their_meaning() -> None:
    redactor = Redactor()
    text = "<token-3> " + planted.TOKENS["groq"]
    redactor.reserve([text])
    assert redactor.redact(text) == "<token-3> <token-4>"


def test_secret_around_a_mask_is_cut_around_it() -> None:
    out = Redactor().redact("DB_PASSWORD=left<token-1>right")
    assert "left" not in out
    assert "right" not in out
    assert "<token-1>" in out


def test_kept_strings_are_not_masked_on_their_looks() -> None:
    assert Redactor().redact("loaded (10.3.5.147)") == "loaded (<private-ip-1>)"
    assert Redactor(keep=["10.3.5.147"]).redact("loaded (10.3.5.147)") == "loaded (10.3.5.147)"


def test_common_words_are_no_literals() -> None:
    literals = [
        Literal(kind="host", value="gpu"),
        Literal(kind="user", value="root"),
        Literal(kind="home", value="/root"),
        Literal(kind="user", value="vllm"),
    ]
    assert Redactor(literals).redact("gpu root /root vllm") == "gpu root /root vllm"


def test_long_lines_are_cut_without_leaving_half_a_secret() -> None:
    token = planted.TOKENS["hugging face"]
    for shift in range(LINE_CAP - 60, LINE_CAP + 10, 7):
        out = Redactor().redact("x" * (shift - 1) + " " + token + " end")
        assert token[:12] not in out
        assert len(out) <= LINE_CAP


def test_patterns_are_ones_that_cannot_backtrack() -> None:
    re2 = pytest.importorskip("re2")
    patterns = {shape.pattern.pattern for shape in SHAPES}
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        patterns |= {value.pattern for value in vars(loaded).values() if isinstance(value, re.Pattern)}
    assert len(patterns) > 50
    for pattern in patterns:
        if (
            "[0-?]*" not in pattern and "\\u4e00" not in pattern
        ):  # ranges of control and CJK characters, written for `re`
            re2.compile(pattern)


HOSTILE = {
    "one word": "a" * 100_000,
    "at signs": "a@" * 20_000,
    "emails": "a.b-c@d-e.f" * 20_000,
    "dots": "a." * 20_000,
    "colons": "a:" * 20_000,
    "digits": "1." * 20_000,
    "equal signs": "token=" * 10_000,
    "quotes": "password='" * 20_000,
    "brackets": "key=[" * 30_000,
    "begins": "-----BEGIN " + "RSA PRIVATE KEY-----" * 1 + ("\n-----BEGIN " + "RSA PRIVATE KEY-----\nAAAA") * 1000,
    "breaks": "hf" + "_\n" * 20_000,
    "urls": "http://" * 30_000,
    "escapes": "\x1b[" * 20_000,
    "written escapes": "\\x1b[" * 10_000 + "0m" * 10_000,
    "backspaces": "a" * 20_000 + "\x08" * 20_000,
    "backslashes": "\\" * 50_000 + "n",
    "home": "/home/" * 10_000,
    "slashes": "/" * 70_000,
    "blanks": " " * 70_000 + "x",
    "lines": "\n" * 50_000,
    "bars": "│ \n" * 20_000,
    "eyJ": "eyJ" * 20_000,
    "hosts": "connect to a-" * 20_000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_takes_linear_time(name: str) -> None:
    text = HOSTILE[name]
    start = time.process_time()
    Redactor(planted.LITERALS).redact(text)
    assert time.process_time() - start < 20  # a pattern that backtracks takes hours here


ATOMS = st.one_of(
    st.sampled_from([item.text for item in CORPUS if len(item.text) < 600]),
    st.sampled_from(innocents.LINES),
    st.sampled_from(
        [
            "<token-1>",
            "<",
            ">",
            "\n",
            " ",
            "=",
            ":",
            "'",
            '"',
            "\\",
            "/",
            "@",
            "\x1b[0m",
            "password",
            "token=",
            "://",
            "-----BEGIN ",
            "<user-2>",
            "│",
            "1.2.3.4",
            "::",
        ]
    ),
    st.text(max_size=20),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(ATOMS, max_size=8), st.sampled_from(["", " ", "\n"]))
def test_twice_is_once(parts: list[str], glue: str) -> None:
    once = Redactor(planted.LITERALS).redact(glue.join(parts))
    assert Redactor(planted.LITERALS).redact(once) == once


NEST = {
    "json": lambda s: json.dumps({"k": [s]}), "json utf-8": lambda s: json.dumps([s], ensure_ascii=False), "repr": repr,
    "quote": lambda s: quote(s, safe=""), "path": lambda s: f"/srv/{s}/x", "words": lambda s: f"see {s} there", "ansi": lambda s: f"\x1b[1m{s}\x1b[0m",
    "tag": lambda s: f"<b>{s}</b>", "indent": lambda s: "\n".join("    " + line for line in s.split("\n")), "bytes": lambda s: repr(s.encode()),
    "assignment": lambda s: f"X={s}", "frame": lambda s: "\n".join(planted._frame(line) for line in s.split("\n")),
}  # fmt: skip
SECRETS = [
    planted.TOKENS["hugging face"],
    planted.TOKENS["github fine"],
    planted.USER,
    planted.CHINESE_USER,
    planted.HOST,
    planted.DOMAIN,
    planted.SERIAL,
]


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(SECRETS), st.lists(st.sampled_from(sorted(NEST)), min_size=1, max_size=4))
def test_no_literal_survives_any_nesting(secret: str, nesting: list[str]) -> None:
    text = secret
    for name in nesting:
        text = NEST[name](text)
    out = Redactor(planted.LITERALS).redact(text)
    for spelling in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret.encode())[2:-1]}:
        assert spelling not in out, text


def test_machine_literals_come_from_files_alone(tmp_path: Path) -> None:
    def put(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    put(
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\ndaemon:x:2:2::/:/bin/false\nlinh:x:1000:1000:Linh Tran,,,:/srv/people/linh:/bin/sh\n",
    )
    put("etc/hostname", "rig-9.aurora.example\n")
    put("etc/resolv.conf", "search aurora.example\nnameserver 10.9.8.7\n")
    put("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    put(
        "proc/net/fib_trie",
        "  +-- 10.9.0.0/16\n     |-- 10.9.1.2\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n",
    )
    put(
        "proc/net/if_inet6",
        "fe8000000000000050540afffe9abe77 02 40 20 80 eth0\n00000000000000000000000000000001 01 80 10 80 lo\n",
    )
    put("sys/class/net/eth0/address", "52:54:0a:9a:be:77\n")
    put("sys/class/net/lo/address", "00:00:00:00:00:00\n")
    put("sys/class/dmi/id/product_serial", "VMX-5512AB\n")
    put("srv/people/linh/.gitconfig", "[user]\n\tname = Linh T.\n\temail = linh@aurora.example\n")
    put("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: x\nGPU UUID:   GPU-0a\n")
    found = {
        (item.kind, item.value)
        for item in machine_literals(tmp_path, {"USER": "linh", "HOME": "/srv/people/linh"}, uid=1000)
    }
    assert found == {
        ("user", "linh"), ("user", "Linh Tran"), ("user", "Linh T."), ("home", "/srv/people/linh"), ("host", "rig-9"), ("host", "rig-9.aurora.example"),
        ("domain", "aurora.example"), ("private-ip", "10.9.8.7"), ("private-ip", "10.9.1.2"), ("private-ip", "fe80::5054:aff:fe9a:be77"),
        ("mac", "52:54:0a:9a:be:77"), ("machine", "0123456789abcdef0123456789abcdef"), ("serial", "VMX-5512AB"), ("email", "linh@aurora.example"), ("gpu", "GPU-0a"),
    }  # fmt: skip


def test_machine_without_any_of_the_files(tmp_path: Path) -> None:
    assert machine_literals(tmp_path, {}, uid=1000) == ()
