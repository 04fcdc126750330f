"""Collects the commands. Each lives in a module of its own and imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import typer

from envdoctor.cli.command import Command, Group, exiting, says
from envdoctor.cli.language import LANG
from envdoctor.text import Text
from envdoctor.version import __version__

#: the module of each command
_MODULES = {
    "diagnose": "diagnose", "lock": "lock", "smoke": "smoke", "ticket": "ticket", "diff": "ticket", "explain": "explain",
    "matrix": "matrix",
}  # fmt: skip


def application(arguments: Sequence[str] = ()) -> typer.Typer:
    """All commands. Where `arguments` begin with the name of one, that one alone: nobody waits for the others."""
    app = typer.Typer(
        name="envdoctor",
        cls=Group,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name in arguments[:1] if set(arguments[:1]) & set(_MODULES) else _MODULES:
        module = import_module(f"envdoctor.cli.{_MODULES[name]}")
        if name == "matrix":
            app.add_typer(module.app, name=name)
        else:
            app.command(name, cls=Command)(exiting(getattr(module, f"{name}_command")))
    return app


def _version(value: bool) -> None:
    if value:
        typer.echo(f"envdoctor {__version__}")
        raise typer.Exit


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
