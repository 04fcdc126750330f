"""`{engine}` in cause.packages stands for the engine that ran, `{group}` for what a signature read."""

from __future__ import annotations

from dataclasses import replace

from envdoctor.diagnose import diagnose
from envdoctor.diagnose.match import _guilty
from envdoctor.diagnose.view import FactView
from envdoctor.facts import Facts, known
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix
from envdoctor.knowledge.entry import core_from

_CORE = core_from(
    {"id": "X", "effect": "blocks", "cause": {"class": "multi-gpu-comm", "packages": ["{engine}", "vllm"]}},
    place="X",
    groups={},
)


def _view(engine: str | None) -> FactView:
    facts = Facts()
    if engine is not None:
        facts = replace(facts, workload=replace(facts.workload, engine=known(engine, "test")))
    return FactView(facts)


def test_the_engine_that_ran_is_named_by_its_distribution() -> None:
    assert _guilty(_CORE, _view("tgi"), {}, {}) == ("text-generation-inference", "vllm")
    assert _guilty(_CORE, _view("sglang"), {}, {}) == ("sglang", "vllm")


def test_an_unknown_engine_drops_out_and_a_repeated_name_stays_once() -> None:
    assert _guilty(_CORE, _view(None), {}, {}) == ("vllm",)
    assert _guilty(_CORE, _view("vllm"), {}, {}) == ("vllm",)


def test_a_group_of_the_signature_is_named_as_a_distribution() -> None:
    core = core_from(
        {"id": "X", "effect": "blocks", "cause": {"class": "version-conflict", "packages": ["{package}", "sglang"]}},
        place="X",
        groups={},
    )
    assert _guilty(core, _view(None), {"package": "Flashinfer_Python"}, {}) == ("flashinfer-python", "sglang")
    assert _guilty(core, _view(None), {}, {}) == ("sglang",)


def test_where_no_package_is_named_the_file_s_owner_or_the_engine_is() -> None:
    core = core_from(
        {"id": "X", "effect": "blocks", "cause": {"class": "glibc-too-old", "packages": []}}, place="X", groups={}
    )
    line = "version `GLIBC_2.34' not found (required by /usr/lib/python3/site-packages/bitsandbytes/lib.so)"
    assert _guilty(core, _view("vllm"), {"_line": line}, {}) == ("bitsandbytes",)
    assert _guilty(core, _view("vllm"), {"_line": "version `GLIBC_2.34' not found"}, {}) == ("vllm",)
    assert _guilty(core, _view(None), {}, {}) == ()
    hardware = core_from(
        {"id": "X", "effect": "blocks", "cause": {"class": "hardware-fault", "packages": []}}, place="X", groups={}
    )
    assert _guilty(hardware, _view("vllm"), {}, {}) == ()


def test_a_driver_that_is_too_old_names_the_library_of_the_message_and_the_engine() -> None:
    facts = ingest(
        b"Engine: fastllm, Task: serve\n\nFlashInfer error: the provided PTX was compiled with an unsupported toolchain.\n",
        source="p",
        gpu_table={},
    )
    finding = diagnose(facts, load_matrix()).findings[0]
    assert (finding.cause, finding.packages) == ("driver-too-old", ("torch", "flashinfer-python", "fastllm"))
