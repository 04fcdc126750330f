"""Collects the commands. Each lives in a module of its own and imports what it needs when it runs."""

from __future__ import annotations

import typer

from envdoctor.cli import diagnose, explain, lock, matrix, smoke, ticket
from envdoctor.cli.status import exiting
from envdoctor.version import __version__

app = typer.Typer(
    name="envdoctor",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Says why a quantized LLM does not run on this machine, and what makes it run.",
    epilog="Start with: envdoctor diagnose. For a machine that is not here: envdoctor diagnose --from report.txt.",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"envdoctor {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", "-V", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    del version


app.command("diagnose")(exiting(diagnose.diagnose_command))
app.command("lock")(exiting(lock.lock_command))
app.command("smoke")(exiting(smoke.smoke_command))
app.command("ticket")(exiting(ticket.ticket_command))
app.command("diff")(exiting(ticket.diff_command))
app.command("explain")(exiting(explain.explain_command))
app.add_typer(matrix.app, name="matrix")
