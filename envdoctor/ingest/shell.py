"""Shell sessions: which line is a command, and what the outputs of the small ones say (uname, ldd, python, nvcc, gcc)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envdoctor.ingest import launch, names, values
from envdoctor.ingest.found import CLAIM, COMMAND, OUTPUT, Found, Package, Page
from envdoctor.ingest.readings import kernel, python
from envdoctor.ingest.text import Line
from envdoctor.patterns import lazy

_PROMPT = lazy(
    r"(?:\([\w.\-/]{1,40}\)\s*)?"
    r"(?:(?:\[?[\w.\-]{1,40}@[\w.\-]{1,60}[\s:][^$#>%]{0,120}\]?\s?[$#>%]|PS [A-Z]:\\[^>]{0,120}>|[A-Z]:\\[^>]{0,120}>|"
    r"[$%❯➜]|!(?=\w)|root@[\w.\-]{1,60}:[^#]{0,100}#|#(?=\s(?:pip|python|vllm|docker|nvidia-smi|conda|export)\b))\s*)(\S.*)"
)
_BARE = lazy(
    r"(?:sudo\s+|nohup\s+|time\s+|command:\s*|run:\s*|CMD\s+|RUN\s+|ENTRYPOINT\s+)*(?:[A-Z][A-Z0-9_]*=\S+\s+)*"
    r"(?:vllm (?:serve|bench|chat|complete|run-batch)|python3? (?:-u )?-m \S|lmdeploy (?:serve|lite|chat|convert|check_env)|"
    r"text-generation-launcher|docker (?:run|compose)|podman run|uv (?:pip|add|sync|run)|"
    r"pip3? (?:install|list|freeze|show|check)|"
    r"conda (?:install|create|list)|trtllm-|llamafactory-cli|swift (?:deploy|infer|sft|export)|optimum-cli|accelerate launch|"
    r"torchrun\s|deepspeed\s|nvidia-smi\b|nvcc\s|export [A-Z]|sglang )"
)
_NVCC = lazy(r"Cuda compilation tools, release (\d+\.\d+)(?:, V(\d+\.\d+\.\d+))?")
_LDD = lazy(r"ldd \((?:[^)]*GLIBC[^)]*|GNU libc)\)\s*(\d\.\d+)")
_GCC = lazy(r"gcc(?:-\d+)? \([^)]*\) (\d+\.\d+\.\d+)|gcc version (\d+\.\d+\.\d+)")
_PYTHON = lazy(r"(?:\S*[/\\])?Python ([23]\.\d+(?:\.\d+)?\S{0,10})$")
_PRETTY = lazy(r"PRETTY_NAME=\"?([^\"]+)|Description:\s+((?:Ubuntu|Debian|CentOS|Red Hat|Fedora)[^\n]*)")
_UNAME = lazy(r"Linux \S+ (\d+\.\d+\S*) #\S+ .*?(x86_64|aarch64)")
_QUERY_VERSION = lazy(r"([A-Za-z_]\w{1,40})\.__version__|version\(['\"]([\w.\-]{2,40})['\"]\)")
_QUERY_CUDA = "torch.version.cuda"
_CONTINUED = ("\\", "^")
_MOST_CONTINUED = 60


def recognize(page: Page) -> Iterator[Found]:
    """Commands (given to `launch`) and what the lines after them say."""
    lines = page.lines
    at = 0
    while at < len(lines):
        line = lines[at]
        command, prompted = command_of(line)
        if command is None:
            yield from _output(line)
            at += 1
            continue
        command, used = _joined(command, lines, at)
        if prompted:  # without a prompt it may as well be a sentence that begins with a command
            for part in lines[at : at + used]:
                yield Found(CLAIM, None, part.number)
        yield from launch.read(command, line.number)
        yield from _answers(command, lines[at + used : at + used + 4])
        at += used


def command_of(line: Line) -> tuple[str | None, bool]:
    """The command that a line holds, and whether a prompt stood before it; None for a line that is none."""
    text = line.text.strip().strip("`")
    head = text[:1]
    if (head in "$%❯➜!([#PC" or "@" in text[:60] or ":\\" in text[:8]) and (match := _PROMPT.match(text)):
        return match.group(1), True
    if head == ">" and (match := re.match(r">>> (\S.*)", text)):
        return match.group(1), True
    if line.plain.startswith("command: --"):  # of a compose file; the engine is the image's
        return line.plain[len("command: ") :], True
    if _BARE.match(line.plain):
        return line.plain, False
    return None, False


def _joined(command: str, lines: Sequence[Line], at: int) -> tuple[str, int]:
    """A command with its continuation lines, and how many lines it takes."""
    used = 1
    while at + used < len(lines) and used < _MOST_CONTINUED:
        following = lines[at + used].text.strip()
        if command.rstrip().endswith(_CONTINUED):
            command = command.rstrip().rstrip("\\^").rstrip() + " " + following
        elif (
            following.startswith("--")
            and not following.startswith("---")
            and lines[at + used].number == lines[at].number + used
        ):
            command = command + " " + following
        else:
            break
        used += 1
    return command[:8000], used


def _answers(command: str, below: Sequence[Line]) -> Iterator[Found]:
    """What a command whose output is one bare value printed."""
    if not below:
        return
    first = below[0]
    answer = first.text.strip().strip("'\"")
    if command.startswith("uname"):
        if (match := _UNAME.search(answer)) or re.fullmatch(r"\d+\.\d+\.\d+\S*", answer):
            yield from _all(kernel(match.group(1) if match else answer), first)
    elif command.startswith(("cat /proc/driver", "modinfo nvidia")):
        for line in below:
            if "NVRM" in line.text and (version := values.driver_version(line.text)):
                yield Found("driver.version", version, line.number)
    elif _QUERY_CUDA in command and re.fullmatch(r"\d+\.\d+", answer):
        yield Found("torch.cuda", answer, first.number)
    elif "cuda.is_available" in command and answer in ("True", "False"):
        yield Found("torch.cuda_available", answer == "True", first.number)
    elif match := _QUERY_VERSION.search(command):
        name = names.package(match[1] or match[2])
        version = values.version(answer)
        if name and version and answer.split(" ")[0] == version:
            yield Found("package", Package(name, version), first.number)
            yield Found(CLAIM, None, first.number)
    elif command.startswith(("pip show", "pip3 show", "uv pip show")):
        yield from _shown(below)


def _shown(below: Sequence[Line]) -> Iterator[Found]:
    name = None
    for line in below:
        key, _, value = line.plain.partition(":")
        if key == "Name":
            name = value.strip()
        elif key == "Version" and name:
            yield Found("package", Package(values.normalized(name), value.strip()), line.number)
            name = None


def _output(line: Line) -> Iterator[Found]:
    text = line.text
    if "Cuda compilation tools" in text and (match := _NVCC.search(text)):
        yield Found("cuda.nvcc", match[2] or match[1], line.number)
        yield Found(CLAIM, None, line.number)
    elif text.startswith("Build cuda_") or "NVIDIA (R) Cuda compiler" in text:
        yield Found(CLAIM, None, line.number)
    elif "ldd (" in text and (match := _LDD.search(text)):
        yield from _all(iter((("host.glibc", match[1]),)), line)
    elif "ython " in text and (match := _PYTHON.match(text.strip())):
        yield from _all(python(match[1]), line)
    elif "gcc" in text and (match := _GCC.search(text)):
        yield Found("cuda.gcc", match[1] or match[2], line.number)
    elif ("PRETTY_NAME" in text or text.startswith("Description:")) and (match := _PRETTY.search(text)):
        from envdoctor.ingest.readings import os_name

        yield from _all(os_name((match[1] or match[2]).strip()), line)
    elif text.startswith("Linux ") and (match := _UNAME.match(text)):
        yield Found("host.kernel", match[1], line.number)
        yield Found("host.architecture", match[2], line.number)
        yield from _all(kernel(match[1]), line)


def _all(reading: Iterator[tuple[str, object]], line: Line) -> Iterator[Found]:
    for path, value in reading:
        yield Found(path, value, line.number, OUTPUT)
    yield Found(CLAIM, None, line.number)


COMMAND_RANK = COMMAND
