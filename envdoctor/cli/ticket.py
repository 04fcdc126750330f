"""`envdoctor ticket`: an attachment for support that leaks nothing; `envdoctor diff`: what changed between two reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from envdoctor.cli.command import says
from envdoctor.cli.language import LANG, language, tell
from envdoctor.errors import UsageError
from envdoctor.text import Text


@says(
    Text(
        en="Write one redacted zip to attach to an issue. Exit status 0: written.",
        zh="生成一个脱敏的 zip，可附在 issue 或工单上。退出码 0：已写出。",
    )
)
def ticket_command(
    python: Path = typer.Option(
        None, "--python", help=Text(en="The target interpreter.", zh="目标环境的解释器。"), show_default=False
    ),
    model: str = typer.Option(
        None, "--model", help=Text(en="Folder of a checkpoint.", zh="检查点目录。"), show_default=False
    ),
    engine: str = typer.Option(
        None, "--engine", help=Text(en="The engine that fails.", zh="出错的推理引擎。"), show_default=False
    ),
    log: list[Path] = typer.Option(
        [],
        "--log",
        readable=False,
        help=Text(
            en="A log of the failure; excerpts around recognised lines go in.",
            zh="出错时的日志；只收录已识别行附近的片段。",
        ),
        show_default=False,
    ),
    source: str = typer.Option(
        None,
        "--from",
        help=Text(
            en="A pasted report instead of this machine; - reads standard input.",
            zh="用粘贴的报告代替本机；- 表示读取标准输入。",
        ),
        show_default=False,
    ),
    lock: Path = typer.Option(
        None,
        "--lock",
        readable=False,
        help=Text(en="A proposed lock file to put in.", zh="一并放入的锁定文件。"),
        show_default=False,
    ),
    smoke: bool = typer.Option(
        False, "--smoke", help=Text(en="Run the smoke ladder and put its results in.", zh="运行冒烟测试并收录结果。")
    ),
    output: Path = typer.Option(
        Path("envdoctor-ticket.zip"), "--output", "-o", help=Text(en="The archive to write.", zh="要写出的压缩包。")
    ),
    force: bool = typer.Option(False, "--force", help=Text(en="Overwrite an existing file.", zh="覆盖已有文件。")),
    withhold: list[str] = typer.Option(
        [],
        "--withhold",
        help=Text(en="Leave this field out (as MANIFEST.json names it).", zh="不收录该字段（名称见 MANIFEST.json）。"),
        show_default=False,
    ),
    preview: bool = typer.Option(
        False,
        "--preview",
        help=Text(en="Show what would leave, and write nothing.", zh="只显示将要外发的内容，不写文件。"),
    ),
    lang: str = LANG,
) -> int:
    from envdoctor.cli.config import read_config
    from envdoctor.cli.output import write_output
    from envdoctor.cli.reading import read_stdin
    from envdoctor.cli.session import Wanted, run_diagnosis
    from envdoctor.render.plain import visible
    from envdoctor.render.report import report
    from envdoctor.render.words import word
    from envdoctor.ticket import build_ticket, check_ticket_output, write_ticket
    from envdoctor.ticket import preview as preview_of

    config = read_config(Path.cwd())
    chosen = language(lang, config.lang)
    check_ticket_output(None if preview else output, force=force)
    wanted = Wanted(python=python, model=model, engine=engine, logs=tuple(log), source=source, smoke=smoke)
    result = run_diagnosis(wanted, config=config, lang=chosen, read_stdin=read_stdin)
    other = report(result.facts, result.diagnosis, result.matrix, lang="en" if chosen == "zh" else "zh")
    ticket = build_ticket(result.report, other=other, logs=tuple(log), lock=_text(lock), withhold=tuple(withhold))
    if preview:
        write_output(preview_of(ticket, lang=chosen), None)
        return 0
    written = write_ticket(ticket, output, force=force)
    masked = sum(ticket.redactions.values())
    said = word("written", chosen, path=visible(str(written)), files=len(ticket.members), masked=masked)
    write_output(said + "\n", None)
    tell(
        Text(
            en="look at it before you attach it: --preview shows every line that leaves",
            zh="附上之前请先检查：--preview 会显示将要外发的每一行",
        )
    )
    return 0


def _text(path: Path | None) -> str | None:
    if path is None:
        return None
    from envdoctor.cli.reading import read_file

    return read_file(path, "--lock").decode("utf-8", "replace")


@says(
    Text(
        en="Show what changed between two reports. Exit status 1: the findings differ.",
        zh="显示两份报告之间的变化。退出码 1：诊断结果不同。",
    )
)
def diff_command(
    before: Path = typer.Argument(
        ...,
        metavar="A",
        readable=False,
        help=Text(en="A JSON report, a ticket or a pasted text.", zh="JSON 报告、诊断包或粘贴的文本。"),
    ),
    after: Path = typer.Argument(
        ...,
        metavar="B",
        readable=False,
        help=Text(en="The same, of another day or machine.", zh="同上，来自另一天或另一台机器。"),
    ),
    format_: str = typer.Option(
        "terminal", "--format", help=Text(en="terminal, json or markdown.", zh="terminal、json 或 markdown。")
    ),
    lang: str = LANG,
) -> int:
    from envdoctor.cli.output import columns, write_output
    from envdoctor.nearest import one_of
    from envdoctor.render.diff import diff_markdown, diff_text
    from envdoctor.ticket import diff_reports

    chosen = language(lang)
    format_ = one_of("--format", format_, ("terminal", "json", "markdown"))
    difference = diff_reports(_report(before, chosen), _report(after, chosen))
    if format_ == "json":
        from envdoctor.cli.output import json_text

        write_output(json_text(difference.as_dict()), None)
    else:
        data = difference.as_dict()
        width = columns() if sys.stdout.isatty() else None
        write_output(diff_markdown(data, chosen) if format_ == "markdown" else diff_text(data, chosen, width), None)
    return 1 if difference.findings_differ else 0


def _report(path: Path, lang: str) -> dict[str, Any]:
    """The report of a file, diagnosed anew with the same matrix, so that both sides are judged alike."""
    from envdoctor.cli.config import Config
    from envdoctor.cli.reading import DEVICE, FOLDER, read_stdin
    from envdoctor.cli.session import Wanted, run_diagnosis

    if str(path) != "-" and not path.is_file():
        why = FOLDER if path.is_dir() else DEVICE if path.exists() else Text(en="no such file", zh="没有这个文件")
        raise UsageError(
            Text(en=f"{path}: {why}", zh=f"{path}：{why.zh}"),
            advice=Text(
                en="diff takes JSON reports, tickets or pasted texts", zh="diff 接受 JSON 报告、诊断包或粘贴的文本"
            ),
        )
    return run_diagnosis(Wanted(source=str(path)), config=Config(), lang=lang, read_stdin=read_stdin).report
