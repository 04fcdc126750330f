"""A sentence of the interface, in English and in Simplified Chinese, side by side where it is said.

    raise UsageError(Text(en=f"--tp {tp}: a number of GPUs", zh=f"--tp {tp}：应为 GPU 数量"))

A `Text` *is* the English string and carries the Chinese one. So it goes wherever a string goes (into a fact, an exception, a
comparison in a test) and stays English there; whoever shows it to a person asks `said(value, lang)`, late, when the language is
known. What is the same in both languages (a path, a version, the words of another program) stays a plain `str`.

Why not gettext: its keys are the English sentences, so a sentence that changes loses its Chinese without anybody noticing;
values are filled in after the look-up, so every f-string would have to become a format; and a catalogue has to be built,
shipped, found and read at the start. Here a missing translation is a type error, and a translator sees the code that says it.

What a `Text` cannot do: survive `+` and f-strings. `f"{text}"` is English. Sentences that are made of others say so twice:
`Text(en=f"{name}: {why}", zh=f"{name}：{in_zh(why)}")`, or `joined`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from envdoctor.patterns import lazy

HOLE = lazy(r"\{[a-z_]+\}")


class Text(str):
    """The same sentence twice: the string itself is English, `zh` is Chinese. Compares and hashes by the English."""

    __slots__ = ("zh",)
    zh: str

    def __new__(cls, *, en: str, zh: str) -> Text:
        self = super().__new__(cls, en)
        object.__setattr__(self, "zh", zh)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Text is frozen: {name}")

    def __reduce__(self) -> tuple[Callable[[str, str], Text], tuple[str, str]]:
        return _made, (str(self), self.zh)

    def __repr__(self) -> str:
        return f"Text(en={str(self)!r}, zh={self.zh!r})"

    @property
    def en(self) -> str:
        """The English, as a plain string."""
        return str(self)

    def get(self, lang: str) -> str:
        """The text in `en` or `zh`, as a plain string."""
        return self.zh if lang == "zh" else str(self)

    def fill(self, values: Mapping[str, str]) -> Text:
        """With the known `{name}`s replaced, in each language by its own; what nobody filled reads as dots."""
        en = fill_holes(str(self), values)
        zh = fill_holes(self.zh, {name: in_zh(value) for name, value in values.items()})
        return Text(en=HOLE.sub("...", en), zh=HOLE.sub("……", zh))


def _made(en: str, zh: str) -> Text:
    return Text(en=en, zh=zh)


def same(value: object) -> Text:
    """What reads alike in both languages: names, versions, the words of another program."""
    return value if isinstance(value, Text) else Text(en=str(value), zh=str(value))


def said(value: str, lang: str) -> str:
    """`value` for a person who reads `lang` (en or zh), as a plain string."""
    return value.get(lang) if isinstance(value, Text) else value


def in_zh(value: Any) -> str:
    """The Chinese of `value`; what has none is the same in both languages."""
    return value.zh if isinstance(value, Text) else str(value)


def joined(parts: Iterable[str], separator: Text) -> Text:
    """The parts in a row, in each language with its own separator."""
    every = tuple(parts)
    return Text(en=str(separator).join(every), zh=separator.zh.join(map(in_zh, every)))


NOTHING = Text(en="", zh="")
COMMA = Text(en=", ", zh="、")
SPACE = Text(en=" ", zh="")
SEMICOLON = Text(en="; ", zh="；")


def fill_holes(text: str, values: Mapping[str, str]) -> str:
    """`text` with every `{name}` of `values` replaced."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text
