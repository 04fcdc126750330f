"""`envdoctor matrix`: list, show, lint and test what the matrix knows."""

from __future__ import annotations

from pathlib import Path

import typer

from envdoctor.cli.status import exiting
from envdoctor.errors import UsageError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The known-issues matrix, for readers and authors.")

_SOURCE = typer.Option(Path("matrix"), "--source", help="The folder with entries/, checks/ and tables/.")


@app.command("list")
@exiting
def list_command(
    lang: str = typer.Option(None, "--lang", help="en or zh.", show_default=False),
    cause: str = typer.Option(None, "--class", help="Only this cause class.", show_default=False),
    package: str = typer.Option(None, "--package", help="Only entries about this distribution.", show_default=False),
) -> int:
    """One line an entry."""
    from envdoctor.cli.output import language, write_output
    from envdoctor.knowledge import load_matrix

    matrix, chosen = load_matrix(), language(lang)
    lines = []
    for number in range(len(matrix)):
        core = matrix.core(number)
        if (cause and core.cause != cause) or (package and package not in core.packages):
            continue
        lines.append(f"{core.id:28} {core.cause:26} {matrix.texts(number).title.get(chosen)}\n")
    write_output("".join(sorted(lines)), None)
    return 0


@app.command("show")
@exiting
def show_command(
    entry_id: str = typer.Argument(..., metavar="ID"),
    lang: str = typer.Option(None, "--lang", help="en or zh.", show_default=False),
) -> int:
    """The same as `envdoctor explain ID`."""
    from envdoctor.cli.explain import explain_command

    return explain_command(entry_id, lang)


@app.command("lint")
@exiting
def lint_command(source: Path = _SOURCE) -> int:
    """The gate: unknown keys, ranges, evidence, cases, ids, patterns. Status 1 where something is wrong."""
    from envdoctor.workshop.lint import lint

    _must_be_matrix(source)
    problems = lint(source)
    for problem in problems:
        typer.echo(f"{problem.file}: {problem.says}")
    from envdoctor.knowledge.build import entry_files

    typer.echo(f"{len(entry_files(source))} entries, {len(problems)} problems")
    return 1 if problems else 0


@app.command("test")
@exiting
def test_command(
    entry_id: str = typer.Argument(None, metavar="[ID]", help="Only this entry."),
    source: Path = _SOURCE,
) -> int:
    """Run the cases of every entry, or of one. Status 1 where a verdict is not the expected one."""
    from envdoctor.workshop.gate import test_matrix

    _must_be_matrix(source)
    results = test_matrix(source, entry_id)
    if entry_id and not results:
        raise UsageError(f"there is no entry {entry_id} with cases in {source}")
    failed = [result for result in results if not result.passed]
    for result in failed:
        typer.echo(f"{result.entry}: {result.name}: expected {result.expected}, got {result.got}")
    typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _must_be_matrix(source: Path) -> None:
    if not (source / "entries").is_dir():
        raise UsageError(f"{source} holds no entries/", advice="run it in a checkout, or give --source FOLDER")
