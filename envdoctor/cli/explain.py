"""`envdoctor explain ID`: everything that the matrix says about one entry."""

from __future__ import annotations

import typer

from envdoctor.errors import UsageError


def explain_command(
    entry_id: str = typer.Argument(..., metavar="ID", help="ED-YYYY-NNNN or EC-name."),
    lang: str = typer.Option(None, "--lang", help="en or zh (default: from the locale).", show_default=False),
) -> int:
    """Show an entry of the matrix: what it is, why, how it is known, and what to do."""
    from envdoctor.cli.output import language, write_output
    from envdoctor.knowledge import load_matrix
    from envdoctor.render.entry import entry_text

    matrix = load_matrix()
    number = matrix.number(entry_id)
    if number is None:
        from difflib import get_close_matches

        close = get_close_matches(entry_id.upper(), [i.upper() for i in matrix.ids()], n=1)
        advice = f"did you mean {close[0]}?" if close else "envdoctor matrix list shows all"
        raise UsageError(f"there is no entry {entry_id}", advice=advice)
    write_output(entry_text(matrix.core(number), matrix.texts(number), language(lang)), None)
    return 0
