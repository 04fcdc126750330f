"""What the name and tag of a container image imply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from envdoctor.ingest.found import Package
from envdoctor.patterns import lazy

#: part of an image's name, the engine, the distribution that its tag is a version of
_ENGINES = (
    ("vllm-openai", "vllm", "vllm"), ("vllm/vllm", "vllm", "vllm"), ("vllm-ascend", "vllm", "vllm-ascend"),
    ("rocm/vllm", "vllm", ""), ("lmsysorg/sglang", "sglang", "sglang"), ("openmmlab/lmdeploy", "lmdeploy", "lmdeploy"),
    ("text-generation-inference", "tgi", "text-generation-inference"), ("tensorrt-llm", "tensorrt-llm", "tensorrt-llm"),
    ("llama.cpp", "llama-cpp", ""), ("nvidia/vllm", "vllm", ""),
)  # fmt: skip
_VERSION = lazy(r"v?(\d+\.\d+(?:\.\d+)?(?:\.?(?:post|rc|dev|a|b)\d*)*)(?=$|[-_+])")
_TORCH = lazy(r"(?:^|[/:-])(?:torch|pytorch[:])-?(\d+\.\d+(?:\.\d+)?)")
_CUDA = lazy(r"(?:cuda|cu)[:\-]?(\d+\.\d+)(?:\.\d+)?|cu(\d{2})(\d)\b")
_UBUNTU = lazy(r"(?:ubuntu:?)(\d\d\.\d\d)")
_PYTHON = lazy(r"py(?:thon)?-?(3)\.?(\d{1,2})\b")


def read_image(reference: str) -> Iterator[tuple[str, Any]]:
    """Facts of `registry/name:tag`: engine and version, torch, toolkit, distribution, Python, where the tag says them."""
    reference = reference.strip().split(" ")[0].split("@")[0].strip("\"'")
    if not re.fullmatch(r"[\w./:\-]+", reference) or not re.search(r"[a-z]", reference):
        return
    yield "host.image", reference[:200]
    yield "host.container", "docker"
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = reference, ""
    for part, engine, package in _ENGINES:
        if part in repository:
            yield "workload.engine", engine
            if package and (match := _VERSION.match(tag)):
                yield "package", Package(package, match.group(1))
            break
    if match := _TORCH.search(reference):
        yield "package", Package("torch", match.group(1))
    if "nvidia/cuda" in repository and (match := re.match(r"(\d+\.\d+)(?:\.\d+)?", tag)):
        if "devel" in tag:
            yield "cuda.nvcc", match.group(1)
    elif (match := _CUDA.search(tag)) and "pytorch" in repository:
        yield "torch.cuda", match[1] or f"{match[2]}.{match[3]}"
    if match := _UBUNTU.search(reference):
        yield "host.os", "linux"
        yield "host.distribution", f"Ubuntu {match.group(1)}"
        yield "host.distribution_version", match.group(1)
    if match := _PYTHON.search(tag):
        yield "target.python", f"3.{match.group(2)}"
