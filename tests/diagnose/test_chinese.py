"""What the checks put into their texts is Chinese in Chinese: run over every case of the matrix."""

from __future__ import annotations

from pathlib import Path

from envdoctor.diagnose import Finding, diagnose
from envdoctor.knowledge import matrix_from
from envdoctor.knowledge.build import entry_files, read_toml
from envdoctor.text import in_zh
from envdoctor.workshop.cases import facts_of
from tests.chinese import HAN, english_in

SOURCE = Path(__file__).parents[2] / "matrix"


def texts(finding: Finding) -> list[str]:
    shown = [finding.title, finding.explanation, *(item.how for item in finding.missing)]
    for option in finding.options:
        shown += [option.text, option.cost]
    for reason in finding.because:
        shown += [reason.source, *([] if reason.fact == "log" else [reason.value])]
    return [in_zh(text) for text in shown]


def test_no_finding_of_any_case_is_half_english():
    matrix, seen, wrong = matrix_from(SOURCE), 0, []
    own = "\n".join(path.read_text("utf-8") for path in entry_files(SOURCE))
    for path in entry_files(SOURCE):
        for number, case in enumerate(read_toml(path).get("case", ())):
            given = str(case["facts"])  # a quoted line, or a reason that the case states
            for finding in diagnose(facts_of(case["facts"], place=path.stem), matrix).findings:
                seen += 1
                assert HAN.search(finding.title.zh), finding.id
                for text in texts(finding):
                    wrong += [
                        (path.stem, number, finding.id, run)
                        for run in english_in(text)
                        if run not in given and run not in own
                    ]
    assert seen > 800
    assert not wrong
