"""One entry of the matrix as text."""

from __future__ import annotations

from envdoctor.knowledge import EntryCore, EntryTexts
from envdoctor.knowledge.conditions import AllOf, AnyOf, Condition, FactLeaf, Not, PackageLeaf


def entry_text(core: EntryCore, texts: EntryTexts, lang: str) -> str:
    """Title, cause, explanation, condition, fixes and evidence, as plain lines."""
    lines = [f"{core.id}: {texts.title.get(lang)}", ""]
    lines += [f"class {core.cause}; effect {core.effect}; packages {', '.join(core.packages) or '-'}"]
    lines += [
        f"published {texts.published}, modified {texts.modified}" + (" (withdrawn)" if core.withdrawn else ""),
        "",
    ]
    lines += [texts.explanation.get(lang), ""]
    if core.when is not None:
        lines += ["applies when:", *(f"  {line}" for line in condition_lines(core.when)), ""]
    for signature in core.signatures:
        lines.append(f"shown by: {signature.pattern}" + (" (conclusive)" if signature.conclusive else ""))
    lines += [f"checked up to: {name} {version}" for name, version in core.checked.items()]
    for i, fix in enumerate(texts.fixes, 1):
        pins = ", ".join(f"{name} {pin}" for name, pin in fix.pins.items())
        lines.append(f"fix {i}: {fix.text.get(lang)}" + (f" [{pins}]" if pins else ""))
    for item in texts.evidence:
        lines.append(f"evidence ({item.type}, {item.date}): {item.says}")
        lines.append(f"  {item.url or item.command}")
    return "\n".join(lines) + "\n"


def condition_lines(condition: Condition) -> list[str]:
    """A condition as indented lines."""
    if isinstance(condition, PackageLeaf):
        names = " or ".join(condition.names)
        if condition.absent:
            return [f"{names} is not installed"]
        ranges = " or ".join(str(interval) for interval in condition.intervals)
        return [f"{names} {ranges}" if ranges else f"{names} is installed"]
    if isinstance(condition, FactLeaf):
        value = " or ".join(str(i) for i in condition.intervals) if condition.intervals else condition.value
        every = " (every GPU)" if condition.every else ""
        return [f"{condition.path} {condition.operator} {value}{every}"]
    if isinstance(condition, Not):
        inner = condition_lines(condition.part)
        return [f"not: {inner[0]}"] if len(inner) == 1 else ["not:", *(f"  {line}" for line in inner)]
    word = "all of:" if isinstance(condition, AllOf) else "any of:"
    parts: tuple[Condition, ...] = condition.parts if isinstance(condition, (AllOf, AnyOf)) else ()
    return [word, *(f"  {line}" for part in parts for line in condition_lines(part))]
