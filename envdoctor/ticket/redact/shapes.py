"""Secrets that show what they are: tokens with an issuer's prefix, keys in armour, headers, home folders, host names in logs.

Every pattern is one that a linear-time engine accepts (no look-around, no back-references); what such a pattern cannot say
stands in `check`. `hints` are lower-case strings one of which must be there before the pattern is tried at all.
The prefixes are those that the issuers publish for secret scanners.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from envdoctor.ticket.redact.span import Span

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


def _mixed(body: str) -> bool:
    """Random letters rather than words: digits beside letters, or both cases in a run without separators."""
    letters = any(c.isalpha() for c in body)
    digits = any(c.isdigit() for c in body)
    return (letters and digits) or (body.lower() != body and body.upper() != body and len(body) >= 16)


_ESCAPED = re.compile(r"(?:\\+[abfnrtv0]|%[0-9A-Fa-f]{2}|\\+x[0-9A-Fa-f]{2}|\\+u[0-9A-Fa-f]{4}|\\+[0-7]{3})$")


def after_escape(text: str, at: int) -> bool:
    """Whether what ends at `at` is a written escape, such as `\\n` or `%2F`: its last letter belongs to no word."""
    return bool(_ESCAPED.search(text[max(0, at - 8) : at]))


def _starts(text: str, at: int) -> bool:
    """Whether a word can begin at `at`."""
    return not at or not text[at - 1].isalnum() or not text[at - 1].isascii() or after_escape(text, at)


def _always(_: str) -> bool:
    return True


def _random(text: str) -> bool:
    return _mixed(text[4:])


def _personal(name: str) -> bool:
    return name.strip().lower() not in GENERIC_USERS and not name.startswith(("$", "%", "{", "<", "*"))


def _host(name: str) -> bool:
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
    check: Callable[[str], bool] = field(default=_always)
    whole: bool = False  #: a token that is certain enough to be looked for across broken lines

    def find(self, text: str, lowered: str) -> Iterator[Span]:
        """Every stretch of the text that has this shape. `lowered` is the text in lower case."""
        if not any(hint in lowered for hint in self.hints):
            return
        group = "s" if "s" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            found = match.group(group)
            if self.whole and not _starts(text, match.start()):
                continue
            if found and self.check(found):
                yield Span(
                    start=match.start(group), end=match.end(group), kind=self.kind, rule=self.rule, identity=found
                )


def _token(rule: str, pattern: str, *hints: str, check: Callable[[str], bool] = _always) -> Shape:
    return Shape(rule=rule, kind="token", pattern=re.compile(pattern), hints=hints, check=check, whole=True)


def _other(rule: str, kind: str, pattern: str, *hints: str, check: Callable[[str], bool] = _always) -> Shape:
    return Shape(rule=rule, kind=kind, pattern=re.compile(pattern), hints=hints, check=check)


_B64 = r"[A-Za-z0-9_\-]"

TOKENS: tuple[Shape, ...] = (
    _token("hugging-face", r"(?:hf_|api_org_)[A-Za-z0-9]{24,100}", "hf_", "api_org_", check=_random),
    _token("openai-like", rf"sk-(?:proj-|svcacct-|admin-|ant-|or-v1-|lf-)?{_B64}{{18,250}}", "sk-", check=_random),
    _token("github", r"gh[pousr]_[A-Za-z0-9]{30,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", check=_random),
    _token("github", r"github_pat_[A-Za-z0-9_]{22,255}", "github_pat_"),
    _token(
        "gitlab",
        rf"(?:glpat|gldt|glrt|glptt|glft|glsoat|glcbt|glagent|gloas)-{_B64}{{18,120}}",
        "glpat-",
        "gldt-",
        "glrt-",
        "glptt-",
        "glft-",
        "glsoat-",
        "glcbt-",
        "glagent-",
        "gloas-",
    ),
    _token(
        "aws",
        r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA)[A-Z0-9]{16}",
        "akia",
        "asia",
        "abia",
        "acca",
        "aroa",
        "aida",
        "agpa",
        "anpa",
        "anva",
    ),
    _token("slack", r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}", "xox"),
    _token("slack", r"xapp-[0-9]-[A-Za-z0-9\-]{10,250}", "xapp-"),
    _token("slack", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9_/\-]{16,120})", "hooks.slack"),
    _token("npm", r"npm_[A-Za-z0-9]{30,60}", "npm_", check=_random),
    _token("package-index", rf"pypi-A{_B64}{{40,400}}", "pypi-a"),
    _token("jwt", rf"eyJ{_B64}{{8,}}\.{_B64}{{4,}}(?:\.{_B64}{{0,}})?", "eyj"),
    _token("google", rf"AIza{_B64}{{30,45}}", "aiza"),
    _token("google", rf"(?:ya29\.|GOCSPX-|1//0){_B64}{{20,400}}", "ya29.", "gocspx-", "1//0"),
    _token("stripe", r"(?:[srp]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,250}", "k_live_", "k_test_", "whsec_"),
    _token("sendgrid", rf"SG\.{_B64}{{16,30}}\.{_B64}{{30,60}}", "sg."),
    _token("nvidia", rf"nvapi-{_B64}{{30,120}}", "nvapi-"),
    _token("groq", r"gsk_[A-Za-z0-9]{30,80}", "gsk_"),
    _token(
        "inference-service",
        r"(?:r8_|xai-|pplx-|fw_|tvly-)[A-Za-z0-9]{24,120}",
        "r8_",
        "xai-",
        "pplx-",
        "fw_",
        "tvly-",
        check=_random,
    ),
    _token("wandb", r"wandb_v[0-9]_[A-Za-z0-9_]{30,120}", "wandb_v"),
    _token("docker", rf"dckr_(?:pat|oat)_{_B64}{{20,80}}", "dckr_"),
    _token("digitalocean", r"do[opr]_v1_[a-f0-9]{40,80}", "_v1_"),
    _token("telegram", rf"[0-9]{{8,10}}:AA{_B64}{{30,40}}", ":aa"),
    _token("aliyun", r"LTAI[A-Za-z0-9]{12,30}", "ltai"),
    _token("tencent", r"AKID[A-Za-z0-9]{28,40}", "akid"),
    _token("modelscope", r"ms-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ms-"),
    _token("vault", rf"hv[sbr]\.{_B64}{{24,200}}", "hvs.", "hvb.", "hvr."),
    _token("discord", rf"discord(?:app)?\.com/api/webhooks/(?P<s>[0-9]{{10,24}}/{_B64}{{40,100}})", "/api/webhooks/"),
    _token("age", r"AGE-SECRET-KEY-1[A-Z0-9]{40,80}", "age-secret-key-"),
    _token(
        "shopify-atlassian", r"(?:shp(?:at|ca|pa|ss)_[a-fA-F0-9]{24,64}|ATATT3[A-Za-z0-9_=\-]{40,300})", "shp", "atatt3"
    ),
    Shape(
        rule="gpu-uuid",
        kind="gpu",
        pattern=re.compile(
            r"(?:GPU|MIG"
            r"|MIG-GPU)-[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
            r"(?:/[0-9]{1,3}/[0-9]{1,3})?"
        ),
        hints=("gpu-", "mig-"),
        whole=True,
    ),
)

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
    _other("bearer", "secret", r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9._~+/=\-]{8,})", "bearer", check=_mixed),
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
        r"\b(?:sshpass -p|docker login [^\n]{0,80}-p|mysql[^\n]{0,80} -p|redis-cli [^\n]{0,80}-a"
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
    _other("netrc", "user", r"(?i)\bmachine\s+\S{1,200}\s+login\s+(?P<s>[^\s<]\S{0,200})\s", "login", check=_personal),
    _other(
        "azure",
        "secret",
        r"(?i)\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)=(?P<s>[^;\s\"'<]{8,600})",
        "accountkey",
        "sharedaccess",
    ),
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
        rf"(?i)(?:^|[^a-z0-9_])(?:/+|%2f|file:/+|\\+/)?(?:home|users|mnt/[a-z]/users"
        rf"|export/home)(?:\\?/|%2f)(?P<s>{_NAME})",
        "home",
        "users",
        check=_personal,
    ),
    _other(
        "home-folder",
        "user",
        r"(?i)(?:[a-z]:|\$)\\+(?:users|documents and settings)\\+(?P<s>[^/\\\n\"'<>:|?*]{1,64})(?:\\|$|[\"'])",
        "\\users",
        "\\documents",
        check=_personal,
    ),
    _other(
        "home-folder", "user", r"(?i)(?:[a-z]:)\\+users\\+(?P<s>[^/\\\s\"'<>:|?*]{1,64})", "\\users", check=_personal
    ),
    _other("home-folder", "user", r"(?i)\b[a-z]:/users/(?P<s>[^/\\\n\"'<>:|?*]{1,64})/", ":/users/", check=_personal),
    # Hosts, by the places where logs print them.
    _other(
        "prompt",
        "host",
        rf"[A-Za-z_][A-Za-z0-9_.\-]{{0,31}}@(?P<s>{_HOSTNAME})(?::[~/][^\n]{{0,80}}[$#]|:~"
        rf"|[ :][^\n@]{{0,40}}[\])]?[$#%] )",
        "@",
        check=_host,
    ),
    _other(
        "prompt",
        "user",
        rf"(?:^|[\s(\[])(?P<s>[A-Za-z_][A-Za-z0-9_.\-]{{0,31}})@(?:{_HOSTNAME}|<host-[0-9]+>"
        rf"|<ip-[0-9]+>|<private-ip-[0-9]+>)(?::[~/]|[ :][^\n@]{{0,40}}[\])]?[$#%] )",
        "@",
        check=_personal,
    ),
    _other(
        "nccl-line",
        "host",
        rf"(?:^|[\s\]])(?P<s>{_HOSTNAME}):[0-9]{{1,8}}:[0-9]{{1,8}} \[[0-9]{{1,3}}\] ",
        " nccl ",
        check=_host,
    ),
    _other(
        "syslog-line",
        "host",
        rf"(?m)^(?:[A-Z][a-z]{{2}} [ 0-9][0-9] [0-9:]{{8}}"
        rf"|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:.]{{8,15}}\S{{0,6}}) "
        rf"(?P<s>{_HOSTNAME}) [A-Za-z0-9_./\-]{{1,40}}(?:\[[0-9]{{1,8}}\])?: ",
        ": ",
        check=_host,
    ),
    _other(
        "uname-line",
        "host",
        rf"\bLinux (?P<s>{_HOSTNAME}) [0-9]{{1,2}}\.[0-9]{{1,3}}\.[0-9]{{1,3}}\S{{0,60}} #",
        "linux ",
        check=_host,
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
        check=_host,
    ),
    _other(
        "socket-address",
        "host",
        rf"(?:connect(?:ed|ing)? to|listen(?:ing)? on) \[(?P<s>{_HOSTNAME})[\]|]",
        "connect",
        "listen",
        check=_host,
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
