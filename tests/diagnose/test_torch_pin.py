"""vLLM beside another torch than its own: both ways out are named with versions."""

from __future__ import annotations

from envdoctor.diagnose import diagnose
from envdoctor.ingest import ingest
from envdoctor.knowledge import load_matrix
from envdoctor.knowledge.tables import newest_for, vllm_pin


def test_the_newest_release_for_a_torch():
    tables = load_matrix().tables
    newest = newest_for(tables, "vllm", "2.5.1+cu124")
    assert newest is not None
    pin = vllm_pin(tables, newest)
    assert pin is not None
    assert pin.torch == "==2.5.1"
    assert newest_for(tables, "vllm", "2.5.99") is None


def test_both_ways_out():
    matrix = load_matrix()
    facts = ingest("[pip3] torch==2.5.1\n[pip3] vllm==0.6.3\n", gpu_table=matrix.tables["gpus"])
    finding = next(found for found in diagnose(facts, matrix).findings if found.id == "EC-torch-pin")
    newest = newest_for(matrix.tables, "vllm", "2.5.1")
    assert [dict(option.pins) for option in finding.options[:2]] == [{"torch": "==2.4.0"}, {"vllm": f"=={newest}"}]


def test_torch_is_not_changed_for_what_is_added_to_it():
    matrix = load_matrix()
    facts = ingest("[pip3] torch==2.5.1\n[pip3] torchvision==0.19.0\n", gpu_table=matrix.tables["gpus"])
    finding = next(found for found in diagnose(facts, matrix).findings if found.id == "EC-torch-pin")
    assert dict(finding.options[0].pins) == {"torchvision": "==0.20.1"}
