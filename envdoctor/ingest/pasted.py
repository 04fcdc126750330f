"""The front door: one text, whatever it is, to Facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envdoctor.facts import Facts
from envdoctor.ingest import documents, fields, log, packages, prose, resolver, shell, smi, snippets, traces
from envdoctor.ingest.assemble import assemble
from envdoctor.ingest.found import CLAIM, Found, Page, Recognizer
from envdoctor.ingest.gpus import GpuTable
from envdoctor.ingest.infer import infer
from envdoctor.ingest.text import Line, decode, read_lines
from envdoctor.text import Text

#: each reads one kind of text; their order does not matter, the rank of what they find does
RECOGNIZERS: tuple[Recognizer, ...] = (
    fields.recognize,
    smi.recognize,
    packages.recognize,
    resolver.recognize,
    shell.recognize,
    snippets.recognize,
    traces.recognize,
    prose.recognize,
)
_MOST_FOUND = 60_000


def ingest(
    text: str | bytes, *, source: str = Text(en="pasted text", zh="粘贴的文本"), gpu_table: Mapping[str, Any] | GpuTable
) -> Facts:
    """Facts of a pasted text: any mixture of reports, lists, commands, code, sentences and error output, in any order.

    Args:
        text: the text, or its bytes in UTF-8, UTF-16 or GB 18030. Never refused: what cannot be read is skipped.
        source: where the text came from; log lines carry it. Every fact's own source is `line N` of the text.
        gpu_table: the parsed `matrix/tables/gpus.toml`, or a GpuTable made of it (build it once for many texts).

    Returns:
        What the text says. A report of envdoctor itself (JSON) is decoded as it is.

    Raises:
        EnvdoctorError: the table is damaged, or an envdoctor report does not hold what its schema says.
    """
    decoded = decode(text)
    own = documents.own_report(decoded)
    if own is not None:
        return own
    table = gpu_table if isinstance(gpu_table, GpuTable) else GpuTable(gpu_table)
    found: list[Found] = []
    covered, plain_text = documents.recognize(decoded)
    found.extend(covered)
    lines = _without_notes(read_lines(plain_text))
    page = Page(lines, "\n".join([line.plain for line in lines]).lower())
    for recognize in RECOGNIZERS:
        for item in recognize(page):
            found.append(item)
            if len(found) >= _MOST_FOUND:
                break
    claimed = frozenset(item.line for item in found if item.path == CLAIM)
    return infer(assemble(found, table, log.select(lines, claimed, source)))


def _without_notes(lines: Sequence[Line]) -> Sequence[Line]:
    """A lock file without its comments: what it says of its pins is neither an output nor a fact of the machine."""
    if not any("--hash=sha256:" in line.text for line in lines):
        return lines
    return [line for line in lines if not line.text.startswith("# ")]
