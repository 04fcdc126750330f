"""`envdoctor diagnose`: names the cause on this machine, in a target environment, or from a pasted text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from envdoctor.cli.session import Result

FORMATS = ("terminal", "json", "markdown", "html")


def diagnose_command(
    python: Path = typer.Option(
        None, "--python", help="The target interpreter, or the folder of its environment.", show_default=False
    ),
    model: str = typer.Option(
        None, "--model", help="Folder of a checkpoint, or the name of a well-known model.", show_default=False
    ),
    engine: str = typer.Option(
        None, "--engine", help="vllm, sglang, lmdeploy, transformers, autoawq, gptqmodel, ...", show_default=False
    ),
    task: str = typer.Option(None, "--task", help="install, quantize, serve, generate or train.", show_default=False),
    tp: int = typer.Option(None, "--tp", help="Tensor parallel size.", show_default=False),
    dtype: str = typer.Option(None, "--dtype", help="float16, bfloat16, float32 or auto.", show_default=False),
    log: list[Path] = typer.Option(
        [], "--log", help="A log of the failure, added to the live diagnosis.", show_default=False
    ),
    source: str = typer.Option(
        None,
        "--from",
        help="A pasted report, a saved JSON report or a ticket; - reads standard input.",
        show_default=False,
    ),
    smoke: bool = typer.Option(False, "--smoke", help="Also run the smoke ladder and hold it against the findings."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Show all facts and every possible finding."),
    format_: str = typer.Option("terminal", "--format", help="terminal, json, markdown or html."),
    output: Path = typer.Option(
        None, "--output", "-o", help="Write here instead of standard output.", show_default=False
    ),
    fail_on: str = typer.Option(None, "--fail-on", help="error (default), warning or never.", show_default=False),
    lang: str = typer.Option(None, "--lang", help="en or zh (default: from the locale).", show_default=False),
) -> int:
    """Name the cause and the fix, here or from a pasted report.

    Exit status: 0 nothing found, 1 findings, 2 wrong call, 3 undetermined.
    """
    from envdoctor.cli.config import FAIL_ON, read_config
    from envdoctor.cli.output import check_output, language
    from envdoctor.cli.reading import read_stdin
    from envdoctor.cli.session import Wanted, run_diagnosis
    from envdoctor.nearest import one_of
    from envdoctor.render.plain import visible
    from envdoctor.render.terminal import says_nothing
    from envdoctor.render.words import word

    config = read_config(Path.cwd())
    format_ = one_of("--format", format_, FORMATS)
    threshold = one_of("--fail-on", fail_on or config.fail_on, FAIL_ON)
    check_output(output)
    wanted = Wanted(
        python=python, model=model, engine=engine or config.engine, task=task or config.task,
        tp=tp if tp is not None else config.tp, dtype=dtype or config.dtype, logs=tuple(log), source=source,
        smoke=smoke,
    )  # fmt: skip
    chosen = language(lang or config.lang)
    result = run_diagnosis(wanted, config=config, lang=chosen, read_stdin=read_stdin)
    for problem in result.ignore_problems:
        typer.echo(visible(word("ignore-problem", chosen, id=problem.id, says=problem.says)), err=True)
    show(result, format_=format_, output=output, verbose=verbose)
    if source is not None and says_nothing(result.report):
        typer.echo(f"envdoctor: {word('not-recognised', chosen)}\n  {word('paste-more', chosen)}", err=True)
        return 3
    from envdoctor.render.report import threshold_reached

    return 1 if threshold_reached(result.report, threshold) else 0


def show(result: Result, *, format_: str, output: Path | None, verbose: bool) -> None:
    """Render the report in the chosen format to the chosen place."""
    from envdoctor.cli.output import print_out, write_output

    if format_ == "terminal" and output is None:
        from envdoctor.render.terminal import terminal_text

        print_out(terminal_text(result.facts, result.report, verbose=verbose))
        return
    write_output(rendered(result, format_, verbose), output)


def rendered(result: Result, format_: str, verbose: bool) -> str:
    """The report as text in one of FORMATS."""
    if format_ == "json":
        from envdoctor.cli.output import json_text

        return json_text(result.report)
    if format_ == "markdown":
        from envdoctor.render.markdown import render_markdown

        return render_markdown(result.facts, result.report)
    if format_ == "html":
        from envdoctor.render.html import render_html
        from envdoctor.render.report import report

        lang = "en" if result.report["lang"] == "zh" else "zh"
        return render_html(result.report, other=report(result.facts, result.diagnosis, result.matrix, lang=lang))
    import io

    from envdoctor.render.terminal import terminal_text

    return terminal_text(result.facts, result.report, verbose=verbose, out=io.StringIO())
