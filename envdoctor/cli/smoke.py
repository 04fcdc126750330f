"""`envdoctor smoke`: tiny programs on the hardware that is there, as proof."""

from __future__ import annotations

from pathlib import Path

import typer


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
    """Prove what works, by tiny programs run in the target.

    Exit status: 0 what could run passed, 1 a rung failed, 3 only the built-in reference could run.
    """
    from envdoctor.cli.output import json_text, language, write_output
    from envdoctor.cli.progress import Steps
    from envdoctor.cli.session import follow
    from envdoctor.cli.target import interpreter_of
    from envdoctor.nearest import one_of
    from envdoctor.render.words import word
    from envdoctor.smoke import run_ladder

    format_ = one_of("--format", format_, ("terminal", "json"))
    chosen = language(lang)
    with Steps() as steps:
        steps.begin(word("reading", chosen))
        target = interpreter_of(python)
        report = run_ladder(
            python=target,
            device=device,
            rungs=tuple(rung) or None,
            on_progress=lambda progress: follow(steps, progress, chosen),
        )
    if format_ == "json":
        from envdoctor.facts import encode

        write_output(json_text(encode(report)), None)
    else:
        from envdoctor.render.smoke import smoke_text

        write_output(smoke_text(report, lang=chosen), None)
    return report.exit_status
