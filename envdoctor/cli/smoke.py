"""`envdoctor smoke`: tiny programs on the hardware that is there, as proof."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from envdoctor.errors import UsageError


def smoke_command(
    python: Path = typer.Option(
        None, "--python", help="The target interpreter, or the folder of its environment.", show_default=False
    ),
    device: str = typer.Option(None, "--device", help="auto (default), cpu or cuda:N.", show_default=False),
    rung: list[str] = typer.Option(
        [], "--rung", help="Only this rung: driver, torch, kernel, engine, checkpoint.", show_default=False
    ),
    format_: str = typer.Option("terminal", "--format", help="terminal or json."),
    lang: str = typer.Option(None, "--lang", help="en or zh (default: from the locale).", show_default=False),
) -> int:
    """Run the ladder. Exit status: 0 what could run passed, 1 a rung failed, 3 only the built-in reference could run."""
    from envdoctor.cli.output import language, write_output
    from envdoctor.cli.target import interpreter_of
    from envdoctor.smoke import run_ladder

    if format_ not in ("terminal", "json"):
        raise UsageError(f"--format {format_}: terminal or json")
    chosen = language(lang)
    show = sys.stderr.isatty()

    def tell(progress: object) -> None:
        if show:
            typer.echo(f"  {progress}", err=True)

    report = run_ladder(python=interpreter_of(python), device=device, rungs=tuple(rung) or None, on_progress=tell)
    if format_ == "json":
        import json

        from envdoctor.facts import encode

        write_output(json.dumps(encode(report), ensure_ascii=False, indent=1) + "\n", None)
    else:
        from envdoctor.render.smoke import render_smoke

        render_smoke(report, lang=chosen)
    return report.exit_status
