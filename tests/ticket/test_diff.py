"""What changed between two reports, most telling first."""

from __future__ import annotations

import json

from envdoctor.render.diff import diff_markdown, diff_text
from envdoctor.ticket import diff_reports
from tests.ticket import sample


def changed() -> tuple[dict, dict]:
    before, after = sample.quiet(), sample.report(smoke=False)
    rows = after["facts"]["distributions"]["installed"]
    rows[0]["version"] = "2.7.0"
    rows[1]["version"] = "10.3.2.106"
    del rows[2]
    rows[2]["version"] = "2.5.0+cu124"
    rows.append({"name": "rich", "version": "14.0", "source": "x"})
    after["facts"]["driver"]["version"]["value"] = "550.54.14"
    after["facts"]["environment"][0]["value"] = "/elsewhere"
    after["facts"]["environment"].append({"name": "VLLM_USE_V1", "value": "1", "source": "environment"})
    after["facts"]["host"]["cpu_count"] = {"value": 4, "source": "x"}
    del after["facts"]["host"]["glibc"]
    return before, after


def test_ranked_changes() -> None:
    difference = diff_reports(*changed())
    assert difference.findings_differ
    assert [(c.path, c.how) for c in difference.changes] == [
        ("ED-2026-0101", "appeared"),
        ("EC-driver-floor", "appeared"),
        ("driver.version", "newer"),
        ("package.torch", "newer"),
        ("package.flash-attn", "newer"),
        ("package.nvidia-curand-cu12", "older"),
        ("environment.HF_HOME", "changed"),
        ("environment.VLLM_USE_V1", "appeared"),
        ("package.private-sdk", "gone"),
        ("package.rich", "appeared"),
        ("host.glibc", "unknown"),
    ]


def test_the_other_way_round() -> None:
    before, after = changed()
    there, back = diff_reports(before, after), diff_reports(after, before)
    assert {c.path for c in there.changes} == {c.path for c in back.changes}
    assert [c.how for c in back.changes][:3] == ["gone", "gone", "older"]


def test_same_is_empty() -> None:
    difference = diff_reports(sample.report(), sample.report("zh"))
    assert not difference.findings_differ
    assert difference.changes == ()
    assert "findings are the same" in diff_text(difference.as_dict())
    assert "没有任何变化" in diff_text(difference.as_dict(), "zh")


def test_absence_in_an_incomplete_list_is_unknown() -> None:
    before, after = sample.quiet(), sample.quiet()
    after["facts"]["distributions"]["complete"] = {"unknown": "only some packages were listed"}
    del after["facts"]["distributions"]["installed"][4]
    assert [(c.path, c.how) for c in diff_reports(before, after).changes if c.path == "package.vllm"] == [
        ("package.vllm", "unknown")
    ]


def test_ignored_finding_does_not_differ() -> None:
    before, after = sample.quiet(), sample.report(smoke=False)
    for finding in after["findings"]:
        finding["status"] = "ignored"
    assert not diff_reports(before, after).findings_differ


def test_verdict_that_changed() -> None:
    before, after = sample.report(), sample.report()
    after["findings"][1]["verdict"] = "match"
    difference = diff_reports(before, after)
    assert [(c.path, c.how) for c in difference.changes] == [("EC-driver-floor", "changed")]


def test_renderings() -> None:
    shown = diff_reports(*changed()).as_dict()
    assert json.loads(json.dumps(shown)) == shown
    text = diff_text(shown)
    assert "535.183.01 -> 550.54.14" in text
    assert "(+1: one side does not say)" in text
    markdown = diff_markdown(shown, "zh")
    assert markdown.count("\n| ") == len(shown["changes"]) + 1
    assert "诊断结果不同" in markdown


def test_hostile_values_stay_in_their_cell() -> None:
    before, after = sample.quiet(), sample.quiet()
    after["facts"]["environment"][0]["value"] = "a|b\n<script>`\x1b[31m" + "x" * 5000
    shown = diff_reports(before, after).as_dict()
    assert diff_markdown(shown).count("\n| ") == 2
    assert "\x1b" not in diff_text(shown) + diff_markdown(shown)
    assert len(diff_text(shown)) < 2000


def test_findings_of_one_id_about_other_packages_are_others() -> None:
    one = {"id": "EC-unmet-requirement", "severity": "warning", "verdict": "match", "status": "active"}
    numpy = {
        **one,
        "title": "vllm needs numpy<2",
        "cause": {"class": "version-conflict", "packages": ["vllm", "numpy"]},
    }
    torch = {
        **one,
        "title": "peft needs torch>2",
        "cause": {"class": "version-conflict", "packages": ["peft", "torch"]},
    }
    report = sample.quiet()
    difference = diff_reports({**report, "findings": [numpy]}, {**report, "findings": [torch]})
    assert difference.findings_differ
    assert [(c.path, c.how) for c in difference.changes] == [
        ("EC-unmet-requirement (peft, torch)", "appeared"),
        ("EC-unmet-requirement (vllm, numpy)", "gone"),
    ]
    assert not diff_reports(
        {**report, "findings": [numpy, torch]}, {**report, "findings": [torch, numpy]}
    ).findings_differ
