"""The report as one page that needs nothing else: opens offline, prints, speaks English and Chinese, runs no foreign script.

Everything of the report is escaped and isolated; the policy in the page lets exactly its own style and script through.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from envdoctor.patterns import lazy
from envdoctor.render.chain import chain_of
from envdoctor.render.terminal import flat_facts
from envdoctor.render.words import WORDS, text
from envdoctor.text import Text

_LONGEST = 4000
_LONGEST_SENTENCE = 1200  # explanations are far shorter
_CONTROL = lazy("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_LEVELS = ("error", "warning", "info")
_VERDICTS = ("match", "possible", "ignored", "refuted")
_WEB = lazy(r"https?://[A-Za-z0-9.\-]{1,253}(?:[:/?#][^\s<>\"']{0,2000})?$")


def render_html(report: Mapping[str, Any], *, other: Mapping[str, Any] | None = None) -> str:
    """The page. `report` is the dict of `--format json`; `other` the same report in the other language, if there is one.

    A pure function: the same dicts give the same text. Fields that are missing are left out of the page.
    """
    page = _Page(report, other)
    style, script = _asset("report.css"), _asset("report.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    zh = page.lang == "zh"
    return f"""<!DOCTYPE html>
<html lang="{"zh-Hans" if zh else "en"}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>envdoctor: {page.bare("title")}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#findings">{page.say("skip")}</a>
<header>
<span><strong>envdoctor</strong> <span class="soft">{page.say("title")}</span></span>
<fieldset class="lang"><legend>Language / 语言</legend>
<label><input type="radio" name="lang" id="lang-en" value="en"{"" if zh else " checked"}> English</label>
<label lang="zh-Hans"><input type="radio" name="lang" id="lang-zh" value="zh"{" checked" if zh else ""}> 中文</label>
</fieldset>
</header>
<main>
{page.verdict()}
{page.chain()}
{page.findings()}
{page.smoke()}
{page.facts()}
</main>
<footer>{page.footer()}</footer>
<div id="said" role="status" aria-live="polite"></div>
<script>{script}</script>
</body>
</html>
"""


@cache
def _asset(name: str) -> str:
    return (files("envdoctor.render") / "assets" / name).read_text(encoding="utf-8").strip()


def _word(key: str, **values: object) -> Text:
    """A word of the page; where it has none of its own, the one that all renderings share."""
    own = f"html.{key}"
    return text(own if own in WORDS else key, **values)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _plain(value: Any) -> str:
    """A value as inert text: no control or direction characters, not endless, escaped."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " …"
    return html.escape(text, quote=True)


def _value(value: Any) -> str:
    """A value that may be written in any direction, kept from turning around what stands beside it."""
    return f"<bdi>{_plain(value)}</bdi>"


def _link(url: Any) -> str:
    text = str(url or "")
    if not _WEB.match(text):
        return _value(text)
    return f'<a href="{_plain(text)}" rel="noopener noreferrer">{_plain(text)}</a>'


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, (list, tuple)) else []


