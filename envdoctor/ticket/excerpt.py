"""The lines of a log that matter: its beginning, what stands around errors, its end. Bounded memory, one pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from envdoctor.errors import UsageError, system_says
from envdoctor.text import Text
from envdoctor.values import dataclass

_CHUNK = 1 << 20
_LINE = 8_192  # bytes of one line that are kept
_BEFORE, _AFTER = 4, 24
_HEAD_LINES, _TAIL_LINES = 40, 120
_FIRST, _LAST = 60, 60  # windows kept from the beginning and from the end
_MOST = 400_000  # bytes of the excerpt
_NEEDLES = (
    b"Error", b"ERROR", b"error:", b"Exception", b"Traceback", b"undefined symbol", b"GLIBC", b"cannot open shared",
    b"Xid", b"!!!!",
    b"out of memory", b"core dumped", b"Segmentation", b"Killed", b"NCCL WARN", b"no kernel image", b"not supported",
    b"Failed", b"failed",
    b"CRITICAL", b"Fatal",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """`blocks` of (first line number, text); how much there was in all."""

    name: str
    blocks: tuple[tuple[int, str], ...]
    lines: int
    size: int

    @property
    def kept(self) -> int:
        """Lines that were kept."""
        return sum(text.count("\n") + 1 for _, text in self.blocks)


def excerpt(path: Path) -> Excerpt:
    """The lines of the log at `path` that matter. Raises UsageError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return _excerpt(stream, path.name)
    except OSError as error:
        raise UsageError(
            Text(en=f"--log {path}: {system_says(error)}", zh=f"--log {path}：{system_says(error).zh}")
        ) from None


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in pieces that end with a line; what a line has beyond a piece is left out."""
    rest = b""
    skipping = False
    while chunk := stream.read(_CHUNK):
        if skipping:
            _, newline, chunk = chunk.partition(b"\n")
            if not newline:
                continue
            skipping = False
        data = rest + chunk
        cut = data.rfind(b"\n")
        if cut < 0 and len(data) > _CHUNK:
            yield data[:_LINE] + b"\n"
            rest, skipping = b"", True
            continue
        if len(data) - cut > 2 * _CHUNK:
            yield data[: cut + 1] + data[cut + 1 : cut + 1 + _LINE] + b"\n"
            rest, skipping = b"", True
            continue
        if cut >= 0:
            yield data[: cut + 1]
        rest = data[cut + 1 :]
    if rest:
        yield rest + b"\n"


def _hits(piece: bytes) -> list[int]:
    """Offsets of matched lines: the first ones of each needle and the last ones."""
    found: set[int] = set()
    for needle in _NEEDLES:
        place, taken = piece.find(needle), 0
        while place >= 0 and taken < _FIRST:
            found.add(piece.rfind(b"\n", 0, place) + 1)
            end = piece.find(b"\n", place)
            place, taken = piece.find(needle, end) if end >= 0 else -1, taken + 1
        if place < 0:
            continue
        last, taken = piece.rfind(needle), 0
        while last >= 0 and taken < _LAST:
            start = piece.rfind(b"\n", 0, last) + 1
            found.add(start)
            last, taken = piece.rfind(needle, 0, max(0, start - 1)), taken + 1
    return sorted(found)


def _lines_around(piece: bytes, start: int, before: int, after: int) -> tuple[int, list[bytes]]:
    """(how many lines before `start` are included, the lines)."""
    low, up = start, 0
    while up < before and low > 0:
        low, up = piece.rfind(b"\n", 0, low - 1) + 1, up + 1
    high = start
    for _ in range(after + 1):
        following = piece.find(b"\n", high)
        if following < 0:
            break
        high = following + 1
    return up, [line[:_LINE] for line in piece[low:high].split(b"\n")[:-1]]


def _excerpt(stream: IO[bytes], name: str) -> Excerpt:
    head: list[tuple[int, list[bytes]]] = []
    first: list[tuple[int, list[bytes]]] = []
    last: deque[tuple[int, list[bytes]]] = deque(maxlen=_LAST)
    tail: deque[bytes] = deque(maxlen=_TAIL_LINES)
    number, size = 1, 0
    for piece in _pieces(stream):
        if number == 1:
            head.append((1, _lines_around(piece, 0, 0, _HEAD_LINES - 1)[1]))
        counted, at = number, 0
        for hit in _hits(piece):
            counted += piece.count(b"\n", at, hit)
            at = hit
            up, lines = _lines_around(piece, hit, _BEFORE, _AFTER)
            if len(first) < _FIRST:
                first.append((counted - up, lines))
            else:
                last.append((counted - up, lines))
        low = len(piece)
        for _ in range(_TAIL_LINES + 1):
            low = piece.rfind(b"\n", 0, max(0, low - 1)) + 1 if low else 0
        tail.extend(line[:_LINE] for line in piece[low:].split(b"\n")[:-1])
        number += piece.count(b"\n")
        size += len(piece)
    total = number - 1
    windows = [*head, *first, *last, (total - len(tail) + 1, list(tail))]
    return Excerpt(name=name, blocks=_joined(windows), lines=total, size=size)


def _joined(windows: list[tuple[int, list[bytes]]]) -> tuple[tuple[int, str], ...]:
    """Windows as blocks without repetition, in order, within the limit on size; the end of the log goes in before the middle."""
    lines: dict[int, bytes] = {}
    room = _MOST
    for start, window in [windows[0], windows[-1], *windows[1:-1]] if windows else []:
        for offset, line in enumerate(window):
            if start + offset not in lines and room > len(line):
                lines[start + offset] = line
                room -= len(line) + 1
    blocks: list[tuple[int, list[bytes]]] = []
    for number in sorted(lines):
        if blocks and blocks[-1][0] + len(blocks[-1][1]) == number:
            blocks[-1][1].append(lines[number])
        else:
            blocks.append((number, [lines[number]]))
    return tuple((start, b"\n".join(block).decode("utf-8", "replace")) for start, block in blocks)
