"""URLs: credentials inside them, signed queries, and hosts that are nobody else's business."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from envdoctor.ticket.redact.span import Span

# Hosts that everybody knows say where a package or a model came from and nothing about who fetched it.
_PUBLIC = (
    "github.com", "githubusercontent.com", "github.io", "gitlab.com", "bitbucket.org", "gitee.com",
    "huggingface.co", "hf.co", "hf-mirror.com",
    "modelscope.cn", "modelscope.ai", "nvidia.com", "nvidia.cn", "nvcr.io", "readthedocs.io", "readthedocs.org",
    "docker.com", "docker.io", "ghcr.io",
    "quay.io", "anaconda.org", "anaconda.com", "conda-forge.org", "vllm.ai", "sglang.ai", "openai.com",
    "anthropic.com", "google.com", "apache.org",
    "kernel.org", "gnu.org", "ubuntu.com", "debian.org", "microsoft.com", "aka.ms", "wikipedia.org",
    "stackoverflow.com", "arxiv.org", "pypa.io",
    "astral.sh", "rust-lang.org", "pydantic.dev", "tsinghua.edu.cn", "ustc.edu.cn", "aliyun.com", "tencent.com",
    "csdn.net", "zhihu.com", "w3.org",
    "json-schema.org", "ray.io", "wandb.ai", "discord.com", "slack.com", "ibm.com", "intel.com", "amd.com",
    "numpy.org", "scipy.org", "googleapis.com",
)  # fmt: skip
_PUBLIC_PATTERN = re.compile(r"(?:^|\.)py(?:pi|thon|torch|thonhosted)\.org$")
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.\-]{1,20}:(?:\\?/){2}[^\s\"'<>`|│]{1,}")
_SCP_LIKE = re.compile(
    r"\b(?P<user>[A-Za-z_][A-Za-z0-9_.\-]{0,31})@(?P<host>[A-Za-z0-9][A-Za-z0-9.\-]{0,200}):(?P<path>[A-Za-z0-9_~.][^\s\"'<>`:|]{1,300})"
)
_SECRET_PARAMETER = re.compile(
    r"(?i)[?&;](?P<n>[a-z0-9_.\-]*(?:token|secret|signature|sig|password|passwd|pwd|api_?-?key|access_?key(?:id)?|key|auth|credential|session(?:id)?|code|jwt|se?cret))"
    r"=(?P<s>[^&;#\s\"'<>]{4,})"
)
_FILE_NAME = re.compile(r"[A-Za-z0-9_.+%\-]{1,200}\.(?:whl|tar\.gz|zip|json|safetensors|gguf|conda|tar\.bz2|metadata)$")
_INNOCENT_USERS = frozenset({"git", "hg", "svn", "anonymous", "user", "username"})
_TRAILING = ".,;:!?)]}\\"


def is_public(host: str) -> bool:
    """Whether a host is one that everybody knows (a code forge, a model hub, a vendor)."""
    name = host.lower().rstrip(".")
    return any(name == known or name.endswith("." + known) for known in _PUBLIC) or bool(_PUBLIC_PATTERN.search(name))


def _stays(host: str) -> bool:
    name = host.lower().strip("[]")
    if (
        name in {"", "localhost", "host", "hostname", "...", "registry"}
        or name.startswith(("$", "{", "%"))
        or is_public(name)
    ):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _host_span(host: str, start: int) -> Span:
    bare = host.strip("[]")
    start += host.find(bare)
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return Span(start=start, end=start + len(bare), kind="host", rule="url-host", identity=bare.lower())
    kind = "private-ip" if address.is_private else "ip"
    return Span(start=start, end=start + len(bare), kind=kind, rule="url-host", identity=address.compressed)


def _path_span(path: str, start: int) -> Iterator[Span]:
    """The path on a host that is not public names projects and teams; the file at its end names only itself."""
    end = len(path)
    for stop in "?#":
        cut = path.find(stop)
        if cut >= 0:
            end = min(end, cut)
    path = path[:end].rstrip("/")
    name = path.rpartition("/")[2]
    if _FILE_NAME.match(name):
        path = path[: -len(name)].rstrip("/")
    inner = path.lstrip("/")
    if inner and inner not in {
        "simple",
        "v1",
        "v1/chat/completions",
        "v1/models",
        "v1/completions",
        "health",
        "metrics",
    }:
        begin = start + len(path) - len(inner)
        yield Span(start=begin, end=start + len(path), kind="path", rule="url-path", identity=inner)


def _authority(rest: str) -> tuple[str, str, str]:
    """(user-info, host with brackets, what follows the host) of what stands after `scheme://`."""
    cut = min((i for i in (rest.find(c) for c in "/?#\\") if i >= 0), default=len(rest))
    authority = rest[:cut]
    _, colon, port = authority.rpartition(":")
    if "@" not in authority and colon and port and not port.isdigit() and "]" not in port and "@" in rest:
        cut = rest.rfind("@") + 1  # a password with an unescaped slash
        cut += min((i for i in (rest[cut:].find(c) for c in "/?#\\") if i >= 0), default=len(rest) - cut)
        authority = rest[:cut]
    userinfo, at, hostport = authority.rpartition("@")
    host = re.match(r"\[[^\]]*\]|[^:]*", hostport)
    name = host.group() if host else ""
    return (userinfo if at else "", name, rest[len(userinfo) + len(at) + len(name) :])


def _url_spans(url: str, at: int) -> Iterator[Span]:
    head = re.match(r"[^:]*:\\?/\\?/", url)
    if head is None:
        return
    rest = url[head.end() :]
    userinfo, host, tail = _authority(rest)
    place = at + head.end()
    if userinfo and userinfo.lower() not in _INNOCENT_USERS:
        yield Span(start=place, end=place + len(userinfo), kind="secret", rule="url-user-info", identity=userinfo)
    place += len(userinfo) + (1 if userinfo or rest.startswith("@") else 0)
    if not _stays(host):
        yield _host_span(host, place)
        path_at = tail.find("/")
        if path_at >= 0:
            yield from _path_span(tail[path_at:], place + len(host) + path_at)
    for match in _SECRET_PARAMETER.finditer(tail):
        start = place + len(host) + match.start("s")
        yield Span(
            start=start, end=start + len(match.group("s")), kind="secret", rule="url-query", identity=match.group("s")
        )


def find(text: str) -> Iterator[Span]:
    """Credentials, signed parameters and private hosts in the URLs and git addresses of the text."""
    if "://" in text or ":\\/\\/" in text:
        for match in _URL.finditer(text):
            yield from _url_spans(match.group().rstrip(_TRAILING), match.start())
    if "@" in text:
        for match in _SCP_LIKE.finditer(text):
            host = match.group("host")
            if _stays(host) or not any(c.isalpha() for c in host) or match.group("path")[:1].isdigit():
                continue
            if match.group("user") != "git" and "." not in host:
                continue
            yield _host_span(host, match.start("host"))
            yield from _path_span(match.group("path").rstrip(_TRAILING), match.start("path"))