def _pairs(
    rows: list[Mapping[str, Any]], twins: list[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each row with the same row in the other language, if it is there."""
    return [(row, twins[i] if i < len(twins) else {}) for i, row in enumerate(rows)]


class _Page:
    """The sections of one page."""

    def __init__(self, report: Mapping[str, Any], other: Mapping[str, Any] | None) -> None:
        self._report = report
        self.lang = "zh" if report.get("lang") == "zh" else "en"
        self._findings = _rows(report.get("findings"))
        twins = {str(f.get("id")): f for f in _rows((other or {}).get("findings"))}
        self._twins = twins if other is not None else {}
        self._other = other or {}

    def bare(self, key: str, **values: object) -> str:
        """A word in the language of the report, without markup."""
        return _plain(_word(key, **values).get(self.lang))

    def say(self, key: str, **values: object) -> str:
        """A word in both languages; the page shows one."""
        shown = _word(key, **values)
        return _plain(shown.en) if shown.en == shown.zh else self._both(shown.en, shown.zh)

    @staticmethod
    def _both(en: str, zh: str) -> str:
        return f'<span class="en" lang="en">{_plain(en)}</span><span class="zh" lang="zh-Hans">{_plain(zh)}</span>'

    def _text(self, mine: Any, twin: Any) -> str:
        """A text of the report, with its twin in the other language where there is one."""
        if not twin or twin == mine:
            return _value(str(mine or "")[:_LONGEST_SENTENCE])
        shown = self._twinned(mine, twin)
        return self._both(shown.en, shown.zh)

    def _twinned(self, mine: Any, twin: Any) -> Text:
        en, zh = (twin or mine, mine) if self.lang == "zh" else (mine, twin or mine)
        return Text(en=str(en), zh=str(zh))

    def _active(self) -> list[Mapping[str, Any]]:
        return [f for f in self._findings if f.get("status", "active") == "active"]

    def verdict(self) -> str:
        active = self._active()
        level = next((level for level in _LEVELS if any(f.get("severity") == level for f in active)), "none")
        count = sum(1 for f in active if f.get("severity") == level)
        heading = (
            self.say(f"verdict-{level}{'-one' if count == 1 else ''}", n=count)
            if level != "none"
            else self.say("verdict-none")
        )
        out = [f'<section class="verdict {level}" aria-labelledby="verdict"><h1 id="verdict">{heading}</h1>']
        if active and level != "none":
            first = next(f for f in active if f.get("severity") == level)
            twin = self._twins.get(str(first.get("id")), {})
            link = f'<a href="#f-{self._findings.index(first)}">{self._text(first.get("title"), twin.get("title"))}</a>'
            out.append(f"<p>{self.say('first')}{link}</p>")
        else:
            coverage = self._report.get("coverage") or {}
            known = len(coverage.get("known") or ())
            out.append(
                f"<p>{self.say('verdict-none-more', known=known, all=known + int(coverage.get('not_covered') or 0))}</p>"
            )
        return "\n".join([*out, "</section>"])

    def chain(self) -> str:
        items = []
        ids = {str(f.get("id")): i for i, f in reversed(list(enumerate(self._findings)))}
        for link in chain_of(self._report):
            state = self.say(link.state)
            if link.finding is not None and link.finding in ids:
                state = f'<a href="#f-{ids[link.finding]}">{state}</a>'
            mark = {"broken": "✗ ", "suspect": "? "}.get(link.state, "")
            says = _value(link.says[:120]) if link.says else "—"
            items.append(
                f'<li class="{link.state}"><span class="node"><strong>{self.say(link.name)}</strong>'
                f'<span>{says}</span><span class="state">{mark}{state}</span></span></li>'
            )
        return (
            f'<section aria-labelledby="chain"><h2 id="chain">{self.say("chain")}</h2>'
            f'<p class="soft">{self.say("chain-says")}</p>'
            f'<ol class="chain">{"".join(items)}</ol></section>'
        )

    def findings(self) -> str:
        body = (
            "\n".join(self._finding(i, f) for i, f in enumerate(self._findings)) or f"<p>{self.say('verdict-none')}</p>"
        )
        return f'<section aria-labelledby="findings"><h2 id="findings">{self.say("findings")}</h2>\n{body}\n</section>'

    def _finding(self, index: int, finding: Mapping[str, Any]) -> str:
        twin = self._twins.get(str(finding.get("id")), {})
        severity = str(finding.get("severity")) if finding.get("severity") in _LEVELS else "info"
        status = str(finding.get("status", "active"))
        verdict = str(finding.get("verdict", "possible")) if status not in ("ignored", "refuted") else status
        tags = f'<span class="tag severity">{self.say(severity)}</span>'
        tags += f'<span class="tag">{self.say(verdict) if verdict in _VERDICTS else _plain(verdict)}</span>'
        cause = finding.get("cause") or {}
        out = [
            f'<article class="finding {severity}" id="f-{index}" aria-labelledby="t-{index}">',
            f'<h3 id="t-{index}">{self._text(finding.get("title"), twin.get("title"))}</h3>',
            (
                f"<p>{tags}<code>{_plain(str(finding.get('id', '')))}</code> "
                f'<span class="soft">{self._class(str(cause.get("class", "")))}</span></p>'
            ),
        ]
        if finding.get("note"):
            out.append(f"<p>{_value(str(finding['note']))}</p>")
        out.append(f"<p>{self._text(finding.get('explanation'), twin.get('explanation'))}</p>")
        out += self._grounds(finding, twin)
        out += self._fix(finding, twin)
        out += self._evidence(finding)
        return "\n".join([*out, "</article>"])

    def _grounds(self, finding: Mapping[str, Any], twin: Mapping[str, Any]) -> list[str]:
        out = []
        because, twins = _rows(finding.get("because")), _rows(twin.get("because"))
        if because:
            rows = "".join(
                f"<dt><code>{_value(str(b.get('fact', '')))}</code></dt>"
                f"<dd><code>{self._text(b.get('value', ''), other.get('value'))}</code> "
                f'<span class="soft">{self._text(b.get("source", ""), other.get("source"))}</span></dd>'
                for b, other in _pairs(because, twins)
            )
            out += [f"<h4>{self.say('because')}</h4><dl>{rows}</dl>"]
        missing, twins = _rows(finding.get("missing")), _rows(twin.get("missing"))
        if missing:
            rows = "".join(
                f"<dt><code>{_value(str(m.get('fact', '')))}</code></dt>"
                f"<dd>{self._text(m.get('how'), other.get('how'))}</dd>"
                for m, other in _pairs(missing, twins)
            )
            out += [f"<h4>{self.say('missing')}</h4><dl>{rows}</dl>"]
        return out

    def _fix(self, finding: Mapping[str, Any], twin: Mapping[str, Any]) -> list[str]:
        options = _rows((finding.get("fix") or {}).get("options"))
        twins = _rows((twin.get("fix") or {}).get("options"))
        out = []
        for i, (option, other) in enumerate(_pairs(options, twins)):
            out.append(
                f"<h4>{self.say('fix' if i == 0 else 'or')}</h4><p>{self._text(option.get('text'), other.get('text'))}"
            )
            out.append(
                f'<span class="soft">{self.say("priced", cost=self._twinned(option["cost"], other.get("cost")))}</span></p>'
                if option.get("cost")
                else "</p>"
            )
            seen: list[str] = []
            for command in (option.get("commands") or {}).values():
                if str(command) not in seen:
                    seen.append(str(command))
            out += [self._command(command) for command in seen]
            env = option.get("env") or {}
            if env:
                out += [
                    f"<p>{self.say('set')}</p>",
                    *(self._command(f"export {name}={value}") for name, value in env.items()),
                ]
            if option.get("flags"):
                out += [f"<p>{self.say('flags')}</p>", self._command(" ".join(str(flag) for flag in option["flags"]))]
        return out

    def _command(self, command: str) -> str:
        return (
            f'<div class="command"><pre><code>{_plain(command)}</code></pre>'
            f'<button type="button" data-copy>{self.say("copy")}</button></div>'
        )

    def _evidence(self, finding: Mapping[str, Any]) -> list[str]:
        rows = _rows(finding.get("evidence"))
        if not rows:
            return []
        items = "".join(
            f"<li>{_value(str(e.get('says') or ''))} {_link(e.get('url')) if e.get('url') else ''} "
            f'<span class="soft">{_plain(str(e.get("date") or ""))}</span></li>'
            for e in rows
        )
        return [f"<details><summary>{self.say('evidence')} ({len(rows)})</summary><ul>{items}</ul></details>"]

    def smoke(self) -> str:
        results, twins = (
            _rows(smoke.get("results")) if isinstance(smoke := report.get("smoke"), Mapping) else []
            for report in (self._report, self._other)
        )
        if not results:
            return ""
        rows = "".join(self._rung(result, twin) for result, twin in _pairs(results, twins))
        head = "".join(
            f'<th scope="col">{self.say(key)}</th>'
            for key in ("rung", "check", "outcome", "seconds", "numbers", "detail")
        )
        return (
            f'<section aria-labelledby="smoke"><h2 id="smoke">{self.say("smoke")}</h2>'
            f'<p class="soft">{self.say("smoke-says")}</p>'
            f'<div class="scroll" tabindex="0" role="region" aria-labelledby="smoke"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div></section>"
        )

    def _rung(self, result: Mapping[str, Any], twin: Mapping[str, Any]) -> str:
        outcome, rung = str(result.get("outcome", "")), str(result.get("rung", ""))
        look = {"passed": "passed", "cannot-run": "soft"}.get(outcome, "failed")
        sign = {"passed": "✓ ", "soft": "– ", "failed": "✗ "}[look]
        numbers = "; ".join(
            f"{n.get('name')} = {_number(n.get('value'))}{' ' + str(n['unit']) if n.get('unit') else ''}"
            + (f" ({_number(n['limit'])})" if n.get("limit") is not None else "")
            for n in _rows(result.get("numbers"))
        )
        name = _value(str(result.get("name", ""))) + (f" ({self.say('reference')})" if result.get("reference") else "")
        detail = self._text(result.get("detail") or "", twin.get("detail"))
        detail += f" {_value(str(result['said']))}" if result.get("said") else ""
        return (
            f'<tr><th scope="row">{self._known(rung)}</th>'
            f"<td>{name} {_value(str(result.get('device', '')))}</td>"
            f'<td class="{look}">{sign}{self._known(outcome)}</td><td>{_number(result.get("seconds", 0.0))}</td>'
            f"<td>{_value(numbers)}</td><td>{detail}</td></tr>"
        )

    def _class(self, name: str) -> str:
        return self.say(f"class.{name}") if f"class.{name}" in WORDS else _plain(name)

    def _known(self, name: str) -> str:
        """A rung or an outcome in words."""
        return self.say(f"smoke.{name}") if f"smoke.{name}" in WORDS else _value(name)

    def facts(self) -> str:
        rows: dict[str, list[str]] = {}
        twins = {path: (value, source) for path, value, source in flat_facts(self._other.get("facts") or {})}
        for path, value, source in flat_facts(self._report.get("facts") or {}):
            other, place = twins.get(path, (None, None))
            cells = f'<td>{self._text(value, other)}</td><td class="soft">{self._text(source, place)}</td>'
            section = path.split(".")[0].split("[")[0]
            rows.setdefault(section, []).append(f"<tr>{_named(path)}{cells}</tr>")
        head = self._head("fact", "value", "source")
        parts = [
            self._folded(f"<code>{_plain(section)}</code> ({len(lines)})", head, lines)
            for section, lines in rows.items()
        ]
        reasons = {str(item.get("fact")): item.get("reason") for item in _rows(self._other.get("unknown"))}
        unknown = [
            f"<tr>{_named(fact)}<td>{self._text(item.get('reason'), reasons.get(fact))}</td></tr>"
            for item in _rows(self._report.get("unknown"))
            if (fact := str(item.get("fact", "")))
        ]
        if unknown:
            parts.append(
                self._folded(f"{self.say('unknowns')} ({len(unknown)})", self._head("fact", "reason"), unknown)
            )
        return f'<section aria-labelledby="facts"><h2 id="facts">{self.say("facts")}</h2>{"".join(parts)}</section>'

    def _head(self, *keys: str) -> str:
        return "<tr>" + "".join(f'<th scope="col">{self.say(key)}</th>' for key in keys) + "</tr>"

    @staticmethod
    def _folded(title: str, head: str, rows: Iterable[str]) -> str:
        table = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
        return f'<details><summary>{title}</summary><div class="scroll">{table}</div></details>'

    def footer(self) -> str:
        tool, matrix = self._report.get("tool") or {}, self._report.get("matrix") or {}
        return self.say(
            "made", version=tool.get("version", "?"), date=matrix.get("date", "?"), n=matrix.get("entries", "?")
        )


def _named(path: str) -> str:
    return f'<th scope="row"><code>{_value(path)}</code></th>'


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return _plain("—" if value is None else str(value))
