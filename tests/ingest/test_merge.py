from __future__ import annotations

from envdoctor.facts import (
    Distribution,
    Distributions,
    Facts,
    Flag,
    Host,
    LogLine,
    UnmetRequirement,
    Workload,
    known,
    unknown,
    value_of,
)
from envdoctor.ingest import merge
from envdoctor.text import same

LINE = LogLine(number=3, text="ValueError: x", source="server.log")


def installed(*pairs: tuple[str, str], complete: bool | None = None) -> Distributions:
    rows = tuple(Distribution(name=name, version=version, source="metadata") for name, version in pairs)
    return Distributions(
        installed=rows, complete=unknown(same("some")) if complete is None else known(complete, "site-packages")
    )


def test_what_was_probed_stays_and_the_log_fills_the_gaps() -> None:
    live = Facts(host=Host(kernel=known("6.8.0", "uname"), glibc=unknown(same("musl"))), log=(LINE,))
    extra = Facts(host=Host(kernel=known("5.4.0", "line 1"), glibc=known("2.31", "line 2")), log=(LINE, LINE))
    merged = merge(live, extra)
    assert merged.host.kernel == known("6.8.0", "uname")
    assert merged.host.glibc == known("2.31", "line 2")
    assert len(merged.log) == 3


def test_a_complete_list_is_not_extended_by_what_a_log_names() -> None:
    extra = Facts(distributions=installed(("vllm", "0.6.3")))
    whole = merge(Facts(distributions=installed(("torch", "2.4.0"), complete=True)), extra)
    part = merge(Facts(distributions=installed(("torch", "2.4.0"))), extra)
    assert [d.name for d in whole.distributions.installed] == ["torch"]
    assert [d.name for d in part.distributions.installed] == ["torch", "vllm"]


def test_the_workload_of_the_command_line_wins_and_complaints_are_joined() -> None:
    unmet = UnmetRequirement(distribution="vllm 0.6.3", requirement="torch==2.4.0", found="2.5.1")
    live = Facts(workload=Workload(engine=known("vllm", "--engine"), flags=(Flag(name="dtype", value="half"),)))
    extra = Facts(
        workload=Workload(
            engine=known("sglang", "line 1"), task=known("serve", "line 1"), flags=(Flag(name="tp", value="2"),)
        ),
        distributions=Distributions(unmet=(unmet,)),
    )
    merged = merge(live, extra)
    assert value_of(merged.workload.engine) == "vllm"
    assert value_of(merged.workload.task) == "serve"
    assert merged.workload.flags == (Flag(name="dtype", value="half"),)
    assert merged.distributions.unmet == (unmet,)


def test_merging_nothing_changes_nothing() -> None:
    facts = Facts(host=Host(kernel=known("6.8.0", "uname")), log=(LINE,))
    assert merge(facts, Facts()) == facts
