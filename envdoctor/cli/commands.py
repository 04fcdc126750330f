"""Collects the commands. Each lives in a module of its own and imports what it needs when it runs."""

from __future__ import annotations

import typer

from envdoctor.cli import diagnose, explain, lock, matrix, smoke, ticket
from envdoctor.cli.command import Command, Group, exiting, says
from envdoctor.cli.language import LANG
from envdoctor.text import Text
from envdoctor.version import __version__

app = typer.Typer(
    name="envdoctor",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"envdoctor {__version__}")
        raise typer.Exit


@app.callback()
@says(
    Text(
        en="Says why a quantized LLM does not run on this machine, and what makes it run.",
        zh="诊断量化大模型在这台机器上为什么跑不起来，并给出让它跑起来的办法。",
    ),
    epilog=Text(
        en="Start with: envdoctor diagnose. For a machine that is not here: envdoctor diagnose --from report.txt.",
        zh="从这里开始：envdoctor diagnose。机器不在手边时：envdoctor diagnose --from report.txt。",
    ),
)
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        "-V",
        callback=_version,
        is_eager=True,
        help=Text(en="Show the version and exit.", zh="显示版本号并退出。"),
    ),
    lang: str = LANG,
) -> None:
    del version, lang


for _name, _command in (
    ("diagnose", diagnose.diagnose_command),
    ("lock", lock.lock_command),
    ("smoke", smoke.smoke_command),
    ("ticket", ticket.ticket_command),
    ("diff", ticket.diff_command),
    ("explain", explain.explain_command),
):
    app.command(_name, cls=Command)(exiting(_command))
app.add_typer(matrix.app, name="matrix")
