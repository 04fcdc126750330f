"""JSON in a pasted text: envdoctor's own reports, flashinfer's collector, pip inspect, `pip list` and conda as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from envdoctor.errors import EnvdoctorError
from envdoctor.facts import Facts, decode
from envdoctor.ingest import values
from envdoctor.ingest.found import OUTPUT, Found, Package
from envdoctor.patterns import lazy
from envdoctor.text import Text

#: a document larger than this is read as lines, not as JSON: a package list or a report is far smaller
DOCUMENT_CAP = 4 * 1024 * 1024
MOST_DOCUMENTS = 8
_START = lazy(r"^[ \t]*(?:\$.*\n)?[ \t]*([\[{])", re.M)
_OWN_VERSION = 1
_DEEP = lazy(r"[\[{][\s\[{]{300}")


def own_report(text: str) -> Facts | None:
    """The facts of envdoctor's own JSON report, when the text is one; None for any other text.

    Raises:
        EnvdoctorError: it claims to be one and does not hold what the schema says, or is of a newer schema.
    """
    stripped = text.lstrip("\ufeff \t\r\n")
    fence = re.match(r"```(?:json)?\s*\n", stripped)
    if fence:
        stripped = stripped[fence.end() :].rstrip().removesuffix("```")
    if not stripped.startswith("{") or '"schema_version"' not in stripped[:4096] or len(stripped) > 16 * DOCUMENT_CAP:
        return None
    import json

    try:
        document = json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "facts" not in document or "tool" not in document:
        return None
    version = document.get("schema_version")
    if version != _OWN_VERSION:
        raise EnvdoctorError(
            Text(
                en=f"the report has schema version {version!r:.20}; this envdoctor reads version {_OWN_VERSION}",
                zh=f"报告的 schema 版本为 {version!r:.20}，本版 envdoctor 读取版本 {_OWN_VERSION}",
            ),
            advice=Text(
                en="use the envdoctor that wrote it, or a newer one", zh="请使用生成它的 envdoctor 版本，或更新的版本"
            ),
        )
    return decode(Facts, document["facts"], "facts")


def recognize(text: str) -> tuple[list[Found], str]:
    """What JSON documents in the text say, and the text with those documents blanked (line numbers stay)."""
    if len(text) > DOCUMENT_CAP or ("{" not in text and "[" not in text) or '"' not in text or _DEEP.search(text):
        return [], text
    found: list[Found] = []
    import json

    decoder = json.JSONDecoder()
    at = tried = 0
    while tried < MOST_DOCUMENTS and (match := _START.search(text, at)):
        start = match.start(1)
        if not re.match(r"[\[{]\s*[\"{\[\]}]", text[start : start + 200]):
            at = match.end()
            continue
        tried += 1
        try:
            document, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = match.end()
            continue
        number = text.count("\n", 0, start) + 1
        read = list(_document(document, number))
        if read:
            found.extend(read)
            text = text[:start] + "\n" * text.count("\n", start, end) + text[end:]
            at = start
        else:
            at = end
    return found, text


def _document(document: Any, number: int) -> Iterator[Found]:
    if isinstance(document, list):
        yield from _package_list(document, number)
    elif isinstance(document, dict):
        if "installed" in document and "pip_version" in document:
            yield from _pip_inspect(document, number)
        elif "Relevant Packages" in document or "GPU / Driver" in document:
            yield from _sections(document, number)
        elif "quantization_config" in document or "model_type" in document:
            yield from _model_config(document, number)


def _package_list(rows: list[Any], number: int) -> Iterator[Found]:
    """`pip list --format json`, `uv pip list --format json`, `conda list --json`."""
    names = 0
    installers = False
    for row in rows[:4000]:
        if not isinstance(row, dict):
            return
        name, version = row.get("name"), row.get("version")
        if not isinstance(name, str) or not isinstance(version, str) or not version[:1].isdigit():
            continue
        name = values.normalized(name)
        if "channel" in row and name == "pytorch":
            name = "torch"
        names += 1
        installers = installers or name in ("pip", "setuptools")
        editable = isinstance(row.get("editable_project_location"), str)
        yield Found("package", Package(name, version[:80], editable=editable), number)
    if names:
        yield Found("complete" if names >= 10 and installers else "partial", names, number)


def _pip_inspect(document: dict[str, Any], number: int) -> Iterator[Found]:
    rows = document.get("installed")
    for row in rows[:4000] if isinstance(rows, list) else ():
        metadata = row.get("metadata") if isinstance(row, dict) else None
        if (
            isinstance(metadata, dict)
            and isinstance(metadata.get("name"), str)
            and isinstance(metadata.get("version"), str)
        ):
            yield Found("package", Package(values.normalized(metadata["name"]), metadata["version"][:80]), number)
    yield Found("complete", len(rows) if isinstance(rows, list) else 0, number)
    environment = document.get("environment")
    if isinstance(environment, dict):
        for key, path in (
            ("python_full_version", "target.python"),
            ("platform_machine", "host.architecture"),
            ("platform_release", "host.kernel"),
        ):
            if isinstance(environment.get(key), str) and environment[key]:
                yield Found(path, environment[key][:120], number)
        system = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}.get(
            str(environment.get("platform_system"))
        )
        if system:
            yield Found("host.os", system, number)


def _sections(document: dict[str, Any], number: int) -> Iterator[Found]:
    """flashinfer's report: sections of names and texts, the same names as in its text form."""
    from envdoctor.ingest import fields
    from envdoctor.ingest.text import Line

    for title, section in list(document.items())[:40]:
        for key, value in list(section.items())[:400] if isinstance(section, dict) else ():
            if not isinstance(value, str) or not isinstance(key, str):
                continue
            if title == "Relevant Packages" and value[:1].isdigit():
                yield Found("package", Package(values.normalized(key), value.split(" ")[0]), number)
                continue
            text = f"{key}: {value.splitlines()[0] if value else ''}"[:2000]
            yield from fields.read_line(Line(number, text, text))


def _model_config(document: dict[str, Any], number: int) -> Iterator[Found]:
    """A pasted config.json of a checkpoint: the few fields that diagnosis asks for."""
    quantization = document.get("quantization_config")
    quantization = quantization if isinstance(quantization, dict) else {}
    architectures = document.get("architectures")
    texts = {
        "model_type": document.get("model_type"),
        "architecture": architectures[0] if isinstance(architectures, list) and architectures else None,
        "dtype": document.get("torch_dtype") or document.get("dtype"),
        "quant_method": quantization.get("quant_method"),
        "quant_format": quantization.get("format") or quantization.get("version"),
    }
    numbers = {key: document.get(key) for key in _NUMBERS}
    numbers |= {"bits": quantization.get("bits"), "group_size": quantization.get("group_size")}
    switches = {key: quantization.get(key) for key in ("desc_act", "sym")}
    for key, value in texts.items():
        if isinstance(value, str) and value:
            yield Found(f"checkpoint.{key}", value[:120], number, OUTPUT)
    for key, value in numbers.items():
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 40:
            yield Found(f"checkpoint.{key}", value, number, OUTPUT)
    for key, value in switches.items():
        if isinstance(value, bool):
            yield Found(f"checkpoint.{key}", value, number, OUTPUT)
    yield Found("checkpoint.origin", "text", number, OUTPUT)


_NUMBERS = (
    "hidden_size", "intermediate_size", "moe_intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim",
    "num_hidden_layers", "vocab_size",
)  # fmt: skip
