"""(Facts, Matrix) -> Diagnosis. Pure: no I/O, no clock. Looks only at entries that name something that is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from envdoctor.diagnose.checks import CHECKS, CheckContext, Hit
from envdoctor.diagnose.checks.registry import log_reason
from envdoctor.diagnose.derived import DERIVED
from envdoctor.diagnose.evaluate import Evaluation, evaluate
from envdoctor.diagnose.finding import Coverage, Diagnosis, Finding, Missing, severity_of
from envdoctor.diagnose.observed import refuted
from envdoctor.diagnose.options import options_for
from envdoctor.diagnose.rank import explains, merged, ranked, without_guesses
from envdoctor.diagnose.signatures import SignatureHit, find_signatures
from envdoctor.diagnose.view import FactView
from envdoctor.facts import Facts, Known
from envdoctor.knowledge import Matrix
from envdoctor.knowledge.catalog import kind_of
from envdoctor.knowledge.entry import EntryCore
from envdoctor.knowledge.owners import distribution_of_engine, normalized, owners_of_path
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.versions import Scheme, compare


def diagnose(facts: Facts, matrix: Matrix) -> Diagnosis:
    """Match facts against the matrix. Findings come most likely cause first."""
    view = FactView(facts, DERIVED)
    hits = find_signatures(matrix, facts.log)
    findings: list[Finding] = []
    untriggered = 0
    for number in _candidates(view, matrix, hits):
        core = matrix.core(number)
        if core.check:
            continue
        finding, undecided = _judge(number, core, view, matrix, hits.get(number, ()))
        untriggered += undecided
        if finding is not None:
            findings.append(finding)
    findings.extend(_run_checks(view, matrix, hits, (name for name in CHECKS if name not in LAST_RESORT)))
    if not any(explains(finding) for finding in findings):
        findings.extend(_run_checks(view, matrix, hits, LAST_RESORT))
    supersedes = {f.id: matrix.core(n).supersedes for f in findings if (n := matrix.number(f.id)) is not None}
    return Diagnosis(
        findings=refuted(ranked(without_guesses(merged(findings, supersedes))), facts),
        coverage=_coverage(view, matrix),
        untriggered=untriggered,
    )


def with_further(diagnosis: Diagnosis, facts: Facts, further: Sequence[Matrix]) -> Diagnosis:
    """The diagnosis with the findings of further matrices (folders of the configuration) among its own, ranked together."""
    found = [finding for matrix in further for finding in diagnose(facts, matrix).findings]
    return replace(diagnosis, findings=ranked((*diagnosis.findings, *found))) if found else diagnosis


def _candidates(view: FactView, matrix: Matrix, hits: Mapping[int, object]) -> list[int]:
    numbers = set(matrix.always()) | set(hits)
    for name in view.packages:
        numbers.update(matrix.keyed(f"package:{name}"))
    for path in matrix.fact_keys():
        found = view.get(path)
        if isinstance(found, tuple) and any(isinstance(fact, Known) for fact in found):
            numbers.update(matrix.keyed(f"fact:{path}"))
    return sorted(numbers)


def _judge(
    number: int, core: EntryCore, view: FactView, matrix: Matrix, hits: tuple[SignatureHit, ...]
) -> tuple[Finding | None, int]:
    """The finding of one entry, and 1 where it could not be decided and nothing triggered it."""
    result = evaluate(core.when, view, core.checked) if core.when is not None else Evaluation(truth=True)
    if result.truth is False:
        return None, 0
    verdict = _verdict(core, result, hits)
    if verdict is None:
        return None, int(result.truth is None)
    explains = 2 if any(hit.signature.conclusive for hit in hits) else int(bool(hits))
    hit = Hit(
        verdict=verdict,
        because=result.because + tuple(log_reason(hit) for hit in hits[:3]),
        missing=result.missing if verdict == "possible" else (),
        values={_LINE: hits[0].line.text} | _groups(hits) if hits else {},
        explains=explains,
        weight=len(result.because) + 1,
    )
    return _finding(number, core, hit, view, matrix), 0


def _verdict(core: EntryCore, result: Evaluation, hits: tuple[SignatureHit, ...]) -> str | None:
    """match, possible, or None for silence; `result.truth` is not False."""
    if any(hit.signature.conclusive for hit in hits):
        return "match"
    known = result.truth is True and core.when is not None
    if hits:
        return "match" if known else "possible"
    if core.alone == "silent" or core.when is None:
        return None
    if known:
        return core.alone
    return "possible" if result.triggered else None


def _groups(hits: Iterable[SignatureHit]) -> dict[str, str]:
    values: dict[str, str] = {}
    for hit in hits:
        for name, value in hit.groups.items():
            values.setdefault(name, value)
    return values


def _run_checks(
    view: FactView, matrix: Matrix, hits: Mapping[int, tuple[SignatureHit, ...]], ids: Iterable[str]
) -> Iterable[Finding]:
    for check_id in ids:
        function = CHECKS[check_id]
        number = matrix.number(check_id)
        if number is None:
            continue  # a matrix from elsewhere may speak of fewer checks
        core = matrix.core(number)
        context = CheckContext(view=view, tables=matrix.tables, derived=matrix.derived, hits=hits.get(number, ()))
        for hit in function(context):
            yield _finding(number, core, hit, view, matrix)


def _finding(number: int, core: EntryCore, hit: Hit, view: FactView, matrix: Matrix) -> Finding:
    texts = matrix.texts(number)
    effect = hit.effect or core.effect
    return Finding(
        id=core.id,
        verdict=hit.verdict,
        severity=severity_of(effect, hit.verdict),
        effect=effect,
        title=texts.title.fill(hit.values),
        explanation=texts.explanation.fill(hit.values),
        cause=hit.cause or core.cause,
        packages=(_guilty(core, view, hit.values, matrix.tables) if hit.packages is None else hit.packages)[:3],
        because=tuple(dict.fromkeys(hit.because)),
        missing=tuple(Missing(fact=path, how=_how(path)) for path in hit.missing),
        options=options_for(texts.fixes, view, hit.values),
        evidence=texts.evidence,
        explains=hit.explains,
        score=float(hit.weight) - (2.0 if core.check else 0.0),
    )


#: checks that read large tables, and are asked only where nothing else explains the pasted error
LAST_RESORT = ("EC-shape-message",)
#: under this name the recognised line travels with the groups of its signature
_LINE = "_line"
#: a compiled module of Python, which names its distribution without a folder too
_EXTENSION = lazy(r"\w\.(?:cpython-\d+|abi3)[\w.-]*\.so\b")
#: classes in which some package is always involved: where an entry names none, the asking one or the engine is named
_ABOUT_A_PACKAGE = (
    "abi-mismatch", "dtype-unsupported", "glibc-too-old", "gpu-capability-too-low", "kernel-shape-constraint", "known-bug",
    "missing-shared-library", "missing-toolchain", "no-kernel-image", "platform-unsupported", "python-version-unsupported",
    "quant-format-unsupported", "version-conflict", "wrong-build",
)  # fmt: skip


def _guilty(core: EntryCore, view: FactView, values: Mapping[str, str], tables: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages of the cause; `{engine}` is the one that ran, `{group}` what a signature read from the log, and
    each drops out where it is not known."""
    engine = view.value("workload.engine")
    known = {name: normalized(value) for name, value in values.items()}
    if isinstance(engine, str):
        known["engine"] = distribution_of_engine(engine)
    given = [known.get(package[1:-1], "") if package.startswith("{") else package for package in core.packages]
    found = tuple(dict.fromkeys(package for package in given if package))
    if found or core.cause not in _ABOUT_A_PACKAGE:
        return found
    line = values.get(_LINE, "")
    of_file = owners_of_path(tables, line) if "-packages/" in line or _EXTENSION.search(line) else ()
    return of_file[:1] or ((known["engine"],) if "engine" in known else ())


def _how(path: str) -> Text:
    kind = kind_of(path)
    return Text(en=kind.how, zh=kind.how_zh) if kind else Text(en="", zh="")


def _coverage(view: FactView, matrix: Matrix) -> Coverage:
    known = {name: version for name, version in matrix.known_packages().items() if name in view.packages}
    newer = tuple(
        name
        for name, checked in known.items()
        if checked and compare(Scheme.PEP440, view.packages[name].version, checked) == 1
    )
    return Coverage(known=known, newer=newer, unknown_count=len(view.packages) - len(known))


def with_status(finding: Finding, status: str, note: str) -> Finding:
    """The same finding, ignored or refuted, and why."""
    return replace(finding, status=status, note=note)
