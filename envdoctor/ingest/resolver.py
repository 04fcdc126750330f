"""What pip, uv and version guards complain about: requirements that are not met, and the versions they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from envdoctor.facts import UnmetRequirement
from envdoctor.ingest import names, values
from envdoctor.ingest.found import ERROR, OUTPUT, TRACE, Found, Package, Page
from envdoctor.patterns import lazy
from envdoctor.text import Text

_CONFLICT = lazy(
    r"([A-Za-z0-9][\w.\-]{0,80}) (\d[\w.+!]*) (?:requires|has requirement) ([^,\s][^\n]{0,300}?), "
    r"but you(?:'ll)? have ([\w.\-]{1,80}) (\d[\w.+!]*)"
)
_MISSING = lazy(r"([A-Za-z0-9][\w.\-]{0,80}) (\d[\w.+!]*) requires ([^,\s][^\n]{0,200}?), which is not installed")
_VERSION_OF = lazy(r"([A-Za-z][\w\-]{1,40})[ _](?:version|版本)\s*:?\s*[(`']?v?(\d+\.\d+[\w.+]*)[)`']?")
_FOUND_TORCH = lazy(r"\(found (\d+\.\d+[\w.+]*)\)")
_NUMPY = lazy(r"cannot be run in\s+NumPy (\d+\.\d+[\w.]*)")
_WRONG_PYTHON = lazy(r"requires a different Python: (\d\.\d+(?:\.\d+)?) not in")
_TORCH_CUDA = lazy(r"torch was compiled with (\d+\.\d+)|used to compile PyTorch \((\d+\.\d+)\)")
_TOOLKIT_CUDA = lazy(r"(?:Installed CUDA version|detected CUDA version) \(?(\d+\.\d+)\)?")
_TOOLKIT_PATH = lazy(r"(/usr/local/cuda-(\d+\.\d+))\b")
_BUILD = lazy(
    r"subprocess-exited-with-error|Failed building wheel|Failed to build|Could not build wheels|ResolutionImpossible|"
    r"No matching distribution found|Could not find a version that satisfies|No solution found when resolving|"
    r"is not a supported wheel on this platform|requires a different Python|metadata-generation-failed|"
    r"error: command '[^']{0,200}(?:nvcc|gcc|g\+\+|ninja|cl\.exe)"
)

_TEXT_CAP = 700  #: such a sentence stands at the beginning of its line


def recognize(page: Page) -> Iterator[Found]:
    """Unmet requirements and the versions that error lines state about this environment."""
    for line in page.lines:
        text = line.plain[:_TEXT_CAP]
        number = line.number
        if "requires" in text or "has requirement" in text:
            yield from _conflicts(text, number)
        if ("version" in text or "版本" in text) and any(c.isdigit() for c in text):
            for said in islice(_VERSION_OF.finditer(text), 6):
                if (name := names.package(said[1])) and not _wished(text, said):
                    yield Found("package", Package(name, said[2].rstrip(".")), number, ERROR)
            if "(found " in text and "torch" in text and (match := _FOUND_TORCH.search(text)):
                yield Found("package", Package("torch", match[1]), number, ERROR)
        if "NumPy" in text and (match := _NUMPY.search(text)):
            yield Found("package", Package("numpy", match[1].rstrip(".")), number, ERROR)
        if "CUDA version" in text:
            if match := _TORCH_CUDA.search(text):
                yield Found("torch.cuda", match[1] or match[2], number, ERROR)
            if match := _TOOLKIT_CUDA.search(text):
                yield Found("cuda.nvcc", match[1], number, ERROR)
        if "/usr/local/cuda-" in text and (match := _TOOLKIT_PATH.search(text)):
            from envdoctor.facts import Toolkit

            yield Found("toolkit", Toolkit(path=match[1], version=match[2]), number, ERROR)
        if _BUILD.search(text):
            yield Found(
                "workload.task", "install", number, TRACE, Text(en="the output of an installation", zh="安装过程的输出")
            )


def _conflicts(text: str, number: int) -> Iterator[Found]:
    if match := _CONFLICT.search(text):
        asks = f"{values.normalized(match[1])} {match[2]}"
        found = f"{values.normalized(match[4])} {match[5]}".split(" ")[1].rstrip(".")
        yield Found("unmet", UnmetRequirement(distribution=asks, requirement=match[3], found=found), number)
        yield Found("package", Package(values.normalized(match[1]), match[2]), number, ERROR)
        yield Found("package", Package(values.normalized(match[4]), found), number, ERROR)
    elif match := _MISSING.search(text):
        asks = f"{values.normalized(match[1])} {match[2]}"
        yield Found("unmet", UnmetRequirement(distribution=asks, requirement=match[3]), number)
        yield Found("package", Package(values.normalized(match[1]), match[2]), number, ERROR)
    elif match := _WRONG_PYTHON.search(text):
        yield Found("target.python", match[1], number, OUTPUT)


def _wished(text: str, match: re.Match[str]) -> bool:
    """Whether the sentence asks for that version instead of reporting it."""
    before = text[max(0, match.start() - 40) : match.start()].lower()
    return bool(
        re.search(r"requires?|upgrade|install|need|at least|minimum|expected|please|downgrade|要求|需要|升级", before)
    )
