"""`envdoctor matrix`: list and show what the matrix knows; start, lint and test entries; derive tables."""

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
    from packaging.utils import canonicalize_name

    from envdoctor.cli.output import language, write_output
    from envdoctor.knowledge import load_matrix
    from envdoctor.knowledge.entry import CLASSES
    from envdoctor.nearest import one_of
    from envdoctor.render.entry import template
    from envdoctor.render.words import word

    matrix, chosen = load_matrix(), language(lang)
    cause = one_of("--class", cause, CLASSES) if cause else ""
    package = canonicalize_name(package) if package else ""
    lines = []
    for number in range(len(matrix)):
        core = matrix.core(number)
        if (cause and core.cause != cause) or (package and package not in core.packages):
            continue
        lines.append(f"{core.id:28} {core.cause:26} {template(matrix.texts(number).title.get(chosen))}\n")
    write_output("".join(sorted(lines)), None)
    if not lines:
        typer.echo(word("no-entries", chosen), err=True)
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
    """The gate: unknown keys, ranges, evidence, cases, ids, patterns. Exit status: 0 nothing is wrong, 1 something is."""
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
    """Run the cases of every entry, or of one. Exit status: 0 every verdict is the expected one, 1 one is not."""
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


@app.command("new")
@exiting
def new_command(
    family: str = typer.Argument(..., metavar="FAMILY", help="The folder below entries/: mostly the guilty package."),
    entry_id: str = typer.Option(None, "--id", help="ED-YYYY-NNNN (default: the next free one).", show_default=False),
    source: Path = _SOURCE,
) -> int:
    """Start an entry with the next free id, and list what it lacks."""
    from datetime import datetime, timezone

    from envdoctor.knowledge.build import read_toml
    from envdoctor.workshop.lint import lint_entry
    from envdoctor.workshop.new import new_entry

    _must_be_matrix(source)
    path = new_entry(source, family, today=datetime.now(timezone.utc).date(), entry_id=entry_id)
    typer.echo(f"{path}: still missing")
    for says in lint_entry(read_toml(path), path.stem, {}):
        typer.echo(f"  {says}")
    typer.echo(f"then: envdoctor matrix lint, and envdoctor matrix test {path.stem}", err=True)
    return 0


@app.command("derive")
@exiting
def derive_command(
    packages: list[str] = typer.Argument(
        None,
        metavar="[PACKAGE]...",
        help="Distributions to measure (default: those of the matrix).",
        show_default=False,
    ),
    torch: str = typer.Option(None, "--torch", help="Versions of torch to measure against.", show_default=False),
    cache: Path = typer.Option(
        None, "--cache", help="Keep readings here (default: the user's cache folder).", show_default=False
    ),
    budget: int = typer.Option(60, "--budget", min=1, help="Read at most so many GB over the network."),
    source: Path = _SOURCE,
) -> int:
    """Measure published wheels and write derived/. Needs the index; hours the first time, then goes on where it stopped."""
    from envdoctor.workshop.derive import PACKAGES, derive, progress, write_tables
    from envdoctor.workshop.derive.run import TORCH

    _must_be_matrix(source)
    with progress() as show:
        done = derive(
            packages=tuple(packages or PACKAGES), torch=torch or TORCH, cache=cache or _cache_folder(),
            budget=budget * 10**9, on_progress=show,
        )  # fmt: skip
    for skipped in done.skipped:
        typer.echo(f"skipped {skipped.package} {skipped.version}: {skipped.reason}", err=True)
    changed = write_tables(done.tables, source / "derived")
    for path in changed:
        typer.echo(f"wrote {path}")
    typer.echo(
        f"{len(done.tables)} tables, {len(changed)} changed, {done.received / 1e6:,.0f} MB in {done.seconds:.0f} s",
        err=True,
    )
    return 0


def _cache_folder() -> Path:
    from envdoctor.cli.reading import cache_folder

    return cache_folder() / "envdoctor" / "derive"


def _must_be_matrix(source: Path) -> None:
    if not (source / "entries").is_dir():
        raise UsageError(f"{source} holds no entries/", advice="run it in a checkout, or give --source FOLDER")
