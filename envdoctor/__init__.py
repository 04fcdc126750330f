"""envdoctor: why a quantized LLM does not run on this machine, and what makes it run.

The Python API is five functions, loaded when they are first used:

    facts = envdoctor.probe()                        what is known of this machine and the target environment
    diagnosis = envdoctor.diagnose(facts)            the matrix matched against it, findings most likely first
    made = envdoctor.lock(["vllm"], facts=facts)     pins that work together there, with the reason of each
    shown = envdoctor.smoke()                        the ladder of tiny programs, run by the target's interpreter
    envdoctor.ticket(facts, "ticket.zip")            one redacted attachment
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from envdoctor.version import __version__

if TYPE_CHECKING:
    from envdoctor.api import diagnose, lock, probe, smoke, ticket

__all__ = ["__version__", "diagnose", "lock", "probe", "smoke", "ticket"]


class _Package(ModuleType):
    """This package. Importing `envdoctor.probe` would put that module in the place of the function of the same name
    (https://docs.python.org/3/reference/import.html#submodules): the functions keep their places, modules stay importable."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in __all__ or name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from envdoctor import api

    return getattr(api, name)
