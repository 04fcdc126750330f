"""Secrets that show what they are: headers, command lines, home folders, host names in logs.

Every pattern is one that a linear-time engine accepts (no look-around, no back-references); what such a pattern cannot say
stands in `check`. `hints` are lower-case strings one of which must be there before the pattern is tried at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from envdoctor.ticket.redact.shape import Shape, always, host_name, mixed, personal
from envdoctor.ticket.redact.tokens import TOKENS
from envdoctor.ticket.redact.url import is_public


def _other(rule: str, kind: str, pattern: str, *hints: str, check: Callable[[str], bool] = always) -> Shape:
    return Shape(rule=rule, kind=kind, pattern=re.compile(pattern), hints=hints, check=check)


_NAME = r"[^/\\\s\"':;,<>()\[\]{}|*?$&@`%]{1,64}"
_HOSTNAME = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})(?:\.[A-Za-z0-9\-]{1,63}){0,6}"

OTHERS: tuple[Shape, ...] = (
    _other(
        "ssh-public-key",
        "key",
        r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S{4,20}"
        r"|sk-\S{4,40}@openssh\.com) +(?P<s>AAAA[A-Za-z0-9+/=]{20,}(?: [^\s@]{1,64}@\S{1,64})?)",
        " aaaa",
    ),
    _other("ssh-fingerprint", "key", r"\bSHA256:[A-Za-z0-9+/]{43}\b", "sha256:"),
    # Headers.
    _other(
        "authorization",
        "secret",
        r"(?i)\bauthorization[\"']?\s*[:=]\s*(?:[bf]?\\?[\"'])?(?:(?:bearer|basic|token|digest|apikey"
        r"|negotiate)\s+)?(?P<s>[^\s\"'\\,;<]{3,})",
        "authorization",
        check=lambda s: s.lower() not in {"bearer", "basic", "token", "none", "null", "required", "failed"},
    ),
    _other("bearer", "secret", r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9._~+/=\-]{8,})", "bearer", check=mixed),
    _other(
        "cookie",
        "cookie",
        r"(?i)\b(?:set-)?cookie2?[\"']?\s*[:=]\s*[\"']?(?P<s>[A-Za-z0-9_.\-]{1,80}=[^\n\"']{1,})",
        "cookie",
    ),
    _other(
        "api-key-header",
        "secret",
        r"(?i)\bx-(?:[a-z]{1,20}-)?(?:api-?key|auth-?token|access-?token|amz-security-token"
        r"|goog-api-key|token|secret)[\"']?\s*[:=]\s*[\"']?(?P<s>[^\s\"'<]{3,})",
        "x-",
    ),
    # Command lines that carry credentials without naming them.
    _other(
        "curl-user",
        "secret",
        r"(?:\s|^)(?:-u|--user|--proxy-user)[ =]?[\"']?(?P<s>[^\s:\"'<>=]{1,64}:[^\s\"'<]{1,256})",
        "-u",
        "-user",
    ),
    _other(
        "password-option",
        "secret",
        r"\b(?:sshpass -p|docker login [^\n]{0,80} -p |mysql[^\n]{0,80} -p|redis-cli [^\n]{0,80}-a"
        r"|kinit -p)[ =]?[\"']?(?P<s>[^\s\"'<\-][^\s\"']{2,200})",
        "sshpass",
        "docker login",
        "mysql",
        "redis-cli",
        "kinit",
    ),
    _other(
        "netrc",
        "secret",
        r"(?i)\bmachine\s+\S{1,200}\s+login\s+\S{1,200}\s+(?:account\s+\S{1,200}\s+)?password\s+"
        r"(?P<s>[^\s<]\S{0,300})",
        "password",
    ),
    _other("netrc", "user", r"(?i)\bmachine\s+\S{1,200}\s+login\s+(?P<s>[^\s<]\S{0,200})\s", "login", check=personal),
    _other(
        "azure",
        "secret",
        r"(?i)\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)=(?P<s>[^;\s\"'<]{8,600})",
        "accountkey",
        "sharedaccess",
    ),
    _other("wandb-login", "secret", r"\bwandb login (?:--relogin )?(?P<s>[A-Za-z0-9_]{20,120})", "wandb login"),
    _other("channel-token", "secret", r"/t/(?P<s>[a-z]{2}-[0-9a-f\-]{30,60})/", "/t/"),
    # Hardware of this or another machine.
    _other(
        "serial",
        "serial",
        r"(?i)\b(?:serial(?: ?number| ?no\.?)?|board part number|chassis serial number|system uuid"
        r"|product_uuid|machine[- ]?id)\b[\"']?\s*[:=]\s*[\"']?(?P<s>[A-Z0-9][A-Z0-9\-]{5,63})\b",
        "serial",
        "board part",
        "uuid",
        "machine",
        check=lambda s: any(c.isdigit() for c in s),
    ),
    # People, by the folders that are named after them.
    _other(
        "home-folder",
        "user",
        rf"(?i)(?:^|[^a-z0-9_])(?:/+|%2f|file:/+|\\+/)?(?:home[0-9]?|users|mnt/[a-z]/users"
        rf"|export/home)(?:\\?/|%2f)(?P<s>{_NAME})",
        "home",
        "users",
        check=personal,
    ),
    _other(
        "home-folder",
        "user",
        r"(?i)(?:[a-z]:|\$)\\+(?:users|documents and settings)\\+(?P<s>[^/\\\n\"'<>:|?*]{1,64})(?:\\|$|[\"'])",
        "\\users",
        "\\documents",
        check=personal,
    ),
    _other(
        "home-folder", "user", r"(?i)(?:[a-z]:)\\+users\\+(?P<s>[^/\\\s\"'<>:|?*]{1,64})", "\\users", check=personal
    ),
    _other("home-folder", "user", r"(?i)\b[a-z]:/users/(?P<s>[^/\\\n\"'<>:|?*]{1,64})/", ":/users/", check=personal),
    _other(
        "login",
        "user",
        r"(?:^|[\s(\['\"])(?P<s>[A-Za-z_][A-Za-z0-9_.\-]{0,31})@(?:<(?:host|ip|private-ip)-[0-9]+>|[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b)",
        "@",
        check=personal,
    ),
    _other(
        "login",
        "user",
        rf"\b(?:ssh|scp|rsync|sftp) [^\n@]{{0,80}}?(?P<s>[A-Za-z_][A-Za-z0-9_.\-]{{0,31}})@{_HOSTNAME}",
        "@",
        check=personal,
    ),
    _other(
        "login",
        "host",
        rf"\b(?:ssh|scp|rsync|sftp) [^\n@]{{0,80}}@(?P<s>{_HOSTNAME})",
        "@",
        check=lambda s: host_name(s) and not is_public(s),
    ),
    _other("windows-host", "host", r"\b(?:DESKTOP|LAPTOP|WIN)-[A-Z0-9]{6,12}\b", "desktop-", "laptop-", "win-"),
    # Hosts, by the places where logs print them.
    _other(
        "prompt",
        "host",
        rf"[A-Za-z_][A-Za-z0-9_.\-]{{0,31}}@(?P<s>{_HOSTNAME})(?::[~/][^\n]{{0,80}}[$#]|:~"
        rf"|[ :][^\n@]{{0,40}}[\])]?[$#%] )",
        "@",
        check=host_name,
    ),
    _other(
        "prompt",
        "user",
        rf"(?:^|[\s(\[])(?P<s>[A-Za-z_][A-Za-z0-9_.\-]{{0,31}})@(?:{_HOSTNAME}|<host-[0-9]+>"
        rf"|<ip-[0-9]+>|<private-ip-[0-9]+>)(?::[~/]|[ :][^\n@]{{0,40}}[\])]?[$#%] )",
        "@",
        check=personal,
    ),
    _other(
        "nccl-line",
        "host",
        rf"(?:^|[\s\]])(?P<s>{_HOSTNAME}):[0-9]{{1,8}}:[0-9]{{1,8}} \[[0-9]{{1,3}}\] ",
        " nccl ",
        check=host_name,
    ),
    _other(
        "syslog-line",
        "host",
        rf"(?m)^(?:[A-Z][a-z]{{2}} [ 0-9][0-9] [0-9:]{{8}}"
        rf"|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:.]{{8,15}}\S{{0,6}}) "
        rf"(?P<s>{_HOSTNAME}) [A-Za-z0-9_./\-]{{1,40}}(?:\[[0-9]{{1,8}}\])?: ",
        ": ",
        check=host_name,
    ),
    _other(
        "uname-line",
        "host",
        rf"\bLinux (?P<s>{_HOSTNAME}) [0-9]{{1,2}}\.[0-9]{{1,3}}\.[0-9]{{1,3}}\S{{0,60}} #",
        "linux ",
        check=host_name,
    ),
    _other(
        "socket-address",
        "host",
        r"(?i)(?:connect(?:ed|ing)? to|listen(?:ing)? on|bind(?:ing)? to|resolve|reach|ping|ssh|scp"
        r"|rsync|lookup|server at|node"
        r"|getaddrinfo)[ :]+[\[(\"']{0,2}(?P<s>[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})"
        r"(?:\.[A-Za-z0-9\-]{1,63}){1,6})[\])\"']{0,2}[,: ]{1,2}[0-9]{2,5}\b",
        "connect",
        "listen",
        "bind",
        "resolve",
        "reach",
        "ping",
        "ssh",
        "scp",
        "rsync",
        "lookup",
        "server at",
        "node",
        "getaddrinfo",
        check=host_name,
    ),
    _other(
        "socket-address",
        "host",
        rf"(?:connect(?:ed|ing)? to|listen(?:ing)? on) \[(?P<s>{_HOSTNAME})[\]|]",
        "connect",
        "listen",
        check=host_name,
    ),
    _other(
        "inner-name",
        "host",
        r"\b(?P<s>[A-Za-z0-9][A-Za-z0-9\-]{0,62}(?:\.[A-Za-z0-9\-]{1,63}){0,6}\.(?:corp|lan|intranet"
        r"|localdomain|home\.arpa|cluster\.local|compute\.internal|ec2\.internal|svc))\b",
        ".corp",
        ".lan",
        ".intranet",
        ".localdomain",
        ".arpa",
        ".local",
        ".internal",
        ".svc",
    ),
)

SHAPES: tuple[Shape, ...] = TOKENS + OTHERS
CERTAIN_RULES = frozenset({shape.rule for shape in TOKENS} | {"pem", "literal", "url-user-info", "email"})
"""Rules that need no neighbours to be sure."""
