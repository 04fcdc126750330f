"""How the value of a field is read: each reader takes the text after the colon and yields facts' paths and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from envdoctor.ingest import names, values
from envdoctor.ingest.found import Package, Sighting
from envdoctor.patterns import lazy

Reading: TypeAlias = Iterator[tuple[str, Any]]


def as_value(path: str, convert: Callable[[str], Any]) -> Callable[[str], Reading]:
    def read(value: str) -> Reading:
        converted = convert(value)
        if converted is not None and converted != "":
            yield path, converted

    return read


def text_value(value: str) -> str | None:
    return value[:300] or None


def torch(value: str) -> Reading:
    if (version := values.version(value)) and value[:1].lower() in "v0123456789":
        yield "package", Package("torch", version)
    if match := re.search(r"\((True|False|GPU|CPU)\)", value):
        yield "torch.cuda_available", match.group(1) in ("True", "GPU")


def build_cuda(value: str) -> Reading:
    yield (
        "torch.cuda",
        "none" if values.is_nothing(value) or value.lower() == "cpu" else values.dotted(value) or value[:20],
    )


def hip(value: str) -> Reading:
    if not values.is_nothing(value):
        yield "torch.hip", value[:40]


_LINUX = lazy(
    r"linux|ubuntu|debian|centos|fedora|red hat|rhel|rocky|alma|suse|\barch\b|openeuler|kylin|alios|anolis|amazon|mint|pop!|nixos"
)
_RELEASE = lazy(
    r"(?:ubuntu|debian|centos|red hat|rhel|rocky|alma|fedora|suse|mint|openeuler)[^\d\n]{0,24}(\d+(?:\.\d+)?)", re.I
)


def os_name(value: str) -> Reading:
    """A system's name: "Ubuntu 22.04.3 LTS (x86_64)", "Windows 11", "Linux (WSL2)", "macOS 14.5", with remarks."""
    low = value.lower()
    if "wsl" in low or "windows subsystem" in low:
        yield "host.wsl2", not re.search(r"wsl\s?1\b", low)
        yield "host.os", "linux"
    elif "windows" in low or low.startswith("win"):
        yield "host.os", "windows"
    elif "macos" in low or "mac os" in low or "darwin" in low:
        yield "host.os", "macos"
    elif _LINUX.search(low):
        yield "host.os", "linux"
    else:
        return
    if match := re.search(r"\b(x86_64|amd64|aarch64|arm64)\b", low):
        yield "host.architecture", {"amd64": "x86_64", "arm64": "aarch64"}.get(match[1], match[1])
    if re.search(r"docker|容器|container", low):
        yield "host.container", "docker"
    distribution = re.sub(r"\s*\((?:[^()]*)\)\s*$", "", value).strip(" .")
    if distribution and not re.fullmatch(r"(?i)linux|linux \(?wsl\d?\)?|windows", distribution):
        yield "host.distribution", distribution[:80]
        if match := _RELEASE.search(distribution):
            yield "host.distribution_version", match.group(1)


def platform(value: str) -> Reading:
    """`platform.platform()`: Linux-5.15.0-1029-nvidia-x86_64-with-glibc2.35, Windows-10-10.0.19045-SP0, ..."""
    if value.startswith("Linux-"):
        match = re.match(r"Linux-(.+?)-(x86_64|aarch64|arm64|ppc64le)(?:-with-(\S+))?", value)
        yield "host.os", "linux"
        if match:
            yield "host.kernel", match.group(1)
            yield "host.architecture", match.group(2)
            if match.group(3) and (glibc := re.match(r"g?libc-?([\d.]+)", match.group(3))):
                yield "host.glibc", glibc.group(1)
    elif value.startswith("Windows"):
        yield "host.os", "windows"
        yield "host.distribution", value[:60]
    elif value.startswith(("macOS", "Darwin")):
        yield "host.os", "macos"
    elif value.lower() in ("linux", "win32", "darwin"):
        yield "host.os", {"win32": "windows", "darwin": "macos"}.get(value.lower(), "linux")
    else:
        yield from os_name(value)


