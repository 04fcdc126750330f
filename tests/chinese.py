"""What a Chinese text must not hold: English sentences. Names, flags, versions, commands and quoted output are no sentences."""

from __future__ import annotations

import re

HAN = re.compile(r"[\u4e00-\u9fff]")
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|https?://\S+|\b(?:envdoctor|uv|pip|python)(?: [\w./-]+)+")
_SENTENCE = re.compile(r"(?<![\w./-])[A-Za-z]?[a-z]{2,}(?:,? [a-z]{1,}){2,}(?![\w/-])")


def english_in(text: str) -> list[str]:
    """Runs of three and more English words outside of quotation marks."""
    return _SENTENCE.findall(_QUOTED.sub("", text))


def is_chinese(text: str) -> bool:
    """Some Chinese, and no English sentence."""
    return bool(HAN.search(text)) and not english_in(text)
