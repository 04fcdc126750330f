"""Sentences: versions beside names, GPUs, the system, the container. The weakest witness: it never outweighs another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from envdoctor.ingest import names
from envdoctor.ingest.found import CLAIM, FORM, PROSE, Found, Package, Page, Sighting
from envdoctor.ingest.readings import os_name
from envdoctor.ingest.text import Line
from envdoctor.patterns import lazy

_NAMED_VERSION = lazy(
    r"(?<![\w/.@\\\-])([A-Za-z][A-Za-z0-9_\-]{1,38}?)(?:\s?(?:==?|:)\s?|\s+(?:version|ver\.?|is|was|版本)?\s?:?\s?|版本[是为]?\s?|-(?=v?\d+\.\d+\.))"
    r"[vV]?(\d+\.\d+(?:\.\d+)*(?:\.?(?:post|dev|rc|a|b)\d+)*(?:\+\w[\w.]*)?)(?![\w\-])"
)
_WISH = lazy(
    r"requir|upgrad|install|need|downgrad|fixed in|since|works? (?:with|in|on|fine)|work with|tested|please|>=|<=|~=|!=|"
    r"should|support|recommend|latest|try |compatible with|incompatible|instead|could not find|satisf|matching distribution|"
    r"to build|building|could not build|collecting |using cached|downloading|depends on|because |attempting|resolving|"
    r"使用最新|升级|安装|需要|降级|支持|要求|以上|建议|最新|换成|改成|回退|切换",
    re.I,
)
_GPU = lazy(
    r"(?<![\w/.\-])(?:(\d{1,3})\s?[xX*×张块卡个]\s?)?((?:NVIDIA\s+|Nvidia\s+|nvidia\s+)?(?:GeForce\s+|Tesla\s+|Quadro\s+)?"
    r"(?:(?:RTX|GTX|rtx|gtx)\s?(?:PRO\s|A)?\d{3,4}(?:\s?(?:Ti|TI|ti|SUPER|Super|D|Ada|Laptop|M)\b)*(?:\s(?:SUPER|Super|Laptop)\b)?|"
    r"[AH]\d{2,3}[GX]?|H20|[BV]\d{3}S?|GB?200|GB10|B300|GH200|L4|L20|L40S?|T4|P4|P40|P100|M40|K80|Titan\s?(?:RTX|V|Xp)|"
    r"Jetson(?:\s(?:AGX|Orin|Xavier|Thor|Nano|NX|TX2)){1,3}|DGX Spark|MI\d{3}[AX]?)"
    r"(?:-(?:SXM\d?|PCIE|PCIe|NVL)(?:-\d{2,3}GB)?)?(?:[ \-]\d{2,3}\s?GB?\b)?)(?![\w])(?:\s?[xX*×]\s?(\d{1,3})\b)?"
)
_NUMBER_ONLY = lazy(
    r"(?:(\d{1,2})|([单双两四八]))\s?(?:[卡张块]|x|\*)\s?((?:10[5-8]0|16[56]0|20[5-8]0|30[5-9]0|40[5-9]0|50[5-9]0)"
    r"(?:\s?(?:ti|super|d))*)(?![\d.])|"
    r"(?<![\d.])((?:10[5-8]0|16[56]0|20[5-8]0|30[5-9]0|40[5-9]0|50[5-9]0)(?:\s?(?:ti|super|d))*)\s?(?:显卡|卡|[x*]\s?(\d{1,2})\b)",
    re.I,
)
_CHINESE_COUNTS = {"单": 1, "双": 2, "两": 2, "四": 4, "八": 8}
_SYSTEM = lazy(
    r"\b((?:Ubuntu|Debian|CentOS|Rocky Linux|AlmaLinux|Fedora|Red Hat Enterprise Linux|RHEL|openEuler|Arch Linux|Windows|"
    r"macOS|Linux)(?:\s(?:Linux|Server|Stream|LTS|\d{1,2}(?:\.\d{1,2}){0,2}|LTS|aarch64|\(WSL2?\)|/ WSL|WSL2?))*)"
)
_ON = lazy(r"\b(?:on|using|under|running|am on|os is|OS:)\s|在|系统|环境")
_CONTAINER = lazy(
    r"[Rr]unning in(?:side)? a (?:Docker )?container|inside (?:a )?[Dd]ocker|in a [Dd]ocker container|[Dd]ocker 容器|"
    r"容器[内中里]|[Dd]ocker[内中里]|docker: Error response|docker run\b|docker compose up"
)
_WSL = lazy(r"\bWSL ?2\b|Windows Subsystem for Linux|适用于 Linux 的 Windows 子系统")
_PYTHON = lazy(r"\b[Pp]ython\s?(?:version\s?)?:?\s?(3\.\d{1,2}(?:\.\d{1,2})?)(?![\w.])")
_DRIVER = lazy(r"(?:[Dd]river|驱动)\s?(?:[Vv]ersion|版本)?\s?[:=]?\s?([3-6]\d\d\.\d{2,3}(?:\.\d{1,2})?)(?!\d)")
_CUDA = lazy(r"\bCUDA(?: [Vv]ersion| 版本)?\s?[:=]?\s?(1[0-9]\.\d{1,2}|9\.\d)(?![\d.]*\w)")
_LATER_LINES = (
    3_000  #: sentences of a person stand near the head or the tail; the middle of a long log is not read as prose
)


def recognize(page: Page) -> Iterator[Found]:
    """What sentences name. Lines that wish for a version ("requires", "please upgrade to") are not believed."""
    lines = page.lines
    if len(lines) > 2 * _LATER_LINES:
        lines = [*lines[:_LATER_LINES], *lines[-_LATER_LINES:]]
    for line in lines:
        text = line.plain[:600]
        if len(text) < 5:
            continue
        digits = any(c.isdigit() for c in text)
        if digits and not _is_code(text):
            yield from _versions(text, line)
        low = text.lower()
        if "docker" in low or "容器" in text or "container" in low:
            yield from _container(text, line)
        if "wsl" in low and _WSL.search(text) and "microsoft" not in low:
            yield Found("host.wsl2", True, line.number, PROSE)
        if (
            "linux" in low or "windows" in low or "ubuntu" in low or "macos" in low or "ora" in low or "os" in low
        ) and _ON.search(text):
            yield from _system(text, line)
        if digits and _GPU_MARKS.search(text):
            yield from _gpus(text, line.number)
        if digits and ("卡" in text or "张" in text or "块" in text or "x" in low or "*" in text):
            yield from _numbers_only(text, line.number)


_GPU_MARKS = lazy(r"[RG]TX|[rg]tx|Tesla|[AHVBTPLKM]\d|GB\d|GH200|Jetson|Titan|DGX")


def _is_code(text: str) -> bool:
    return text.startswith(("File ", "from ", "import ", "^", "~", "|", "+--")) or "://" in text


def _versions(text: str, line: Line) -> Iterator[Found]:
    wished = bool(_WISH.search(text))
    if not wished:
        for match in islice(_NAMED_VERSION.finditer(text), 8):
            name = names.package(match[1])
            if name and not text.startswith((".whl", ".tar"), match.end()):
                yield Found("package", Package(name, match[2]), line.number, PROSE)
        if "ython" in text and (match_python := _PYTHON.search(text)):
            yield Found("target.python", match_python[1], line.number, PROSE)
        if "CUDA" in text and (match_cuda := _CUDA.search(text)):
            yield Found("cuda.stated", match_cuda[1], line.number, PROSE)
    if ("river" in text or "驱动" in text) and (match_driver := _DRIVER.search(text)):
        yield Found("driver.version", match_driver[1], line.number, PROSE)


def _container(text: str, line: Line) -> Iterator[Found]:
    if _CONTAINER.search(text):
        yield Found("host.container", "docker", line.number, FORM)
        if len(text) < 60 and text.lower().startswith("running in"):
            yield Found(CLAIM, None, line.number)


def _system(text: str, line: Line) -> Iterator[Found]:
    match = _SYSTEM.search(text)
    if not match:
        return
    for path, value in os_name(match.group(1) + (" (WSL2)" if _WSL.search(text) else "")):
        yield Found(path, value, line.number, PROSE)
    if len(text) < 120 and re.match(r"(?:Hi|Hello|你好)?[,. ]*I(?:'m| am) (?:on|using) ", text):
        yield Found(CLAIM, None, line.number)


def _gpus(text: str, number: int) -> Iterator[Found]:
    if text.startswith(("GPU ", "|")) or _is_code(text):
        return
    for match in islice(_GPU.finditer(text), 6):
        name = match[2].strip()
        if re.fullmatch(r"[AHBVLTPMK]\d{1,3}", name) and _WISH.search(text) and not match[1]:
            continue
        count = int(match[1] or match[3] or 1)
        yield Found("gpu", Sighting(name, None, count if 0 < count <= 64 else 1), number, PROSE)


def _numbers_only(text: str, number: int) -> Iterator[Found]:
    """ "双卡4090", "4090 * 2", "2x3090": the model number alone, with a count or the word for a card."""
    for match in islice(_NUMBER_ONLY.finditer(text), 4):
        model = (match[3] or match[4]).strip()
        count = int(match[1] or match[5] or 1) if not match[2] else _CHINESE_COUNTS[match[2]]
        family = "RTX" if model[0] in "2345" else "GTX"
        yield Found("gpu", Sighting(f"{family} {model}", None, count if 0 < count <= 64 else 1), number, PROSE)