def kernel(value: str) -> Reading:
    """`uname -r` or `uname -a`."""
    match = re.search(r"\d+\.\d+[\w.+\-]*", value)
    if match:
        yield "host.os", "linux"
        yield "host.kernel", match.group(0)


def glibc(value: str) -> Reading:
    if match := re.match(r"(?:\(?GNU libc\)?|glibc|libc)?[\s\-]*(\d\.\d+)", value, re.I):
        yield "host.glibc", match.group(1)


def python(value: str) -> Reading:
    """A Python version, with what sys.version says around it."""
    match = re.match(r"(?:python)?\s*v?([23]\.\d+(?:\.\d+)?)", value, re.I)
    if match:
        yield "target.python", match.group(1)
        if "conda" in value.lower() or "anaconda" in value.lower():
            yield "target.kind", "conda"


def driver(value: str) -> Reading:
    if version := values.driver_version(value):
        yield "driver.version", version


def stated_cuda(value: str) -> Reading:
    if (version := values.dotted(value)) and value[:1].lower() in "vc0123456789":
        yield "cuda.stated", version


def nvcc(value: str) -> Reading:
    match = re.search(r"(?:release\s+)?(\d+\.\d+(?:\.\d+)?)", value)
    if match:
        yield "cuda.nvcc", match.group(1)


def cudnn(value: str) -> Reading:
    match = re.search(r"(?:so\.|v)?(\d+\.\d+(?:\.\d+)*)", value)
    if match:
        yield "cuda.cudnn", match.group(1)
    elif value.isdigit():
        yield "cuda.cudnn", value


def gcc(value: str) -> Reading:
    match = re.findall(r"\d+\.\d+(?:\.\d+)?", value)
    if match:
        yield "cuda.gcc", match[-1] if value.lower().startswith("gcc (") else match[0]


def gpu_names(value: str) -> Reading:
    """One or several GPUs of a form: "NVIDIA A100 × 2、T4", "8x H100 80GB", "RTX 4090 24GB*2", "GPU 0: Tesla V100"."""
    value = re.sub(r"\bGPU \d+:\s*", "", value)
    for raw in re.split(r"\s*[,;+]\s+|\s+and\s+|\s+和\s*", value)[:16]:
        part = raw.strip()
        count = 1
        if match := re.match(r"(?:(\d{1,3})\s*(?:x|X|\*|张|块|卡|个)|(单|双|两|四|八)(?:张|块|卡)?)\s*", part):
            count = int(match[1]) if match[1] else {"单": 1, "双": 2, "两": 2, "四": 4, "八": 8}[match[2]]
            part = part[match.end() :]
        elif match := re.search(
            r"\s*[xX*]\s?(\d{1,3})\s*(?:张|块|卡)?\)?$|\s*\(?(\d{1,3})\s*(?:张|块|卡|pcs|GPUs?)\)?$", part
        ):
            count = int(match[1] or match[2])
            part = part[: match.start()].rstrip(" (")
        if re.fullmatch(r"\d{4}(?:\s*ti)?(?:\s*super)?d?", part, re.I):
            part = f"{'RTX' if part[0] in '2345' else 'GTX'} {part}"
        if part and 0 < count <= 256 and re.search(r"[A-Za-z]", part) and not values.is_nothing(part):
            yield "gpu", Sighting(part[:100], None, count)


def tensor_parallel(value: str) -> Reading:
    if (number := values.number(value)) and number <= 4096:
        yield "workload.tensor_parallel", number


def engine(value: str) -> Reading:
    if engine := names.engine(value):
        yield "workload.engine", engine
        name, _, rest = value.replace("=", " ").replace(",", " ").partition(" ")
        if (version := values.version(rest)) and (package := names.package(name)):  # the 2 of exllamav2 is no version
            yield "package", Package(package, version)


