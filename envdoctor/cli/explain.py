"""`envdoctor explain ID`: everything that the matrix says about one entry."""

from __future__ import annotations

import re
from collections.abc import Iterable

import typer

from envdoctor.errors import UsageError


def explain_command(
    entry_id: str = typer.Argument(..., metavar="ID", help="ED-YYYY-NNNN or EC-name."),
    lang: str = typer.Option(None, "--lang", help="en or zh (default: from the locale).", show_default=False),
) -> int:
    """Show one entry in full: cause, fixes, condition, evidence."""
    from envdoctor.cli.output import columns, language, write_output
    from envdoctor.knowledge import load_matrix
    from envdoctor.render.entry import entry_text
    from envdoctor.render.plain import shortened

    matrix = load_matrix()
    number = matrix.number(entry_id)
    if number is None:
        from envdoctor.nearest import nearest

        close = _numbered(entry_id, matrix.ids()) or nearest(entry_id, matrix.ids())
        advice = f"did you mean {close}?" if close else "envdoctor matrix list shows all"
        raise UsageError(f"there is no entry {shortened(entry_id, 60)} in the matrix", advice=advice)
    write_output(entry_text(matrix.core(number), matrix.texts(number), language(lang), columns()), None)
    return 0


def _numbered(text: str, ids: Iterable[str]) -> str | None:
    """The entry that a number means which was written short: `3`, `ED-3`, `ED-2026-003`."""
    found = re.fullmatch(r"(?:ED-)?(?:(\d{4})-)?0*(\d{1,4})", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    year, number = found.groups()
    ends = f"-{year}-{int(number):04}" if year else f"-{int(number):04}"
    return next((known for known in ids if known.startswith("ED-") and known.endswith(ends)), None)
