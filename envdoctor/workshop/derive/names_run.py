"""The way to `matrix/names/`: which releases to read, and their files one after the other.

for table in derive_names(packages=("peft",), cache=folder):
    ...                                                       {"distribution": "peft", "versions": [...], "names": ...}
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

from packaging.version import Version

from envdoctor.workshop.derive.cache import remembered_list
from envdoctor.workshop.derive.index import PublishedWheel, Target, each_version
from envdoctor.workshop.derive.messages import UNASKED, messages_table, raised
from envdoctor.workshop.derive.names import Api, ModuleApi, module_of, names_table, read_api, read_module
from envdoctor.workshop.derive.remote import Fetcher
from envdoctor.workshop.derive.run import Progress

__all__ = ["NAMED", "derive_names", "first_and_last"]

#: distributions whose names are kept, with the oldest release that anybody still runs
NAMED: Mapping[str, str] = {
    "transformers": "4.28", "peft": "0.2", "trl": "0.4", "accelerate": "0.15", "huggingface-hub": "0.12", "optimum": "1.7",
    "torchao": "0.1", "bitsandbytes": "0.31", "autoawq": "0.1", "auto-gptq": "0.4", "optimum-quanto": "0.2", "fschat": "0.1",
    "compressed-tensors": "0.5", "llmcompressor": "0.1", "vllm": "0.2", "mistral-common": "1.0",
}  # fmt: skip
#: distributions that rename from patch to patch: every release is read
_EVERY = frozenset({"vllm"})
#: of a very large distribution: the modules that other packages import from. The messages of all of its modules are kept
_ASKED: Mapping[str, re.Pattern[str]] = {
    "vllm": re.compile(
        r"vllm(?:\.(?:config|engine|entrypoints|executor|distributed|inputs|lora|multimodal|outputs|platforms|sampling_params"
        r"|sequence|transformers_utils|utils|worker|_custom_ops|attention|model_executor"
        r"|v1\.(?:engine|executor|worker|sample|outputs|utils))\b.*)?"
    ),
}
_NOT_ASKED: Mapping[str, re.Pattern[str]] = {
    "vllm": re.compile(
        r"\.(?:quantization\.(?!utils\b)\w+\.|fused_moe\.|kv_transfer|worker\.gpu\.|kernels|mamba|tool_parsers|responses"
        r"|pooling|scale_out|chat_completion|reasoning\w*|processors|configs|ops\.|backends\.|models\.(?!registry$|utils$|interfaces$))"
    ),
}
_OWNERS: Mapping[str, re.Pattern[str]] = {
    "vllm": re.compile(
        r"(?:Async)?(?:EngineArgs|LLM|LLMEngine)|\w+Config|SamplingParams|GuidedDecodingParams|PoolingParams|LoRARequest"
        r"|RequestOutput|CompletionOutput|Worker|(?:GPU)?ModelRunner|get_rope|init_distributed_environment"
        r"|initialize_model_parallel|get_model|default_weight_loader"
    ),
}

_LARGEST_SOURCE = 3 << 20

Messages: TypeAlias = Mapping[str, frozenset[tuple[str, str]]]


def first_and_last(wheels: Sequence[PublishedWheel]) -> list[PublishedWheel]:
    """Of every minor release the first and the last patch, ascending: what a patch takes away it mostly gives back."""
    minors: dict[tuple[int, int], list[PublishedWheel]] = {}
    for wheel in sorted(wheels, key=lambda wheel: Version(wheel.version)):
        version = Version(wheel.version)
        minors.setdefault((version.major, version.minor), []).append(wheel)
    return [wheel for found in minors.values() for wheel in ([found[0]] if len(found) == 1 else [found[0], found[-1]])]


def derive_names(
    *, packages: Sequence[str] = tuple(NAMED), cache: Path, on_progress: Callable[[Progress], None] = lambda _: None
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Two tables a distribution, its names and its messages. Reads the Python sources of its wheels, in ranges where
    the server can do them."""
    today = datetime.now(timezone.utc).date().isoformat()
    target = Target(pythons=("3.11", "3.9", "3.8", "3.13"))
    (cache / "spare").mkdir(parents=True, exist_ok=True)
    with Fetcher() as fetcher:
        for package in packages:
            within = f">={NAMED[package]}" if package in NAMED else ""
            place = cache / "listed" / f"names-{package}.json"
            found = remembered_list(place, today, _lister(package, target, within))
            every = package in _EVERY
            wheels = sorted(found, key=lambda wheel: Version(wheel.version)) if every else first_and_last(found)
            releases: list[tuple[str, Api]] = []
            messages: list[tuple[str, Messages]] = []
            seen: dict[tuple[int, int, str], tuple[ModuleApi, frozenset[tuple[str, str]]]] = {}
            for done, wheel in enumerate(wheels):
                on_progress(
                    Progress(
                        package=package,
                        version=wheel.version,
                        done=done,
                        total=len(wheels),
                        received=fetcher.received,
                    )
                )
                spare = cache / "spare" / wheel.filename
                api, said = _read(fetcher, wheel, spare, seen, package=package)
                releases.append((wheel.version, api))
                messages.append((wheel.version, said))
            if releases:
                yield names_table(package, releases, made=today), messages_table(package, messages, made=today)


def _lister(package: str, target: Target, within: str) -> Callable[[], Iterator[PublishedWheel]]:
    return lambda: each_version(package, target, within=within)


def _read(
    fetcher: Fetcher,
    wheel: PublishedWheel,
    spare: Path,
    seen: dict[tuple[int, int, str], tuple[ModuleApi, frozenset[tuple[str, str]]]],
    *,
    package: str = "",
) -> tuple[Api, Messages]:
    """API and messages of one wheel. Most files do not change between releases: each content is parsed once (`seen`)."""
    stream, _, _ = fetcher.open(wheel.url, sha256=wheel.sha256, spare=spare)
    modules: dict[str, ModuleApi] = {}
    messages: dict[str, frozenset[tuple[str, str]]] = {}
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                module = module_of(member.filename)
                if module is None or module in modules or member.file_size > _LARGEST_SOURCE:
                    continue
                key = (member.CRC, member.file_size, module)
                if key not in seen:
                    folder = member.filename.rpartition("/")[2].startswith("__init__.")
                    source = archive.read(member).decode("utf-8", "replace")
                    said = frozenset() if UNASKED.search(module) else raised(source)
                    seen[key] = (read_module(source, module=module, package=folder), said)
                modules[module], messages[module] = seen[key]
    finally:
        stream.close()
        spare.unlink(missing_ok=True)
    asked = {name: api for name, api in modules.items() if _is_asked(package, name)}
    api, owners = read_api(asked), _OWNERS.get(package)
    if owners is not None:
        api = replace(
            api,
            attributes=frozenset(pair for pair in api.attributes if owners.fullmatch(pair[0])),
            arguments=frozenset(pair for pair in api.arguments if owners.fullmatch(pair[0].partition(".")[0])),
        )
    return api, messages


def _is_asked(package: str, module: str) -> bool:
    only, without = _ASKED.get(package), _NOT_ASKED.get(package)
    return (only is None or only.fullmatch(module) is not None) and (without is None or without.search(module) is None)
