"""Tracebacks and error lines: paths give the engine and the Python, messages name the GPU and its memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from envdoctor.ingest import names, values
from envdoctor.ingest.found import ERROR, TRACE, Found, Page, Sighting
from envdoctor.patterns import lazy
from envdoctor.text import Text

_MODULE = lazy(r"-packages[/\\]([A-Za-z_]\w{0,60})")
_PATH_END = lazy(r"[\s\"'(]")
_PATH_CAP = 300
_PYTHON = lazy(r"[/\\][Pp]ython(3)\.?(\d{1,2})(?=[/\\])")
_CAPABILITY = lazy(r"Your (.{3,60}?) GPU has compute capability (\d{1,2}\.\d)")
_TOO_NEW = lazy(r"(?:^|[\s:])((?:NVIDIA|Tesla|GeForce|Quadro)[\w \-]{2,50}?) with CUDA capability sm_(\d{1,2})(\d)\b")
_OLD_GPU = lazy(r"Found GPU(\d{1,2}) (.{3,60}?) which is of cuda capability (\d{1,2}\.\d)")
_TOTAL = lazy(
    r"GPU (\d{1,2}) has a total capac\w+ of (\d+(?:\.\d+)? [MG]iB)(?: of which (\d+(?:\.\d+)? [MG]iB) is free)?"
)
_OLD_TOTAL = lazy(r"\(GPU (\d{1,2}); (\d+(?:\.\d+)? [MG]iB) total capacity;.{0,60}?(\d+(?:\.\d+)? [MG]iB) free")
_ARCHS = lazy(r"supports CUDA capabilities ((?:sm_\w+ ?)+)")
#: an engine that others import, so the folders of those win over it
_ORDER = tuple(names.ENGINE_MODULES)


def recognize(page: Page) -> Iterator[Found]:
    """What follows from paths, and what error messages say of the GPU."""
    engines: dict[str, int] = {}
    pythons: set[str] = set()
    for line in page.lines:
        text = line.text
        if "-packages" in text:
            for match in islice(_MODULE.finditer(text), 4):
                before = text[max(0, match.start() - _PATH_CAP) : match.start()]
                folder, module = _PATH_END.split(before)[-1], match.group(1)
                if module in names.ENGINE_MODULES:
                    engines.setdefault(module, line.number)
                if (python := _PYTHON.search(folder + "/")) and python[2] not in pythons:
                    pythons.add(python[2])
                    yield Found(
                        "target.python",
                        f"3.{python[2]}",
                        line.number,
                        TRACE,
                        Text(en="a path in the output", zh="输出中的路径"),
                    )
                if "conda" in folder or "/envs/" in folder:
                    yield Found(
                        "target.kind", "conda", line.number, TRACE, Text(en="a path in the output", zh="输出中的路径")
                    )
        if "apability" in text or "capabilities" in text:
            yield from _capabilities(text, line.number)
        elif "capac" in text and (match_total := _TOTAL.search(text) or _OLD_TOTAL.search(text)):
            index, total, free = int(match_total[1]), values.size(match_total[2]), match_total[3]
            sighting = Sighting(None, index, memory=total, free=values.size(free) if free else None)
            yield Found("gpu", sighting, line.number, ERROR)
    for module in _ORDER:
        if module in engines:
            note = Text(en=f"{module} in a path of the output", zh=f"输出中的路径含有 {module}")
            yield Found("workload.engine", names.ENGINE_MODULES[module], engines[module], TRACE, note)
            break


def _capabilities(text: str, number: int) -> Iterator[Found]:
    if match := _CAPABILITY.search(text):
        yield Found("gpu", Sighting(match[1].strip(), compute_capability=match[2]), number, ERROR)
    elif match := _TOO_NEW.search(text):
        yield Found("gpu", Sighting(match[1].strip(), compute_capability=f"{match[2]}.{match[3]}"), number, ERROR)
    elif match := _OLD_GPU.search(text):
        yield Found("gpu", Sighting(match[2].strip(), int(match[1]), compute_capability=match[3]), number, ERROR)
    if match := _ARCHS.search(text):
        archs = tuple(f"{m[1]}.{m[2]}" for m in re.finditer(r"sm_(\d{1,2})(\d[af]?)\b", match[1]))
        if archs:
            yield Found("torch.archs", archs, number, ERROR)
