"""What the files of compiled extensions say: built for another torch, CUDA, Python, system or GPU.

The facts were read from the files before anything was imported (`envdoctor.binaries`), so these findings stand without
any error text. Files that nothing has to load (plugins, variants for engines that are not here) are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from envdoctor.binaries.gpu import by_distribution
from envdoctor.diagnose.checks.log_symbols import fitting_version, pinned_torch
from envdoctor.diagnose.checks.registry import CheckContext, Hit, check
from envdoctor.diagnose.finding import Because
from envdoctor.facts import value_of
from envdoctor.facts.extensions import (
    CodeKind,
    ExtensionFact,
    GpuMatch,
    LibraryKind,
    Loading,
    SymbolMeaning,
)

_LOADED = (Loading.MODULE, Loading.OPERATORS, Loading.SELECTED, Loading.LINKED)
# libcuda is the driver's: that there is no driver is told once, and not for every extension
_REQUIRED = (LibraryKind.TORCH, LibraryKind.CUDA, LibraryKind.RUNTIME)
_TORCH_PIN = {
    SymbolMeaning.TORCH_UP_TO_2_2: "<2.3",
    SymbolMeaning.TORCH_2_3_TO_2_7: ">=2.3,<2.8",
    SymbolMeaning.TORCH_FROM_2_8: ">=2.8",
    SymbolMeaning.OLD_CXX_ABI: "<2.7",
    SymbolMeaning.NEW_CXX_ABI: ">=2.7",
}
_WITNESSES = 3


def _loaded(context: CheckContext) -> Iterator[ExtensionFact]:
    for fact in value_of(context.view.facts.extensions) or ():
        if fact.loading in _LOADED:
            yield fact


def _grouped(
    facts: Iterable[ExtensionFact], faulty: Callable[[ExtensionFact], object]
) -> dict[str, list[ExtensionFact]]:
    """The faulty files by the distribution that owns them, or by their own path."""
    groups: dict[str, list[ExtensionFact]] = {}
    for fact in facts:
        if faulty(fact):
            groups.setdefault(fact.distribution or fact.path, []).append(fact)
    return groups


def _values(context: CheckContext, owner: str, facts: list[ExtensionFact]) -> dict[str, str]:
    values = {"extension": owner, "files": ", ".join(fact.path for fact in facts[:_WITNESSES])}
    version = facts[0].distribution_version
    if version:
        values |= {"extension": f"{owner} {version}", "package": owner, "version": version}
    torch = context.view.version("torch")
    return values | {"torch": torch} if torch else values


def _effect(context: CheckContext, owner: str) -> str | None:
    """`degrades` for the distributions that are measured to go on without their extension."""
    rows = context.tables["optional-extensions"].get("extension", ()) if "optional-extensions" in context.tables else ()
    return "degrades" if any(row["name"] == owner for row in rows) else None


def _because(fact: ExtensionFact, value: str) -> Because:
    return Because(fact="extensions", value=value, source=fact.path)


@check("EC-extension-abi")
def extension_abi(context: CheckContext) -> Iterable[Hit]:
    """Symbols of torch that an extension needs and that the installed torch does not export."""

    def wrong(fact: ExtensionFact) -> bool:
        return bool(fact.missing_symbols) and not _lacks_torch_library(fact)

    for owner, facts in _grouped(_loaded(context), wrong).items():
        first = facts[0].missing_symbols[0]
        values = _values(context, owner, facts) | {"symbol": first.mangled, "demangled": first.demangled}
        meanings = {symbol.says for fact in facts for symbol in fact.missing_symbols}
        pins = [pin for meaning, pin in _TORCH_PIN.items() if meaning in meanings]
        version, torch = values.get("version"), values.get("torch")
        exact = pinned_torch(context, owner, version)
        if exact or pins:
            values["torch_pin"] = exact or pins[0]
        fitting = fitting_version(context, owner, torch)
        if fitting and fitting != version:
            values["package_pin"] = f"=={fitting}"
        yield Hit(
            because=tuple(_because(fact, fact.missing_symbols[0].demangled) for fact in facts[:_WITNESSES]),
            values=values,
            packages=(owner, "torch") if "package" in values else ("torch",),
            effect=_effect(context, owner),
            weight=5,
        )


@check("EC-extension-library")
def extension_library(context: CheckContext) -> Iterable[Hit]:
    """Shared libraries that the loader would not find in a Python that imported torch first."""

    def lost(fact: ExtensionFact) -> bool:
        # with symbols missing too, it was built for another torch, which EC-extension-abi says; where a library of torch
        # is missing (a CPU build of torch beside CUDA extensions), its symbols only miss with it
        if fact.missing_symbols and not _lacks_torch_library(fact):
            return False
        return any(one.kind in _REQUIRED for one in fact.missing_libraries)

    for owner, facts in _grouped(_loaded(context), lost).items():
        names = [one.name for fact in facts for one in fact.missing_libraries if one.kind in _REQUIRED]
        values = _values(context, owner, facts) | {"library": names[0], "libraries": ", ".join(dict.fromkeys(names))}
        majors = sorted({str(fact.cuda_major) for fact in facts if fact.cuda_major})
        if majors:
            values["cuda_major"] = majors[-1]
        yield Hit(
            because=tuple(_because(fact, fact.missing_libraries[0].name) for fact in facts[:_WITNESSES]),
            values=values,
            packages=(owner,) if "package" in values else (),
            cause="wrong-build" if any(map(_lacks_torch_library, facts)) and "torch" in values else None,
            effect=_effect(context, owner),
            weight=4,
        )


def _lacks_torch_library(fact: ExtensionFact) -> bool:
    return any(lost.kind is LibraryKind.TORCH for lost in fact.missing_libraries)


@check("EC-extension-system")
def extension_system(context: CheckContext) -> Iterable[Hit]:
    """Versions of the C or C++ runtime that this system does not have."""
    for owner, facts in _grouped(_loaded(context), lambda fact: fact.unmet_versions).items():
        unmet = facts[0].unmet_versions[0]
        values = _values(context, owner, facts) | {"needs": unmet.version, "has": unmet.has or "?", "path": unmet.path}
        yield Hit(
            because=tuple(
                _because(fact, f"{fact.unmet_versions[0].version}, {fact.unmet_versions[0].has}")
                for fact in facts[:_WITNESSES]
            ),
            values=values,
            packages=(owner,) if "package" in values else (),
            effect=_effect(context, owner),
            weight=5,
        )


@check("EC-extension-gpu")
def extension_gpu(context: CheckContext) -> Iterable[Hit]:
    """No file of a distribution holds code that runs on a GPU that is here."""
    facts = list(_loaded(context))
    for found in by_distribution(facts):
        if found.match is not GpuMatch.NONE:
            continue
        files = [fact for fact in facts if fact.path in found.files and fact.distribution == found.distribution]
        values = _values(context, found.distribution, files)
        values |= {"capability": found.capability, "targets": ", ".join(_targets(files))}
        yield Hit(
            because=tuple(_because(fact, ", ".join(_targets([fact]))) for fact in files[:_WITNESSES]),
            values=values,
            packages=(found.distribution,),
            effect=_effect(context, found.distribution),
            weight=5,
        )


def _targets(facts: Iterable[ExtensionFact]) -> list[str]:
    codes = {code for fact in facts for container in fact.gpu_code for code in container.code}
    ordered = sorted(codes, key=lambda code: (code.kind is CodeKind.PTX, code.sm, code.suffix))
    texts = (f"{'compute' if code.kind is CodeKind.PTX else 'sm'}_{code.sm}{code.suffix}" for code in ordered)
    return list(dict.fromkeys(texts))


@check("EC-extension-python")
def extension_python(context: CheckContext) -> Iterable[Hit]:
    """Modules for another Python only: this interpreter does not see them."""
    facts = [fact for fact in value_of(context.view.facts.extensions) or () if fact.loading is Loading.NEVER]
    for owner, mine in _grouped(facts, lambda fact: fact.python_tag).items():
        values = _values(context, owner, mine) | {"tag": mine[0].python_tag or "?"}
        python = context.view.value("target.python")
        if isinstance(python, str):
            values["python"] = python
        yield Hit(
            because=tuple(_because(fact, fact.python_tag or "?") for fact in mine[:_WITNESSES]),
            values=values,
            packages=(owner,) if "package" in values else (),
            weight=4,
        )


@check("EC-extension-damaged")
def extension_damaged(context: CheckContext) -> Iterable[Hit]:
    """A module or a chosen library that is no readable shared library of this machine."""
    for owner, facts in _grouped(_loaded(context), lambda fact: fact.unreadable).items():
        yield Hit(
            because=tuple(_because(fact, fact.unreadable or "") for fact in facts[:_WITNESSES]),
            values=_values(context, owner, facts) | {"reason": facts[0].unreadable or ""},
            packages=(owner,) if facts[0].distribution else (),
            weight=4,
        )


@check("EC-library-shadowed")
def library_shadowed(context: CheckContext) -> Iterable[Hit]:
    """CUDA libraries from outside of the environment that the loader takes instead of the wheels' own."""
    told: set[str] = set()
    for fact in _loaded(context):
        for shadow in fact.shadowed_libraries:
            if shadow.name not in told:
                told.add(shadow.name)
                yield Hit(
                    verdict="possible",
                    because=(_because(fact, shadow.used),),
                    missing=("log",),
                    values={"library": shadow.name, "used": shadow.used, "hidden": shadow.hidden},
                    packages=("torch",),
                    weight=2,
                )
