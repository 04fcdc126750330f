"""Who asked: the distribution whose code stands last above an error in a traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envdoctor.diagnose.checks.registry import CheckContext
from envdoctor.facts import LogLine
from envdoctor.knowledge.owners import normalized, owners_of_module, owners_of_path
from envdoctor.patterns import lazy

_NEAR = 3  # lines above an error in which a package is named in passing
_LOOK_BACK = 60  # lines of a traceback in which the importing file stands
_IMPORT = lazy(r"^\s*(?:from|import)\s+([A-Za-z_][\w.]*)")
#: distributions with compiled code of their own, likeliest first: who asks for a library where the text does not say
_COMPILED = (
    "auto-gptq", "autoawq-kernels", "vllm", "sgl-kernel", "lmdeploy", "bitsandbytes", "flash-attn", "xformers", "exllamav2",
    "ctranslate2", "llama-cpp-python", "deepspeed", "tensorrt-llm", "torchvision", "torchaudio",
)  # fmt: skip
_NOT_ASKERS = ("torch", "importlib", "ctypes", "python")


def importer_of(context: CheckContext, line: LogLine, *without: str) -> str:
    """The distribution of the last traceback file, or of the last import statement, above an error line.

    `without`: distributions that cannot be it (the one that was asked). "" where the text shows none.
    """
    before = [one for one in context.view.facts.log if one.source == line.source and one.number < line.number]
    skipped = (*_NOT_ASKERS, *without)
    for one in reversed(before[-_LOOK_BACK:]):
        if "-packages/" in one.text:
            owners = owners_of_path(context.tables, one.text)
        else:
            statement = _IMPORT.match(one.text)
            owners = owners_of_module(context.tables, statement.group(1)) if statement else ()
            owners = tuple(name for name in owners if _is_known(context, name))
        if owners and owners[0] not in skipped:
            return owners[0]
    return ""


def _is_known(context: CheckContext, name: str) -> bool:
    """Whether a name is a distribution that the environment or the table of modules speaks of."""
    if name in context.view.packages:
        return True
    return any(name in names for names in context.tables["modules"]["modules"].values())


def wheel_name(context: CheckContext, name: str) -> str:
    """The distribution of one of NVIDIA's libraries in this environment: the installed one, else that of torch's CUDA major.

    `name` may carry a suffix (`nvidia-nccl-cu12`) or none; other names stay as they are.
    """
    stem = re.sub(r"-cu\d\d$", "", name)
    if not stem.startswith("nvidia-"):
        return name
    installed = sorted(found for found in context.view.packages if re.fullmatch(re.escape(stem) + r"-cu\d\d", found))
    cuda = context.view.value("torch.cuda")
    major = cuda.split(".")[0] if isinstance(cuda, str) and cuda[:1].isdigit() else "12"
    own = f"{stem}-cu{major}"
    return own if own in installed or not installed else installed[0]


def likely_asker(context: CheckContext, line: LogLine | None = None) -> str:
    """The installed distribution that most likely brought a compiled file nobody named; "" where none is known.

    One that the text names just above the error comes first, then the usual ones.
    """
    return next(
        iter((*_named_above(context, line), *(name for name in _COMPILED if name in context.view.packages))), ""
    )


def _named_above(context: CheckContext, line: LogLine | None) -> Iterator[str]:
    if line is None:
        return
    near = [
        one for one in context.view.facts.log if one.source == line.source and 0 <= line.number - one.number <= _NEAR
    ]
    text = normalized(" ".join(one.text[:500] for one in near))
    for name in context.view.packages:
        own = name not in _NOT_ASKERS and not name.startswith("nvidia-")
        if own and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            yield name
