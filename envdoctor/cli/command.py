"""What every command of the command line has: its help in both languages, its exit status, and wrong calls as our own errors."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from envdoctor.cli.language import note, spoken
from envdoctor.cli.refusals import see_help
from envdoctor.errors import UsageError
from envdoctor.nearest import did_you_mean
from envdoctor.text import SPACE, Text, in_zh, joined, said

P = ParamSpec("P")
_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
R = TypeVar("R")


def says(text: Text, *, epilog: Text | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The help text of a command or group; its first sentence is what lists of commands show. `epilog`: its last lines."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        function.__doc__ = str(text)
        function.__dict__.update(help_text=text, epilog_text=epilog)
        return function

    return mark


def exiting(command: Callable[P, int]) -> Callable[P, None]:
    """The command, leaving with the status that it returns. An interrupt is said in a line and leaves with 130."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
        except KeyboardInterrupt:
            note(said(INTERRUPTED, spoken()))
            status = 130
        if status:
            raise typer.Exit(status)

    return run


INTERRUPTED = Text(en="envdoctor: interrupted", zh="envdoctor：已中断")


class Command(TyperCommand):
    """A command whose help is shown in the language of the call."""

    def get_help(self, ctx: Any) -> str:
        """The whole help text."""
        from envdoctor.cli.help import help_text

        return help_text(self, ctx, spoken())

    def get_short_help_str(self, limit: int = 45) -> str:
        """What the shell's completion shows beside the name."""
        from envdoctor.cli.help import first_sentence

        del limit
        return first_sentence(self, spoken())

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Arguments that nobody asked for are refused; a refusal knows its command."""
        ctx.allow_extra_args = True
        rest = _parsed(super().parse_args, ctx, args)
        if rest and not ctx.resilient_parsing:
            given = " ".join(rest)
            raise UsageError(
                Text(
                    en=f"unexpected {'arguments' if len(rest) > 1 else 'argument'}: {given}",
                    zh=f"多余的参数：{given}",
                ),
                advice=self._meant(rest, see_help(ctx)),
            )
        return rest

    def _meant(self, rest: list[str], otherwise: Text) -> Text:
        """A file that stands alone was meant for `--from`, where the command takes it."""
        if len(rest) == 1 and any("--from" in param.opts for param in self.params) and os.path.isfile(rest[0]):  # noqa: PTH113
            return joined((did_you_mean(f"--from {rest[0]}"), otherwise), SPACE)
        return otherwise


def _install(ctx: Any, _: Any, value: Any) -> Any:
    """Sets completion up, as typer does, and says so in the language of the call."""
    if not value or ctx.resilient_parsing:
        return value
    from typer._completion_shared import _get_shell_name, install

    name = _get_shell_name()
    if name not in _SHELLS:
        shell = name or Text(en="this shell", zh="当前 shell")
        raise UsageError(
            Text(
                en=f"--install-completion: {shell} is not supported", zh=f"--install-completion：不支持 {in_zh(shell)}"
            ),
            advice=Text(en=f"one of {', '.join(_SHELLS)}", zh=f"可选：{'、'.join(_SHELLS)}"),
        )
    shell, path = install(shell=name)
    done = Text(
        en=f"completion for {shell} is set up in {path}; a new terminal has it",
        zh=f"已在 {path} 中设置 {shell} 的命令补全，重新打开终端后生效",
    )
    typer.echo(said(done, spoken()))
    raise typer.Exit


class Group(TyperGroup):
    """A group of commands whose help is shown in the language of the call."""

    get_help = Command.get_help
    get_short_help_str = Command.get_short_help_str

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """A refusal knows its command."""
        for param in self.params:  # typer appends it after the group was made
            if param.name == "install_completion":
                param.callback = _install
        return _parsed(super().parse_args, ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that is named. Raises UsageError where none is."""
        if not ctx._protected_args:
            raise UsageError(Text(en="missing command", zh="缺少命令"), advice=see_help(ctx))
        return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named. Raises UsageError where there is none, with the nearest name."""
        if (
            not ctx.resilient_parsing
            and args
            and self.get_command(ctx, args[0]) is None
            and not args[0].startswith("-")
        ):
            from envdoctor.nearest import did_you_mean, nearest

            close, advice = nearest(args[0], self.commands), see_help(ctx)
            raise UsageError(
                Text(en=f"there is no command {args[0]!r}", zh=f"没有名为 {args[0]!r} 的命令"),
                advice=joined((did_you_mean(close), advice), SPACE) if close else advice,
            )
        return super().resolve_command(ctx, args)


def _parsed(parse: Callable[[Any, list[str]], list[str]], ctx: Any, args: list[str]) -> list[str]:
    from typer._click.exceptions import UsageError as CallError

    try:
        return parse(ctx, args)
    except CallError as error:
        error.ctx = error.ctx or ctx  # the parser does not always say where it stood
        raise
