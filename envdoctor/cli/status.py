"""Exit statuses: a command returns its status, and this makes it the status of the process."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

P = ParamSpec("P")


def exiting(command: Callable[P, int]) -> Callable[P, None]:
    """The command, leaving with the status that it returns. An interrupt is said in a line and leaves with 130."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo("envdoctor: interrupted", err=True)
            status = 130
        if status:
            raise typer.Exit(status)

    return run
