"""Values that are secret because of the name they are given to: variables, options, JSON and YAML fields, keyword arguments.

The name decides, and in this field most names lie: `eos_token`, `num_key_value_heads`, `tokenizer`, `max_tokens` are no
secrets. So a name is split into words, and for weak names the value has to look like a secret too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from envdoctor.ticket.redact.shape import GENERIC_USERS
from envdoctor.ticket.redact.span import MASK, Span
from envdoctor.ticket.redact.url import is_public

_KEYWORD = re.compile(
    r"(?i)pass(?:word|wd|phrase|_)?|pwd|secret|token|key|credential|cred\b|auth|conn(?:ection)?_?str|host|addr|nodename|nodelist|node_name|computername"
    r"|userdomain|userdnsdomain|logonserver|user|logname|密码|口令|密钥|令牌|主机名|用户名"
)
_NAME_CHAR = re.compile(r"[A-Za-z0-9_\-]")
_SEPARATOR = re.compile(
    r"(?P<quote>\\*[\"'])?[\])]?(?:"
    r"(?P<env>\s{0,4},?\s{0,80}\\*[\"']?value\\*[\"']?[ \t]{0,4}[:=][ \t]{0,4})"  # name: X / value: Y of container definitions
    r"|(?P<plain>[ \t]{0,20}(?::=|=>|==|=|:(?:[^:/]|$)|：|\bis\b[:：]?|是[:：]?)[ \t]{0,8})"
    r"|(?P<pair>[ \t]{0,4},[ \t]{0,8})"
    r"|(?P<option>[ \t]{1,8})"
    r"|(?P<tag>>))"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u4e00-\u9fff]+")

_STRONG_LAST = frozenset(
    ["password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials", "apikey", "authtoken",
     "accesstoken", "accesskey", "secretkey",
     "privatekey", "connstr", "密码", "口令", "密钥", "令牌"]
)  # fmt: skip
_STRONG_ENDS = ("password", "passwd", "passphrase", "apikey", "secretkey", "accesskey", "authtoken", "accesstoken")
_TOKEN_OWNERS = frozenset(
    ["access", "auth", "api", "hf", "hub", "hugging", "huggingface", "face", "github", "gh", "gitlab", "refresh",
     "session", "bearer", "bot", "secret",
     "oauth", "security", "private", "personal", "npm", "pypi", "modelscope", "slack", "wandb", "registry",
     "deploy", "job", "pat", "csrf", "xsrf", "service",
     "account", "runner", "ci", "vault", "id_token", "jupyter", "replicate", "login", "user", "admin", "client",
     "dashboard", "cluster", "join", "k3s", "ray"]
)  # fmt: skip
_TOKEN_INNOCENT = frozenset(
    ["bos", "eos", "pad", "unk", "cls", "sep", "mask", "image", "video", "audio", "stop", "next", "per", "num",
     "max", "min", "special", "start", "end", "new",
     "last", "first", "draft", "prompt", "think", "begin", "of", "prefix", "suffix", "middle", "vision", "visual",
     "add", "tool", "sampled", "prepend", "by", "each",
     "target", "bonus", "extra", "eot", "eom", "im", "decoder", "forced", "output", "input", "total", "generated",
     "kv", "latency", "time", "the", "a", "this"]
)  # fmt: skip
_KEY_OWNERS = frozenset(
    ["api", "access", "secret", "private", "encryption", "signing", "account", "auth", "license", "subscription",
     "ssh", "service", "storage", "shared", "hmac",
     "deploy", "master", "admin", "client", "webhook", "deepseek", "openai", "anthropic", "wandb", "dashscope",
     "functions", "session", "cookie", "jwt", "tls", "ssl"]
)  # fmt: skip
_HOST_NAMES = frozenset(
    ["hostname", "host", "computername", "nodename", "node_name", "slurmd_nodename", "slurm_nodelist",
     "slurm_job_nodelist", "master_addr", "userdomain",
     "userdnsdomain", "logonserver", "pod_name", "my_node_name", "hostname_f", "fqdn", "server_host", "db_host",
     "redis_host", "主机名", "vllm_host_ip", "host_ip", "nodelist"]
)  # fmt: skip
_USER_NAMES = frozenset(
    ["user", "logname", "username", "sudo_user", "login", "userprofile_name", "db_user", "pguser", "mysql_user",
     "user_name", "nb_user", "git_author_name",
     "git_committer_name", "slurm_job_user", "用户名"]
)  # fmt: skip
_EMPTY = frozenset(
    ["none", "null", "nil", "true", "false", "yes", "no", "undefined", "unset", "set", "not", "required",
     "redacted", "hidden", "masked", "str", "string", "bytes",
     "int", "float", "bool", "any", "optional", "empty", "missing", "invalid", "n/a", "na", "-", "--", "0", "1",
     "must", "is", "are", "was", "the", "not_set", "{}", "[]",
     "found", "ok", "success", "failed", "present", "xxx", "xxxx", "changeme?", "token", "password", "secret",
     "key", "unknown", "and", "or", "for", "from", "to", "in"]
)  # fmt: skip
_NO_VALUE = frozenset(
    ["not", "none", "null", "unset", "missing", "required", "bool", "str", "int", "float", "bytes", "if", "whether"]
)
_NO_HOST = frozenset(
    ["localhost", "localhost.localdomain", "host", "hostname", "server", "node", "name", "address", "self"]
)
_EXPRESSION = re.compile(
    r"(?:\$|\{\{|%[A-Z_]+%|os\.|getpass|input\(|self\.|config\.|settings\.|args\.|Optional\[|Union\[|Any\b|str\b|bytes\b|\*{3,}|x{6,}$|X{6,}$|•|<|\.\.\.|…|torch\.|tensor)"
)
_LOOKS = re.compile(r"[A-Za-z0-9+/=_.\-~]{12,}$")


class _Meaning(NamedTuple):
    kind: str
    rule: str
    weak: bool


@lru_cache(maxsize=4096)
def meaning(name: str) -> _Meaning | None:
    """What a value under this name is: a secret (weak: only where it looks like one), a host, a user, or nothing to hide."""
    bare = name.strip("-_")
    flat = bare.lower().replace("-", "_")
    if flat in _HOST_NAMES:
        return _Meaning("host", "named-host", flat in {"host", "nodelist"})
    if flat in _USER_NAMES:
        return _Meaning("user", "named-user", not bare.isupper() and flat in {"user", "login"})
    words = [w.lower() for w in _WORD.findall(bare)]
    if not words:
        return None
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    shouted = bare.isupper()
    if (
        last in _STRONG_LAST
        or last.endswith(_STRONG_ENDS)
        or (last in {"pwd", "pass", "auth"} and before not in {"", "old"} and (shouted or last == "pwd"))
    ):
        return _Meaning("secret", "named-secret", False)
    if last == "token" and before not in _TOKEN_INNOCENT:
        return _Meaning("secret", "named-token", not (shouted or before in _TOKEN_OWNERS))
    if last == "key" and before in _KEY_OWNERS:
        return _Meaning("secret", "named-key", False)
    if (
        (last == "key" and shouted and before)
        or last in {"auth", "pwd", "cred", "str"}
        or words[-3:] == ["access", "key", "id"]
    ):
        return _Meaning("secret", "named-key", True)
    return None


def _looks_secret(value: str) -> bool:
    letters = any(c.isalpha() for c in value)
    digits = any(c.isdigit() for c in value)
    mixed = value.lower() != value and value.upper() != value
    return (
        bool(_LOOKS.match(value)) and letters and (digits or (mixed and len(value) >= 20)) and not value.startswith("/")
    )


def _worth(value: str, means: _Meaning) -> bool:
    low = value.strip().lower()
    if (
        not low
        or low in _EMPTY
        or low.split()[0] in _NO_VALUE
        or _EXPRESSION.match(value)
        or set(low) <= set("*x.-•_ ")
    ):
        return False
    if means.kind == "user":
        return (
            low not in GENERIC_USERS
            and not value.isdigit()
            and (not means.weak or bool(re.match(r"[\w.\-]{2,64}$", value)))
        )
    if means.kind == "host":
        name = re.match(r"[A-Za-z0-9][\w.\-]*$", value)
        if not name or low in _NO_HOST or is_public(low) or low.endswith((".host", ".hostname", ".address")):
            return False
        return any(c.isalpha() for c in value) and (not means.weak or "." in value or "-" in value)
    return not means.weak or _looks_secret(value)


def _quoted(text: str, at: int) -> tuple[int, int] | None:
    """The inside of the quoted string that opens at `at` (its quote may be escaped), at most to the end of the line."""
    match = re.compile(r"[bfru]{0,2}(\\*)([\"'])").match(text, at)
    if match is None:
        return None
    closing = match.group(1) + match.group(2)
    start = match.end()
    limit = text.find("\n", start)
    limit = len(text) if limit < 0 else limit
    place = start
    while True:
        end = text.find(closing, place, limit)
        if end < 0:
            return start, limit
        backslashes = len(text[start:end]) - len(text[start:end].rstrip("\\"))
        if match.group(1) or backslashes % 2 == 0:
            return start, end
        place = end + 1


def _bare(text: str, at: int, *, first_on_line: bool) -> tuple[int, int]:
    """The unquoted value at `at`: to the next blank, or to the next assignment where the name opened its line."""
    match = re.compile(r"[^\s\"'`]{1,}").match(text, at)
    if match is None:
        return at, at
    end = match.end()
    if first_on_line:
        limit = text.find("\n", at)
        rest = text[at : len(text) if limit < 0 else limit]
        cut = re.search(r"\s+(?:[A-Za-z_][\w\-]*\s?[=:]|--?[A-Za-z]|#|\\$|\||&&)|[\"'`]|\s*$", rest)
        end = max(end, at + (cut.start() if cut else len(rest)))
    value = text[at:end]
    cut = re.search(r"[&,;][A-Za-z_][\w\-]*[=:]", value)
    if cut:
        value = value[: cut.start()]
    value = value.rstrip(",;")
    while (
        value and value[-1] in ")]}" and value.count(value[-1]) > value.count({")": "(", "]": "[", "}": "{"}[value[-1]])
    ):
        value = value[:-1].rstrip(",;")
    return at, at + len(value)


def _values(text: str, at: int, *, first_on_line: bool) -> Iterator[tuple[int, int]]:
    """Where the value stands that begins at `at`: one stretch, or every quoted item of a list."""
    opened = re.compile(r"[\[({]\s{0,8}").match(text, at)
    place = opened.end() if opened else at
    inside = _quoted(text, place)
    if inside is None:
        if opened is None:
            yield _bare(text, at, first_on_line=first_on_line)
        return
    yield inside
    while opened:
        following = re.compile(r"\\*[\"']\s{0,8},\s{0,8}").match(text, inside[1])
        if following is None:
            return
        inside = _quoted(text, following.end())
        if inside is None:
            return
        yield inside


def _name_around(text: str, start: int, end: int) -> tuple[int, int]:
    low = start
    while low > 0 and start - low < 80 and _NAME_CHAR.match(text[low - 1]):
        low -= 1
    high = end
    while high < len(text) and high - end < 80 and _NAME_CHAR.match(text[high]):
        high += 1
    return low, high


def _block(text: str, at: int, indent: int) -> tuple[int, int] | None:
    """The indented lines under `name: |`, for configuration files."""
    match = re.compile(r"[|>][+\-]?[0-9]?[ \t]*\n").match(text, at)
    if match is None:
        return None
    end = match.end()
    for line in text[match.end() : match.end() + 20_000].splitlines(keepends=True):
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        end += len(line)
    start = match.end() + len(text[match.end() : end]) - len(text[match.end() : end].lstrip())
    return (start, max(start, start + len(text[start:end].rstrip())))


def _spans_of(text: str, low: int, high: int, means: _Meaning) -> Iterator[Span]:
    separator = _SEPARATOR.match(text, high)
    if separator is None:
        return
    dashed = text[low : low + 2] == "--" or text[max(0, low - 2) : low] == "--"
    line = text.rfind("\n", 0, low) + 1
    lead = text[line:low]
    if (
        separator.group("option") is not None
        and not dashed
        and lead.strip().lower() not in {"env", "arg", "setx", "setenv"}
    ):
        return
    if separator.group("tag") is not None and (text[low - 1 : low] != "<" or MASK.match(text, low - 1)):
        return
    at = separator.end()
    if separator.group("plain") and re.search(r":[^\s:]$", text[high:at]):
        at -= 1  # `:x` took the first character of the value along
    if separator.group("pair") is not None and not (
        separator.group("quote") and re.match(r"[bfru]?\\*[\"']", text[at : at + 6])
    ):
        return
    if means.weak and separator.group("option") is not None and means.kind != "secret":
        return
    prose = bool(re.search(r"\bis[ \t]*$", separator.group()))
    if prose and means.kind != "secret":
        return
    first_on_line = not lead.strip(" \t-\"'>#│|+") or lead.strip().lower() in {"export", "set", "env", "setenv"}
    block = _block(text, at, len(lead) - len(lead.lstrip())) if means.kind == "secret" else None
    yaml_like = first_on_line and means.kind == "secret" and not means.weak
    for start, end in [block] if block else _values(text, at, first_on_line=yaml_like):
        value = text[start:end]
        if prose and not any(c.isdigit() for c in value):
            continue  # "the password is wrong"
        if value.lower() != text[low:high].lower() and _worth(value, means):
            yield Span(
                start=start,
                end=end,
                kind=means.kind,
                rule=means.rule,
                identity=value if means.kind == "secret" else value.lower(),
            )


def find(text: str) -> Iterator[Span]:
    """Every value of the text that its name makes a secret, a host or a user."""
    done = 0
    for match in _KEYWORD.finditer(text):
        if match.start() < done:
            continue
        low, high = _name_around(text, match.start(), match.end())
        done = high
        means = meaning(text[low:high])
        if means is not None:
            yield from _spans_of(text, low, high, means)
