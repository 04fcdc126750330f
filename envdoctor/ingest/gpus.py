"""What a GPU's name says, by the table of `matrix/tables/gpus.toml`. A name that is not there stays unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envdoctor.errors import EnvdoctorError
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass

_GIB = 1 << 30
_GLUED = lazy(r"(?<=[rg]tx)(?=a?\d{3,4}(?!\d))|(?<=\d{3})(?=(?:ti|super|laptop|d|ada)\b)")
_MEMORY = lazy(r"\b(\d{1,3})\s?(?:g|gb|gib)\b")
_MIG = lazy(r"\d{1,2}g\.(\d{1,3})gb")
_LARGEST_GIB = 288  #: "GH200 480GB" counts the memory of the processor
_SIZE_TOKEN = lazy(r"(\d{1,3})(?:g|gb|gib)")
_VIRTUAL = lazy(r"(\d{1,3})[qcab]")
_SM = lazy(r"\b(?:sm|compute)_?(\d{1,2})(\d)[af]?\b", re.I)
_NOISE = frozenset(
    ("nvidia", "geforce", "tesla", "gpu", "gpus", "graphics", "corporation", "card", "cards", "generation", "gen", "edition",
     "sxm", "sxm2", "sxm3", "sxm4", "sxm5", "sxm6", "pcie", "pci", "hbm", "hbm2", "hbm2e", "hbm3", "hbm3e", "max", "q",
     "design", "with", "workstation", "server", "tensor", "core", "hgx", "dgx", "grid", "blackwell", "developer", "kit",
     "gb", "vram", "module", "system", "oem", "显卡", "显存", "series", "fhhl", "v2")
)  # fmt: skip
_LAPTOP = frozenset(("laptop", "mobile", "notebook"))


@dataclass(frozen=True, slots=True)
class Model:
    """What the table says of a name. `memory` in bytes, None where the name does not tell."""

    vendor: str
    compute_capability: str | None
    memory: int | None


class GpuTable:
    """The table, indexed by normalized name.

    Args:
        table: the parsed `gpus.toml` (`block` and `vendor` lists).

    Raises:
        EnvdoctorError: the mapping is not such a table.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._models: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._vendors: dict[str, str] = {}
        try:
            for block in table.get("block", ()):
                capability = str(block["compute_capability"])
                for name, sizes in block["gpus"].items():
                    self._models[name] = (capability, tuple(int(gib) for gib in sizes))
            for vendor in table.get("vendor", ()):
                self._vendors.update(dict.fromkeys(vendor["words"], str(vendor["name"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EnvdoctorError(
                Text(en=f"the GPU table is damaged: {error!r:.80}", zh=f"显卡表已损坏：{error!r:.80}")
            ) from None

    def lookup(self, name: str) -> Model | None:
        """What is known of a GPU by its name, or None. An explicit `sm_120` in the name counts where the name is new."""
        tokens, stated = tokenize(name)
        words = [word for word in tokens if word not in _LAPTOP]
        laptop = len(words) < len(tokens)
        entry = self._entry(words, laptop=laptop, cut=name.rstrip().endswith("..."))
        if entry:
            capability, sizes = entry
            gib = stated if stated else sizes[0] if len(sizes) == 1 else None
            return Model("nvidia", capability, gib * _GIB if gib else None)
        for word in (*tokens, *name.lower().replace("-", " ").split()):
            if word in self._vendors and "nvidia" not in name.lower():
                return Model(self._vendors[word], None, stated * _GIB if stated else None)
        capability_match = _SM.search(name)
        if capability_match:
            return Model("nvidia", f"{capability_match[1]}.{capability_match[2]}", stated * _GIB if stated else None)
        if re.match(r"(?i)nvidia|geforce|tesla|quadro", name.strip()):
            return Model("nvidia", None, stated * _GIB if stated else None)
        return None

    def _entry(self, words: list[str], *, laptop: bool, cut: bool) -> tuple[str, tuple[int, ...]] | None:
        key = " ".join(words)
        if laptop and (found := self._models.get(f"{key} laptop")):
            return found
        if found := self._models.get(key):
            return (found[0], ()) if laptop or cut else found
        if cut and len(key) >= 6:
            # old nvidia-smi cuts names: "GeForce RTX 208..."; they tell when all that begin so agree
            capabilities = {self._models[name][0] for name in self._models if name.startswith(key)}
            if len(capabilities) == 1:
                return capabilities.pop(), ()
        return None

    def like(self, name: str, most: int = 4) -> list[str]:
        """Names of the table that are written like `name`, those that contain its words first."""
        from difflib import get_close_matches

        key = " ".join(tokenize(name)[0])
        if not key or len(key) > 80:
            return []
        holding = sorted((known for known in self._models if key in known.split(" ") or key in known), key=len)
        close = get_close_matches(key, self._models, n=most, cutoff=0.7)
        return list(dict.fromkeys((*holding, *close)))[:most]


def tokenize(name: str) -> tuple[list[str], int | None]:
    """The words of a name that tell chips apart, and the memory in GiB that it states."""
    text = name.lower().replace("...", " ")
    text = re.sub(r"\(tm\)|\(r\)|[™®]", " ", text)
    text = _GLUED.sub(" ", text)
    stated: int | None = None
    if memory := _MEMORY.search(text):
        stated = int(memory.group(1))
    tokens: list[str] = []
    for word in re.split(r"[\s\-_/,()\[\]]+", text):
        if not word or word in _NOISE:
            continue
        if word == "mig":
            instance = _MIG.search(text)
            stated = int(instance.group(1)) if instance else None
            break
        if (match := _SIZE_TOKEN.fullmatch(word)) or (tokens and (match := _VIRTUAL.fullmatch(word))):
            stated = int(match.group(1))
            continue
        if re.fullmatch(r"sm_?\d+[af]?", word):
            continue
        tokens.append(word)
    if tokens and tokens[-1].isdigit() and stated == int(tokens[-1]):
        tokens.pop()
    return tokens, stated if stated is None or stated <= _LARGEST_GIB else None
