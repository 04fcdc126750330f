"""Wrong calls as our own errors, in both languages: what typer refuses, and what several commands refuse alike."""

from __future__ import annotations

import sys
from typing import Any

from envdoctor.nearest import did_you_mean, nearest
from envdoctor.text import SPACE, Text, joined, same

ELSEWHERE_OR_HERE = Text(
    en="--from reads a report from elsewhere, --python a target here: give one of them",
    zh="--from 读取别处的报告，--python 指定本机的目标环境：两者只能选一个",
)


def see_help(ctx: Any) -> Text:
    """Where it stands what a command takes."""
    path = ctx.command_path if ctx is not None else "envdoctor"
    return Text(en=f"{path} --help shows what it takes", zh=f"用法见 {path} --help")


def call_error(error: Any) -> tuple[Text, Text | None]:
    """What typer refused, and where to look: by the kind of its error, since its sentences are English only."""
    from typer._click import exceptions as kinds

    advice = see_help(getattr(error, "ctx", None))
    if isinstance(error, kinds.NoSuchOption):
        meant = nearest(error.option_name, error.possibilities or ())
        if meant:
            advice = joined((did_you_mean(meant), advice), SPACE)
        return Text(en=f"no such option: {error.option_name}", zh=f"没有这个选项：{error.option_name}"), advice
    if isinstance(error, kinds.MissingParameter):
        return _missing(error), advice
    if isinstance(error, kinds.BadParameter):
        return _bad_value(error), advice
    if isinstance(error, kinds.BadOptionUsage):
        return _bad_option(error), advice
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    if isinstance(error, kinds.UsageError) and not isinstance(error, kinds.BadArgumentUsage):
        return Text(en=message, zh=f"调用有误：{message}"), advice
    return same(message), advice


def _missing(error: Any) -> Text:
    name = _name(error.param)
    kind = error.param_type or (error.param.param_type_name if error.param is not None else "")
    zh = {"argument": "缺少参数", "option": "缺少选项"}.get(kind, "缺少")
    return Text(en=f"missing {kind or 'parameter'} {name}".rstrip(), zh=f"{zh} {name}".rstrip())


def _bad_value(error: Any) -> Text:
    name = _name(error.param)
    low, high = getattr(error.param.type, "min", None), getattr(error.param.type, "max", None)
    whole = getattr(error.param.type, "name", "").startswith("int")
    if not whole:
        return Text(en=f"{name}: {error.message}", zh=f"{name} 的值无效：{error.message}")
    value = _given(error.param.opts)
    en = "a whole number" + (f", at least {low}" if low is not None else "") + (f", at most {high}" if high else "")
    zh = "应为整数" + (f"，不小于 {low}" if low is not None else "") + (f"，不大于 {high}" if high else "")
    return Text(en=f"{name} {value}: {en}", zh=f"{name} {value}：{zh}")


def _bad_option(error: Any) -> Text:
    name = error.option_name
    param = next((p for p in error.ctx.command.params if name in p.opts), None) if error.ctx else None
    if getattr(param, "is_flag", False):
        return Text(en=f"option {name} takes no value", zh=f"选项 {name} 不带值")
    return Text(en=f"option {name} needs a value", zh=f"选项 {name} 需要一个值")


def _name(param: Any) -> str:
    if param is None:
        return ""
    return str(param.opts[0] if param.param_type_name == "option" else param.human_readable_name)


def _given(names: list[str]) -> str:
    """The value as it was typed, for typer's error does not carry it."""
    given = sys.argv[1:]
    for i, argument in enumerate(given):
        option, equals, value = argument.partition("=")
        if option in names:
            return value if equals else "".join(given[i + 1 : i + 2])
    return ""
