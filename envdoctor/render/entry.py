"""One entry of the matrix as text."""

from __future__ import annotations

from collections.abc import Iterable

from envdoctor.knowledge import EntryCore, EntryTexts
from envdoctor.knowledge.conditions import AllOf, AnyOf, Condition, FactLeaf, Not, PackageLeaf
from envdoctor.patterns import lazy
from envdoctor.render.plain import indented, visible
from envdoctor.render.words import word

_HOLE = lazy(r"\{([a-z_]+)\}")


def template(text: str) -> str:
    """A text whose holes are filled when it is shown for a machine: here they are only named."""
    return _HOLE.sub(r"<\1>", text)


def entry_text(core: EntryCore, texts: EntryTexts, lang: str, width: int = 80) -> str:
    """Title, cause, explanation, condition, fixes and evidence, as plain lines of at most `width` cells (addresses apart)."""
    colon = word("colon", lang)

    def said(key: str) -> str:
        return word(key, lang) + colon

    def named(kind: str, name: str) -> str:
        return word(f"{kind}.{name}", lang)

    lines = _wrap([f"{core.id}{colon}{template(texts.title.get(lang))}"], width)
    about = f"{said('about')}{', '.join(map(visible, core.packages)) or '-'}"
    dates = f"{said('published')}{texts.published}{word('semicolon', lang)}{said('modified')}{texts.modified}"
    withdrawn = f"{word('semicolon', lang)}{word('withdrawn', lang)}" if core.withdrawn else ""
    kind = f"{said('class')}{named('class', core.cause)}{word('semicolon', lang)}{said('effect')}{named('effect', core.effect)}"
    lines += [
        "",
        *_wrap([kind, about, dates + withdrawn], width),
        "",
        *_wrap([template(texts.explanation.get(lang))], width),
        "",
    ]
    for i, fix in enumerate(texts.fixes, 1):
        pins = ", ".join(f"{name} {pin}" for name, pin in fix.pins.items())
        text = template(fix.text.get(lang)) + (f" [{template(pins)}]" if pins else "")
        lines += indented(text, width, f"{word('fix', lang)} {i}{colon}", "    ")
    lines += [""] if texts.fixes else []
    if core.when is not None:
        lines += [said("when").rstrip(), *_wrap((f"  {line}" for line in condition_lines(core.when, lang)), width)]
    for signature in core.signatures:
        sure = word("aside", lang, it=word("conclusive", lang)) if signature.conclusive else ""
        lines += indented(f"{said('shown-by')}{signature.pattern}{sure}", width, "", "    ")
    lines += _wrap((f"{said('checked-to')}{name} {version}" for name, version in core.checked.items()), width)
    lines.append("")
    for item in texts.evidence:
        lines += indented(
            f"{word('cited', lang, type=named('evidence', item.type), date=item.date)}{item.says}", width, "", "    "
        )
        lines.append(f"    {visible(item.url or item.command or '')}")
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _wrap(lines: Iterable[str], width: int) -> list[str]:
    out = []
    for line in lines:
        margin = " " * (len(line) - len(line.lstrip(" ")))
        out += indented(line, width, margin, margin + "  " if margin else "")
    return out


def condition_lines(condition: Condition, lang: str = "en") -> list[str]:
    """A condition as indented lines."""
    either = word("value-or", lang)
    if isinstance(condition, PackageLeaf):
        names = either.join(condition.names)
        if condition.absent:
            return [f"{names} {word('not-installed', lang)}"]
        ranges = either.join(str(interval) for interval in condition.intervals)
        return [f"{names} {ranges}" if ranges else f"{names} {word('installed', lang)}"]
    if isinstance(condition, FactLeaf):
        value = either.join(str(i) for i in condition.intervals) if condition.intervals else condition.value
        every = word("aside", lang, it=word("every-gpu", lang)) if condition.every else ""
        return [f"{condition.path} {condition.operator} {value}{every}"]
    colon = word("colon", lang).rstrip()
    if isinstance(condition, Not):
        inner = condition_lines(condition.part, lang)
        said = f"{word('not', lang)}{colon}"
        return [f"{said} {inner[0]}"] if len(inner) == 1 else [said, *(f"  {line}" for line in inner)]
    head = word("all-of" if isinstance(condition, AllOf) else "any-of", lang) + colon
    parts: tuple[Condition, ...] = condition.parts if isinstance(condition, (AllOf, AnyOf)) else ()
    return [head, *(f"  {line}" for part in parts for line in condition_lines(part, lang))]
