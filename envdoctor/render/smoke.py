"""The smoke ladder for a person: a line per check while it runs, the sentence or the garbage, and where it broke first."""

from __future__ import annotations

import re
import sys
from typing import IO

from envdoctor.facts.smoke import Outcome, RungResult, SmokeReport
from envdoctor.render.plain import indented

WORDS: dict[str, tuple[str, str]] = {
    "target": ("target: ", "目标环境："),
    "passed": ("passed", "通过"),
    "failed-wrong-numbers": ("WRONG NUMBERS", "数值错误"),
    "nan": ("NaN", "出现 NaN"),
    "unexpected": ("UNEXPECTED", "异常情况"),
    "error": ("ERROR", "报错"),
    "import-error": ("IMPORT ERROR", "导入失败"),
    "segfault": ("SEGFAULT", "段错误"),
    "abort": ("ABORT", "进程中止"),
    "illegal-instruction": ("ILLEGAL INSTRUCTION", "非法指令"),
    "killed": ("KILLED", "进程意外结束"),
    "out-of-memory": ("OUT OF MEMORY", "内存不足"),
    "hang": ("HANG", "卡死"),
    "cannot-run": ("cannot run", "无法运行"),
    "driver": ("driver", "驱动"),
    "torch": ("torch", "torch"),
    "kernel": ("kernel", "算子"),
    "engine-kernel": ("engine kernel", "引擎算子"),
    "checkpoint": ("checkpoint", "检查点"),
    "says": ("it says", "模型输出"),
    "unexpected-names": ("not in the checkpoint", "检查点中不存在"),
    "stderr": ("last lines", "最后输出"),
    "all-passed": ("Every rung that could run has passed.", "所有可运行的层级均已通过。"),
    "only-reference": (
        "Nothing but the built-in reference could run: nothing is proven about this environment.",
        "只有内置参考实现可以运行：对该环境没有得出任何结论。",
    ),
    "nothing-ran": ("No rung could run: nothing is proven.", "没有任何层级可以运行：没有得出任何结论。"),
    "first": ("It breaks first at: {rung} ({name}).", "最先出错的层级：{rung}（{name}）。"),
}
#: what the programs say most often, as (English, Chinese); what is not here stays in English
DETAILS: tuple[tuple[str, str], ...] = (
    (r"(\S+) is not installed in this environment", r"该环境中未安装 \1"),
    (r"there is no NVIDIA driver here \((.*)\)", r"此处没有 NVIDIA 驱动（\1）"),
    (r"the driver lists no GPU", r"驱动未列出任何 GPU"),
    (r"libcuda is there, but sees no GPU \((.*)\)", r"libcuda 存在，但看不到 GPU（\1）"),
    (r"there is no (cuda:\d+): torch sees (\d+) GPU\(s\)", r"没有 \1：torch 看到 \2 个 GPU"),
    (r"(\S+) did not import before: (.*)", r"\1 此前导入失败：\2"),
    (r"torch does not import \(see the rung torch\)", r"torch 无法导入（见 torch 层级）"),
    (
        r"transformers loads (GPTQ|quantized models) through (\S+), which is not installed",
        r"transformers 需通过 \2 加载量化模型，但未安装 \2",
    ),
    (r"(\S+) is installed; a check of its kernels is not shipped yet", r"已安装 \1；尚无针对其算子的检查"),
    (
        r"envdoctor's own reference; it says what an engine should say and nothing about this environment",
        r"envdoctor 自带的参考实现：只说明引擎应当输出什么，与该环境本身无关",
    ),
)
STYLES = {Outcome.PASSED: "green", Outcome.CANNOT_RUN: "dim"}


def word(key: str, lang: str = "en") -> str:
    """The word for a key in English or Simplified Chinese."""
    english, chinese = WORDS[key]
    return chinese if lang.startswith("zh") else english


def detail_in(detail: str, lang: str) -> str:
    """What a check said, in Chinese where it is one of DETAILS."""
    if not lang.startswith("zh"):
        return detail
    for english, chinese in DETAILS:
        found = re.fullmatch(english, detail, re.DOTALL)
        if found:
            return found.expand(chinese)
    return detail


def result_lines(result: RungResult, lang: str = "en") -> list[tuple[str, str]]:
    """One check as (text, style) lines."""
    head = f"{word(result.rung.value, lang)}: {result.name}"
    place = f" [{result.device}]" if result.device else ""
    seconds = f"  {result.seconds:.2f} s" if result.seconds >= 0.01 else ""
    style = STYLES.get(result.outcome, "bold red")
    lines = [(f"{word(result.outcome.value, lang)}  {head}{place}{seconds}", style)]
    if result.detail:
        lines.append((f"    {detail_in(result.detail, lang)}", ""))
    if result.said is not None:
        lines.append((f'    {word("says", lang)}: "{result.said}"', "bold"))
    if result.unexpected:
        lines.append((f"    {word('unexpected-names', lang)}: {', '.join(result.unexpected)}", ""))
    if result.failed and result.stderr_tail:
        lines.append((f"    {word('stderr', lang)}:", "dim"))
        lines += [(f"      {line}", "dim") for line in result.stderr_tail.splitlines()]
    return lines


def verdict_line(report: SmokeReport, lang: str = "en") -> tuple[str, str]:
    """The sentence at the end; it never says more than was run."""
    if report.failures:
        first = report.failures[0]
        text = word("first", lang).format(rung=word(first.rung.value, lang), name=first.name)
        return text, "bold red"
    if report.only_reference:
        spoke = any(result.reference and result.outcome is Outcome.PASSED for result in report.results)
        return word("only-reference" if spoke else "nothing-ran", lang), "yellow"
    return word("all-passed", lang), "bold green"


def smoke_text(report: SmokeReport, *, lang: str = "en", out: IO[str] | None = None) -> str:
    """The ladder as it goes to `out` (default: standard output), with colours where that is a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False, emoji=False, markup=False)
    width = max(40, console.width) - 1
    with console.capture() as captured:
        for text, style in [
            (f"{word('target', lang)}{report.python} (Python {report.python_version})", "dim"),
            *(line for result in report.results for line in result_lines(result, lang)),
            verdict_line(report, lang),
        ]:
            margin = " " * (len(text) - len(text.lstrip(" ")))
            for line in indented(text, width, margin, margin):
                console.print(Text(line, style=style), soft_wrap=True)
    return captured.get()


def render_smoke(report: SmokeReport, *, lang: str = "en", out: IO[str] | None = None) -> None:
    """Prints the ladder to `out`, default standard output."""
    (out or sys.stdout).write(smoke_text(report, lang=lang, out=out))
