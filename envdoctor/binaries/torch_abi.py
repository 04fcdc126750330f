"""What the torch symbols of an extension say: for which torch it was built, and what is missing in this one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envdoctor.facts.extensions import MissingSymbol, SymbolMeaning
from envdoctor.patterns import lazy

# A mangled name inside of torch's namespaces (c10, at, torch, caffe2): functions, type information, guards, thunks; or
# one of torch's C names. Names of others that only take torch's types as arguments are not torch's.
_OF_TORCH = lazy(
    r"^_Z(?:T[ISVTC]|GV|T[hv]n?\d+_(?:n?\d+_)?)?N[rVKRO]*(?:3c10|2at|5torch|6caffe2)(?=[0-9A-Z])"
    r"|^(?:aoti_torch_|torch_|THP)|^_Z\d+THP"
)

# Breakpoints in the symbols of the published torch wheels 2.1 to 2.8. The exact names decide: a prefix would not do.
_BREAKPOINTS = {
    "_ZN3c104cuda9SetDeviceEi": SymbolMeaning.TORCH_UP_TO_2_2,
    "_ZN3c104cuda14ExchangeDeviceEi": SymbolMeaning.TORCH_UP_TO_2_2,
    "_ZN3c104cuda9SetDeviceEa": SymbolMeaning.TORCH_2_3_TO_2_7,
    "_ZN3c104cuda9SetDeviceEab": SymbolMeaning.TORCH_FROM_2_8,
}
_AT_LEAST_2_3 = frozenset({"_ZN3c104cuda14ExchangeDeviceEa", "_ZN3c104cuda14MaybeSetDeviceEa"})

# Itanium C++ ABI: `Ss` is the old std::string; the new one lives in the inline namespace __cxx11.
_NEW_STRING = lazy(r"7__cxx11")
_MAX_SYMBOL = 4096


def is_torch_symbol(name: str) -> bool:
    """Whether a symbol belongs to torch (its C++ namespaces c10, at, torch, or its C interface)."""
    return _OF_TORCH.search(name) is not None


def cxx11_abi(symbols: Iterable[str]) -> bool | None:
    """The libstdc++ string ABI of torch symbols: new (True), old (False), or not to be seen (None)."""
    old = False
    for name in symbols:
        if is_torch_symbol(name):
            if _NEW_STRING.search(name):
                return True
            old = old or uses_old_string(name)
    return False if old else None


def uses_old_string(name: str) -> bool:
    """Whether a mangled name takes or gives the old `std::string` (torchCheckFail and its kind end in `RKSs`)."""
    return "Ss" in name and _NEW_STRING.search(name) is None and "std::string" in demangle(name)


def built_for(symbols: Iterable[str]) -> str | None:
    """The torch versions whose interface the symbols of an extension show, as a PEP 440 range; `None`: no sign."""
    present = set(symbols)
    for name, meaning in _BREAKPOINTS.items():
        if name in present:
            return meaning.value.removeprefix("torch")
    return ">=2.3" if present & _AT_LEAST_2_3 else None


def meaning_of(name: str) -> SymbolMeaning:
    """What it means that this symbol is missing."""
    if name in _BREAKPOINTS:
        return _BREAKPOINTS[name]
    if _NEW_STRING.search(name):
        return SymbolMeaning.NEW_CXX_ABI
    if uses_old_string(name):
        return SymbolMeaning.OLD_CXX_ABI
    return SymbolMeaning.UNKNOWN


def missing_symbols(names: Iterable[str]) -> tuple[MissingSymbol, ...]:
    """The missing symbols as values, those with a meaning first, then by name."""
    found = [MissingSymbol(mangled=name, demangled=demangle(name), says=meaning_of(name)) for name in names]
    return tuple(sorted(found, key=lambda symbol: (symbol.says is SymbolMeaning.UNKNOWN, symbol.mangled)))


def demangle(name: str) -> str:
    """A C++ symbol as it stands in source code; the name itself where it cannot be read."""
    if not name.startswith("_Z") or len(name) > _MAX_SYMBOL:
        return name
    from itanium_demangler import parse

    try:
        tree = parse(name)
        text = str(tree) if tree is not None else name
    except (NotImplementedError, RecursionError, ValueError, IndexError, KeyError, AttributeError, TypeError):
        return name  # the name is untrusted, and the parser is not written for that
    return re.sub(r"\b([A-Za-z_]\w*)((?:<[^()]*>)?)::\{(?:\w+ )?(c|d)tor\}", _structor, text)


def _structor(match: re.Match[str]) -> str:
    name = match.group(1)
    return f"{name}{match.group(2)}::{'~' if match.group(3) == 'd' else ''}{name}"
