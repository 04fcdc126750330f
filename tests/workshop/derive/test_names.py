"""Names of releases: read out of sources, put side by side, and asked for."""

from __future__ import annotations

import pytest

from envdoctor.knowledge.releases import Change, change_of_argument, change_of_attribute, change_of_name
from envdoctor.workshop.derive.names import Api, module_of, names_table, read_api, read_module

OLD = """
from .base import Base, helper
from os import path
try:
    import torch
except ImportError:
    LEGACY = True

class Cache:
    seen: int = 0
    def get_max_length(self): self.tokens = 1
    def __init__(self, size, device=None): ...

def quantize(model, bits=4, **kwargs): ...
"""
NEW = OLD.replace("get_max_length", "get_max_cache_shape").replace("bits=4", "width=4") + "\ndef fresh(): ...\n"
INIT = """
from typing import TYPE_CHECKING
_import_structure = {"cache": ["Cache"]}
_import_structure["cache"].append("quantize")
if TYPE_CHECKING:
    from .cache import Cache
from .star import *
"""


def release(cache: str, *, more: str | None = None) -> Api:
    files = {
        "lib": ("", INIT),
        "lib.cache": ("", cache),
        "lib.star": ("", "__all__ = ['twinkle']\ntwinkle = 1\nother = 2"),
    }
    if more is not None:
        files["lib.more"] = ("", more)
    return read_api(
        {name: read_module(source, module=name, package=name == "lib") for name, (_, source) in files.items()}
    )


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("transformers/models/llama/__init__.py", "transformers.models.llama"),
        ("peft/config.py", "peft.config"),
        ("peft/tests/test_x.py", None),
        ("peft-0.1.dist-info/METADATA", None),
        ("lib/some-script.py", None),
    ],
)
def test_paths_of_a_wheel(path: str, module: str | None) -> None:
    assert module_of(path) == module


def test_what_can_be_imported_from_a_package() -> None:
    names = release(OLD).modules["lib"]
    assert {"Cache", "quantize", "twinkle", "cache", "star"} <= names
    assert "other" not in names, "a star import brings what __all__ names"
    assert release(OLD).modules["lib.cache"] >= {"Base", "helper", "LEGACY", "Cache", "quantize"}
    assert "path" not in release(OLD).modules["lib.cache"], "names of other distributions are theirs"


def test_a_file_of_another_python_is_read_as_empty() -> None:
    assert not read_module("print 'old'", module="lib.old", package=False).names


def tables() -> dict[str, object]:
    releases = [
        ("1.0", release(OLD)),
        ("1.1", release(NEW)),
        ("1.2", release(NEW, more="def late(): ...")),
        ("1.3", release(OLD)),
    ]
    return {"names/lib": names_table("lib", releases, made="2026-01-01")}


def test_changes_are_kept_and_what_never_changed_is_not() -> None:
    assert change_of_name(tables(), "lib.cache", "fresh") == Change(
        distribution="lib", module="lib.cache", events=((True, "1.1"), (False, "1.3"))
    )
    assert change_of_name(tables(), "lib.cache", "Cache") is None
    assert change_of_name(tables(), "other", "Cache") is None


def test_a_name_that_came_with_its_module_is_told_by_the_module() -> None:
    change = change_of_name(tables(), "lib.more", "late")
    assert change is not None
    assert change.events == ((True, "1.2"), (False, "1.3"))
    assert change_of_name(tables(), "lib.more", None) == change


def test_attributes_and_arguments() -> None:
    gone = change_of_attribute(tables(), "Cache", "get_max_length")
    assert gone is not None
    assert gone.events == ((False, "1.1"), (True, "1.3"))
    assert change_of_argument(tables(), "quantize", "bits") is not None
    assert change_of_argument(tables(), "quantize", "model") is None


@pytest.mark.parametrize(
    ("events", "version", "there", "pin"),
    [
        (((True, "4.51.0"),), "4.50.3", False, ">=4.51.0"),
        (((True, "4.51.0"),), None, None, ">=4.51.0"),
        (((False, "4.48.0"),), "4.48.3", False, "<4.48.0"),
        (((False, "4.48.0"),), None, None, "<4.48.0"),
        (((True, "4.42.0"), (False, "5.0.0")), "5.1.0", False, ">=4.42.0,<5.0.0"),
        (((True, "4.42.0"), (False, "5.0.0")), "4.40.0", False, ">=4.42.0,<5.0.0"),
        (((True, "4.42.0"), (False, "5.0.0")), None, None, ">=4.42.0,<5.0.0"),
        (((False, "4.48.0"), (True, "4.48.1")), "4.48.0", False, "!=4.48.0"),
        (((False, "4.48.0"), (True, "4.48.1")), None, None, "<4.48.0"),
        (((True, "4.42.0"), (False, "5.0.0")), "4.50.0", True, None),
    ],
)
def test_the_releases_that_have_it(
    events: tuple[tuple[bool, str], ...], version: str | None, there: bool | None, pin: str | None
) -> None:
    change = Change(distribution="transformers", module="transformers", events=events)
    if version is not None:
        assert change.is_there(version) is there
    if pin is not None:
        assert change.pin(version) == pin


def test_of_a_large_distribution_only_what_others_import_is_read() -> None:
    from envdoctor.workshop.derive.names_run import _is_asked

    asked = [
        "vllm",
        "vllm.utils",
        "vllm.v1.engine.async_llm",
        "vllm.transformers_utils.tokenizer_group.tokenizer_group",
    ]
    assert [module for module in asked if not _is_asked("vllm", module)] == []
    assert not _is_asked("vllm", "vllm.model_executor.models.qwen2")
    assert not _is_asked("vllm", "vllm.model_executor.layers.quantization.compressed_tensors.schemes")
    assert _is_asked("vllm", "vllm.model_executor.layers.quantization.utils.marlin_utils")
    assert _is_asked("peft", "peft.tuners.lora.layer")
