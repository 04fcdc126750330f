"""Last resort: what a message of this shape usually means, said only where nothing else explains the pasted error.

Always `possible`: the shape of a message names a field, never a cause. Which class a shape means, its texts and its
evidence are data (`matrix/checks/EC-shape-*.toml`); who is suspected is read from the traceback, the line and the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envdoctor.diagnose.checks.registry import CHECKS, CheckContext, Hit, log_reason
from envdoctor.diagnose.checks.traces import importer_of
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.knowledge.owners import distribution_of_engine, normalized, owners_of_module
from envdoctor.patterns import lazy

#: the most telling first: where several shapes fit one message, this is their order
SHAPES = (
    "EC-shape-memory", "EC-shape-multi-gpu", "EC-shape-toolchain", "EC-shape-capability", "EC-shape-shape", "EC-shape-argument",
    "EC-shape-attribute", "EC-shape-module", "EC-shape-format", "EC-shape-no-gpu", "EC-shape-weights", "EC-shape-install",
    "EC-shape-nan", "EC-shape-kernel", "EC-shape-crash", "EC-shape-dependency", "EC-shape-config", "EC-shape-engine",
)  # fmt: skip

_WORD = lazy(r"[A-Za-z][A-Za-z0-9_.-]{2,40}")
_SUSPECTS = 3
_NO_NAMES = frozenset(("a", "an", "it", "the", "them", "this", "package", "packages", "python", "cuda"))


def _shape(context: CheckContext, weight: float) -> Iterable[Hit]:
    if context.hits:
        hits = context.hits[:3]
        packages = _suspects(context, hits)
        yield Hit(
            verdict="possible",
            because=tuple(log_reason(hit) for hit in hits),
            values={**hits[-1].groups, **({"package": packages[0]} if packages else {})},
            packages=packages,
            explains=1,
            weight=weight,
        )


def _of_engine(context: CheckContext, weight: float) -> Iterable[Hit]:
    """An exception of somebody who is known: without a suspect there is nothing to say."""
    yield from (hit for hit in _shape(context, weight) if hit.packages)


def _suspects(context: CheckContext, hits: Iterable[SignatureHit]) -> tuple[str, ...]:
    """The asking package, then installed packages that the line names, then the engine; at most three."""
    found: list[str] = []
    for hit in hits:
        if "package" in hit.groups:
            found.append(normalized(hit.groups["package"]))
        if "word" in hit.groups and _is_a_package(context, normalized(hit.groups["word"].rstrip("."))):
            found.append(normalized(hit.groups["word"].rstrip(".")))
        found.append(importer_of(context, hit.line))
        if "module" in hit.groups:
            found += owners_of_module(context.tables, hit.groups["module"])[:1]
        words = (word.lower().replace("_", "-").rstrip(".") for word in _WORD.findall(hit.line.text[:500]))
        found += [word for word in words if word in context.view.packages and word not in ("torch", "python")]
    engine = context.view.value("workload.engine")
    found.append(distribution_of_engine(engine) if isinstance(engine, str) else "")
    found += _stated_alone(context)
    found += [name for name in ("vllm", "sglang", "lmdeploy", "transformers") if name in context.view.packages]
    return tuple(dict.fromkeys(name for name in found if name))[:_SUSPECTS]


def _stated_alone(context: CheckContext) -> list[str]:
    """Who names two or three packages and no more, names those that they think it is about."""
    stated = [name for name in context.view.packages if name not in ("torch", "python")]
    return stated if len(stated) <= _SUSPECTS else []


def _is_a_package(context: CheckContext, name: str) -> bool:
    """Whether a word of a sentence ("please install it") is the name of a distribution."""
    if name in _NO_NAMES:
        return False
    known = context.tables["modules"]["modules"] if "modules" in context.tables else {}
    return (
        name in context.view.packages
        or name.replace("-", "_") in known
        or any(name in names for names in known.values())
    )


def _weighted(
    check: Callable[[CheckContext, float], Iterable[Hit]], weight: float
) -> Callable[[CheckContext], Iterable[Hit]]:
    return lambda context: check(context, weight)


for _place, _name in enumerate(SHAPES):
    CHECKS[_name] = _weighted(_of_engine if _name == "EC-shape-engine" else _shape, 1.0 - _place / len(SHAPES))
