"""`envdoctor explain ID`: everything that the matrix says about one entry."""

from __future__ import annotations

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
        from difflib import get_close_matches

        names = {name.upper(): name for name in matrix.ids()}
        close = [names[name] for name in get_close_matches(entry_id.upper(), names, n=1)]
        advice = f"did you mean {close[0]}?" if close else "envdoctor matrix list shows all"
        raise UsageError(f"there is no entry {shortened(entry_id, 60)} in the matrix", advice=advice)
    write_output(entry_text(matrix.core(number), matrix.texts(number), language(lang), columns()), None)
    return 0
