from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.errors import UsageError
from envdoctor.facts import Distribution, Distributions, Facts, Gpu, Target, known
from envdoctor.knowledge import Matrix, load_matrix
from envdoctor.resolve import ImpossibleError, find_stack, lock, lock_fix, stack_names
from envdoctor.resolve.request import parse_asked
from envdoctor.resolve.stacks import check_machine, merged, recognised
from tests.resolve.local_index import Index, Release
from tests.resolve.test_lock import MACHINE, NUMPY, NUMPY_ENTRY, TORCH, pins

STACKS = (
    "autoawq-quantize", "bitsandbytes", "exllamav2", "gptqmodel", "llm-compressor", "lmdeploy", "sglang", "torchao",
    "transformers-awq", "transformers-gptq", "vllm", "vllm-awq",
)  # fmt: skip


def test_every_stack_of_the_matrix_can_be_read_with_all_its_options() -> None:
    matrix = load_matrix()
    assert stack_names(matrix) == STACKS
    for name in STACKS:
        stack = find_stack(matrix, name)
        assert stack.requirements
        assert stack.imports
        assert stack.title.zh
        for option in stack.options:
            assert find_stack(matrix, f"{name}:{option}").requirements != stack.requirements


def test_unknown_stacks_and_options_are_refused_with_what_there_is() -> None:
    matrix = load_matrix()
    with pytest.raises(UsageError) as caught:
        find_stack(matrix, "vlm")
    assert "vllm-awq" in (caught.value.advice or "")
    with pytest.raises(UsageError, match="has no option"):
        find_stack(matrix, "transformers-gptq:nothing")


def test_the_users_words_replace_those_of_the_stack() -> None:
    stack = find_stack(load_matrix(), "bitsandbytes")
    asked = merged(stack, parse_asked(["torch==2.5.1", "trl"]))
    texts = [a.text for a in asked]
    assert "torch==2.5.1" in texts
    assert "torch" not in texts
    assert texts[-1] == "trl"


def test_a_gpu_below_what_the_stack_needs_is_refused() -> None:
    stack = find_stack(load_matrix(), "vllm-awq")
    old = Facts(gpus=known((Gpu(index=0, compute_capability=known("7.0", "t")),), "t"))
    with pytest.raises(ImpossibleError, match=r"needs compute capability 7\.5; this GPU has 7\.0"):
        check_machine(stack, old)
    check_machine(stack, Facts())


def test_a_request_that_names_a_stacks_packages_is_for_that_stack() -> None:
    matrix = load_matrix()
    asked = recognised(matrix, parse_asked(["transformers>=5", "autoawq"]), Facts())
    assert asked.quantization == known("awq", "stack")
    assert recognised(matrix, parse_asked(["transformers"]), Facts()) == Facts().workload


def _installed(**versions: str) -> Facts:
    dists = tuple(Distribution(name=n, version=v, source="t") for n, v in versions.items())
    return Facts(
        host=MACHINE.host,
        target=Target(python=known("3.11.7", "t")),
        distributions=Distributions(installed=dists, complete=known(True, "t")),
    )


def test_a_fix_moves_what_must_move_and_nothing_else(
    index: Callable[..., Index], matrix: Callable[..., Matrix]
) -> None:
    there = index(*TORCH, *NUMPY, Release("peft", "0.10.0", "2024-04-01"), Release("peft", "0.18.0", "2026-01-01"))
    sick = _installed(torch="2.2.2+cu121", numpy="2.0.0", peft="0.10.0")
    fix = lock_fix(sick, indexes=[there.url], matrix=matrix({"entries/numpy/ED-2026-9001.toml": NUMPY_ENTRY}))
    assert [str(c) for c in fix.changes] == ["~ numpy 2.0.0 -> 1.26.4"]
    assert "ED-2026-9001" in " ".join(fix.changes[0].reasons)
    assert fix.download_bytes
    assert pins(fix.lock) == {"torch": "2.2.2", "numpy": "1.26.4", "peft": "0.10.0"}


def test_what_was_built_on_the_target_stays_and_its_source_is_never_run(
    index: Callable[..., Index], matrix: Callable[..., Matrix]
) -> None:
    there = index(*TORCH, *NUMPY, Release("flash-attn", "2.6.3", "2024-07-25", ["torch"], source=True))
    sick = _installed(torch="2.2.2+cu121", numpy="2.0.0", **{"flash-attn": "2.6.3"})
    fix = lock_fix(sick, indexes=[there.url], matrix=matrix({"entries/numpy/ED-2026-9001.toml": NUMPY_ENTRY}))
    assert [str(c) for c in fix.changes] == ["~ numpy 2.0.0 -> 1.26.4"]
    assert fix.left == ("flash-attn",)
    assert "build it again" in fix.lock.header.notes[0]


def test_a_clean_target_needs_no_change(index: Callable[..., Index], matrix: Callable[..., Matrix]) -> None:
    there = index(*TORCH, *NUMPY)
    assert lock_fix(_installed(torch="2.2.2", numpy="1.26.4"), indexes=[there.url], matrix=matrix()).changes == ()


def test_a_fix_without_a_target_is_a_wrong_call(matrix: Callable[..., Matrix]) -> None:
    with pytest.raises(UsageError, match="needs a target"):
        lock_fix(Facts(), matrix=matrix())


def test_a_stack_is_locked_like_its_requirements(index: Callable[..., Index], matrix: Callable[..., Matrix]) -> None:
    table = 'title = { en = "t", zh = "t" }\nrequirements = ["torch"]\nimports = ["import torch"]\n[needs]\ncapability = "7.0"\n'
    there = index(*TORCH, *NUMPY)
    made = lock(
        ["torch==2.3.0"],
        stack="mine",
        facts=MACHINE,
        python="3.11",
        indexes=[there.url],
        matrix=matrix({"stacks/mine.toml": table}),
    )
    assert pins(made)["torch"] == "2.3.0"
    assert made.pins[-1].reasons[0] == "asked for: torch==2.3.0 (stack mine)"
