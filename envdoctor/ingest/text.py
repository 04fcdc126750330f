"""Pasted bytes to lines: decoded, control sequences removed, every line capped before any pattern sees it.

Memory is bounded: of a text with very many lines the head and the tail are kept whole, and of what lies between only
the lines that look like errors. Line numbers stay those of the original text.
"""

from __future__ import annotations

from collections.abc import Iterator

from envdoctor.patterns import lazy
from envdoctor.values import dataclass

LINE_CAP = 2_000  #: characters of a line that are kept
HEAD_LINES = 12_000
TAIL_LINES = 8_000
MIDDLE_LINES = 4_000
TEXT_CAP = 64 * 1024 * 1024  #: characters; what lies beyond is not read

#: words that only a failure prints; deliberately broad, because it decides what is kept and not what is believed
ERROR_WORDS = lazy(
    r"rror\b|rror:|xception|Traceback|undefined symbol|cannot |could not|[Ff]ailed|FAILED|not found|No module|"
    r"not supported|unsupported|incompatible|[Ii]llegal|[Kk]illed|out of memory|OOM|Segmentation|core dumped|"
    r"[Ww]arning|WARN|FATAL|fatal|assert|ptxas|no kernel|mismatch|[Ii]nvalid|NaN|nan\b|required by|requires|denied|"
    r"错误|失败|报错|无法|不支持|异常"
)
_CONTROL_SEQUENCE = lazy(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
#: colour codes whose escape character got lost on the way through a web form
_ORPHAN_COLOUR = lazy(r"\[\d{1,2}(?:;\d{1,3}){0,4}m")
_CONTROLS = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160), 65279, 8203))
_FULL_WIDTH = {0xFF01 + offset: chr(0x21 + offset) for offset in range(94)}
_FULL_WIDTH |= {ord("\u00d7"): "x", ord("\u3001"): ", ", ord("\u3002"): ". ", ord("\u3000"): " ", ord("\u00a0"): " "}
_FULL_WIDTH |= {
    ord("\u201c"): '"',
    ord("\u201d"): '"',
    ord("\u2018"): "'",
    ord("\u2019"): "'",
    ord("\u3010"): "[",
    ord("\u3011"): "]",
}
_LEADERS = lazy(r"(?:[>*•·●▪\-+]\s+|>+\s*|#{1,6}\s+|\d{1,2}[.)]\s+|\[[ x]\]\s+)+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `text` as printed, `plain` without list marks, quoting, bold, back-ticks and full-width punctuation."""

    number: int
    text: str
    plain: str


def decode(data: str | bytes) -> str:
    """Text of whatever encoding a shell or an editor wrote: UTF-8, UTF-16 (PowerShell), else GB 18030. Never raises."""
    if isinstance(data, str):
        return data[:TEXT_CAP]
    data = data[:TEXT_CAP]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    sample = data[:4096]
    if len(sample) >= 8 and sample[1::2].count(0) > len(sample) // 3:
        return data.decode("utf-16-le", "replace")
    text = data.decode("utf-8-sig", "replace")
    damaged = text.count("\N{REPLACEMENT CHARACTER}")
    if damaged > 4 and damaged * 4 > len(text) - len(text.encode("ascii", "ignore")):
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError:
            pass
    return text


def read_lines(text: str) -> list[Line]:
    """The lines of a text, in order. Empty lines are left out; their numbers are not reused."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    total = text.count("\n") + 1
    out: list[Line] = []
    middle = 0
    for number, start, end in _spans(text):
        if HEAD_LINES < number <= total - TAIL_LINES:
            if middle >= MIDDLE_LINES or not ERROR_WORDS.search(text, start, min(end, start + LINE_CAP)):
                continue
            middle += 1
        line = clean(text[start : min(end, start + 4 * LINE_CAP)])
        if line:
            out.append(Line(number, line, plain(line)))
    return out


def _spans(text: str) -> Iterator[tuple[int, int, int]]:
    number, start, length = 0, 0, len(text)
    while start <= length:
        end = text.find("\n", start)
        end = length if end < 0 else end
        number += 1
        if end > start:
            yield number, start, end
        start = end + 1


def clean(line: str) -> str:
    """A line as a terminal would show it in the end: what a carriage return overwrote is gone, and so are colours."""
    if "\x1b" in line:
        line = _CONTROL_SEQUENCE.sub("", line)
    line = line.rstrip()
    if "\r" in line:
        line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
    if "m" in line and "[" in line:
        line = _ORPHAN_COLOUR.sub("", line)
    if not line.isprintable():
        line = line.translate(_CONTROLS)
    return line[:LINE_CAP].rstrip()


def plain(line: str) -> str:
    """The line's content, without the marks that people and forms put around it."""
    if not line.isascii():
        line = line.translate(_FULL_WIDTH)
    if "`" in line:
        line = line.replace("`", "")
    if "**" in line:
        line = line.replace("**", "")
    line = line.strip()
    if line and line[0] in ">*•·●▪-+#[0123456789":
        line = line[match.end() :] if (match := _LEADERS.match(line)) else line
    return line
