"""report.html as text: one file, escaped, deterministic, with the broken link at the right place."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from envdoctor.render.chain import LINKS, chain_of
from envdoctor.render.html import render_html
from tests.ticket import sample

VOID = {"meta", "link", "input", "br", "img"}


class Outline(HTMLParser):
    """Elements with their attributes; complains about what does not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "report",
    [sample.report(), sample.report("zh"), sample.quiet(), sample.hostile(), {"schema_version": 1}],
    ids=["en", "zh", "quiet", "hostile", "empty"],
)
def test_is_well_formed_and_needs_nothing_else(report: dict[str, object]) -> None:
    text = render_html(report)
    outline = Outline(text)
    for tag, attrs in outline.elements:
        assert tag not in {"img", "iframe", "object", "embed", "base", "form"}
        assert "src" not in attrs
        assert "style" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        if tag == "link":
            assert attrs["href"] == "data:,"
        if tag == "a":
            assert str(attrs["href"]).startswith(("#", "https://", "http://"))
    ids = [attrs["id"] for _, attrs in outline.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert next(tag for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)) == "h1"


def test_policy_names_exactly_its_own_script_and_style() -> None:
    text = render_html(sample.report())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    for tag in ("script", "style"):
        inside = re.search(f"<{tag}>(.*?)</{tag}>", text, re.S)
        assert inside
        digest = base64.b64encode(hashlib.sha256(inside.group(1).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.group(1)
    assert "default-src 'none'" in policy.group(1)
    assert "unsafe" not in policy.group(1)


def test_same_report_same_page() -> None:
    assert render_html(sample.report(), other=sample.report("zh")) == render_html(
        sample.report(), other=sample.report("zh")
    )


def test_verdict_comes_first() -> None:
    text = render_html(sample.report())
    assert (
        text.index("One problem that stops")
        < text.index('id="chain"')
        < text.index('id="findings"')
        < text.index('id="smoke"')
        < text.index('id="facts"')
    )


def test_nothing_found_is_not_called_healthy() -> None:
    text = render_html(sample.quiet())
    assert "No known problem applies" in text
    assert "2 of 5 installed packages are known" in text


def test_broken_link_is_marked() -> None:
    links = {link.name: link for link in chain_of(sample.report())}
    assert tuple(links) == LINKS
    assert (links["torch"].state, links["torch"].finding) == ("broken", "ED-2026-0101")
    assert links["driver"].state == "suspect"
    assert links["engine"].state == "quiet"
    assert links["engine"].says == "vllm 0.6.3"


def test_link_without_facts_is_unknown_and_ignored_findings_break_nothing() -> None:
    assert {link.state for link in chain_of({"facts": {}, "findings": []})} == {"unknown"}
    report = sample.report()
    for finding in report["findings"]:
        finding["status"] = "ignored"
    assert not {link.state for link in chain_of(report)} & {"broken", "suspect"}


def test_reasons_sources_and_values_stand_in_both_languages() -> None:
    def report(lang: str, reason: str, source: str) -> dict[str, object]:
        made = sample.report(lang)
        made["unknown"] = [{"fact": "host.jetson", "reason": reason}]
        made["facts"] = {"host": {"os": {"value": "linux", "source": source}}}
        return made

    zh, en = report("zh", "不是 Jetson", "第 3 行"), report("en", "not a Jetson", "line 3")
    for text in (render_html(zh, other=en), render_html(en, other=zh)):
        for words in ("不是 Jetson", "第 3 行", "not a Jetson", "line 3"):
            assert words in text
        assert text.index("not a Jetson") < text.index("不是 Jetson")
    assert "line 3" not in render_html(zh)
