"""`envdoctor ticket`: an attachment for support that leaks nothing; `envdoctor diff`: what changed between two reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from envdoctor.errors import UsageError


def ticket_command(
    python: Path = typer.Option(None, "--python", help="The target interpreter.", show_default=False),
    model: str = typer.Option(None, "--model", help="Folder of a checkpoint.", show_default=False),
    engine: str = typer.Option(None, "--engine", help="The engine that fails.", show_default=False),
    log: list[Path] = typer.Option(
        [], "--log", help="A log of the failure; excerpts around recognised lines go in.", show_default=False
    ),
    source: str = typer.Option(
        None, "--from", help="A pasted report instead of this machine; - reads standard input.", show_default=False
    ),
    lock: Path = typer.Option(None, "--lock", help="A proposed lock file to put in.", show_default=False),
    smoke: bool = typer.Option(False, "--smoke", help="Run the smoke ladder and put its results in."),
    output: Path = typer.Option(Path("envdoctor-ticket.zip"), "--output", "-o", help="The archive to write."),
    force: bool = typer.Option(False, "--force", help="Overwrite an existing file."),
    withhold: list[str] = typer.Option(
        [], "--withhold", help="Leave this field out (as MANIFEST.json names it).", show_default=False
    ),
    preview: bool = typer.Option(False, "--preview", help="Show what would leave, and write nothing."),
    lang: str = typer.Option(None, "--lang", help="en or zh (default: from the locale).", show_default=False),
) -> int:
    """Write one redacted zip to attach to an issue. Exit status 0: written."""
    from envdoctor.cli.config import read_config
    from envdoctor.cli.output import language, write_output
    from envdoctor.cli.reading import read_stdin
    from envdoctor.cli.session import Wanted, run_diagnosis
    from envdoctor.render.plain import visible
    from envdoctor.render.report import report
    from envdoctor.render.words import word
    from envdoctor.ticket import build_ticket, check_ticket_output, write_ticket
    from envdoctor.ticket import preview as preview_of

    config = read_config(Path.cwd())
    chosen = language(lang or config.lang)
    check_ticket_output(None if preview else output, force=force)
    wanted = Wanted(python=python, model=model, engine=engine, logs=tuple(log), source=source, smoke=smoke)
    result = run_diagnosis(wanted, config=config, lang=chosen, read_stdin=read_stdin)
    other = report(result.facts, result.diagnosis, result.matrix, lang="en" if chosen == "zh" else "zh")
    ticket = build_ticket(result.report, other=other, logs=tuple(log), lock=_text(lock), withhold=tuple(withhold))
    if preview:
        write_output(preview_of(ticket), None)
        return 0
    written = write_ticket(ticket, output, force=force)
    masked = sum(ticket.redactions.values())
    said = word("written", chosen, path=visible(str(written)), files=len(ticket.members), masked=masked)
    write_output(said + "\n", None)
    typer.echo(word("look-first", chosen), err=True)
    return 0


def _text(path: Path | None) -> str | None:
    if path is None:
        return None
    from envdoctor.cli.reading import read_file

    return read_file(path, "--lock").decode("utf-8", "replace")


def diff_command(
    before: Path = typer.Argument(..., metavar="A", help="A JSON report, a ticket or a pasted text."),
    after: Path = typer.Argument(..., metavar="B", help="The same, of another day or machine."),
    format_: str = typer.Option("terminal", "--format", help="terminal, json or markdown."),
    lang: str = typer.Option(None, "--lang", help="en or zh (default: from the locale).", show_default=False),
) -> int:
    """Show what changed between two reports. Exit status 1: the findings differ."""
    from envdoctor.cli.output import language, write_output
    from envdoctor.nearest import one_of
    from envdoctor.render.diff import diff_markdown, diff_text
    from envdoctor.ticket import diff_reports

    format_ = one_of("--format", format_, ("terminal", "json", "markdown"))
    chosen = language(lang)
    difference = diff_reports(_report(before, chosen), _report(after, chosen))
    if format_ == "json":
        from envdoctor.cli.output import json_text

        write_output(json_text(difference.as_dict()), None)
    else:
        show = diff_markdown if format_ == "markdown" else diff_text
        write_output(show(difference.as_dict(), chosen), None)
    return 1 if difference.findings_differ else 0


def _report(path: Path, lang: str) -> dict[str, Any]:
    """The report of a file, diagnosed anew with the same matrix, so that both sides are judged alike."""
    from envdoctor.cli.config import Config
    from envdoctor.cli.reading import read_stdin
    from envdoctor.cli.session import Wanted, run_diagnosis

    if str(path) != "-" and not path.is_file():
        why = "is a folder" if path.is_dir() else "is a pipe or device" if path.exists() else "no such file"
        raise UsageError(f"{path}: {why}", advice="diff takes JSON reports, tickets or pasted texts")
    return run_diagnosis(Wanted(source=str(path)), config=Config(), lang=lang, read_stdin=read_stdin).report
