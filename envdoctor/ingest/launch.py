"""Launch commands: which engine and task they start, with which flags, model and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envdoctor.facts import EnvironmentVariable, Flag
from envdoctor.ingest import names, values
from envdoctor.ingest.found import COMMAND, WEAK, Found, at_line
from envdoctor.ingest.images import read_image
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass


@dataclass(frozen=True, slots=True)
class Launcher:
    """A program that starts work. `marker` is looked for in the command; `model_at` is its positional argument."""

    marker: str
    engine: str | None
    task: str | None
    positional_model: bool = False
    rank: int = COMMAND


_LAUNCHERS = (
    Launcher("vllm serve", "vllm", "serve", positional_model=True),
    Launcher("vllm.entrypoints", "vllm", "serve"),
    Launcher("vllm bench", "vllm", "generate"),
    Launcher("vllm chat", "vllm", "generate"),
    Launcher("vllm run-batch", "vllm", "generate"),
    Launcher("sglang.launch_server", "sglang", "serve"),
    Launcher("sglang serve", "sglang", "serve"),
    Launcher("sglang.bench", "sglang", "generate"),
    Launcher("lmdeploy serve api_server", "lmdeploy", "serve", positional_model=True),
    Launcher("lmdeploy serve gradio", "lmdeploy", "serve", positional_model=True),
    Launcher("lmdeploy serve", "lmdeploy", "serve"),
    Launcher("lmdeploy lite", "lmdeploy", "quantize"),
    Launcher("lmdeploy chat", "lmdeploy", "generate", positional_model=True),
    Launcher("lmdeploy convert", "lmdeploy", "quantize"),
    Launcher("text-generation-launcher", "tgi", "serve"),
    Launcher("text-generation-server", "tgi", "serve"),
    Launcher("text-generation-inference", "tgi", "serve"),
    Launcher("trtllm-serve", "tensorrt-llm", "serve", positional_model=True),
    Launcher("trtllm-build", "tensorrt-llm", "quantize"),
    Launcher("llama-server", "llama-cpp", "serve"),
    Launcher("llama_cpp.server", "llama-cpp", "serve"),
    Launcher("llama-cli", "llama-cpp", "generate"),
    Launcher("llamafactory-cli train", "llamafactory", "train"),
    Launcher("llamafactory-cli export", "llamafactory", "quantize"),
    Launcher("llamafactory-cli", "llamafactory", None),
    Launcher("swift sft", "ms-swift", "train"),
    Launcher("swift export", "ms-swift", "quantize"),
    Launcher("swift deploy", "ms-swift", "serve"),
    Launcher("accelerate launch", None, "train", rank=WEAK),
    Launcher("deepspeed ", "deepspeed", "train", rank=WEAK),
    Launcher("torchrun", None, "train", rank=WEAK),
    Launcher("pip install", None, "install", rank=WEAK),
    Launcher("pip3 install", None, "install", rank=WEAK),
    Launcher("uv add", None, "install", rank=WEAK),
    Launcher("uv sync", None, "install", rank=WEAK),
    Launcher("conda install", None, "install", rank=WEAK),
    Launcher("setup.py install", None, "install", rank=WEAK),
)

_MODEL_FLAGS = ("model", "model-path", "model-id", "model-name-or-path", "model-dir", "m")
_QUANT_FLAGS = (
    "quantization",
    "quantize",
    "model-format",
    "quant",
    "load-in-4bit",
    "load-in-8bit",
    "quant-policy-format",
)
_TP_FLAGS = ("tensor-parallel-size", "tp", "tp-size", "num-shard", "tensor-parallel", "num-gpus")
_PP_FLAGS = ("pipeline-parallel-size", "pp", "pp-size")
_MOST_WORDS = 160
_LENGTH_FLAGS = ("max-model-len", "context-length", "session-len", "max-total-tokens", "max-seq-len")
_MEMORY_FLAGS = ("gpu-memory-utilization", "mem-fraction-static", "cache-max-entry-count", "cuda-memory-fraction")
_ASSIGNMENT = lazy(r"([A-Z][A-Z0-9_]{1,60})=(\S*)")
_IMAGE = lazy(r"(?:[\w.\-]+(?::\d+)?/)*[\w.\-]+/[\w.\-]+(?::[\w.\-]+)?|(?:[a-z][\w.\-]*):[\w.\-]+")
_DOCKER_FLAGS_WITHOUT_VALUE = frozenset(
    ("--rm", "-it", "-d", "-i", "-t", "--init", "--privileged", "-itd", "-dit", "-ti", "--detach", "-P")
)


def read(command: str, number: int) -> Iterator[Found]:
    """Everything that one command (prompt removed, continuation lines joined) says."""
    yield from _variables(command, number)
    docker = re.search(r"\b(?:docker|podman|nerdctl)\s+(?:container\s+)?(?:run|create)\s", command)
    if docker:
        yield from _docker(command[docker.end() :], number)
    for launcher in _LAUNCHERS:
        at = command.find(launcher.marker)
        if at < 0 or (docker and launcher.marker == "text-generation-inference" and launcher.engine is None):
            continue
        if launcher.engine:
            yield Found(
                "workload.engine", launcher.engine, number, launcher.rank, "command" if launcher.rank == WEAK else ""
            )
        if launcher.task:
            note = "command" if launcher.rank == WEAK else ""
            yield Found("workload.task", launcher.task, number, launcher.rank, note)
        if launcher.engine and launcher.rank != WEAK:
            yield from _arguments(command[at + len(launcher.marker) :], launcher, number)
        return
    if command.startswith("--"):
        yield from _arguments(command, Launcher("", None, None), number)
        if "--model" in command:
            yield Found("workload.task", "serve", number, COMMAND)
    if docker and (engine := next((p for p in ("vllm", "sglang") if p in command), None)):
        if " --model" in command:
            yield Found("workload.task", "serve", number, COMMAND)
        yield from _arguments(command[docker.end() :], Launcher("", engine, "serve"), number)


def _variables(command: str, number: int) -> Iterator[Found]:
    if "=" not in command:
        return
    for word in words(command)[:_MOST_WORDS]:
        match = _ASSIGNMENT.match(word)
        if match and names.is_variable(match.group(1)) and match.end() == len(word):
            variable = EnvironmentVariable(name=match[1], value=match[2].strip("\"'")[:500], source=at_line(number))
            yield Found("variable", variable, number, COMMAND)


def _docker(rest: str, number: int) -> Iterator[Found]:
    yield Found("host.container", "docker", number, COMMAND)
    tokens = words(rest)
    gpus = False
    at = 0
    while at < len(tokens):
        word = tokens[at]
        if word.startswith("-"):
            name = word.lstrip("-").split("=")[0]
            gpus = gpus or name in ("gpus", "runtime", "device")
            if name in ("gpus", "runtime", "shm-size", "ipc", "device", "ulimit", "platform", "network"):
                value = word.partition("=")[2] or (tokens[at + 1] if at + 1 < len(tokens) else "")
                yield Found("flag", Flag(name=f"docker-{name}", value=value[:200]), number, COMMAND)
            if name == "shm-size" and (size := values.size(value)):
                yield Found("host.shm_bytes", size, number, COMMAND)
            at += 1 if "=" in word or word in _DOCKER_FLAGS_WITHOUT_VALUE else 2
            continue
        if _IMAGE.fullmatch(word):
            for path, value in read_image(word):
                note = Text(en=f"image {word[:120]}", zh=f"镜像 {word[:120]}") if path not in ("host.image",) else ""
                yield Found(path, value, number, COMMAND, note)
        break


def words(command: str) -> list[str]:
    """The command's words. Quotes that do not close are read as characters."""
    if "'" not in command and '"' not in command:
        return command.split()
    import shlex

    try:
        return shlex.split(command)
    except ValueError:
        return command.replace('"', "").replace("'", "").split()


