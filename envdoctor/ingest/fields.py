"""`name: value` lines: what every collect_env, `transformers env`, lscpu and issue form is made of.

One table says which names mean which fact (`fieldtable.py`); everything else is how a line falls into names and values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envdoctor.ingest import names, values
from envdoctor.ingest.fieldtable import HANDLERS, Handler
from envdoctor.ingest.found import CLAIM, FORM, OUTPUT, Found, Package, Page, Sighting, at_line
from envdoctor.ingest.text import Line
from envdoctor.patterns import lazy

_GPU_KEY = lazy(r"gpu\s?(\d{1,3}(?:\s?[,\-~]\s?\d{1,3})*)\s*(compute capability|\(cuda order\)|\(nvidia-smi order\))?")
_NEXT_PAIR = lazy(r"[,;|]\s*(?=[^\s,:;=|][^,:;=|]{0,30}:\s?\S)")
_COMMAND_AFTER = lazy(r" (?:python|vllm|lmdeploy|sglang|torchrun|deepspeed|accelerate|docker|bash|nohup|pip|uv|\./)")
_VARIABLE_KEYS = ("环境变量", "environment variable", "environment variables", "env", "env vars")
_KEY_CAP = 60
_MOST_PAIRS = 16
_VALUE_CAP = 600  #: flags of a processor are the longest value that is read
_VARIABLE = lazy(r"(?:export\s+|set\s+|-e\s+|ENV\s+)?([A-Z][A-Z0-9_]{1,60})(?:\s*=\s*(\S.*)?|\s*:\s*(\S*))$")


def recognize(page: Page) -> Iterator[Found]:
    """Everything that `name: value` lines say."""
    for line in page.lines:
        yield from read_line(line)


def read_line(line: Line) -> Iterator[Found]:
    """What one line says, if it is a `name: value`, a row of a Markdown table with two cells, or a variable."""
    text = line.plain
    if text[:1] == "|" and text.count("|") >= 3 and ":" not in text.split("|")[1]:
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        if len(cells) == 2 and cells[0] and not cells[0].startswith("-"):
            yield from _pair(cells[0], cells[1], line)
        return
    colon = text.find(":", 0, _KEY_CAP)
    if colon > 0 and key_of(text[:colon]) in _VARIABLE_KEYS:
        rest = text[colon + 1 :].strip()
        yield from _variable(Line(line.number, rest, rest))
    elif colon > 0:
        yield from _pairs(text, line)
    if "=" in text or colon > 0:
        yield from _variable(line)


def _pairs(text: str, line: Line) -> Iterator[Found]:
    key, _, value = text.partition(":")
    if _meaning(key) is None or (key.endswith("  ") and key_of(key) == "cuda version"):
        return  # `CUDA Version    : 12.2` is a line of `nvidia-smi -q`, where the driver's own CUDA is meant
    if not _NEXT_PAIR.search(value):
        yield from _pair(key, value, line)
        return
    pieces = _NEXT_PAIR.split(text, _MOST_PAIRS)
    if any(_meaning(piece.partition(":")[0]) is None for piece in pieces):
        yield from _pair(key, value, line)  # a value with a colon of its own
        return
    for piece in pieces:
        name, _, said = piece.partition(":")
        yield from _pair(name, said, line)


def key_of(text: str) -> str:
    """A field's name as the table has it: lower case, one space, no quotes, no list mark, no decoration."""
    return " ".join(text.strip("\"'🤗 \t").lower().replace("_", " ").split())


def _meaning(key: str) -> Handler | str | re.Match[str] | None:
    """A handler, a package's name, a numbered GPU, or None for names that mean nothing here."""
    name = key_of(key)
    if handler := HANDLERS.get(name):
        return handler
    if name.startswith("gpu") and (match := _GPU_KEY.fullmatch(name)):
        return match
    for ending in (" version", " 版本", "版本", " 版本号", "版本号"):
        if name.endswith(ending):
            name = name[: -len(ending)].rstrip()
            break
    if handler := HANDLERS.get(name):
        return handler
    return names.package(name.replace(" ", "-"))


def _pair(key: str, value: str, line: Line) -> Iterator[Found]:
    meaning = _meaning(key)
    if meaning is None:
        return
    value = value.strip().rstrip(",").strip("\"'").strip()[:_VALUE_CAP]
    rank = FORM if line.plain != line.text.strip() else OUTPUT
    if isinstance(meaning, str):
        if (found := values.version(value)) and value[:1].lower() in "v0123456789":
            yield Found("package", Package(meaning, found), line.number, rank)
            yield Found(CLAIM, None, line.number)
        elif values.is_nothing(value):
            yield Found(CLAIM, None, line.number)
        return
    if isinstance(meaning, re.Match):
        yield from _numbered_gpu(meaning, value, line.number)
        return
    if values.is_nothing(value) and not meaning.takes_nothing:
        yield Found(CLAIM, None, line.number)
        return
    claimed = False
    for path, found_value in meaning.read(value):
        claimed = True
        yield Found(path, found_value, line.number, rank if meaning.rank is None else meaning.rank, meaning.note)
    if claimed or not meaning.strict:
        yield Found(CLAIM, None, line.number)


def _numbered_gpu(match: re.Match[str], value: str, number: int) -> Iterator[Found]:
    indices = _indices(match.group(1))
    if match.group(2) == "compute capability":
        if capability := values.dotted(value, at_most=2):
            for index in indices:
                yield Found("gpu", Sighting(None, index, compute_capability=capability), number)
                yield Found(CLAIM, None, number)
        return
    name, _, rest = value.partition(" (UUID:")
    parts = [part.strip() for part in re.split(r"\s\|\s|,\s", name)]
    if not parts[0] or values.is_nothing(parts[0]):
        return
    capability = next((f"{m[1]}.{m[2]}" for part in parts if (m := re.fullmatch(r"SM(\d{1,2})(\d)", part))), None)
    memory = next((values.size(part) for part in parts[1:] if values.size(part)), None)
    uuid = rest.strip(" )") or None
    for index in indices:
        yield Found("gpu", Sighting(parts[0], index, memory=memory, compute_capability=capability, uuid=uuid), number)
    yield Found(CLAIM, None, number)


def _indices(text: str) -> list[int]:
    out: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.replace("~", "-").partition("-")
        out.extend(range(int(first), min(int(last or first), int(first) + 63) + 1))
    return out[:64]


def _variable(line: Line) -> Iterator[Found]:
    from envdoctor.facts import EnvironmentVariable

    match = _VARIABLE.match(line.plain)
    if match and names.is_secret(match.group(1)):
        yield Found(CLAIM, None, line.number)  # never carried on, not even as a line of the log
    elif match and names.is_variable(match.group(1)):
        name, value = match.group(1), (match.group(2) or match.group(3) or "").strip().strip("\"'")
        if " " in value and _COMMAND_AFTER.search(value):
            return  # an assignment before a command belongs to the command
        if not values.is_nothing(value):
            source = at_line(line.number)
            yield Found("variable", EnvironmentVariable(name=name, value=value[:500], source=source), line.number)
        yield Found(CLAIM, None, line.number)
