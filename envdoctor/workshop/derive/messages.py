"""Which error messages the releases of a distribution raise, and at which release each came and went.

    pieces = raised("raise ValueError(f'The dtype {dtype} is not supported by this kernel')")
    # {("ValueError", "is not supported by this kernel")}

Of a message only its longest fixed piece is looked at: enough to know it again in a log, whatever stands in its holes. The
tables hold digests of the words (`knowledge/wording.py`), not the words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from envdoctor.knowledge.wording import digest, words_of

__all__ = ["digests_of", "messages_table", "raised"]

_SHORTEST = 22
_LONGEST = 90
_FEWEST_WORDS = 3
_BREAK = re.compile(r"[\n\r\t]+|%[sdrf]|\{[^{}]*\}|\s{2,}")
#: where nobody looks for the cause of a report: single models, conversions, tests
UNASKED = re.compile(
    r"(?:^|\.)(?:tests?|testing_utils|examples|commands|benchmarks?|convert_\w+|\w*_test|test_\w+|prototype)(?:\.|$)"
    r"|^transformers\.models\.(?!auto)|^transformers\.(?:onnx|benchmark|data)\.|^vllm\.model_executor\.models\."
    r"|^sglang\.(?:multimodal_gen|test|lang|jit_kernel|srt\.models|srt\.hardware_backend|cli)\b|^unsloth\.studio"
)


def raised(source: str) -> frozenset[tuple[str, str]]:
    """(exception, longest fixed piece) of every `raise` and `assert` of a file; nothing for what does not parse."""
    if "raise" not in source and "assert" not in source:
        return frozenset()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    found: set[tuple[str, str]] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(func=function, args=[message, *_])):
                found.add((_name(function), _longest(message)))
            case ast.Assert(msg=message) if message is not None:
                found.add(("AssertionError", _longest(message)))
    return frozenset((error, piece) for error, piece in found if piece)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "Exception")


def _longest(message: ast.expr) -> str:
    pieces = [piece.strip(" .,:;'\"`") for text in _literals(message) for piece in _BREAK.split(text)]
    best = max(pieces, key=len, default="")
    if len(best) > _LONGEST:
        best = best[:_LONGEST].rpartition(" ")[0]
    return best if len(best) >= _SHORTEST and best.count(" ") >= 2 else ""


def _literals(node: ast.expr) -> Iterable[str]:
    """The fixed texts of a message in order; neighbours are joined."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=values):
            for value in values:
                if isinstance(value, ast.Constant):
                    yield str(value.value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = list(_literals(left)), list(_literals(right))
            if first and second:
                yield from (*first[:-1], first[-1] + second[0], *second[1:])
            else:
                yield from (*first, *second)
        case ast.BinOp(left=left, op=ast.Mod()):
            yield from _literals(left)
        case ast.Call(func=ast.Attribute(value=value, attr="format" | "join" | "strip")):
            yield from _literals(value)


def messages_table(
    distribution: str, releases: Sequence[tuple[str, Mapping[str, frozenset[tuple[str, str]]]]], *, made: str
) -> dict[str, Any]:
    """The table of one distribution: change -> exception -> number of words -> digests. `releases`: module -> what it raises."""
    versions = [version for version, _ in releases]
    sets = [
        {pair for module, found in api.items() if not UNASKED.search(module) for pair in found} for _, api in releases
    ]
    rows: dict[str, dict[str, list[str]]] = {}
    for pair in set.union(*sets):
        here, change = pair in sets[0], ""
        for version, present in zip(versions[1:], sets[1:], strict=True):
            if (pair in present) is not here:
                here = not here
                change += ("+" if here else "-") + version
        rows.setdefault(change, {}).setdefault(pair[0], []).append(pair[1])
    return {
        "distribution": distribution,
        "made": made,
        "versions": [versions[0], versions[-1]],
        "read": len(versions),
        "messages": {
            change: {e: digests_of(p) for e, p in sorted(found.items())} for change, found in sorted(rows.items())
        },
    }


def digests_of(pieces: Iterable[str]) -> dict[str, list[str]]:
    """Number of words -> the digests of the pieces that have so many."""
    found: dict[int, set[str]] = {}
    for piece in pieces:
        words = words_of(piece)
        if len(words) >= _FEWEST_WORDS:
            found.setdefault(len(words), set()).add(digest(words))
    return {str(count): sorted(digests) for count, digests in sorted(found.items())}
