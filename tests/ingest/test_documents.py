from __future__ import annotations

import json
from dataclasses import replace

import pytest

from envdoctor.errors import EnvdoctorError
from envdoctor.facts import Facts, Host, Known, Unknown, encode, known, unknown, value_of
from envdoctor.ingest import ingest
from envdoctor.text import same
from tests.ingest.test_cases import TABLE


def report(facts: Facts, version: object = 1) -> str:
    return json.dumps({"schema_version": version, "tool": {"name": "envdoctor"}, "facts": encode(facts)})


def test_an_own_report_comes_back_as_it_was() -> None:
    facts = ingest("PyTorch version: 2.4.0+cu121\nGPU 0: Tesla T4\nValueError: x", gpu_table=TABLE)
    facts = replace(facts, host=replace(facts.host, glibc=unknown(same("musl")), kernel=known("6.8.0", "uname")))
    assert ingest(report(facts), gpu_table=TABLE) == facts
    assert ingest(f"\ufeff```json\n{report(facts)}\n```\n", gpu_table=TABLE) == facts


def test_a_report_of_a_newer_schema_is_refused_in_one_line() -> None:
    with pytest.raises(EnvdoctorError, match="schema version 2"):
        ingest(report(Facts(), 2), gpu_table=TABLE)


def test_a_report_that_does_not_hold_what_it_says_is_refused_with_the_place() -> None:
    text = report(Facts(host=Host(kernel=known("6.8", "uname")))).replace('"6.8"', "68")
    with pytest.raises(EnvdoctorError, match=r"facts\.host\.kernel"):
        ingest(text, gpu_table=TABLE)


def test_pip_inspect_is_the_whole_environment() -> None:
    document = {
        "version": "1",
        "pip_version": "24.0",
        "installed": [
            {"metadata": {"name": "Torch", "version": "2.4.0+cu121"}},
            {"metadata": {"name": "pip", "version": "24.0"}},
        ],
        "environment": {"python_full_version": "3.11.7", "platform_machine": "aarch64", "platform_system": "Linux"},
    }
    facts = ingest(json.dumps(document, indent=1), gpu_table=TABLE)
    assert value_of(facts.distributions.complete) is True
    assert value_of(facts.torch.cuda) == "12.1"
    assert value_of(facts.target.python) == "3.11.7"
    assert value_of(facts.host.architecture) == "aarch64"


def test_flashinfer_as_json_reads_like_its_text() -> None:
    document = {
        "PyTorch": {"torch": "2.9.0+cu130", "torch.version.cuda": "13.0"},
        "GPU / Driver": {
            "Driver version": "580.65.06",
            "GPU 0 (CUDA order)": "NVIDIA H100 NVL | SM90 | 132 SMs | 93.1 GiB",
        },
        "Relevant Packages": {"vllm": "0.14.0  (declares flashinfer-python==0.6.13)", "numpy": "2.2.6"},
    }
    facts = ingest(json.dumps(document), gpu_table=TABLE)
    assert value_of(facts.driver.version) == "580.65.06"
    assert isinstance(facts.gpus, Known)
    assert value_of(facts.gpus.value[0].compute_capability) == "9.0"
    assert {d.name: d.version for d in facts.distributions.installed}["vllm"] == "0.14.0"


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, '[{"name": 1, "version": "2"}, 3]', '{"installed": 7, "pip_version": 1}']
)
def test_hostile_json_is_read_as_nothing(text: str) -> None:
    facts = ingest(text, gpu_table=TABLE)
    assert facts.distributions.installed == ()
    assert isinstance(facts.torch.version, Unknown)