_TASK_WORDS = {
    "serve": "serve", "serving": "serve", "server": "serve", "deploy": "serve", "部署": "serve", "服务": "serve",
    "generate": "generate", "generation": "generate", "inference": "generate", "infer": "generate", "推理": "generate",
    "chat": "generate", "quantize": "quantize", "quantization": "quantize", "quantise": "quantize", "量化": "quantize",
    "install": "install", "installation": "install", "build": "install", "安装": "install", "train": "train",
    "training": "train", "finetune": "train", "fine-tune": "train", "finetuning": "train", "fine-tuning": "train",
    "微调": "train", "训练": "train", "sft": "train",
}  # fmt: skip


def task(value: str) -> Reading:
    if task := _TASK_WORDS.get(value.strip().lower()) or _TASK_WORDS.get(value.strip().lower().split(" ")[0]):
        yield "workload.task", task


def model(value: str) -> Reading:
    if value[:1].isdigit() and value.replace(".", "").isdigit():
        return
    if re.search(r"Intel|AMD |Xeon|EPYC|Core\(TM\)|Neoverse|Cortex|CPU @|Processor", value):
        yield "host.cpu", value[:100]
    elif not re.search(r"\bNVIDIA\b|GeForce", value):
        yield "workload.model", value.split(" (", maxsplit=1)[0][:200]


def flags(value: str) -> Reading:
    words = value.split()
    kept = tuple(
        w for w in words if w in ("avx2", "avx", "fma", "f16c", "sse4_2") or w.startswith(("avx512", "amx", "avx_vnni"))
    )
    if len(words) > 12:
        yield "host.cpu_flags", kept


def architecture(value: str) -> Reading:
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(value.lower(), value.lower())
    if arch in ("x86_64", "aarch64", "ppc64le"):
        yield "host.architecture", arch


def yes_value(value: str) -> bool | None:
    word = value.strip().lower().split(" ")[0].rstrip(",.")
    return {"yes": True, "true": True, "是": True, "no": False, "false": False, "否": False, "1": True, "0": False}.get(
        word
    )


def container(value: str) -> Reading:
    yes = yes_value(value)
    if yes or re.search(r"docker|podman|kube|k8s|lxc|singularity|apptainer", value.lower()):
        kind = re.search(r"docker|podman|kube|k8s|lxc|singularity|apptainer", value.lower())
        yield "host.container", {"kube": "kubernetes", "k8s": "kubernetes"}.get(kind[0], kind[0]) if kind else "docker"
    elif yes is False:
        yield "host.container", "none"


def archs(value: str) -> Reading:
    archs = tuple(dict.fromkeys(f"{m[1]}.{m[2]}" for m in re.finditer(r"sm_(\d{1,2})(\d[af]?)\b", value)))
    ptx = tuple(f"{m[1]}.{m[2]}+PTX" for m in re.finditer(r"compute_(\d{1,2})(\d[af]?)\b", value))
    if archs or ptx:
        yield "torch.archs", archs + (ptx if "code" not in value else ())


def wsl(value: str) -> Reading:
    if (yes := yes_value(value)) is not None or "2" in value:
        yield "host.wsl2", yes is not False


def ram(value: str) -> Reading:
    if (found := values.size(value)) and found >= 1 << 28:
        yield "host.ram_bytes", found


def gpu_memory(value: str) -> Reading:
    if (found := values.size(value)) and found >= 1 << 28:
        yield "gpu", Sighting(None, None, memory=found)


def gpu_count(value: str) -> Reading:
    if value.strip().isdigit() and 0 < int(value) <= 256:
        yield "gpu_count", int(value)


def image(value: str) -> Reading:
    from envdoctor.ingest.images import read_image

    yield from read_image(value)


def nothing(_value: str) -> Reading:
    yield from ()
