"""Who asked: the distribution whose code stands last above an error in a traceback."""

from __future__ import annotations

import re

from envdoctor.diagnose.checks.registry import CheckContext
from envdoctor.facts import LogLine
from envdoctor.knowledge.owners import owners_of_module, owners_of_path

_LOOK_BACK = 60  # lines of a traceback in which the importing file stands
_IMPORT = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_][\w.]*)")
_NOT_ASKERS = ("torch", "importlib", "ctypes", "python")


def importer_of(context: CheckContext, line: LogLine, *without: str) -> str:
    """The distribution of the last traceback file, or of the last import statement, above an error line.

    `without`: distributions that cannot be it (the one that was asked). "" where the text shows none.
    """
    before = [one for one in context.view.facts.log if one.source == line.source and one.number < line.number]
    skipped = (*_NOT_ASKERS, *without)
    for one in reversed(before[-_LOOK_BACK:]):
        if "-packages/" in one.text:
            owners = owners_of_path(context.tables, one.text)
        else:
            statement = _IMPORT.match(one.text)
            owners = owners_of_module(context.tables, statement.group(1)) if statement else ()
            owners = tuple(name for name in owners if _is_known(context, name))
        if owners and owners[0] not in skipped:
            return owners[0]
    return ""


def _is_known(context: CheckContext, name: str) -> bool:
    """Whether a name is a distribution that the environment or the table of modules speaks of."""
    if name in context.view.packages:
        return True
    return any(name in names for names in context.tables["modules"]["modules"].values())
