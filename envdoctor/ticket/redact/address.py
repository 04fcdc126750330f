"""E-mail, MAC and IP addresses, told apart from the versions, times, bus ids and C++ names that look like them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from envdoctor.ticket.redact.span import Span
from envdoctor.ticket.redact.url import is_public

_V4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_V6 = re.compile(r"[0-9A-Fa-f:]{2,39}(?:%[A-Za-z0-9]{1,15})?")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5,7}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}")
_EMAIL = re.compile(r"[\w.+%\-]{1,64}(?:@|%40)[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,5}\.[A-Za-z]{2,24}")

_ADDRESS_WORDS = re.compile(
    r"(?i)(?:^|[^a-z0-9])(?:ip|ipv4|ipv6|inet6?|addr|address|addr_info|host|hostname|server|connect|connected|connecting|connection|from|to|at"
    r"|on|via|peer|listen|listening|bind|binding|gateway|nameserver|dns|proxy|endpoint|remote|local|client|head|ssh|ping|route|broadcast|src|dst"
    r"|node|worker|rank|ray|hccl|nccl_socket|master|master_addr|using|forwarded|real-ip|noproxy|no_proxy)[\"'\])]*[\s:=@(\[\"',/]*$"
)  # fmt: skip
_VERSION_WORDS = re.compile(
    r"(?i)(?:version|ver|driver|cuda|cudnn|cu[0-9]{2,3}|cublas(?:lt)?|cufft|cufile|curand|cusolver|cusparse(?:lt)?|nccl|nvjitlink|nvtx|nvrtc|npp|cupti"
    r"|tensorrt|trt|release|build|firmware|vbios|toolkit|runtime|rocm|oneapi|chrome|lib[a-z0-9_+\-]*|nvidia[a-z0-9_\-]*|[a-z0-9]+-cu[0-9]{2})[\"'\])]*"
    r"[\s:=@(\[\"',v<>~!_\-]*$"
)  # fmt: skip
# `name 1.2.3.4` and nothing before it: a row of a package list. `==1.2.3.4`, `.so.1.2.3.4`, `name-1.2.3.4`: versions.
_LIST_ROW = re.compile(r"^[\s│|*]*[A-Za-z][A-Za-z0-9_.\-]{1,80}(?:\[[\w,]*\])?(?:\s{1,60}|\s*[│|]\s*)$")
_PINNED = re.compile(r"(?:[=<>~!]=|===|\.so\.|[A-Za-z0-9_+][\-_]|[A-Za-z]/|\bv|@|[=<>]\s|[\[(,]\s?[=<>]+)\s*$")
_KEEP_V4 = ("127.", "0.", "255.", "224.", "239.")
_LOW_MAJOR = (
    33  # first numbers below this are versions as often as addresses (cuRAND 10.3.5.147, Windows driver 32.0.15.6094)
)


def _left(text: str, start: int) -> str:
    line = text.rfind("\n", 0, start) + 1
    return text[max(line, start - 96) : start]


def _v4_stands(text: str, start: int, end: int) -> bool:
    value = text[start:end]
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        return False  # 32.0.15.6094, 94.02.71.00
    if value.startswith(_KEEP_V4):
        return False
    left = _left(text, start)
    if _ADDRESS_WORDS.search(left):
        return True
    right = text[end : end + 6]
    if re.match(r":[0-9]{2,5}|/[0-9]{1,2}(?:[^0-9.]|$)", right) or left.endswith(("://", "@")):
        return not _PINNED.search(left) or left.endswith("@")
    if _PINNED.search(left) or _VERSION_WORDS.search(left):
        return False
    if int(value.split(".", 1)[0]) >= _LOW_MAJOR:
        return True
    if _LIST_ROW.match(left):
        return False
    return address.is_private or (bool(left.strip()) and left[-1] in " \t([,'\"")


def _v6_stands(value: str, left: str) -> bool:
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return False
    if "%" in value:
        return True
    groups = [g for g in value.split(":") if g]
    if len(groups) >= 5 or (address.is_link_local and groups[0].lower().startswith("fe")):
        return True
    # c10::d, ad::be: C++ names are short and start low; routable and local ranges start with a full group.
    routable = len(groups[0]) == 4 and (groups[0][0] in "23" or groups[0][:2].lower() in {"fc", "fd", "ff"})
    return routable or (len(groups) >= 3 and bool(_ADDRESS_WORDS.search(left)))


def _kind(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return "private-ip" if address.is_private or address.is_link_local else "ip"


def _edge(text: str, start: int, end: int, joiners: str) -> bool:
    """Nothing alphanumeric, and none of `joiners`, touches the stretch (a written `\\n` before it does not count)."""
    if (
        start
        and (text[start - 1].isalnum() or text[start - 1] in joiners)
        and not re.search(r"(?:\\+[nrt]|%[0-9A-Fa-f]{2})$", text[max(0, start - 4) : start])
    ):
        return False
    if end < len(text):
        after = text[end]
        if after.isalnum() or after == "_":
            return False
        if after in joiners and end + 1 < len(text) and text[end + 1].isalnum():
            return False
    return True


def _ips(text: str) -> Iterator[Span]:
    for match in _V4.finditer(text):
        start, end = match.span()
        # A fifth number: a version or a VBIOS. A bracketed [::ffff:1.2.3.4] is an address all the same.
        if _edge(text, start, end, "._") and _v4_stands(text, start, end):
            kind = _kind(ipaddress.IPv4Address(match.group()))
            yield Span(start=start, end=end, kind=kind, rule="ipv4", identity=match.group())
    if text.count(":") < 2:
        return
    for match in _V6.finditer(text):
        start, end = match.span()
        value = match.group()
        if value.endswith(":") and not value.endswith("::"):
            value, end = value[:-1], end - 1
        if value.startswith(":") and not value.startswith("::"):
            value, start = value[1:], start + 1
        if value.count(":") < 2 or not _edge(text, start, end, ".-"):
            continue
        if _v6_stands(value, _left(text, start)):
            address = ipaddress.IPv6Address(value)
            yield Span(start=start, end=end, kind=_kind(address), rule="ipv6", identity=address.compressed)


def _macs(text: str) -> Iterator[Span]:
    for match in _MAC.finditer(text):
        start, end = match.span()
        value = match.group()
        digits = [c for c in value if c.isalnum()]
        if not _edge(text, start, end, ":-._"):
            continue
        if len(set(digits)) == 1 or (("." in value or "-" in value) and not any(c.isalpha() for c in digits)):
            continue  # 00:00:00:00:00:00, ff:..., 20-24-11-21-10-30, 2024.1121.1030
        yield Span(start=start, end=end, kind="mac", rule="mac", identity="".join(digits).lower())


def _emails(text: str) -> Iterator[Span]:
    if "@" not in text and "%40" not in text:
        return
    for match in _EMAIL.finditer(text):
        name, _, domain = match.group().replace("%40", "@").rpartition("@")
        if name.endswith(".git") or domain[:1].isdigit() or re.match(r"v[0-9]", domain) or not name.strip("._-"):
            continue  # repo.git@v0.1.dev: a revision
        left = text[max(0, match.start() - 8) : match.start()]
        if left.endswith(("/", ":")) and not left.endswith("mailto:"):
            continue  # user-info of a URL
        if name == "git" or (is_public(domain) and text[match.end() : match.end() + 1] in {":", "/"}):
            continue  # git@github.com:org/repo
        yield Span(start=match.start(), end=match.end(), kind="email", rule="email", identity=match.group().lower())


def find(text: str) -> Iterator[Span]:
    """Every address of a person, a network card or a machine in the text. Loopback, netmasks and multicast stay."""
    yield from _emails(text)
    if any(c.isdigit() for c in text):
        yield from _ips(text)
        yield from _macs(text)
