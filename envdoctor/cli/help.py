"""Help texts in the language of the call. typer's own are English only, and count a Chinese character as one cell.

Options carry their help as a `Text` in the signature of their command; typer copies it into a plain string, so it is
fetched from there.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from envdoctor.cli.output import columns
from envdoctor.render.plain import cells, indented
from envdoctor.text import Text, said, same

_WIDEST, _LONGEST_NAME = 79, 26
_USAGE = Text(en="Usage: ", zh="用法：")
_SECTIONS = {
    "argument": Text(en="Arguments:", zh="参数："),
    "option": Text(en="Options:", zh="选项："),
    "command": Text(en="Commands:", zh="命令："),
}
_DEFAULT = Text(en="  [default: {value}]", zh="（默认：{value}）")
_REQUIRED = Text(en="  [required]", zh="（必填）")
#: options that typer itself adds
_FOREIGN = {
    "--help": Text(en="Show this message and exit.", zh="显示本帮助并退出。"),
    "--install-completion": Text(en="Install completion for the current shell.", zh="为当前 shell 安装命令补全。"),
    "--show-completion": Text(
        en="Show completion for the current shell, to copy it or customize the installation.",
        zh="显示当前 shell 的补全脚本，便于复制或自行安装。",
    ),
}
_KINDS = {"<path>": "<路径>", "<str>": "<文本>", "<int>": "<整数>", "<int range>": "<整数>"}
_PLACES = {"[OPTIONS]": "[选项]", "COMMAND": "命令", "[ARGS]...": "[参数]..."}


def help_text(command: Any, ctx: Any, lang: str) -> str:
    """Usage, what the command does, its arguments, options and commands; no line is wider than the terminal or 79 cells."""
    width = min(_WIDEST, columns())
    usage = " ".join(_place(piece, lang) for piece in command.collect_usage_pieces(ctx))
    first = said(_USAGE, lang)
    lines = indented(f"{ctx.command_path} {usage}", width, first, " " * cells(first))
    for paragraph in said(_about(command), lang).strip().split("\n\n"):
        lines += ["", *indented(" ".join(paragraph.split()), width, "  ", "  ")]
    params = command.get_params(ctx)
    sections = {
        kind: [_param(command, p, ctx, lang) for p in params if p.param_type_name == kind and not p.hidden]
        for kind in ("argument", "option")
    }
    children = getattr(command, "commands", {})
    sections["command"] = [(name, first_sentence(child, lang)) for name, child in children.items() if not child.hidden]
    for kind, rows in sections.items():
        if rows:
            lines += ["", said(_SECTIONS[kind], lang), *_rows(rows, width)]
    epilog = getattr(command.callback, "epilog_text", None)
    if epilog is not None:
        lines += ["", *indented(said(epilog, lang), width, "  ", "  ")]
    return "\n".join(lines)


def first_sentence(command: Any, lang: str) -> str:
    """What the command does, in one sentence."""
    text = " ".join(said(_about(command), lang).split("\n\n")[0].split())
    if lang == "zh":
        return text.partition("。")[0]
    return text.partition(". ")[0].rstrip(".") + "."


def _about(command: Any) -> Text:
    return getattr(command.callback, "help_text", None) or same(command.help or "")


def _param(command: Any, param: Any, ctx: Any, lang: str) -> tuple[str, str]:
    """The names of a parameter and what it means."""
    if param.param_type_name == "argument":
        names = param.make_metavar(ctx=ctx)
    else:
        names = ", ".join(sorted(param.opts, key=len))
        if not param.is_flag:
            names += f" {_place(param.make_metavar(ctx=ctx), lang)}"
    text = said(param_help(command, param), lang)
    shown = param.default if param.show_default and not getattr(param, "is_flag", False) else None
    if shown not in (None, [], ()):
        text += _DEFAULT.fill({"value": str(shown)}).get(lang)
    if param.required:
        text += said(_REQUIRED, lang)
    return names, text.strip()


def param_help(command: Any, param: Any) -> Text:
    """The help of one parameter in both languages: as the signature of the command has it, or ours for what typer adds."""
    foreign = next((_FOREIGN[name] for name in param.opts if name in _FOREIGN), None)
    if foreign is not None:
        return foreign
    default = inspect.signature(command.callback).parameters[param.name].default
    return same(getattr(default, "help", None) or "")


def _place(piece: str, lang: str) -> str:
    if lang != "zh":
        return piece
    return _KINDS.get(piece) or " ".join(_PLACES.get(word, word) for word in piece.split(" "))


def _rows(rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    """Two columns; a name that is too long for its column stands on a line of its own."""
    column = min(max(cells(name) for name, _ in rows), _LONGEST_NAME) + 4
    for name, text in rows:
        first = f"  {name}" + " " * (column - 2 - cells(name))
        if cells(name) > _LONGEST_NAME:
            yield f"  {name}"
            first = " " * column
        yield from indented(text, width, first, " " * column)
