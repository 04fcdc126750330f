"""The command line: wiring and exit statuses only. The one place where errors become lines."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from envdoctor.errors import EnvdoctorError, UsageError, system_says
from envdoctor.text import Text, same


def main() -> None:
    """Entry point of `envdoctor` and `envdoctor-gpu`. Never ends in a traceback."""
    # A run makes a few hundred thousand objects, all of which live to its end: looking for cycles among them every 700
    # objects, and again three times at the exit, takes an eighth of it. It collects still, when that is worth it.
    gc.set_threshold(100_000, 20, 100)
    status = _status()
    gc.freeze()
    sys.exit(status)


def _status() -> int:
    try:
        from envdoctor.cli.language import begin
        from envdoctor.cli.output import prepare_streams

        prepare_streams()
        begin()
        _check_folder()
        status = _run()
        sys.stdout.flush()  # a full disk or a reader that went away is met here, not at the interpreter's exit
    except EnvdoctorError as error:
        _tell(error.message, error.advice)
        status = error.exit_status
    except KeyboardInterrupt:
        _tell(Text(en="interrupted", zh="已中断"))
        status = 130
    except OSError as error:
        status = _failed_system(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug is one line, not a traceback
        status = _internal(error)
    return status


def _check_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        why = system_says(error)
        raise UsageError(
            Text(en=f"the working folder cannot be used: {why}", zh=f"当前目录无法使用：{why.zh}"),
            advice=Text(en="cd to a folder that exists", zh="请 cd 到一个存在的目录"),
        ) from None


def _run() -> int:
    # typer carries its own click and shows no other way to its errors than through it
    from typer._click.exceptions import ClickException, NoArgsIsHelpError

    from envdoctor.cli.commands import application

    try:
        script = Path(sys.argv[0]).name  # the other script of the wheel keeps its name: completion is bound to it
        name = script if script == "envdoctor-gpu" else "envdoctor"
        status = application(sys.argv[1:])(prog_name=name, standalone_mode=False)
    except NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)  # noqa: T201 - the command line
        return 2
    except ClickException as error:
        from envdoctor.cli.refusals import call_error

        _tell(*call_error(error))
        return 2
    return status if isinstance(status, int) else 0


def _failed_system(error: OSError) -> int:
    if os.environ.get("ENVDOCTOR_DEBUG"):
        raise error
    from envdoctor.cli.output import forget_output

    forget_output()
    place = same(error.filename) if error.filename else Text(en="standard output", zh="标准输出")
    why = system_says(error)
    _tell(
        Text(en=f"{place}: {why}", zh=f"{place.zh}：{why.zh}"),
        Text(en="look at the disk and its permissions, then try again", zh="请检查磁盘与权限，然后重试"),
    )
    return 3


def _internal(error: Exception) -> int:
    if os.environ.get("ENVDOCTOR_DEBUG"):
        raise error
    what = f"{type(error).__name__}: {error}"
    _tell(
        Text(en=f"internal error: {what}", zh=f"内部错误：{what}"),
        Text(
            en="this is a bug of envdoctor: please report it; ENVDOCTOR_DEBUG=1 shows where it happened",
            zh="这是 envdoctor 的缺陷，请反馈；设置 ENVDOCTOR_DEBUG=1 可显示出错位置",
        ),
    )
    return 3


def _tell(text: str, advice: str | None = None) -> None:
    from envdoctor.cli.language import tell

    tell(text, advice)
