"""Last resort: whose message it is. The wheels say which distribution raises it, and from which release to which.

Runs only where no entry explains the pasted error. Always `possible`: who raises a message is certain, why it came to
that is not. The class is what messages of such words mostly mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.checks.traces import importer_of
from envdoctor.knowledge.releases import Change, change_from
from envdoctor.knowledge.wording import runs_of
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass

_PREFIX = "messages/"
#: what the words of a message mostly mean, the most telling first
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (lazy(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (
            (
                r"out of memory|enough (?:[GC]PU |host |device )?(?:memory|RAM|VRAM|space)|fit (?:in|into|the)|offload|"
                r"(?:pool|cache|slots?)\b.*(?:too small|is full)|no (?:GPU|host) memory"
            ),
            "out-of-memory",
        ),
        (r"\bP2P\b|\bNCCL\b|process group|world size|peer access", "multi-gpu-comm"),
        (r"compute capability|Ampere|Hopper|Turing|\bsm_?\d\d\b|CUDA ?>=", "gpu-capability-too-low"),
        (r"divisible|multiple of|group.?size|must be aligned", "kernel-shape-constraint"),
        (
            r"\bversion\b|upgrade|older than|newer than|incompatible|not compatible|[<>=]=\s?\d|downgrade",
            "version-conflict",
        ),
        (r"dtype|bfloat16|float16|bf16|fp16|scalar type|half precision", "dtype-unsupported"),
        (r"ninja|nvcc|compiler|toolkit|CUDA_HOME", "missing-toolchain"),
        (
            r"no (?:CUDA )?GPU|GPU is (?:required|needed)|CUDA (?:is )?(?:not available|required)|accelerator",
            "wrong-build",
        ),
        (r"install|is required|not available|not found in your environment", "misconfiguration"),
        (
            r"no such file|does not (?:appear|contain)|corrupt|state.?dict|safetensors|config\.json|missing key",
            "broken-model-files",
        ),
        (r"quantiz|quant_method|checkpoint|\bformat\b|architecture", "quant-format-unsupported"),
    )
)
_BY_EXCEPTION = {
    "ImportError": "version-conflict", "ModuleNotFoundError": "version-conflict", "AttributeError": "version-conflict",
    "TypeError": "version-conflict", "NotImplementedError": "quant-format-unsupported", "AssertionError": "known-bug",
    "KeyError": "known-bug", "IndexError": "known-bug", "OSError": "broken-model-files",
    "FileNotFoundError": "broken-model-files",
}  # fmt: skip


#: Python's own words, which some libraries repeat in errors of theirs
_PYTHON = lazy(r"has no attribute|No module named|cannot import name|unexpected keyword argument|positional argument")
#: where several distributions hold the very same message, the one that most others copied from comes first
_FIRST = (
    "transformers",
    "accelerate",
    "peft",
    "huggingface-hub",
    "vllm",
    "trl",
    "datasets",
    "bitsandbytes",
    "torchao",
    "optimum",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Raised:
    distribution: str
    exception: str
    passage: str  #: of the pasted message
    words: int
    change: str


@check("EC-shape-message")
def raised_by(context: CheckContext) -> Iterable[Hit]:
    """The distribution whose sources hold the message, the likeliest where several do."""
    for hit in context.hits[:4]:
        message = hit.groups["message"]
        found = [] if _PYTHON.search(message) else list(_searched(context, message))
        if found:
            asker = importer_of(context, hit.line)
            longest = max(one.words for one in found)
            alike = sorted((one for one in found if one.words == longest), key=lambda one: _order(context, one, asker))
            yield _hit(context, message, alike, log_reason(hit))
            return


def _order(context: CheckContext, one: _Raised, asker: str) -> tuple[bool, bool, int]:
    place = _FIRST.index(one.distribution) if one.distribution in _FIRST else len(_FIRST)
    return (one.distribution != asker, one.distribution not in context.view.packages, place)


def _searched(context: CheckContext, message: str) -> Iterator[_Raised]:
    """Every known message that stands in this one."""
    runs: dict[str, Mapping[str, str]] = {}
    for key in context.tables:
        if not key.startswith(_PREFIX):
            continue
        table: Mapping[str, Any] = context.tables[key]
        for change, rows in table["messages"].items():
            for exception, by_count in rows.items():
                for count, digests in by_count.items():
                    if count not in runs:
                        runs[count] = runs_of(message, int(count))
                    for passage in [runs[count][one] for one in digests if one in runs[count]]:
                        yield _Raised(
                            distribution=table["distribution"],
                            exception=exception,
                            passage=passage,
                            words=int(count),
                            change=change,
                        )


def _hit(context: CheckContext, message: str, alike: Sequence[_Raised], reason: Any) -> Hit:
    raised = alike[0]
    change = change_from(raised.distribution, "", raised.change)
    engine = context.view.value("workload.engine")
    also = engine if isinstance(engine, str) and engine in context.view.packages else ""
    return Hit(
        verdict="possible",
        because=(reason,),
        values={"package": raised.distribution, "message": raised.passage, "says": _says(change)},
        packages=tuple(name for name in dict.fromkeys((*(one.distribution for one in alike[:2]), also)) if name),
        cause=_cause(message, raised.exception),
        explains=1,
        weight=2,
    )


def _says(change: Change | None) -> Text:
    """Which releases know the message, as a clause."""
    if change is None:
        return Text(en="every release that was read has it", zh="已查看的所有版本都有它")
    return change.says()


def _cause(message: str, exception: str) -> str:
    found = next((cause for words, cause in _WORDS if words.search(message)), None)
    return found or _BY_EXCEPTION.get(exception, "misconfiguration")
