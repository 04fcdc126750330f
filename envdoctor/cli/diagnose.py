"""`envdoctor diagnose`: names the cause on this machine, in a target environment, or from a pasted text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from envdoctor.cli.command import says
from envdoctor.cli.language import LANG, language, tell
from envdoctor.text import Text, in_zh

if TYPE_CHECKING:
    from envdoctor.cli.session import Result

FORMATS = ("terminal", "json", "markdown", "html")


@says(
    Text(
        en="Name the cause and the fix, here or from a pasted report.\n\n"
        "Exit status: 0 nothing found, 1 findings, 2 wrong call, 3 undetermined.",
        zh="找出原因与解决办法，可诊断本机，也可诊断粘贴的报告。\n\n退出码：0 未发现问题，1 发现问题，2 调用有误，3 无法判定。",
    )
)
def diagnose_command(
    python: Path = typer.Option(
        None,
        "--python",
        readable=False,
        help=Text(
            en="The target interpreter, or the folder of its environment.", zh="目标环境的解释器，或该环境的目录。"
        ),
        show_default=False,
    ),
    model: str = typer.Option(
        None,
        "--model",
        help=Text(en="Folder of a checkpoint, or the name of a well-known model.", zh="检查点目录，或常见模型的名称。"),
        show_default=False,
    ),
    engine: str = typer.Option(
        None,
        "--engine",
        help=Text(
            en="vllm, sglang, lmdeploy, transformers, autoawq, gptqmodel, ...",
            zh="vllm、sglang、lmdeploy、transformers、autoawq、gptqmodel 等。",
        ),
        show_default=False,
    ),
    task: str = typer.Option(
        None,
        "--task",
        help=Text(
            en="install, quantize, serve, generate or train.",
            zh="install（安装）、quantize（量化）、serve（部署）、generate（推理）或 train（训练）。",
        ),
        show_default=False,
    ),
    tp: int = typer.Option(None, "--tp", help=Text(en="Tensor parallel size.", zh="张量并行数。"), show_default=False),
    dtype: str = typer.Option(
        None,
        "--dtype",
        help=Text(en="float16, bfloat16, float32 or auto.", zh="float16、bfloat16、float32 或 auto。"),
        show_default=False,
    ),
    log: list[Path] = typer.Option(
        [],
        "--log",
        readable=False,
        help=Text(en="A log of the failure, added to the live diagnosis.", zh="出错时的日志，并入对本机的诊断。"),
        show_default=False,
    ),
    source: str = typer.Option(
        None,
        "--from",
        help=Text(
            en="A pasted report, a saved JSON report or a ticket; - reads standard input.",
            zh="粘贴的报告、保存的 JSON 报告或诊断包；- 表示读取标准输入。",
        ),
        show_default=False,
    ),
    smoke: bool = typer.Option(
        False,
        "--smoke",
        help=Text(
            en="Also run the smoke ladder and hold it against the findings.",
            zh="同时运行冒烟测试，并用其结果核对诊断。",
        ),
    ),
    verbose: bool = typer.Option(
        False,
        "--verbose",
        "-v",
        help=Text(en="Show all facts and every possible finding.", zh="显示全部环境事实和所有可能的问题。"),
    ),
    format_: str = typer.Option(
        "terminal",
        "--format",
        help=Text(en="terminal, json, markdown or html.", zh="terminal、json、markdown 或 html。"),
    ),
    output: Path = typer.Option(
        None,
        "--output",
        "-o",
        help=Text(en="Write here instead of standard output.", zh="写入该文件，而不是标准输出。"),
        show_default=False,
    ),
    fail_on: str = typer.Option(
        None,
        "--fail-on",
        help=Text(en="error (default), warning or never.", zh="error（默认）、warning 或 never。"),
        show_default=False,
    ),
    lang: str = LANG,
) -> int:
    from envdoctor.cli.config import FAIL_ON, read_config
    from envdoctor.cli.output import check_output
    from envdoctor.cli.reading import read_stdin
    from envdoctor.cli.session import Wanted, run_diagnosis
    from envdoctor.nearest import one_of
    from envdoctor.render.terminal import says_nothing
    from envdoctor.render.words import text

    config = read_config(Path.cwd())
    chosen = language(lang, config.lang)
    format_ = one_of("--format", format_, FORMATS)
    threshold = one_of("--fail-on", fail_on or config.fail_on, FAIL_ON)
    check_output(output)
    wanted = Wanted(
        python=python, model=model, engine=engine or config.engine, task=task or config.task,
        tp=tp if tp is not None else config.tp, dtype=dtype or config.dtype, logs=tuple(log), source=source,
        smoke=smoke,
    )  # fmt: skip
    result = run_diagnosis(wanted, config=config, lang=chosen, read_stdin=read_stdin)
    for problem in result.ignore_problems:
        tell(Text(en=f"ignore {problem.id}: {problem.says}", zh=f"忽略项 {problem.id}：{in_zh(problem.says)}"))
    show(result, format_=format_, output=output, verbose=verbose)
    if source is not None and says_nothing(result.report):
        tell(text("not-recognised"), text("paste-more"))
        return 3
    from envdoctor.render.report import threshold_reached

    return 1 if threshold_reached(result.report, threshold) else 0


def show(result: Result, *, format_: str, output: Path | None, verbose: bool) -> None:
    """Render the report in the chosen format to the chosen place."""
    from envdoctor.cli.output import print_out, write_output

    if format_ == "terminal" and output is None:
        from envdoctor.render.terminal import terminal_text

        print_out(terminal_text(result.facts, result.report, verbose=verbose))
        return
    write_output(rendered(result, format_, verbose), output)


def rendered(result: Result, format_: str, verbose: bool) -> str:
    """The report as text in one of FORMATS."""
    if format_ == "json":
        from envdoctor.cli.output import json_text

        return json_text(result.report)
    if format_ == "markdown":
        from envdoctor.render.markdown import render_markdown

        return render_markdown(result.facts, _shareable(result.report))
    if format_ == "html":
        from envdoctor.render.html import render_html
        from envdoctor.render.report import report

        lang = "en" if result.report["lang"] == "zh" else "zh"
        other = report(result.facts, result.diagnosis, result.matrix, lang=lang)
        return render_html(_shareable(result.report), other=_shareable(other))
    import io

    from envdoctor.render.terminal import terminal_text

    return terminal_text(result.facts, result.report, verbose=verbose, out=io.StringIO())


def _shareable(report: dict[str, Any]) -> dict[str, Any]:
    """What is made to be pasted into a thread carries no token that a pasted line or a variable held."""
    from envdoctor.ticket.redact import Redactor

    redactor = Redactor()

    def masked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: masked(item) for key, item in value.items()}
        if isinstance(value, list):
            return [masked(item) for item in value]
        return redactor.redact_tokens(value) if isinstance(value, str) else value

    shared: dict[str, Any] = masked(report)
    return shared
