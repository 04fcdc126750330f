"""`envdoctor smoke`: tiny programs on the hardware that is there, as proof."""

from __future__ import annotations

from pathlib import Path

import typer

from envdoctor.cli.command import says
from envdoctor.cli.language import LANG, language
from envdoctor.text import Text


@says(
    Text(
        en="Prove what works, by tiny programs run in the target.\n\n"
        "Exit status: 0 what could run passed, 1 a rung failed, 3 only the built-in reference could run.",
        zh="在目标环境中运行一组微型程序，用实际运行证明哪些能用。\n\n"
        "退出码：0 能运行的全部通过，1 有层级失败，3 只有内置参考实现可以运行。",
    )
)
def smoke_command(
    python: Path = typer.Option(
        None,
        "--python",
        readable=False,
        help=Text(
            en="The target interpreter, or the folder of its environment.", zh="目标环境的解释器，或该环境的目录。"
        ),
        show_default=False,
    ),
    device: str = typer.Option(
        None,
        "--device",
        help=Text(en="auto (default), cpu or cuda:N.", zh="auto（默认）、cpu 或 cuda:N。"),
        show_default=False,
    ),
    rung: list[str] = typer.Option(
        [],
        "--rung",
        help=Text(
            en="Only this rung: driver, torch, kernel, engine, checkpoint.",
            zh="只运行该层级：driver、torch、kernel、engine、checkpoint。",
        ),
        show_default=False,
    ),
    format_: str = typer.Option("terminal", "--format", help=Text(en="terminal or json.", zh="terminal 或 json。")),
    lang: str = LANG,
) -> int:
    from envdoctor.cli.output import json_text, write_output
    from envdoctor.cli.progress import Steps
    from envdoctor.cli.session import follow
    from envdoctor.cli.target import interpreter_of
    from envdoctor.nearest import one_of
    from envdoctor.render.words import word
    from envdoctor.smoke import run_ladder

    chosen = language(lang)
    format_ = one_of("--format", format_, ("terminal", "json"))
    with Steps() as steps:
        steps.begin(word("reading", chosen))
        target = interpreter_of(python)
        report = run_ladder(
            python=target,
            device=device,
            rungs=tuple(rung) or None,
            on_progress=lambda progress: follow(steps, progress, chosen),
        )
    if format_ == "json":
        from envdoctor.facts import encode

        write_output(json_text(encode(report, chosen)), None)
    else:
        from envdoctor.render.smoke import smoke_text

        write_output(smoke_text(report, lang=chosen), None)
    return report.exit_status
