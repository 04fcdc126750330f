"""The lines of the failure's output: everything that is not environment, and everything that looks like an error."""

from __future__ import annotations

from collections.abc import Sequence

from envdoctor.facts import LogLine
from envdoctor.ingest.text import ERROR_WORDS, Line
from envdoctor.patterns import lazy

MOST_LINES = 4_000
_SECRET_WORDS = lazy(r"TOKEN|KEY|SECRET|PASS|token|api[_-]key|password")
_ASSIGNED_SECRET = lazy(
    r"(\b[A-Z0-9_]{0,40}(?:TOKEN|API_KEY|_KEY|SECRET|PASSWORD|PASSWD)[A-Z0-9_]{0,20}=|--(?:api-key|token|password)[= ])[^\s\"']+"
)
_TOKEN = lazy(r"\bhf_[A-Za-z0-9]{16,}")
_SCAFFOLD = (
    "```",
    "~~~",
    "<details",
    "</details",
    "<summary",
    "</summary",
    "<br",
    "---",
    "===",
    "***",
    "## ",
    "### ",
    "#### ",
)


def select(lines: Sequence[Line], claimed: frozenset[int], source: str) -> tuple[LogLine, ...]:
    """At most 4,000 lines: of more, the head, the tail, and between them those that look like errors, newest first."""
    kept = [line for line in lines if _belongs(line, claimed)]
    if len(kept) > MOST_LINES:
        kept = _thinned(kept)
    return tuple(LogLine(number=line.number, text=_without_secrets(line.text), source=source) for line in kept)


def _without_secrets(text: str) -> str:
    """Tokens that people paste by mistake go no further than this line; the ticket redacts on its own as well."""
    if "=" in text and _SECRET_WORDS.search(text):
        text = _ASSIGNED_SECRET.sub(r"\1***", text)
    return _TOKEN.sub("hf_***", text) if "hf_" in text else text


def _belongs(line: Line, claimed: frozenset[int]) -> bool:
    if line.number in claimed:
        return False
    text = line.text.lstrip()
    return not text.startswith(_SCAFFOLD) and any(c.isalnum() or c == "!" for c in text)


def _thinned(lines: list[Line]) -> list[Line]:
    share = MOST_LINES // 4
    head, middle, tail = lines[:share], lines[share:-share], lines[-share:]
    errors = [line for line in middle if ERROR_WORDS.search(line.text)]
    return head + errors[-2 * share :] + tail
