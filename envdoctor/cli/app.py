"""The command line: wiring and exit statuses only. The one place where errors become lines."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from envdoctor.errors import EnvdoctorError, UsageError
from envdoctor.nearest import nearest

_LONGEST = 4000


def main() -> None:
    """Entry point of `envdoctor` and `envdoctor-gpu`. Never ends in a traceback."""
    try:
        from envdoctor.cli.output import prepare_streams

        prepare_streams()
        _check_folder()
        status = _run()
        sys.stdout.flush()  # a full disk or a reader that went away is met here, not at the interpreter's exit
    except EnvdoctorError as error:
        _say(f"envdoctor: {error}", error.advice)
        status = error.exit_status
    except KeyboardInterrupt:
        _say("envdoctor: interrupted")
        status = 130
    except OSError as error:
        status = _failed_system(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug is one line, not a traceback
        status = _internal(error)
    sys.exit(status)


def _check_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            f"the working folder cannot be used: {error.strerror or error}", advice="cd to a folder that exists"
        ) from None


def _run() -> int:
    # typer carries its own click and shows no other way to its errors than through it
    from typer._click.exceptions import ClickException, NoArgsIsHelpError, NoSuchOption
    from typer._click.exceptions import UsageError as CallError

    from envdoctor.cli.commands import app

    try:
        script = Path(sys.argv[0]).name  # the other script of the wheel keeps its name: completion is bound to it
        status = app(prog_name=script if script == "envdoctor-gpu" else "envdoctor", standalone_mode=False)
    except NoArgsIsHelpError as error:
        _say(error.format_message())
        return 2
    except CallError as error:
        asked = error.ctx.command_path if error.ctx else _called()
        meant = nearest(error.option_name, error.possibilities or ()) if isinstance(error, NoSuchOption) else None
        said = error.message if isinstance(error, NoSuchOption) else error.format_message()
        advice = f"{asked} --help shows what it takes"
        _say(f"envdoctor: {_line(said)}", f"did you mean {meant}? {advice}" if meant else advice)
        return 2
    except ClickException as error:
        _say(f"envdoctor: {_line(error.format_message())}")
        return 2
    return status if isinstance(status, int) else 0


def _called() -> str:
    """The command that was called, where the parser does not say."""
    from envdoctor.cli.commands import app

    named = {command.name for group in (app, *(g.typer_instance for g in app.registered_groups)) if group
             for command in group.registered_commands} | {group.name for group in app.registered_groups}  # fmt: skip
    words = []
    for word in sys.argv[1:3]:
        if word not in named:
            break
        words.append(word)
    return " ".join(["envdoctor", *words])


def _line(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text[:1].lower() + text[1:]


def _failed_system(error: OSError) -> int:
    if os.environ.get("ENVDOCTOR_DEBUG"):
        raise error
    from envdoctor.cli.output import forget_output

    forget_output()
    place = f": {error.filename}" if error.filename else " (standard output)"
    _say(f"envdoctor: {error.strerror or error}{place}", "look at the disk and its permissions, then try again")
    return 3


def _internal(error: Exception) -> int:
    if os.environ.get("ENVDOCTOR_DEBUG"):
        raise error
    _say(
        f"envdoctor: internal error: {type(error).__name__}: {error}",
        "this is a bug of envdoctor: please report it; ENVDOCTOR_DEBUG=1 shows where it happened",
    )
    return 3


def _say(text: str, advice: str | None = None) -> None:
    from envdoctor.render.plain import visible_lines

    for line in (text, f"  {advice}" if advice else ""):
        if line:
            shown = visible_lines(line)
            print(shown if len(shown) < _LONGEST else shown[:_LONGEST] + " ...", file=sys.stderr)  # noqa: T201 - the command line