def _arguments(rest: str, launcher: Launcher, number: int) -> Iterator[Found]:
    tokens = words(rest.split(" && ", maxsplit=1)[0].split(" | ", maxsplit=1)[0])[:_MOST_WORDS]
    at = 0
    model: str | None = None
    while at < len(tokens):
        word = tokens[at]
        at += 1
        if not word.startswith("-") or word == "-":
            if model is None and launcher.positional_model and at == 1:
                model = word
                yield Found("workload.model", word[:200], number, COMMAND)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals and at < len(tokens) and not re.match(r"--?[A-Za-z]", tokens[at]):
            value = tokens[at]
            at += 1
        name = name.replace("_", "-")
        if 0 < len(name) <= 60:
            yield from flag(name, value.strip(",") or "true", number, COMMAND)


def flag(name: str, value: str, number: int, rank: int) -> Iterator[Found]:
    """A flag of a launcher, or an argument of a Python call: kept as a flag, and as the fact that it means."""
    yield Found("flag", Flag(name=name, value=value[:200]), number, rank)
    if name in _MODEL_FLAGS and value != "true" and not value.startswith(("$", "<")):
        yield Found("workload.model", value[:200], number, rank)
    elif name in _QUANT_FLAGS and value.lower() not in ("none", "false", "null"):
        if name.startswith("load-in"):
            value = "bitsandbytes"
        yield Found("workload.quantization", value[:60], number, rank)
    elif name in ("dtype", "torch-dtype") and (dtype := values.dtype(value)):
        yield Found("workload.dtype", dtype, number, rank)
    elif name in _TP_FLAGS and value.isdigit() and 0 < int(value) <= 4096:
        yield Found("workload.tensor_parallel", int(value), number, rank)
    elif name in _PP_FLAGS and value.isdigit() and 0 < int(value) <= 4096:
        yield Found("workload.pipeline_parallel", int(value), number, rank)
    elif name in _LENGTH_FLAGS and (length := _length(value)):
        yield Found("workload.max_model_len", length, number, rank)
    elif name in _MEMORY_FLAGS and re.fullmatch(r"0?\.\d+|1(?:\.0*)?|0", value):
        yield Found("workload.gpu_memory_utilization", float(value), number, rank)
    elif name == "backend" and value in ("turbomind", "pytorch"):
        yield Found("workload.backend", value, number, rank)


def _length(value: str) -> int | None:
    match = re.fullmatch(r"(\d{1,9})([kK]?)", value)
    return int(match[1]) * (1024 if match[2] else 1) if match else None
