"""What the smoke ladder showed, as findings: each failed check with what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check
from envdoctor.diagnose.finding import Because
from envdoctor.facts import Known
from envdoctor.facts.smoke import Outcome, Rung, RungResult
from envdoctor.text import Text

_CLASS: Mapping[Outcome, str] = {
    Outcome.IMPORT_ERROR: "abi-mismatch",
    Outcome.SEGFAULT: "abi-mismatch",
    Outcome.ABORT: "abi-mismatch",
    Outcome.ILLEGAL_INSTRUCTION: "platform-unsupported",
    Outcome.OUT_OF_MEMORY: "out-of-memory",
    Outcome.NAN: "numeric-overflow",
    Outcome.HANG: "hardware-fault",
    Outcome.WRONG_NUMBERS: "known-bug",
    Outcome.UNEXPECTED: "known-bug",
    Outcome.ERROR: "known-bug",
    Outcome.KILLED: "out-of-memory",
}
_CORRUPTS = (Outcome.NAN, Outcome.WRONG_NUMBERS, Outcome.UNEXPECTED)


@check("EC-smoke-failed")
def smoke_failed(context: CheckContext) -> Iterable[Hit]:
    """The lowest rung that failed: that is the layer to look at; those above it follow from it."""
    smoke = context.view.facts.smoke
    if not isinstance(smoke, Known) or not smoke.value.failures:
        return
    first = smoke.value.failures[0]
    unexpected = any("bias" in name for name in first.unexpected)
    yield Hit(
        because=_reasons(smoke.value.failures),
        values={
            "rung": first.rung.value,
            "name": first.name,
            "outcome": first.outcome.value,
            "detail": first.detail or first.stderr_tail[-200:] or Text(en="no message", zh="没有输出"),
        },
        packages=_packages(context, first, unexpected=unexpected),
        cause="known-bug" if unexpected else _CLASS.get(first.outcome, "known-bug"),
        effect="corrupts" if first.outcome in _CORRUPTS else "blocks",
        weight=6,
    )


def _reasons(failures: Iterable[RungResult]) -> tuple[Because, ...]:
    return tuple(
        Because(
            fact=f"smoke.{result.rung.value}",
            value=Text(
                en=f"{result.name}: {result.outcome.value}: {result.detail[:200]}",
                zh=f"{result.name}：{result.outcome.value}：{result.detail.zh[:200]}",
            ),
            source=Text(en=f"run on {result.device or 'the machine'}", zh=f"在 {result.device or '本机'} 上运行"),
        )
        for result in list(failures)[:4]
    )


def _packages(context: CheckContext, result: RungResult, *, unexpected: bool) -> tuple[str, ...]:
    if unexpected and "optimum" in context.view.packages:
        return ("optimum", "auto-gptq")
    if result.rung in (Rung.TORCH, Rung.KERNEL):
        return ("torch",)
    name = result.name.split(",")[0].replace("_", "-")
    return (name,) if name in context.view.packages else ()
