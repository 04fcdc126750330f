"""Armoured key blocks (`-----BEGIN ...`): whole, cut off, indented, framed, or written on one line with `\\n`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envdoctor.ticket.redact.span import Span

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{3,40}-----")
_END = re.compile(r"-----END [A-Z0-9 ]{3,40}-----")
_LONGEST = 20_000
_FRAME = " \t\r\n│|>\"',+"
_BODY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\")
_HEADERS = ("Proc-Type: ", "DEK-Info: ", "Version: ", "Comment: ")


def _of_key(line: str) -> bool:
    """Whether a line (its first characters) can be one of an armoured block."""
    inner = line[:200].strip(_FRAME)
    return inner.startswith(_HEADERS) or _BODY.issuperset(inner)


def _cut_off(text: str, start: int, limit: int) -> int:
    """Where a block without an end stops looking like one."""
    end = start
    for line in text[start:limit].splitlines(keepends=True):
        if not _of_key(line):
            head = re.match(r"[\s│|>\"']*[A-Za-z0-9+/=\\]{16,}", line)
            return end + (head.end() if head else 0)
        end += len(line)
    return end


def find(text: str) -> Iterator[Span]:
    """Every armoured block of the text, from BEGIN to END, or as far as it looks like one."""
    place = 0
    while True:
        begin = _BEGIN.search(text, place)
        if begin is None:
            return
        limit = min(len(text), begin.end() + _LONGEST)
        following = _BEGIN.search(text, begin.end(), limit)
        stop = following.start() if following else limit
        end = _END.search(text, begin.end(), stop)
        place = end.end() if end else _cut_off(text, begin.end(), stop)
        yield Span(
            start=begin.start(),
            end=place,
            kind="key",
            rule="pem",
            identity="".join(text[begin.start() : place].split()),
        )
