"""What the rung programs send as codes and values becomes a sentence in both languages; anything else is shown as it came."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.resources import files

import pytest

from envdoctor.smoke.details import _SAYS, read_detail
from envdoctor.text import HOLE, Text

PROGRAMS = files("envdoctor.smoke") / "programs"


def clean(raw: object, limit: int) -> str:
    return str(raw)[:limit]


def calls() -> Iterator[tuple[str, frozenset[str]]]:
    """(code, names of its values) of every `tell`, `fail` and `CannotRun` of the programs."""
    for entry in PROGRAMS.iterdir():
        if not entry.name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(entry.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            place = {"tell": 0, "CannotRun": 0, "fail": 1}.get(name)
            if place is None or len(node.args) <= place:
                continue
            given = frozenset(k.arg or "**" for k in node.keywords)
            codes = node.args[place]
            for code in (codes.body, codes.orelse) if isinstance(codes, ast.IfExp) else (codes,):
                if isinstance(code, ast.Constant):
                    yield code.value, given


def test_every_code_of_the_programs_is_known_and_gets_its_values():
    found = list(calls())
    assert {code for code, _ in found} == set(_SAYS)
    for code, given in found:
        wanted = {hole[1:-1] for hole in HOLE.findall(_SAYS[code])}
        assert given == wanted or "**" in given, code
        assert {hole[1:-1] for hole in HOLE.findall(_SAYS[code].zh)} == wanted, code


@pytest.mark.parametrize(
    ("sent", "en", "zh"),
    [
        (
            [{"code": "not-installed", "values": {"module": "awq"}}],
            "awq is not installed in this environment",
            "该环境中未安装 awq",
        ),
        (["cuda:0 A100", "cuda:1 A100"], "cuda:0 A100; cuda:1 A100", "cuda:0 A100；cuda:1 A100"),
        (
            [{"code": "over-limit", "values": {"name": "logit error", "value": "2", "limit": "1"}}],
            "logit error is 2, the limit is 1",
            "logit 误差 为 2，上限为 1",
        ),
        ("RuntimeError: no wings", "RuntimeError: no wings", "RuntimeError: no wings"),
        ([{"code": "of-tomorrow", "values": []}], "of-tomorrow", "of-tomorrow"),
        ([{"code": "not-installed", "values": None}], "... is not installed in this environment", "该环境中未安装 ……"),
        (None, "", ""),
    ],
)
def test_details_in_both_languages(sent: object, en: str, zh: str):
    detail = read_detail("" if sent is None else sent, clean)
    assert isinstance(detail, Text)
    assert (detail.en, detail.zh) == (en, zh)
