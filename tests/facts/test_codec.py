"""Facts to JSON and back: nothing is lost, and what does not fit is refused with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.facts import (
    NOT_STATED,
    DecodeError,
    Distribution,
    Distributions,
    Facts,
    Gpu,
    Host,
    LogLine,
    Witness,
    decode,
    encode,
    known,
    unknown,
)
from envdoctor.text import same


def through_json(facts: Facts) -> Facts:
    return decode(Facts, json.loads(json.dumps(encode(facts))))


def test_empty_facts_encode_to_almost_nothing():
    assert encode(Facts()) == {}
    assert through_json(Facts()) == Facts()


def test_known_unknown_and_witnesses_survive():
    facts = Facts(
        host=Host(glibc=known("2.35", "libc.so.6"), wsl2=unknown(same("no /proc"))),
        gpus=known(
            (Gpu(index=1, name=known("A100", "nvml", (Witness(value="A100-SXM", source="nvidia-smi"),))),), "nvml"
        ),
        distributions=Distributions(installed=(Distribution(name="torch", version="2.4.0+cu121", source="x"),)),
        log=(LogLine(number=3, text="错误 boom", source="pasted text"),),
    )
    assert through_json(facts) == facts


def test_known_that_there_is_no_gpu_differs_from_not_knowing():
    none = Facts(gpus=known((), "nvml"))
    assert through_json(none) == none
    assert none.gpus != NOT_STATED
    assert encode(none) == {"gpus": {"value": [], "source": "nvml"}}


@given(st.text(), st.text(), st.one_of(st.none(), st.text()), st.booleans())
def test_any_distribution_survives(name: str, version: str, url: str | None, editable: bool):
    dist = Distribution(name=name, version=version, source="s", direct_url=url, editable=editable)
    assert decode(Distribution, json.loads(json.dumps(encode(dist)))) == dist


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "the document"),
        ({"host": {"glibc": {"value": 7, "source": "x"}}}, "host.glibc.value"),
        ({"host": {"glibc": "2.35"}}, "host.glibc"),
        ({"gpus": {"value": [{"name": {"value": "A"}}], "source": "x"}}, "gpus.value[0].index"),
        ({"log": [{"number": True, "text": "a", "source": "b"}]}, "log[0].number"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(data: object, place: str):
    with pytest.raises(DecodeError) as caught:
        decode(Facts, data)
    assert str(caught.value).startswith(place)


def test_keys_of_a_newer_writer_are_ignored():
    assert decode(Facts, {"host": {"quantum": {"value": 1, "source": "x"}}, "moon": 1}) == Facts()
