"""Lists of installed packages: pip, uv and conda lists, freeze, `[pip3]` lines, `pip show`, wheels that pip installed."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence

from envdoctor.ingest import values
from envdoctor.ingest.found import CLAIM, COMMAND, FORM, OUTPUT, Found, Package, Page
from envdoctor.ingest.text import Line
from envdoctor.patterns import lazy

_TAGGED = lazy(r"\[(?:pip3?|conda)\]\s+(\S+)\s*(.*)")
_FROZEN = lazy(r"([A-Za-z0-9][\w.\-]{0,80})(?:\[[^\]]{0,60}\])?\s?={2,3}\s?(\d[^\s;,\"'#<>|)(\\]*)(.*)")
_DIRECT = lazy(r"([A-Za-z0-9][\w.\-]{0,80}) @ (\S+)")
_EDITABLE = lazy(r"-e\s+\S+#egg=([\w.\-]+)")
_ROW = lazy(r"([A-Za-z0-9_][\w.\-]{0,80})\s+v?(\d[\w.+!\-]*)(?:\s+(\S.*))?$")
_TABLE_HEAD = lazy(r"package\s+version(?:\s+(?:latest|editable|type|build|location|source|installer).*)?$", re.I)
_CONDA_HEAD = lazy(r"#?\s*name\s+version\s+build(?:\s+channel)?\s*$", re.I)
_INSTALLED = lazy(r"Successfully installed (.+)")
_SATISFIED = lazy(r"Requirement already satisfied: ([A-Za-z0-9][\w.\-]*)\S* in \S+ .*?\((\d[\w.+]*)\)|"
                        r"Requirement already satisfied: ([A-Za-z0-9][\w.\-]*)\S* in \S+ \((\d[\w.+]*)\)")  # fmt: skip
_UV_CHANGE = lazy(r"[+~]\s([a-z0-9][a-z0-9.\-]{0,80})==(\d\S*)")
_EXISTING = lazy(r"Found existing installation: ([\w.\-]+) (\d\S*)")
_WHEEL_VERSION = lazy(r"(.+)-(\d[\w.+!]*)$")
#: with so many rows and an installer among them, a list is taken for the whole environment
COMPLETE_ROWS = 25


def recognize(page: Page) -> Iterator[Found]:
    """Every distribution that a list names, and whether a list seems to be whole."""
    lines = page.lines
    at = 0
    while at < len(lines):
        line = lines[at]
        text = line.plain
        if "ersion" in text and (_TABLE_HEAD.match(text) or _CONDA_HEAD.match(text)):
            taken = yield from _table(lines, at, conda=bool(_CONDA_HEAD.match(text)))
            at += max(taken, 1)
            continue
        if "==" in text or " @ " in text or text.startswith("-e "):
            taken = yield from _freeze(lines, at)
            if taken:
                at += taken
                continue
        yield from _single(line)
        at += 1


def _table(lines: Sequence[Line], head: int, *, conda: bool) -> Generator[Found, None, int]:
    yield Found(CLAIM, None, lines[head].number)
    rows, installers, at = 0, 0, head + 1
    while at < len(lines):
        text = lines[at].plain
        if not text.strip("-= ") or (conda and text.startswith("#")):
            yield Found(CLAIM, None, lines[at].number)
            at += 1
            continue
        match = _ROW.match(text)
        if not match or (lines[at].number - lines[at - 1].number > 2 and rows):
            break
        name = values.normalized(match[1])
        yield from _one(name, match[2], match[3] or "", lines[at].number, conda=conda)
        rows += 1
        installers += name in ("pip", "setuptools", "wheel")
        at += 1
    if rows >= COMPLETE_ROWS and (installers or conda):
        yield Found("complete", rows, lines[head].number)
    elif rows:
        yield Found("partial", rows, lines[head].number)
    return at - head


def _one(name: str, version: str, rest: str, number: int, *, conda: bool) -> Iterator[Found]:
    editable = rest.startswith(("/", "~", "file:")) and not conda
    if conda and name == "python":
        yield Found("target.python", version, number)
    if conda and name == "pytorch":
        name = "torch"
        if match := re.search(r"cuda(\d+\.\d+)", rest):
            yield Found("torch.cuda", match.group(1), number)
        elif "cpu" in rest:
            yield Found("torch.cuda", "none", number)
    yield Found("package", Package(name, version, editable=editable), number)
    yield Found(CLAIM, None, number)


def _freeze(lines: Sequence[Line], start: int) -> Generator[Found, None, int]:
    """A run of freeze lines. One alone counts too, when nothing but the requirement stands in the line."""
    at, rows, installers = start, 0, 0
    while at < len(lines):
        text = lines[at].plain
        if match := _FROZEN.fullmatch(text):
            rest = match[3].strip()
            if rest and rest[0] not in ";#/,\\":
                break
            name = values.normalized(match[1])
            yield Found(
                "package", Package(name, match[2]), lines[at].number, FORM if text != lines[at].text.strip() else OUTPUT
            )
        elif match := _DIRECT.match(text):
            name = values.normalized(match[1])
            if wheel := re.search(r"/[\w.]+?-(\d[\w.+]*?)-[\w.]+-\w+-\w+\.whl", match[2].replace("%2B", "+")):
                yield Found("package", Package(name, wheel[1], direct_url=match[2][:300]), lines[at].number)
        elif not _EDITABLE.match(text):
            break
        else:
            name = ""
        yield Found(CLAIM, None, lines[at].number)
        rows += 1
        installers += name in ("pip", "setuptools", "wheel", "packaging")
        at += 1
    if rows >= COMPLETE_ROWS and installers:
        yield Found("complete", rows, lines[start].number)
    elif rows:
        yield Found("partial", rows, lines[start].number)
    return at - start


def _single(line: Line) -> Iterator[Found]:
    text = line.plain
    if text[:1] == "[" and (match := _TAGGED.match(text)):
        yield from _tagged(match, line)
    elif "uccessfully installed" in text and (match := _INSTALLED.search(text)):
        for word in match.group(1).split()[:400]:
            if wheel := _WHEEL_VERSION.match(word):
                yield Found("package", Package(values.normalized(wheel[1]), wheel[2]), line.number)
    elif "already satisfied" in text and (match := _SATISFIED.search(text)):
        name, version = match[1] or match[3], match[2] or match[4]
        yield Found("package", Package(values.normalized(name), version), line.number)
        yield Found(CLAIM, None, line.number)
    elif "==" in text and (match := _UV_CHANGE.fullmatch(line.text.strip())):
        yield Found("package", Package(values.normalized(match[1]), match[2]), line.number)
    elif "existing installation" in text and (match := _EXISTING.search(text)):
        yield Found("package", Package(values.normalized(match[1]), match[2]), line.number, COMMAND)


def _tagged(match: re.Match[str], line: Line) -> Iterator[Found]:
    """`[pip3] torch==2.4.0`, `[conda] pytorch  2.1.0  py3.10_cuda12.1_cudnn8.9.2_0  pytorch`."""
    name, rest = match.group(1), match.group(2)
    if "==" in name:
        name, _, version = name.partition("==")
        yield Found("package", Package(values.normalized(name), version), line.number)
    elif rest[:1] == "=" or rest[:1].isdigit():
        words = rest.lstrip("= ").split()
        conda = "conda" in line.plain[:7]
        if words and words[0][:1].isdigit():
            yield from _one(values.normalized(name), words[0], " ".join(words[1:]), line.number, conda=conda)
            return
    yield Found(CLAIM, None, line.number)
