"""An undefined symbol of torch: which torch the extension at hand was compiled for."""

from __future__ import annotations

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix

_LINE = (
    "ImportError: /usr/lib/python3.10/site-packages/vllm/_C.cpython-310-x86_64-linux-gnu.so: "
    "undefined symbol: _ZN3c104cuda9SetDeviceEi"
)


@pytest.mark.parametrize(
    ("vllm", "torch", "pin"),
    [
        ("0.3.2", "2.2.1", "==2.1.2"),  # required exactly
        ("0.2.2", "2.0.1", "~=2.1.0"),  # only a floor is required: its minor release is what it was compiled with
    ],
)
def test_the_torch_that_a_vllm_release_requires_is_the_fix(vllm: str, torch: str, pin: str) -> None:
    matrix = load_matrix()
    text = f"torch=={torch}\nvllm=={vllm}\n{_LINE}\n"
    found = diagnose(ingest(text.encode(), source="pasted text", gpu_table=matrix.tables["gpus"]), matrix)
    named = next(finding for finding in found.findings if finding.id == "EC-undefined-symbol")
    assert {"torch": pin} in [dict(option.pins) for option in named.options]


def test_an_owner_whose_torch_no_table_knows_gets_no_such_fix() -> None:
    matrix = load_matrix()
    line = _LINE.replace("vllm/_C", "sgl_kernel/ops")
    text = f"torch==2.4.0\nsgl-kernel==0.1.0\n{line}\n"
    found = diagnose(ingest(text.encode(), source="pasted text", gpu_table=matrix.tables["gpus"]), matrix)
    assert any(finding.cause == "abi-mismatch" for finding in found.findings)


def test_a_function_of_the_extension_itself_was_left_out_of_its_build() -> None:
    matrix = load_matrix()
    text = "ImportError: /home/me/vllm/vllm/_C.abi3.so: undefined symbol: _Z35cutlass_blockwise_scaled_grouped_mmRN2at6TensorE"
    facts = ingest(text, gpu_table=matrix.tables["gpus"])
    (one,) = (f for f in diagnose(facts, matrix).findings if f.id == "EC-undefined-symbol")
    assert (one.cause, one.packages) == ("wrong-build", ("vllm",))
