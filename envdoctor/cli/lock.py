"""`envdoctor lock`: pinned, hashed, explained lock files for this machine, or for one that is not here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from envdoctor.errors import UsageError
from envdoctor.facts import Facts, Gpu, known

if TYPE_CHECKING:
    from envdoctor.cli.progress import Steps

_DRIVER = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}")


def lock_command(
    requirements: list[str] = typer.Argument(
        None, metavar="REQUIREMENT...", help="As pip takes them: 'vllm>=0.6'.", show_default=False
    ),
    stack: str = typer.Option(
        None, "--stack", help="A named stack (vllm-awq, transformers-gptq, lmdeploy, ...).", show_default=False
    ),
    fix: bool = typer.Option(False, "--fix", help="The smallest change to the target that makes its report clean."),
    source: str = typer.Option(
        None, "--from", help="A report or pasted text of the machine to lock for.", show_default=False
    ),
    python: Path = typer.Option(
        None, "--python", help="The target whose machine and Python are meant.", show_default=False
    ),
    gpu: str = typer.Option(None, "--gpu", help="Name of the GPU to lock for, e.g. 'RTX 4090'.", show_default=False),
    driver: str = typer.Option(None, "--driver", help="Driver version to lock for.", show_default=False),
    python_version: str = typer.Option(None, "--python-version", help="Python to lock for, X.Y.", show_default=False),
    index_url: list[str] = typer.Option(
        [], "--index-url", help="Index to use instead of the configured ones.", show_default=False
    ),
    era: str = typer.Option(None, "--era", help="Newest day (YYYY-MM-DD) of floating packages.", show_default=False),
    no_era: bool = typer.Option(False, "--no-era", help="Let floating packages be as new as they are."),
    output: Path = typer.Option(
        None, "--output", "-o", help="Write here instead of standard output.", show_default=False
    ),
    format_: str = typer.Option("requirements", "--format", help="requirements or pylock."),
    prove: bool = typer.Option(False, "--prove", help="Build the lock in a throw-away environment and try it."),
) -> int:
    """Lock versions that work together on this GPU and driver.

    Exit status: 0 locked, 1 proven impossible or the proof failed, 2 wrong call, 3 index or budget.
    """
    from envdoctor import resolve
    from envdoctor.cli.output import check_output, write_output
    from envdoctor.cli.progress import Steps
    from envdoctor.nearest import one_of
    from envdoctor.resolve.request import parse_era

    format_ = one_of("--format", format_, ("requirements", "pylock"))
    if sum([bool(requirements), stack is not None, fix]) == 0:
        raise UsageError("lock: what for? nothing is asked for", advice="give REQUIREMENT..., --stack NAME, or --fix")
    if fix and stack:
        raise UsageError("--fix mends the target as it is, --stack starts from a named set: give one of them")
    if source and python:
        raise UsageError("--from reads a report from elsewhere, --python a target here: give one of them")
    if era and no_era:
        raise UsageError("--era sets a day, --no-era lifts it: give one of them")
    for url in index_url:
        _check_index(url)
    if driver and not _DRIVER.fullmatch(driver):
        raise UsageError(f"--driver {driver}: is no driver version", advice="as nvidia-smi prints it: 550.54.14")
    check_output(output)
    with Steps() as steps:
        say = _teller(steps)
        facts = _facts(source=source, python=python, gpu=gpu, driver=driver, here=fix or not python_version)
        common: dict[str, Any] = {
            "facts": facts, "python": python_version, "indexes": tuple(index_url), "era": parse_era(era, off=no_era), "say": say,
        }  # fmt: skip
        if fix:
            changes = resolve.lock_fix(requirements=requirements or (), **common)
            say(changes.summary())
            made = changes.lock
        else:
            made = resolve.lock(requirements or (), stack=stack, **common)
        if prove:
            made = resolve.prove(made, facts=facts, stack=stack, indexes=tuple(index_url), say=say)
    write_output(resolve.text_of(made, format_), output)
    return 0


def _check_index(url: str) -> None:
    """Refuses what can be no index: a solver would say that it holds nothing, which proves nothing."""
    from envdoctor.resolve.problem import without_credentials

    if not re.match(r"(?:https?|file)://[^\s/]*[^\s]+$", url) and not Path(url).is_dir():
        raise UsageError(
            f"--index-url {without_credentials(url)}: neither an address nor a folder", advice="as https://HOST/simple"
        )


def _teller(steps: Steps) -> Callable[[str], None]:
    """Says the lines of the solving as they come, and between them that it goes on."""
    from envdoctor.cli.output import language
    from envdoctor.render.plain import visible_lines
    from envdoctor.render.words import word

    solving = word("solving", language(None))

    def say(line: str) -> None:
        steps.end()
        typer.echo(visible_lines(line), err=True)
        steps.begin(solving)

    steps.begin(solving)
    return say


def _facts(*, source: str | None, python: Path | None, gpu: str | None, driver: str | None, here: bool) -> Facts:
    """The machine to lock for: described by options, a report, or this one."""
    from dataclasses import replace

    if source is not None:
        from envdoctor.cli.reading import read_stdin
        from envdoctor.cli.session import Wanted, collect
        from envdoctor.knowledge import load_matrix

        facts = collect(Wanted(source=source), load_matrix(), read_stdin)
    elif python is not None or here or (gpu is None and driver is None):
        from envdoctor.probe import probe

        facts = probe(python=python, environ=dict(os.environ), cwd=Path.cwd())
    else:
        facts = Facts()
    if gpu is not None:
        facts = replace(facts, gpus=known((_gpu(gpu),), "--gpu"))
    if driver is not None:
        platform = known("linux", "--driver")
        facts = replace(facts, driver=replace(facts.driver, version=known(driver, "--driver"), platform=platform))
    return facts


def _gpu(name: str) -> Gpu:
    from envdoctor.ingest import GpuTable
    from envdoctor.knowledge import load_matrix

    table = GpuTable(load_matrix().tables["gpus"])
    model = table.lookup(name)
    if model is None or model.compute_capability is None:
        near = ", ".join(table.like(name))
        advice = f"did you mean one of {near}?" if near else "give the name as nvidia-smi prints it"
        raise UsageError(f"--gpu {name}: not in the table of GPUs", advice=advice)
    capability = known(model.compute_capability, "table of GPUs")
    return Gpu(index=0, name=known(name, "--gpu"), compute_capability=capability)
