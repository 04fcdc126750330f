"""The project's `dataclass` does what the standard library's does."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from dataclasses import dataclass as standard

import pytest

from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    name: str
    size: int = 3
    notes: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False, compare=False)


@standard(frozen=True, kw_only=True, slots=True)
class Standard:
    name: str
    size: int = 3
    notes: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hashed:
    name: str


def test_fields_and_text_are_the_standard_ones():
    assert [f.name for f in fields(Place)] == [f.name for f in fields(Standard)]
    assert repr(Place(name="a", size=4)) == repr(Standard(name="a", size=4)).replace("Standard", "Place")
    assert asdict(Place(name="a")) == asdict(Standard(name="a"))


def test_defaults_are_made_anew_for_every_value():
    assert Place(name="a").notes == {}
    assert Place(name="a").notes is not Place(name="a").notes


def test_values_are_compared_by_their_fields():
    assert Place(name="a", secret="x") == Place(name="a", secret="y")
    assert Place(name="a") != Place(name="b")
    assert Hashed(name="a") != Place(name="a")
    assert hash(Hashed(name="a")) == hash(Hashed(name="a"))
    nan = float("nan")
    assert Hashed(name=nan) == Hashed(name=nan), "as tuples are: the same object is equal to itself"


def test_a_value_does_not_change():
    place = Place(name="a")
    with pytest.raises(FrozenInstanceError):
        place.name = "b"
    with pytest.raises(FrozenInstanceError):
        del place.name
    with pytest.raises((FrozenInstanceError, AttributeError)):
        place.other = 1
    assert replace(place, size=9) == Place(name="a", size=9)


def test_copies_and_pickles_are_equal():
    assert copy.deepcopy(Place(name="a", notes={"k": "v"})) == Place(name="a", notes={"k": "v"})
    assert pickle.loads(pickle.dumps(Place(name="a"))) == Place(name="a")


def test_a_wrong_call_says_which_argument():
    with pytest.raises(TypeError, match=r"Place\(\) misses its argument 'name'"):
        Place()
    with pytest.raises(TypeError, match=r"unknown arguments: nmae"):
        Place(name="a", nmae="b")
    with pytest.raises(TypeError):
        Place("a")


def test_values_that_are_not_keyword_only_take_a_row():
    @dataclass(frozen=True, slots=True)
    class Point:
        x: int
        y: int = 0

    assert Point(1, 2) == Point(x=1, y=2) == Point(1, y=2)
    assert Point(1) == Point(1, 0)
    match Point(3, 4):
        case Point(x, y):
            assert (x, y) == (3, 4)
    with pytest.raises(TypeError):
        Point(1, 2, 3)
    with pytest.raises(TypeError):
        Point(1, x=1)
    with pytest.raises(FrozenInstanceError):
        Point(1).x = 2


def test_methods_of_the_class_itself_stay():
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Named:
        name: str

        def __repr__(self) -> str:
            return f"<{self.name}>"

    assert repr(Named(name="a")) == "<a>"


def test_what_is_not_a_plain_frozen_value_is_the_standard_librarys():
    @dataclass(slots=True)
    class Counter:
        count: int = 0

    counter = Counter(2)
    counter.count += 1
    assert counter == Counter(3)
