"""A page a command, from the command line itself: what `--help` says and what the page says cannot differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from envdoctor.workshop.docs.markdown import block, code, page, table, text

_STATUS = re.compile(r"(?:Exit )?[Ss]tatus:?\s+(?=\d)")
#: true of every command; the one place that says so is DESIGN's contract and report.md
_ALWAYS = {
    "2": "the call or the configuration is wrong, or a file that was named cannot be read",
    "3": "it could not be determined",
    "130": "interrupted",
}


def command_pages(root: Any) -> dict[str, str]:
    """`commands/NAME.md` of every command below `root` (the command object that the typer app makes), and their index."""
    found = list(_walk(root, ("envdoctor",)))
    pages = {f"commands/{'-'.join(path[1:])}.md": _command_page(path, command) for path, command in found}
    rows = [(f"[{code(' '.join(path))}]({'-'.join(path[1:])}.md)", text(_says(command)[0])) for path, command in found]
    pages["commands/index.md"] = page(
        "# Commands",
        "Made from the command line itself. `envdoctor COMMAND --help` shows the same in a terminal.",
        table(("command", "what it does"), rows),
        "## Options of envdoctor itself",
        _options(root, ("envdoctor",)),
        "Findings and results go to standard output; progress and warnings of the tool itself go to standard error. "
        "`--lang zh` shows everything in Chinese; without it the locale decides.",
        "## Completion in the shell",
        "`envdoctor --install-completion` sets completion up for the shell that runs it (bash, zsh, fish, PowerShell). "
        "`envdoctor --show-completion` only prints the script, for those who keep such files themselves.",
    )
    return pages


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name, child in children.items():
        yield from _walk(child, (*path, name))


def _command_page(path: Sequence[str], command: Any) -> str:
    about, statuses = _says(command)
    shown = {**_ALWAYS, **statuses} if "0" in statuses else {"0": "done", **_ALWAYS, **statuses}
    return page(
        f"# {' '.join(path)}",
        text(about),
        block([_usage(path, command)], "text"),
        _arguments(command),
        "## Options",
        _options(command, path),
        "## Exit status",
        table(("status", "meaning"), [(key, text(shown[key])) for key in sorted(shown, key=int)]),
    )


def _says(command: Any) -> tuple[str, dict[str, str]]:
    """The sentence of the help text, and the exit statuses that it names."""
    whole = " ".join((command.help or "").split())
    head, *tail = _STATUS.split(whole, maxsplit=1)
    statuses = dict(re.findall(r"(\d+):? (.+?)(?:[,;.] ?(?=\d+:? )|\.?$)", tail[0])) if tail else {}
    return head.strip(), statuses


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts and parameter.opts[0].startswith("-"))


def _usage(path: Sequence[str], command: Any) -> str:
    arguments = []
    for parameter in command.params:
        if _is_option(parameter):
            continue
        name = parameter.metavar or parameter.name.upper()
        arguments.append(name if parameter.required or name.startswith("[") else f"[{name}]")
    return " ".join([*path, *arguments, "[OPTIONS]"])


def _arguments(command: Any) -> str:
    rows = [
        (code(parameter.metavar or parameter.name.upper()), text(getattr(parameter, "help", None) or ""))
        for parameter in command.params
        if not _is_option(parameter) and getattr(parameter, "help", None)
    ]
    return "## Arguments\n\n" + table(("argument", "meaning"), rows) if rows else ""


def _options(command: Any, path: Sequence[str]) -> str:
    rows = [_option(parameter) for parameter in command.params if _is_option(parameter)]
    return table(("option", "meaning"), rows) or f"{code(' '.join(path))} has none but `--help`."


def _option(parameter: Any) -> tuple[str, str]:
    names = ", ".join(code(name) for name in parameter.opts)
    says = text(parameter.help or "")
    if not parameter.is_flag and parameter.default not in (None, [], ()) and "default" not in says:
        says += f" Default: {code(parameter.default)}."
    if parameter.multiple:
        says += " Can be given several times."
    return names, says.strip()
