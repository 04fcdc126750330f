"""What this machine knows by name: its user, home, host, domain, addresses and serial numbers, in every spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from envdoctor.ticket.redact.shape import GENERIC_USERS, after_escape
from envdoctor.ticket.redact.span import KINDS, Span
from envdoctor.values import dataclass

# Words that reports are made of. A machine or a user that is called like one is not recognizable by it, and masking it
# everywhere would make the report unreadable.
COMMON_WORDS = frozenset(KINDS) | GENERIC_USERS | frozenset(
    ["cuda", "torch", "nvidia", "gpu", "gpus", "cpu", "linux", "windows", "wsl", "python", "pip", "conda", "server",
     "localhost", "local", "node", "worker", "master", "model", "models", "data", "driver", "kernel", "x86_64",
     "aarch64", "llm", "llama", "qwen", "vllm", "sglang", "lmdeploy", "transformers", "triton", "awq", "gptq",
     "gguf", "serve", "generate", "quantize", "train", "install", "engine", "python3", "site-packages",
     "dist-packages", "lib", "lib64", "none", "null", "true", "false", "error", "warning", "info", "debug", "trace",
     "log", "file", "line", "value", "source", "report", "ticket", "facts", "findings", "match", "possible",
     "reason", "version", "name", "fact", "status", "path", "usr", "opt", "var", "etc", "mnt", "run", "dev", "proc",
     "sys", "bin", "tmp", "code", "src", "main", "base", "dell", "asus", "lenovo", "desktop", "laptop", "pc", "box",
     "cluster", "compute", "head", "login", "storage", "train01", "unknown", "withheld", "redacted", "text",
     "string", "float16", "bfloat16", "float32", "int4", "int8", "fp8", "sm", "cu", "hf", "tp", "pp", "dp", "ep",
     "gb", "mb", "kb", "ms", "us", "id", "ok", "no", "lm", "ai", "ml", "os", "io", "py", "so", "rc", "it", "is",
     "in", "on", "at", "to", "of", "an", "as", "by", "if", "or", "and", "the", "for", "not", "com", "org", "net",
     "cn", "de", "uk", "www", "http", "https", "git", "github", "ubuntu22", "lan", "corp", "home", "arpa"]
)  # fmt: skip

_ALWAYS = 8  # characters from which a literal counts wherever it stands, inside words too
_PATH_EDGE = frozenset("/\\@=:~\"'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Literal:
    """A string that must not leave, and what it is (one of the kinds of a mask)."""

    kind: str
    value: str


def usable(literals: Iterable[Literal]) -> tuple[Literal, ...]:
    """The literals that can be looked for: no common words, nothing too short to mean anything; longest first."""
    kept: dict[str, Literal] = {}
    for literal in literals:
        value = literal.value.strip().rstrip("/") if literal.kind == "home" else literal.value.strip()
        low = value.casefold()
        shortest = 2 if (not value.isascii() or literal.kind in {"user", "host"}) else 4
        if len(value) < shortest or low in COMMON_WORDS or (value.isdigit() and len(value) < 6):
            continue
        if literal.kind == "home" and (
            value.count("/") + value.count("\\") < 1 or low in {"/root", "/home", "/nonexistent"}
        ):
            continue
        if literal.kind == "home" and re.split(r"[/\\]", low)[-1] in GENERIC_USERS:
            continue
        kept.setdefault(low, Literal(kind=literal.kind, value=value))
    return tuple(sorted(kept.values(), key=lambda item: (-len(item.value), item.value)))


def _spellings(literal: Literal) -> set[str]:
    value = literal.value
    out = {
        value,
        unicodedata.normalize("NFC", value),
        unicodedata.normalize("NFD", value),
        quote(value, safe=""),
        quote(value),
    }
    if not value.isascii():
        raw = value.encode("utf-8", "replace")
        out.add("".join(f"\\x{b:02x}" for b in raw))
        out.add("".join(f"\\{b:03o}" for b in raw))
        units = value.encode("utf-16-be", "replace")
        out.add("".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)))
        for wrong in ("latin-1", "cp1252", "gbk"):  # what a terminal with another encoding prints
            out.add(raw.decode(wrong, "ignore"))
    for item in tuple(out):
        if "\\" in item:
            out.add(item.replace("\\", "\\\\"))
            out.add(item.replace("\\", "/"))
        if " " in item:
            out.add(item.replace(" ", "\\ "))
        if "/" in item:
            out.add(item.replace("/", "\\/"))
    if literal.kind == "user" and (len(value) > 8 or " " in value):
        out.add(value.replace(" ", "")[:6] + "~1")
    if literal.kind == "mac":
        out |= {value.replace(":", "-"), value.replace(":", "")}
    return {item for item in out if len(item) >= 2}


class LiteralFinder:
    """Looks for the spellings of some literals. Building costs one pattern; each search is one pass over the text."""

    def __init__(self, literals: Iterable[Literal]) -> None:
        self._by_spelling: dict[str, Literal] = {}
        for literal in usable(literals):
            for spelling in sorted(_spellings(literal)):
                self._by_spelling.setdefault(spelling.lower(), literal)
        ordered = sorted(self._by_spelling, key=lambda s: (-len(s), s))
        self._pattern = re.compile("|".join(re.escape(s) for s in ordered), re.IGNORECASE) if ordered else None

    def find(self, text: str) -> Iterator[Span]:
        """Every place where a literal stands, in whatever spelling; short ones only as words of their own."""
        if self._pattern is None:
            return
        place = 0
        while True:
            match = self._pattern.search(text, place)
            if match is None:
                return
            literal = self._by_spelling.get(match.group().lower())
            if literal is not None and _stands(text, match.start(), match.end(), literal):
                yield Span(
                    start=match.start(),
                    end=match.end(),
                    kind=literal.kind,
                    rule="literal",
                    identity=literal.value.casefold(),
                )
                place = match.end()
            else:
                place = match.start() + 1

    def survivors(self, text: str) -> Iterator[Literal]:
        """The literals that still stand in a finished text; the second look, without any rule about neighbours."""
        low = text.casefold()
        for spelling, literal in self._by_spelling.items():
            if len(spelling) >= _ALWAYS and spelling in low:
                yield literal


def _stands(text: str, start: int, end: int, literal: Literal) -> bool:
    length = end - start
    if length >= _ALWAYS or literal.kind in {"home", "gpu", "serial", "mac"} or not text[start:end].isascii():
        return True
    before, after = text[start - 1 : start], text[end : end + 1]
    if literal.kind in {"ip", "private-ip"}:
        return not (
            before.isdigit()
            or after.isdigit()
            or (before == "." and text[start - 2 : start - 1].isdigit())
            or (after == "." and text[end + 1 : end + 2].isdigit())
        )
    free_before = not (before.isascii() and before.isalpha()) or after_escape(text, start)
    free_after = not (after.isascii() and after.isalpha())
    if not (free_before and free_after):
        return False
    if length <= 3:
        escaped = after_escape(text, start)
        return (
            (before in _PATH_EDGE and bool(before))
            or (after in _PATH_EDGE and bool(after))
            or escaped
            or not (before.strip() or after.strip())
        )
    return True
