"""Named sets of requirements (`matrix/stacks/`): what a purpose asks for, what it needs of the machine, what proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from envdoctor.errors import UsageError
from envdoctor.facts import Facts, Workload, known, value_of
from envdoctor.knowledge import Matrix
from envdoctor.nearest import one_of
from envdoctor.resolve.errors import ImpossibleError
from envdoctor.resolve.request import Asked, parse_asked
from envdoctor.text import Text, same
from envdoctor.values import dataclass
from envdoctor.versions import Scheme, compare

SOURCE = "stack"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """One stack, with the chosen option already in it. `imports` are Python lines that must run in the proven environment."""

    name: str
    title: Text
    requirements: tuple[Asked, ...]
    imports: tuple[str, ...] = ()
    workload: Mapping[str, str] = field(default_factory=dict)
    capability: str | None = None
    compiler: bool = False
    options: Mapping[str, Text] = field(default_factory=dict)


def stack_names(matrix: Matrix) -> tuple[str, ...]:
    """Every stack of the matrix, in alphabetical order."""
    return tuple(sorted(matrix.stacks))


def find_stack(matrix: Matrix, name: str) -> Stack:
    """`vllm`, or `transformers-gptq:auto-gptq` for an option of it. Raises UsageError with what there is."""
    base, _, option = name.partition(":")
    base = base.lower()
    if base not in matrix.stacks:
        one_of("--stack", base, stack_names(matrix))
    data: Mapping[str, Any] = matrix.stacks[base]
    options: Mapping[str, Any] = data.get("options", {})
    if option and option not in options:
        there = sorted(options)
        raise UsageError(
            Text(en=f"--stack {name}: {base} has no option {option}", zh=f"--stack {name}：{base} 没有选项 {option}"),
            advice=Text(en=f"its options: {', '.join(there) or 'none'}", zh=f"可用的选项：{'、'.join(there) or '无'}"),
        )
    chosen = {**data, **options[option]} if option else data
    return Stack(
        name=name,
        title=Text(en=chosen["title"]["en"], zh=chosen["title"]["zh"]),
        requirements=parse_asked(chosen["requirements"]),
        imports=tuple(chosen.get("imports", ())),
        workload=dict(chosen.get("workload", {})),
        capability=chosen.get("needs", {}).get("capability"),
        compiler=bool(chosen.get("needs", {}).get("compiler", False)),
        options={key: Text(en=o["title"]["en"], zh=o["title"]["zh"]) for key, o in options.items()},
    )


def merged(stack: Stack, extra: Sequence[Asked]) -> tuple[Asked, ...]:
    """The stack's requirements, those of the same name replaced by the user's own words, then the user's others."""
    own = {a.name: a for a in extra}
    taken = tuple(own.pop(a.name, a) for a in stack.requirements)
    return (*taken, *(a for a in extra if a.name in own))


def workload_of(stack: Stack, facts: Facts) -> Workload:
    """What the stack is for, where the facts do not say otherwise."""
    known_fields = {
        name: known(value, SOURCE)
        for name, value in stack.workload.items()
        if value_of(getattr(facts.workload, name)) is None
    }
    return replace(facts.workload, **known_fields)  # type: ignore[arg-type]


def recognised(matrix: Matrix, asked: Sequence[Asked], facts: Facts) -> Workload:
    """What a plain request is for, where it names the packages by which a stack is known (`recognised_by`)."""
    names = {a.name for a in asked}
    for name in stack_names(matrix):
        if any(names.issuperset(known_by) for known_by in matrix.stacks[name].get("recognised_by", ())):
            return workload_of(find_stack(matrix, name), facts)
    return facts.workload


def check_machine(stack: Stack, facts: Facts) -> None:
    """Raises ImpossibleError where a known GPU cannot run what the stack is for."""
    if stack.capability is None:
        return
    for gpu in value_of(facts.gpus) or ():
        capability = value_of(gpu.compute_capability)
        if capability is not None and (compare(Scheme.CAPABILITY, capability, stack.capability) or 0) < 0:
            raise ImpossibleError(
                conflict=Text(
                    en=f"the stack {stack.name} needs compute capability {stack.capability}; this GPU has {capability}",
                    zh=f"技术栈 {stack.name} 需要计算能力 {stack.capability}，而这块显卡为 {capability}",
                ),
                authority=same(f"matrix/stacks/{stack.name.partition(':')[0]}.toml"),
                change=Text(en="use a newer GPU, or another stack", zh="请使用更新的显卡，或换一个技术栈"),
            )
