"""Last resort: what a message of this shape usually means, said only where nothing else explains the pasted error.

Always `possible`: the shape of a message names a field, never a cause. Which class a shape means, its texts and its
evidence are data (`matrix/checks/EC-shape-*.toml`); who is suspected is read from the traceback, the line and the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from envdoctor.diagnose.checks.registry import CHECKS, CheckContext, Hit, log_reason
from envdoctor.diagnose.checks.traces import importer_of
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.knowledge.owners import distribution_of_engine, normalized, owners_of_module

SHAPES = (
    "EC-shape-argument", "EC-shape-attribute", "EC-shape-crash", "EC-shape-format", "EC-shape-install", "EC-shape-kernel",
    "EC-shape-memory", "EC-shape-module", "EC-shape-multi-gpu", "EC-shape-nan", "EC-shape-no-gpu", "EC-shape-shape",
    "EC-shape-toolchain", "EC-shape-weights",
)  # fmt: skip

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,40}")
_SUSPECTS = 3


def _shape(context: CheckContext) -> Iterable[Hit]:
    if context.hits:
        hits = context.hits[:3]
        yield Hit(
            verdict="possible",
            because=tuple(log_reason(hit) for hit in hits),
            values=dict(hits[-1].groups),
            packages=_suspects(context, hits),
            explains=1,
            weight=0,
        )


def _suspects(context: CheckContext, hits: Iterable[SignatureHit]) -> tuple[str, ...]:
    """The asking package, then installed packages that the line names, then the engine; at most three."""
    found: list[str] = []
    for hit in hits:
        if "package" in hit.groups:
            found.append(normalized(hit.groups["package"]))
        found.append(importer_of(context, hit.line))
        if "module" in hit.groups:
            found += owners_of_module(context.tables, hit.groups["module"])[:1]
        words = (word.lower().replace("_", "-").rstrip(".") for word in _WORD.findall(hit.line.text[:500]))
        found += [word for word in words if word in context.view.packages and word not in ("torch", "python")]
    engine = context.view.value("workload.engine")
    found.append(distribution_of_engine(engine) if isinstance(engine, str) else "")
    found += [name for name in ("vllm", "sglang", "lmdeploy", "transformers") if name in context.view.packages]
    return tuple(dict.fromkeys(name for name in found if name))[:_SUSPECTS]


for _name in SHAPES:
    CHECKS[_name] = _shape
