"""`envdoctor lock`: pinned, hashed, explained lock files for this machine, or for one that is not here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from envdoctor.cli.command import says
from envdoctor.cli.language import LANG, language
from envdoctor.cli.refusals import ELSEWHERE_OR_HERE
from envdoctor.errors import UsageError
from envdoctor.facts import Facts, Gpu, known
from envdoctor.patterns import lazy
from envdoctor.text import Text, said

if TYPE_CHECKING:
    from envdoctor.cli.progress import Steps

_DRIVER = lazy(r"\d{1,4}(\.\d{1,4}){0,3}")


@says(
    Text(
        en="Lock versions that work together on this GPU and driver.\n\n"
        "Exit status: 0 locked, 1 proven impossible or the proof failed, 2 wrong call, 3 index or budget.",
        zh="求出在当前显卡与驱动上能一起工作的版本，并生成锁定文件。\n\n"
        "退出码：0 已锁定，1 已证明无解或验证未通过，2 调用有误，3 索引不可用或求解次数用尽。",
    )
)
def lock_command(
    requirements: list[str] = typer.Argument(
        None,
        metavar="REQUIREMENT...",
        help=Text(en="As pip takes them: 'vllm>=0.6'.", zh="写法与 pip 相同，如 'vllm>=0.6'。"),
        show_default=False,
    ),
    stack: str = typer.Option(
        None,
        "--stack",
        help=Text(
            en="A named stack (vllm-awq, transformers-gptq, lmdeploy, ...).",
            zh="预定义的技术栈（vllm-awq、transformers-gptq、lmdeploy 等）。",
        ),
        show_default=False,
    ),
    fix: bool = typer.Option(
        False,
        "--fix",
        help=Text(
            en="The smallest change to the target that makes its report clean.", zh="求出使目标环境不再报错的最小改动。"
        ),
    ),
    source: str = typer.Option(
        None,
        "--from",
        help=Text(en="A report or pasted text of the machine to lock for.", zh="目标机器的报告或粘贴文本，据此锁定。"),
        show_default=False,
    ),
    python: Path = typer.Option(
        None,
        "--python",
        readable=False,
        help=Text(en="The target whose machine and Python are meant.", zh="按该目标环境所在的机器与 Python 锁定。"),
        show_default=False,
    ),
    gpu: str = typer.Option(
        None,
        "--gpu",
        help=Text(en="Name of the GPU to lock for, e.g. 'RTX 4090'.", zh="按此显卡锁定，如 'RTX 4090'。"),
        show_default=False,
    ),
    driver: str = typer.Option(
        None, "--driver", help=Text(en="Driver version to lock for.", zh="按此驱动版本锁定。"), show_default=False
    ),
    python_version: str = typer.Option(
        None,
        "--python-version",
        help=Text(en="Python to lock for, X.Y.", zh="按此 Python 版本锁定，格式 X.Y。"),
        show_default=False,
    ),
    index_url: list[str] = typer.Option(
        [],
        "--index-url",
        help=Text(en="Index to use instead of the configured ones.", zh="使用该索引，不用已配置的索引。"),
        show_default=False,
    ),
    era: str = typer.Option(
        None,
        "--era",
        help=Text(
            en="Newest day (YYYY-MM-DD) of floating packages.", zh="未指定版本的包，发布日期不晚于该日（YYYY-MM-DD）。"
        ),
        show_default=False,
    ),
    no_era: bool = typer.Option(
        False,
        "--no-era",
        help=Text(en="Let floating packages be as new as they are.", zh="未指定版本的包可取最新版，不受时间截点限制。"),
    ),
    output: Path = typer.Option(
        None,
        "--output",
        "-o",
        help=Text(en="Write here instead of standard output.", zh="写入该文件，而不是标准输出。"),
        show_default=False,
    ),
    format_: str = typer.Option(
        "requirements", "--format", help=Text(en="requirements or pylock.", zh="requirements 或 pylock。")
    ),
    prove: bool = typer.Option(
        False,
        "--prove",
        help=Text(
            en="Build the lock in a throw-away environment and try it.", zh="在临时环境中实际安装并验证锁定结果。"
        ),
    ),
    lang: str = LANG,
) -> int:
    from envdoctor import resolve
    from envdoctor.cli.output import check_output, write_output
    from envdoctor.cli.progress import Steps
    from envdoctor.nearest import one_of
    from envdoctor.resolve.request import parse_era

    chosen = language(lang)
    format_ = one_of("--format", format_, ("requirements", "pylock"))
    if sum([bool(requirements), stack is not None, fix]) == 0:
        raise UsageError(
            Text(en="lock: what for? nothing is asked for", zh="lock：没有说明要锁定什么"),
            advice=Text(
                en="give REQUIREMENT..., --stack NAME, or --fix", zh="请给出 REQUIREMENT...、--stack NAME 或 --fix"
            ),
        )
    if fix and stack:
        raise UsageError(
            Text(
                en="--fix mends the target as it is, --stack starts from a named set: give one of them",
                zh="--fix 修复现有的目标环境，--stack 从预定义的技术栈开始：两者只能选一个",
            )
        )
    if source and python:
        raise UsageError(ELSEWHERE_OR_HERE)
    if era and no_era:
        raise UsageError(
            Text(
                en="--era sets a day, --no-era lifts it: give one of them",
                zh="--era 设定截止日期，--no-era 取消限制：两者只能选一个",
            )
        )
    for url in index_url:
        _check_index(url)
    if driver and not _DRIVER.fullmatch(driver):
        raise UsageError(
            Text(en=f"--driver {driver}: is no driver version", zh=f"--driver {driver}：不是驱动版本号"),
            advice=Text(en="as nvidia-smi prints it: 550.54.14", zh="写法与 nvidia-smi 的输出一致，如 550.54.14"),
        )
    check_output(output)
    with Steps() as steps:
        say = _teller(steps, chosen, "solving")
        facts = _facts(source=source, python=python, gpu=gpu, driver=driver, here=fix or not python_version)
        common: dict[str, Any] = {
            "facts": facts, "python": python_version, "indexes": tuple(index_url), "era": parse_era(era, off=no_era), "say": say,
        }  # fmt: skip
        if fix:
            changes = resolve.lock_fix(requirements=requirements or (), **common)
            say(changes.summary())
            made = changes.lock
        else:
            made = resolve.lock(requirements or (), stack=stack, **common)
        if prove:
            made = resolve.prove(
                made, facts=facts, stack=stack, indexes=tuple(index_url), say=_teller(steps, chosen, "proving")
            )
    write_output(resolve.text_of(made, format_, lang=chosen), output)
    return 0


def _check_index(url: str) -> None:
    """Refuses what can be no index: a solver would say that it holds nothing, which proves nothing."""
    from envdoctor.resolve.problem import without_credentials

    if not re.match(r"(?:https?|file)://[^\s/]*[^\s]+$", url) and not Path(url).is_dir():
        shown = without_credentials(url)
        raise UsageError(
            Text(
                en=f"--index-url {shown}: neither an address nor a folder",
                zh=f"--index-url {shown}：既不是网址也不是目录",
            ),
            advice=Text(en="as https://HOST/simple", zh="写法如 https://HOST/simple"),
        )


def _teller(steps: Steps, lang: str, doing: str) -> Callable[[str], None]:
    """Says the lines of what is done as they come, and between them that it goes on."""
    from envdoctor.cli.language import note
    from envdoctor.render.words import word

    step = word(doing, lang)

    def say(line: str) -> None:
        steps.end()
        note(said(line, lang))
        steps.begin(step)

    steps.begin(step)
    return say


def _facts(*, source: str | None, python: Path | None, gpu: str | None, driver: str | None, here: bool) -> Facts:
    """The machine to lock for: described by options, a report, or this one."""
    from dataclasses import replace

    if source is not None:
        from envdoctor.cli.reading import read_stdin
        from envdoctor.cli.session import Wanted, collect
        from envdoctor.knowledge import load_matrix

        facts = collect(Wanted(source=source), load_matrix(), read_stdin)
    elif python is not None or here or (gpu is None and driver is None):
        from envdoctor.probe import probe

        facts = probe(python=python, environ=dict(os.environ), cwd=Path.cwd())
    else:
        facts = Facts()
    if gpu is not None:
        facts = replace(facts, gpus=known((_gpu(gpu),), "--gpu"))
    if driver is not None:
        platform = known("linux", "--driver")
        facts = replace(facts, driver=replace(facts.driver, version=known(driver, "--driver"), platform=platform))
    return facts


def _gpu(name: str) -> Gpu:
    from envdoctor.ingest import GpuTable
    from envdoctor.knowledge import load_matrix

    table = GpuTable(load_matrix().tables["gpus"])
    model = table.lookup(name)
    if model is None or model.compute_capability is None:
        near = table.like(name)
        advice = Text(en="give the name as nvidia-smi prints it", zh="请按 nvidia-smi 的输出填写名称")
        if near:
            advice = Text(en=f"did you mean one of {', '.join(near)}?", zh=f"是否想输入其中之一：{'、'.join(near)}？")
        raise UsageError(
            Text(en=f"--gpu {name}: not in the table of GPUs", zh=f"--gpu {name}：显卡表中没有"),
            advice=advice,
        )
    capability = known(model.compute_capability, Text(en="table of GPUs", zh="显卡表"))
    return Gpu(index=0, name=known(name, "--gpu"), compute_capability=capability)
