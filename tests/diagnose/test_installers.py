"""Requirements as installers print them, and the explanations of resolvers."""

from __future__ import annotations

import time

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.diagnose.checks.installers import requirement_of
from envdoctor.diagnose.finding import Finding
from envdoctor.facts import Facts, LogLine
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix

PIP = """ERROR: Cannot install -r r.txt (line 1) and tokenizers==0.15.0 because these package versions have conflicting dependencies.
The conflict is caused by:
    The user requested tokenizers==0.15.0
    transformers 4.40.0 depends on tokenizers<0.20 and >=0.19"""
PIP_TWO = """The conflict is caused by:
    vllm 0.6.3 depends on torch==2.4.0
    some-tool[extra] 1.0 depends on torch==2.5.1; platform_system == "Linux\""""
UV = """  × No solution found when resolving dependencies:
  ╰─▶ Because vllm==0.6.3 depends on torch==2.4.0 and you require vllm==0.6.3, we can conclude that you
      require torch==2.4.0.
      And because you require torch==2.5.1, we can conclude that your requirements are unsatisfiable."""
UV_MARKERS = """  × No solution found when resolving dependencies for split (python_full_version >= '3.12'):
  ╰─▶ Because torch==2.7.0 depends on triton{platform_machine == 'x86_64'}==3.3.0 and your project depends on
      triton{platform_machine == 'x86_64'}==3.2.0, we can conclude that your project's requirements are unsatisfiable."""


def found(text: str, check_id: str) -> list[Finding]:
    lines = [LogLine(number=n, text=line, source="-") for n, line in enumerate(text.splitlines(), 1)]
    return [f for f in diagnose(Facts(log=tuple(lines)), load_matrix()).findings if f.id == check_id]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy<2.0,>=1.17", ("numpy", "<2.0,>=1.17")),
        ("huggingface_hub >=0.34.0,<1.0; extra == 'x'", ("huggingface-hub", ">=0.34.0,<1.0")),
        ("ray[serve] >= 2.9", ("ray", ">=2.9")),
        ("torch", ("torch", "")),
        ("a sentence", None),
        ("", None),
    ],
)
def test_requirements(text: str, expected: tuple[str, str] | None) -> None:
    assert requirement_of(text) == expected


@pytest.mark.parametrize(
    ("text", "packages", "pins"),
    [
        (PIP, ("transformers", "tokenizers"), {"tokenizers": "<0.20,>=0.19"}),
        (PIP_TWO, ("vllm", "some-tool", "torch"), {"vllm": ">=0.6.4"}),
        (UV, ("vllm", "torch"), {"torch": "==2.4.0"}),
        (UV_MARKERS, ("torch", "triton"), {"triton": "==3.3.0"}),
    ],
)
def test_the_two_demands_that_contradict(text: str, packages: tuple[str, ...], pins: dict[str, str]) -> None:
    findings = found(text, "EC-resolver-conflict")
    assert [f.packages for f in findings] == [packages]
    assert findings[0].verdict == "match"
    assert dict(findings[0].options[0].pins) == pins


def test_the_version_check_of_a_package_names_who_asks() -> None:
    text = """  File "/opt/lib/python3.10/site-packages/diffusers/dependency_versions_check.py", line 57, in <module>
ImportError: huggingface-hub>=0.34.0,<1.0 is required for a normal functioning of this module, but found huggingface-hub==1.0.1."""
    (finding,) = found(text, "EC-required-version")
    assert finding.packages == ("huggingface-hub", "diffusers")
    assert dict(finding.options[0].pins) == {"huggingface-hub": ">=0.34.0,<1.0"}


@pytest.mark.parametrize("piece", ["a-", "a.", "a==1,", "a[b]", "we can conclude that ", " depends on ", "{a"])
def test_hostile_explanations_are_read_in_time(piece: str) -> None:
    text = "  × No solution found when resolving dependencies:\n" + "\n".join([piece * 400] * 40)
    load_matrix()
    start = time.process_time()
    found(text, "EC-resolver-conflict")
    assert time.process_time() - start < 3.0


