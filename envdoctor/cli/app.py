"""The command line: wiring and exit statuses only. The one place where errors become lines."""

from __future__ import annotations

import os
import sys

from envdoctor.errors import EnvdoctorError


def main() -> None:
    """Entry point of `envdoctor` and `envdoctor-gpu`. Never ends in a traceback."""
    try:
        _run()
    except EnvdoctorError as error:
        _say(f"envdoctor: {error}")
        if error.advice:
            _say(f"  {error.advice}")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        _say("envdoctor: interrupted")
        sys.exit(130)
    except BrokenPipeError:
        # the reader went away (`| head`): not an error of ours; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("ENVDOCTOR_DEBUG"):
            raise
        _say(f"envdoctor: internal error: {type(error).__name__}: {error}")
        _say("  this is a bug of envdoctor: please report it; ENVDOCTOR_DEBUG=1 shows where it happened")
        sys.exit(3)


def _say(text: str) -> None:
    line = text if len(text) < 2000 else text[:2000] + " ..."
    print(line, file=sys.stderr)  # noqa: T201 - this is the command line


def _run() -> None:
    from envdoctor.cli.commands import app

    app()
