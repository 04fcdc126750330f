"""`envdoctor matrix`: list and show what the matrix knows; start, lint and test entries; derive tables."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from envdoctor.cli.command import Command, Group, exiting, says
from envdoctor.cli.language import LANG, language, tell
from envdoctor.errors import UsageError
from envdoctor.text import Text, in_zh, said

app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)

_SOURCE = typer.Option(
    Path("matrix"),
    "--source",
    help=Text(en="The folder with entries/, checks/ and tables/.", zh="包含 entries/、checks/、tables/ 的目录。"),
)


@app.callback()
@says(Text(en="The known-issues matrix, for readers and authors.", zh="已知问题库，供查阅者与编写者使用。"))
def _matrix(lang: str = LANG) -> None:
    del lang


@app.command("list", cls=Command)
@exiting
@says(
    Text(
        en="One line an entry.",
        zh="每个条目一行。",
    )
)
def list_command(
    lang: str = LANG,
    cause: str = typer.Option(
        None, "--class", help=Text(en="Only this cause class.", zh="只列出该原因类别。"), show_default=False
    ),
    package: str = typer.Option(
        None,
        "--package",
        help=Text(en="Only entries about this distribution.", zh="只列出与该包有关的条目。"),
        show_default=False,
    ),
) -> int:
    from packaging.utils import canonicalize_name

    from envdoctor.cli.output import columns, write_output
    from envdoctor.knowledge import load_matrix
    from envdoctor.knowledge.entry import CLASSES
    from envdoctor.nearest import one_of
    from envdoctor.render.entry import template
    from envdoctor.render.plain import indented

    matrix, chosen = load_matrix(), language(lang)
    cause = one_of("--class", cause, CLASSES) if cause else ""
    package = canonicalize_name(package) if package else ""
    width = columns() if sys.stdout.isatty() else None
    lines = []
    for number in range(len(matrix)):
        core = matrix.core(number)
        if (cause and core.cause != cause) or (package and package not in core.packages):
            continue
        title = template(matrix.texts(number).title.get(chosen))
        if width is None:
            lines.append(f"{core.id:28} {core.cause:26} {title}\n")
        else:
            lines.append("".join(f"{line}\n" for line in indented(f"{core.id}  {title}", width, "", "    ")))
    write_output("".join(sorted(lines)), None)
    if not lines:
        tell(Text(en="no entry is about that", zh="没有相关条目"))
    return 0


@app.command("show", cls=Command)
@exiting
@says(
    Text(
        en="The same as `envdoctor explain ID`.",
        zh="与 `envdoctor explain ID` 相同。",
    )
)
def show_command(
    entry_id: str = typer.Argument(
        ..., metavar="ID", help=Text(en="ED-YYYY-NNNN or EC-name.", zh="ED-YYYY-NNNN 或 EC-name。")
    ),
    lang: str = LANG,
) -> int:
    from envdoctor.cli.explain import explain_command

    return explain_command(entry_id, lang)


@app.command("lint", cls=Command)
@exiting
@says(
    Text(
        en="The gate: unknown keys, ranges, evidence, cases, ids, patterns. Exit status: 0 nothing is wrong, 1 something is.",
        zh="检查条目格式：未知键、版本区间、证据、用例、编号、日志特征。退出码：0 没有问题，1 有问题。",
    )
)
def lint_command(source: Path = _SOURCE, lang: str = LANG) -> int:
    from envdoctor.workshop.lint import lint

    chosen = language(lang)
    _must_be_matrix(source)
    problems = lint(source)
    for problem in problems:
        _line(f"{problem.file}: {said(problem.says, chosen)}")
    from envdoctor.knowledge.build import entry_files

    entries = len(entry_files(source))
    count = Text(en=f"{entries} entries, {len(problems)} problems", zh=f"共 {entries} 个条目，{len(problems)} 个问题")
    _line(said(count, chosen))
    return 1 if problems else 0


@app.command("test", cls=Command)
@exiting
@says(
    Text(
        en="Run the cases of every entry, or of one. Exit status: 0 every verdict is the expected one, 1 one is not.",
        zh="运行全部条目或某一条目的用例。退出码：0 判定全部符合预期，1 有不符合的。",
    )
)
def test_command(
    entry_id: str = typer.Argument(None, metavar="[ID]", help=Text(en="Only this entry.", zh="只测试该条目。")),
    source: Path = _SOURCE,
    lang: str = LANG,
) -> int:
    from envdoctor.workshop.gate import test_matrix

    chosen = language(lang)
    _must_be_matrix(source)
    results = test_matrix(source, entry_id)
    if entry_id and not results:
        raise UsageError(
            Text(
                en=f"there is no entry {entry_id} with cases in {source}", zh=f"{source} 中没有带用例的条目 {entry_id}"
            )
        )
    failed = [result for result in results if not result.passed]
    for result in failed:
        outcome = Text(
            en=f"expected {result.expected}, got {result.got}", zh=f"预期 {result.expected}，实际 {result.got}"
        )
        _line(f"{result.entry}: {result.name}: {said(outcome, chosen)}")
    passed = len(results) - len(failed)
    count = Text(en=f"{passed} passed, {len(failed)} failed", zh=f"{passed} 个通过，{len(failed)} 个失败")
    _line(said(count, chosen))
    return 1 if failed else 0


@app.command("new", cls=Command)
@exiting
@says(
    Text(
        en="Start an entry with the next free id, and list what it lacks.",
        zh="用下一个空闲编号新建条目，并列出还缺什么。",
    )
)
def new_command(
    family: str = typer.Argument(
        ...,
        metavar="FAMILY",
        help=Text(
            en="The folder below entries/: mostly the guilty package.", zh="entries/ 下的目录名，通常是出问题的包。"
        ),
    ),
    entry_id: str = typer.Option(
        None,
        "--id",
        help=Text(en="ED-YYYY-NNNN (default: the next free one).", zh="ED-YYYY-NNNN（默认：下一个空闲编号）。"),
        show_default=False,
    ),
    source: Path = _SOURCE,
    lang: str = LANG,
) -> int:
    from datetime import datetime, timezone

    from envdoctor.knowledge.build import read_toml
    from envdoctor.workshop.lint import lint_entry
    from envdoctor.workshop.new import new_entry

    chosen = language(lang)
    _must_be_matrix(source)
    path = new_entry(source, family, today=datetime.now(timezone.utc).date(), entry_id=entry_id, lang=chosen)
    _line(said(Text(en=f"{path}: still missing", zh=f"{path}：还缺少"), chosen))
    for problem in lint_entry(read_toml(path), path.stem, {}):
        _line(f"  {said(problem, chosen)}")
    tell(
        Text(
            en=f"then: envdoctor matrix lint, and envdoctor matrix test {path.stem}",
            zh=f"然后运行：envdoctor matrix lint 与 envdoctor matrix test {path.stem}",
        )
    )
    return 0


@app.command("derive", cls=Command)
@exiting
@says(
    Text(
        en="Measure published wheels and write derived/. Needs the index; hours the first time, then goes on where it stopped.",
        zh="测量已发布的 wheel 并写入 derived/。需要访问索引；首次运行需数小时，之后可从中断处继续。",
    )
)
def derive_command(
    packages: list[str] = typer.Argument(
        None,
        metavar="[PACKAGE]...",
        help=Text(
            en="Distributions to measure (default: those of the matrix).", zh="要测量的包（默认：知识库涉及的包）。"
        ),
        show_default=False,
    ),
    torch: str = typer.Option(
        None,
        "--torch",
        help=Text(en="Versions of torch to measure against.", zh="以哪些 torch 版本为基准测量。"),
        show_default=False,
    ),
    cache: Path = typer.Option(
        None,
        "--cache",
        help=Text(
            en="Keep readings here (default: the user's cache folder).", zh="读数缓存目录（默认：用户缓存目录）。"
        ),
        show_default=False,
    ),
    budget: int = typer.Option(
        60, "--budget", min=1, help=Text(en="Read at most so many GB over the network.", zh="最多从网络读取多少 GB。")
    ),
    names: bool = typer.Option(
        False,
        "--names",
        help=Text(
            en="Instead, write names/ and messages/: at which release each came and went.",
            zh="改为写入 names/ 与 messages/：各名称、各报错在哪个版本出现和消失。",
        ),
    ),
    source: Path = _SOURCE,
    lang: str = LANG,
) -> int:
    from envdoctor.workshop.derive import PACKAGES, derive, progress, write_tables
    from envdoctor.workshop.derive.run import TORCH

    chosen = language(lang)
    _must_be_matrix(source)
    if names:
        return _derive_names(packages, cache or _cache_folder(), source, chosen)
    with progress() as show:
        done = derive(
            packages=tuple(packages or PACKAGES), torch=torch or TORCH, cache=cache or _cache_folder(),
            budget=budget * 10**9, on_progress=show,
        )  # fmt: skip
    for skipped in done.skipped:
        name = f"{skipped.package} {skipped.version}"
        tell(Text(en=f"skipped {name}: {skipped.reason}", zh=f"已跳过 {name}：{in_zh(skipped.reason)}"))
    changed = write_tables(done.tables, source / "derived")
    for path in changed:
        _line(said(Text(en=f"wrote {path}", zh=f"已写入 {path}"), chosen))
    cost = f"{done.received / 1e6:,.0f} MB, {done.seconds:.0f} s"
    tell(
        Text(
            en=f"{len(done.tables)} tables, {len(changed)} changed, {cost}",
            zh=f"共 {len(done.tables)} 张表，{len(changed)} 张有变化，{cost}",
        )
    )
    return 0


def _derive_names(packages: list[str], cache: Path, source: Path, lang: str) -> int:
    from envdoctor.workshop.derive import progress
    from envdoctor.workshop.derive.names import as_text
    from envdoctor.workshop.derive.names_run import NAMED, derive_names

    with progress() as show:
        for tables in derive_names(packages=tuple(packages or NAMED), cache=cache, on_progress=show):
            for folder, table in zip(("names", "messages"), tables, strict=True):
                path = source / folder / f"{table['distribution']}.json"
                path.parent.mkdir(exist_ok=True)
                path.write_text(as_text(table), "utf-8")
                _line(said(Text(en=f"wrote {path}", zh=f"已写入 {path}"), lang))
    return 0


def _cache_folder() -> Path:
    from envdoctor.cli.reading import cache_folder

    return cache_folder() / "envdoctor" / "derive"


def _line(text: str) -> None:
    """One line on standard output: names of files and what is in them are never obeyed by the terminal."""
    from envdoctor.cli.output import print_out
    from envdoctor.render.plain import visible

    print_out(visible(text) + "\n")


def _must_be_matrix(source: Path) -> None:
    if not (source / "entries").is_dir():
        raise UsageError(
            Text(en=f"{source} holds no entries/", zh=f"{source} 中没有 entries/ 目录"),
            advice=Text(
                en="run it in a checkout, or give --source FOLDER", zh="请在仓库检出目录中运行，或给出 --source FOLDER"
            ),
        )