@pytest.mark.parametrize(
    ("text", "packages", "pins"),
    [
        (
            "sgl-kernel is installed with version 0.0.9.post2, which is less than the minimum required version 0.1.1. Please",
            ("sgl-kernel", "sglang"),
            {"sgl-kernel": ">=0.1.1"},
        ),
        (
            "Found an incompatible version of auto-gptq. Found version 0.4.2+cu117, but only version above 0.4.99 are supported",
            ("auto-gptq", "optimum", "peft"),
            {"auto-gptq": ">=0.4.99"},
        ),
        ("ImportError: Numba needs NumPy 1.26 or less", ("numpy", "numba"), {"numpy": "<1.27"}),
        ("ImportError: Numba needs NumPy 2.9 or less. Got NumPy 2.10.", ("numpy", "numba"), {"numpy": "<2.10"}),
        (
            "installed pydantic-core version (2.48.0) is incompatible with the current pydantic version, which requires 2.46.4.",
            ("pydantic-core", "pydantic"),
            {"pydantic-core": "==2.46.4"},
        ),
        (
            "pkg_resources.VersionConflict: (tokenizers 0.13.3 (/x), Requirement.parse('tokenizers<0.20,>=0.19'))",
            ("tokenizers", "transformers"),
            {"tokenizers": "<0.20,>=0.19"},
        ),
    ],
)
def test_forms_of_a_version_check(text: str, packages: tuple[str, ...], pins: dict[str, str]) -> None:
    (finding,) = found(text, "EC-required-version")
    assert finding.packages == packages
    assert dict(finding.options[0].pins) == pins


def pasted(text: str, check_id: str) -> list[Finding]:
    matrix = load_matrix()
    facts = ingest(text, gpu_table=matrix.tables["gpus"])
    return [one for one in diagnose(facts, matrix).findings if one.id == check_id]


def test_a_wheel_that_names_another_torch_in_its_version_is_said() -> None:
    said = pasted("torch==2.8.0\nflashinfer==0.2.0+cu121torch2.3\nvllm==0.11.0", "EC-wheel-label")
    assert [(one.verdict, one.packages) for one in said] == [("possible", ("flashinfer-python", "torch"))]
    assert not pasted("torch==2.8.0+cu128\nflash-attn==2.8.3+cu12torch2.8cxx11abiTRUE", "EC-wheel-label")


def test_a_missing_library_is_asked_for_by_the_package_that_the_line_above_names() -> None:
    text = "transformer-engine==2.6.0\nvllm==0.9.0\n(importing transformer_engine 2.6.0 fails)\n"
    text += "OSError: libcublas.so.13: cannot open shared object file: No such file or directory"
    assert "transformer-engine" in pasted(text, "EC-missing-library")[0].packages


def test_an_explanation_that_was_cut_off_names_the_package_that_asks() -> None:
    text = """  × No solution found when resolving dependencies for split (python_full_version >= '3.13'):
  ╰─▶ Because vllm>=0.5.4,<=0.6.3.post1 depends on torch==2.4.0 and torch==2.3.1, we can conclude that vllm>=0.5.2"""
    (one,) = found(text, "EC-resolver-conflict")
    assert (one.verdict, one.packages) == ("possible", ("vllm", "torch"))


def test_an_extension_built_for_a_cuda_release_is_named_for_a_kernel_image() -> None:
    text = "NVIDIA B300\ntorch==2.10.0\nnatten==0.21.6.dev6+cu130.torch210\n"
    text += "RuntimeError: CUDA error: no kernel image is available for execution on the device"
    (one,) = pasted(text, "EC-no-kernel-image")
    assert one.packages[0] == "natten"


def test_a_name_that_cannot_be_imported_is_read_from_a_sentence_too() -> None:
    text = "verl==0.7.0\nvllm==0.12.0\nan Importerror (can not import ExecuteModelRequest from vllm.sequence)"
    assert {"vllm", "verl"} <= set(pasted(text, "EC-moved-name")[0].packages)
