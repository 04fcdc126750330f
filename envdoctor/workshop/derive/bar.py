"""The progress of a derivation as a bar on the terminal (stderr: stdout belongs to what was asked for)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from envdoctor.workshop.derive.run import Progress

__all__ = ["progress", "progress_bar"]


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """A bar where stderr is a terminal, else a line for each wheel: a log of an hour-long run must not stay silent."""
    if sys.stderr.isatty():
        with progress_bar() as show:
            yield show
        return
    said: set[tuple[str, str]] = set()

    def line(at: Progress) -> None:
        if (at.package, at.version) not in said:
            said.add((at.package, at.version))
            print(f"{at.done + 1}/{at.total} {at.package} {at.version}", file=sys.stderr, flush=True)  # noqa: T201 (a command's progress)

    yield line


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Gives the function to pass as `on_progress`: wheels done of all, what is being read, and the bytes so far."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[size]}"),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, size="")

        def show(progress: Progress) -> None:
            name = f"{progress.package} {progress.version}"
            member = progress.member.rpartition("/")[2] if progress.member else ""
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                size=f"{progress.received / 1e6:,.0f} MB",
                description=f"{name} {member}".rstrip(),
            )

        yield show
