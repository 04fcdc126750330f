"""The two languages stand side by side in the code, and neither says what the other leaves out."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import envdoctor
from envdoctor.errors import EnvdoctorError, system_says
from envdoctor.text import COMMA, Text, in_zh, joined, said, same
from tests.chinese import HAN

ROOT = Path(envdoctor.__file__).parent
#: what helps a sentence and is no part of what it says
_HELPERS = {"in_zh", "len", "str", "type", "repr", "sorted", "bool", "getattr", "any"}
#: values that one language counts or joins in another way
_OTHERWISE = {"en", "zh", "rest", "needs", "value", "span", "band"}


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    paths = sorted(path for path in ROOT.rglob("*.py") if "programs" not in path.parts)
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))) for path in paths)


def calls() -> Iterator[tuple[str, ast.expr, ast.expr]]:
    """Place, English and Chinese of every Text that is written out in the code."""
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Text":
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                if "en" in given:  # rich has a Text as well
                    yield f"{name}:{node.lineno}", given["en"], given["zh"]


def literal(node: ast.expr) -> str | None:
    """The text of a string or of the fixed parts of an f-string; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return None


def names(node: ast.expr) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)} - _HELPERS - _OTHERWISE


def test_every_written_text_is_chinese_in_chinese():
    found = list(calls())
    assert len(found) > 500
    wrong = []
    for place, english, chinese in found:
        en, zh = literal(english), literal(chinese)
        if (
            en is not None
            and zh is not None
            and not HAN.search(zh)
            and len(re.findall(r"(?<!\S)[a-z]{2,}(?!\S)", zh)) > 1
        ):
            wrong.append((place, en, zh))
    assert not wrong


def test_both_languages_speak_of_the_same_values():
    wrong = []
    for place, english, chinese in calls():
        if isinstance(english, ast.JoinedStr) and isinstance(chinese, ast.JoinedStr):
            missing = names(english) ^ names(chinese)
            if missing:
                wrong.append((place, sorted(missing)))
    assert not wrong


@dataclass(frozen=True)
class Raised:
    place: str
    name: str
    node: ast.Call


def raised() -> Iterator[Raised]:
    family = {"EnvdoctorError"}
    trees = modules()
    for _ in range(4):
        family |= {
            node.name
            for _, tree in trees
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") in family for base in node.bases)
        }
    for name, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in family:
                yield Raised(f"{name}:{node.lineno}", getattr(node.func, "id", ""), node)


def test_no_error_is_made_of_a_bare_string():
    found = list(raised())
    assert len(found) > 150
    bare = [
        one.place
        for one in found
        for value in (*one.node.args[:1], *(k.value for k in one.node.keywords))
        if literal(value) is not None and one.name not in ("DecodeError", "LeakError")  # their first word is a place
    ]
    assert not bare


def test_no_unknown_fact_and_no_reason_is_a_bare_string():
    bare = []
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("unknown", "Unknown"):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                bare += [f"{name}:{node.lineno}" for value in given if literal(value) is not None]
    assert not bare


def test_a_text_is_english_wherever_a_string_goes():
    text = Text(en="one, {name}", zh="一，{name}")
    assert text == "one, {name}"
    assert {text: 1}["one, {name}"] == 1
    assert said(text, "zh") == "一，{name}"
    assert said("plain", "zh") == "plain"
    filled = text.fill({"name": Text(en="two", zh="二")})
    assert (filled.en, filled.zh) == ("one, two", "一，二")
    assert type(filled.en) is str
    assert same(7).zh == "7"
    assert same(text) is text
    with pytest.raises(AttributeError):
        text.zh = "x"
    both = joined((text, "x"), COMMA)
    assert (both.en, both.zh) == ("one, {name}, x", "一，{name}、x")
    for again in (pickle.loads(pickle.dumps(text)), copy.deepcopy(text)):
        assert (again.en, in_zh(again)) == (text.en, text.zh)


def test_an_error_is_english_as_text_and_both_as_a_value():
    error = EnvdoctorError(Text(en="no", zh="不"), advice=Text(en="go", zh="走"))
    assert str(error) == "no"
    assert error.message.get("zh") == "不"
    assert error.advice is not None
    assert error.advice.zh == "走"


@pytest.mark.parametrize("number", [2, 13, 17, 20, 21, 28, 30])
def test_what_the_system_says_is_said_in_chinese(number: int):
    says = system_says(OSError(number, "English"))
    assert says == "English"
    assert HAN.search(says.zh)
