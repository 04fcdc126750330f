"""What somebody probably meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable

from envdoctor.errors import UsageError
from envdoctor.text import SPACE, Text, joined

_LONGEST = 200


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that is written most like `name`, whatever the case; None where none is like it."""
    from difflib import get_close_matches

    folded = {known.casefold(): known for known in names}
    wanted = name[:_LONGEST].casefold()
    close = get_close_matches(wanted, folded, n=1, cutoff=0.6)
    close += [known for known in folded if min(len(wanted), len(known)) > 1 and _begins(wanted, known)]
    return folded[close[0]] if close else None


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def one_of(option: str, value: str, allowed: Iterable[str]) -> str:
    """`value` as it is written in `allowed`, whatever its case. Raises UsageError that names the nearest and all of them."""
    names = tuple(allowed)
    for name in names:
        if value.casefold() == name.casefold():
            return name
    close = nearest(value, names)
    every = Text(en=f"one of {', '.join(names)}", zh=f"可选：{'、'.join(names)}")
    raise UsageError(
        Text(en=f"{option} {value}: not known", zh=f"{option} {value}：不认识的取值"),
        advice=joined((did_you_mean(close), every), SPACE) if close else every,
    )


def did_you_mean(name: str) -> Text:
    """The question that names what was probably meant."""
    return Text(en=f"did you mean {name}?", zh=f"是否想输入 {name}？")
