"""Facts about the Python environment under diagnosis."""

from __future__ import annotations

from envdoctor.facts.known import NOT_STATED, Fact
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The target interpreter. Never the one that runs envdoctor, unless they are the same."""

    executable: Fact[str] = NOT_STATED
    python: Fact[str] = NOT_STATED  #: "3.11.7"
    implementation: Fact[str] = NOT_STATED  #: cpython, pypy
    abi_tag: Fact[str] = NOT_STATED  #: cp311, cp313t
    platform_tag: Fact[str] = NOT_STATED  #: linux_x86_64
    prefix: Fact[str] = NOT_STATED
    kind: Fact[str] = NOT_STATED  #: venv, uv, virtualenv, conda, pyenv, system
    site_packages: Fact[tuple[str, ...]] = NOT_STATED
    user_site_leaks: Fact[tuple[str, ...]] = NOT_STATED  #: names that the user site adds or shadows
    pythonpath: Fact[tuple[str, ...]] = NOT_STATED  #: folders that PYTHONPATH puts before site-packages
    has_pip: Fact[bool] = NOT_STATED
    externally_managed: Fact[bool] = NOT_STATED
    shadowed_modules: Fact[tuple[str, ...]] = NOT_STATED  #: files such as ./torch.py that hide a distribution


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """One installed distribution. `name` is normalized (PEP 503)."""

    name: str
    version: str
    source: str  #: the metadata folder, or the line of a pasted list
    installer: str | None = None
    editable: bool = False
    direct_url: str | None = None
    duplicates: tuple[str, ...] = ()  #: other versions of the same name in the same environment


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmetRequirement:
    """`distribution` asks for `requirement`; `found` is the installed version, None where it is missing."""

    distribution: str
    requirement: str
    found: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableMetadata:
    """A distribution whose metadata cannot be read."""

    path: str
    reason: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Distributions:
    """What is installed. `complete` is true when the whole list was seen, so that absence means absence."""

    installed: tuple[Distribution, ...] = ()
    complete: Fact[bool] = NOT_STATED
    unmet: tuple[UnmetRequirement, ...] = ()
    unreadable: tuple[UnreadableMetadata, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Torch:
    """torch as its files say (`torch/version.py` is read, never imported)."""

    version: Fact[str] = NOT_STATED  #: with its local part: "2.4.0+cu121"
    cuda: Fact[str] = NOT_STATED  #: "12.1"; "none" for a CPU build
    hip: Fact[str] = NOT_STATED
    cuda_available: Fact[bool] = NOT_STATED  #: `torch.cuda.is_available()`, as a pasted report states it
    cxx11_abi: Fact[bool] = NOT_STATED
    archs: Fact[tuple[str, ...]] = NOT_STATED  #: "8.0", "8.6", "9.0a"; PTX as "9.0+PTX"


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentVariable:
    """One variable of the allow-list."""

    name: str
    value: str
    source: str
