"""Locks in Chinese: the lines while it solves, the comments of the file, the refusals; and the keys that stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from envdoctor.errors import EnvdoctorError
from envdoctor.facts import Distribution, Distributions, Driver, Facts, Gpu, Target, known
from envdoctor.knowledge import Matrix, load_matrix
from envdoctor.resolve import lock, lock_fix, text_of
from envdoctor.text import Text
from tests.chinese import HAN, english_in, is_chinese
from tests.resolve.local_index import Index, Release
from tests.resolve.test_lock import MACHINE, NUMPY, NUMPY_ENTRY, TORCH

LEFT_OUT = '[[name]]\nname = "pyairports"\nwhy = "it holds something else"\nwhy_zh = "内容与原包不同"\n'
NEEDED = (
    '[[need]]\npackage = "torch"\nneeds = "setuptools"\nversions = "<2.5"\nleaf = true\n'
    'why = "it imports it"\nwhy_zh = "会导入它"\n'
)


def call(there: Index, matrix: Matrix, told: list[Text]) -> dict[str, Any]:
    return {"facts": MACHINE, "python": "3.11", "indexes": [there.url], "matrix": matrix, "say": told.append}


def test_a_lock_says_its_reasons_in_chinese(index: Callable[..., Index], matrix: Callable[..., Matrix]) -> None:
    there = index(
        *TORCH, *NUMPY, Release("outlines", "0.0.46", "2024-03-20", ["pyairports"]),
        Release("pyairports", "0.0.1", "2025-09-25"), Release("setuptools", "69.0.0", "2024-01-01"),
    )  # fmt: skip
    tables = {
        "entries/x/ED-2026-9001.toml": NUMPY_ENTRY,
        "tables/left-out-names.toml": LEFT_OUT,
        "tables/undeclared-needs.toml": NEEDED,
    }
    told: list[Text] = []
    made = lock(["torch==2.2.2", "outlines==0.0.46"], **call(there, matrix(tables), told))
    assert told
    for line in told:
        assert isinstance(line, Text)
        assert is_chinese(line.zh), line.zh
        assert not HAN.search(line.en), line.en
    for form in ("requirements", "pylock"):
        english, chinese = text_of(made, form), text_of(made, form, lang="zh")
        assert not HAN.search(english)
        assert len(english.splitlines()) == len(chinese.splitlines())
        comments = [line for line in chinese.splitlines() if line.startswith(("#", "reasons"))]
        assert len(comments) > 10
        for line in comments:
            assert is_chinese(line), line
        plain = [line for line in chinese.splitlines() if not HAN.search(line)]
        assert set(plain) <= set(english.splitlines())
    for pin in made.pins:
        assert all(isinstance(reason, Text) for reason in pin.reasons)


@pytest.mark.parametrize(
    ("asked", "releases"),
    [
        (["numpi"], NUMPY),
        (["lmdeploy==0.6.5", "torch==2.5.1"], [
            Release("triton", "3.0.0"), Release("triton", "3.1.0"), Release("lmdeploy", "0.6.5", needs=["torch", "triton==3.0.0"]),
            Release("torch", "2.4.1", needs=["triton==3.0.0"]), Release("torch", "2.5.1", needs=["triton==3.1.0"]),
        ]),
        (["outlines==0.0.46"], [
            Release("outlines", "0.0.46", "2024-06-20", ["pyairports"]), Release("pyairports", "0.0.1", "2025-09-25"),
        ]),
        (["engine"], [Release("engine", "1.0", needs=["odd"]), Release("odd", "0.1", source=True)]),
        (["torch==2.2.2", "numpy==2.0.0"], [*TORCH, *NUMPY]),
        (["torch>=9"], TORCH),
    ],
    ids=["no such name", "contradiction", "re-registered", "source only", "vetoed", "no such version"],
)  # fmt: skip
def test_a_refusal_is_chinese(
    index: Callable[..., Index], matrix: Callable[..., Matrix], asked: list[str], releases: list[Release]
) -> None:
    known_matrix = matrix({"entries/x/ED-2026-9001.toml": NUMPY_ENTRY})
    with pytest.raises(EnvdoctorError) as caught:
        lock(asked, **call(index(*releases), known_matrix, []))
    error = caught.value
    for line in (*error.message.zh.splitlines(), error.advice.zh if error.advice else "好"):
        assert is_chinese(line) or line.strip().startswith("依据："), line
        assert not english_in(line), line


def test_what_a_machine_cannot_run_is_refused_in_chinese(
    index: Callable[..., Index], matrix: Callable[..., Matrix]
) -> None:
    own = load_matrix()
    old = replace(MACHINE, driver=Driver(version=known("450.80.02", "t"), platform=known("linux", "t")))
    tesla = replace(MACHINE, gpus=known((Gpu(index=0, compute_capability=known("3.5", "t")),), "t"))
    there = index(Release("torch", "2.6.0", "2025-01-29"))
    for facts in (old, tesla):
        with pytest.raises(EnvdoctorError) as caught:
            lock(["torch==2.6.0"], facts=facts, python="3.11", indexes=[there.url], matrix=own)
        assert all(is_chinese(line) for line in caught.value.message.zh.splitlines())
        assert caught.value.advice is not None
        assert is_chinese(caught.value.advice.zh)


def test_a_fix_is_summed_up_in_chinese(index: Callable[..., Index], matrix: Callable[..., Matrix]) -> None:
    dists = tuple(
        Distribution(name=n, version=v, source="t") for n, v in (("torch", "2.2.2+cu121"), ("numpy", "2.0.0"))
    )
    facts = Facts(
        host=MACHINE.host,
        target=Target(python=known("3.11.7", "t")),
        distributions=Distributions(installed=dists, complete=known(True, "t")),
    )
    there = index(*TORCH, *NUMPY)
    fix = lock_fix(facts, indexes=[there.url], matrix=matrix({"entries/x/ED-2026-9001.toml": NUMPY_ENTRY}))
    assert is_chinese(fix.summary().zh)
    assert not HAN.search(fix.summary().en)


def test_why_names_are_treated_so_stands_in_both_languages() -> None:
    tables = load_matrix().tables
    rows = [*tables["left-out-names"]["name"], *tables["undeclared-needs"]["need"]]
    rows += [inner for row in tables["left-out-names"]["name"] for inner in row.get("breaks", ())]
    assert len(rows) > 15
    for row in rows:
        assert is_chinese(row["why_zh"]), row
