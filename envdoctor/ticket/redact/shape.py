"""What a recognizable secret is: a pattern, and what a pattern that runs in linear time cannot say, as code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import field

from envdoctor.ticket.redact.span import Span
from envdoctor.values import dataclass

GENERIC_USERS = frozenset(
    [
        "root", "user", "ubuntu", "debian", "admin", "administrator", "vscode", "jovyan", "runner", "docker",
        "ec2-user", "centos",
        "public", "default", "shared", "share", "username", "your-user", "yourname", "<user>", "user1", "work",
        "workspace", "app",
        "appuser", "nonroot", "conda", "mambauser", "linuxbrew", "vllm", "sglang", "nvidia", "all users",
        "codespace", "git",
        "user name", "nobody", "me", "you", "xxx", "***", "...", "$user", "${user}", "%username%", "name", "host",
        "home",
        "localuser", "colab", "kaggle", "gitpod", "build", "builder", "jenkins", "ci", "test", "tmp",
    ]
)  # fmt: skip
"""User names that say nothing about a person: masking them would only hide that it is a container."""


def mixed(body: str) -> bool:
    """Random letters rather than words: digits beside letters, or both cases in a run without separators."""
    letters = any(c.isalpha() for c in body)
    digits = any(c.isdigit() for c in body)
    return (letters and digits) or (body.lower() != body and body.upper() != body and len(body) >= 16)


_ESCAPED = re.compile(
    r"(?:\\+[abfnrtv0]|%(?:25){0,4}[0-9A-Fa-f]{2}|\\+x[0-9A-Fa-f]{2}|\\+u[0-9A-Fa-f]{4}|\\+[0-7]{3})$"
)


def after_escape(text: str, at: int) -> bool:
    """Whether what ends at `at` is a written escape, such as `\\n` or `%2F`: its last letter belongs to no word."""
    return bool(_ESCAPED.search(text[max(0, at - 16) : at]))


def word_starts(text: str, at: int) -> bool:
    """Whether a word can begin at `at`."""
    return not at or not text[at - 1].isalnum() or not text[at - 1].isascii() or after_escape(text, at)


def always(_: str) -> bool:
    return True


def random_body(text: str) -> bool:
    return mixed(text[4:])


def personal(name: str) -> bool:
    return name.strip().lower() not in GENERIC_USERS and not name.startswith(("$", "%", "{", "<", "*"))


def host_name(name: str) -> bool:
    # "Linux version 5.15" and "Nov 21 10:00:00 [vllm]" stand where a host name would.
    return name.lower() not in {
        "localhost",
        "none",
        "null",
        "unknown",
        "version",
        "kernel",
        "info",
        "warning",
        "error",
    } and any(c.isalpha() for c in name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """One recognizable secret: what `pattern` finds (its group `s`, else all of it) is of `kind` where `check` agrees."""

    rule: str
    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    check: Callable[[str], bool] = field(default=always)
    whole: bool = False  #: a token that is certain enough to be looked for across broken lines

    def find(self, text: str, lowered: str) -> Iterator[Span]:
        """Every stretch of the text that has this shape. `lowered` is the text in lower case."""
        if not any(hint in lowered for hint in self.hints):
            return
        group = "s" if "s" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            found = match.group(group)
            if self.whole and not word_starts(text, match.start()):
                continue
            if found and self.check(found):
                yield Span(
                    start=match.start(group), end=match.end(group), kind=self.kind, rule=self.rule, identity=found
                )
