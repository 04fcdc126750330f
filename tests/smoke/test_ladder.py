"""The ladder: what is tried, what is not, what a crash does to the rungs above it, and what the status says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from envdoctor.errors import UsageError
from envdoctor.facts.codec import decode, encode
from envdoctor.facts.smoke import Outcome, Rung, RungResult, SmokeReport
from envdoctor.smoke import Limits, Progress, ladder, run_ladder

OLD_PYTHONS = sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python"))


@pytest.fixture
def no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference takes a second or two; what it says is tested elsewhere."""
    text = "but the canary still sings."
    wanted = ladder.canary_files.load_expected().formats["gptq"]
    spoken = ladder.reference.Spoken(tokens=wanted.tokens, text=text, logits=(wanted.first_logits,))
    monkeypatch.setattr(ladder.reference, "speak", lambda method: spoken)


def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torch: str | None) -> Path:
    """The running interpreter with this torch on its path (None: none at all)."""
    place = tmp_path / "site"
    place.mkdir()
    if torch is not None:
        (place / "torch").mkdir()
        (place / "torch" / "__init__.py").write_text(torch)
    monkeypatch.setenv("PYTHONPATH", str(place))
    return Path(sys.executable)


def kinds(results: tuple[RungResult, ...]) -> list[tuple[str, str]]:
    return [(result.rung.value, result.outcome.value) for result in results]


def test_without_torch_only_the_reference_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_reference: None
) -> None:
    seen: list[Progress] = []
    report = run_ladder(python=target(tmp_path, monkeypatch, None), device="cpu", on_progress=seen.append)
    assert kinds(report.results) == [
        ("driver", "cannot-run"),
        ("torch", "cannot-run"),
        ("kernel", "cannot-run"),
        ("engine-kernel", "cannot-run"),
        ("checkpoint", "cannot-run"),
        ("checkpoint", "passed"),
    ]
    assert all(result.detail for result in report.results)
    assert report.only_reference
    assert report.exit_status == 3
    assert [p.result for p in seen if p.result is not None] == list(report.results)
    assert report.results[-1].said == "but the canary still sings."


@pytest.mark.parametrize(
    ("torch", "outcome"),
    [
        ("raise ImportError('libcudart.so.12: cannot open shared object file')", Outcome.IMPORT_ERROR),
        ("import ctypes; ctypes.string_at(0)", Outcome.SEGFAULT),
        ("import os; os.abort()", Outcome.ABORT),
        ("raise RuntimeError('operator torchvision::nms does not exist')", Outcome.ERROR),
    ],
)
def test_a_broken_torch_is_the_layer_that_fails_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torch: str, outcome: Outcome
) -> None:
    python = target(tmp_path, monkeypatch, torch)
    report = run_ladder(python=python, device="cpu", rungs=["torch", "kernel", "engine-kernel"])
    first = report.failures[0]
    assert (first.rung, first.name, first.outcome) == (Rung.TORCH, "import", outcome)
    assert all(r.outcome is Outcome.CANNOT_RUN for r in report.results if r.rung is not Rung.TORCH)
    assert report.exit_status == 1


TORCH = """
__version__ = "9.9"
class version: cuda = None
class cuda:
    is_available = staticmethod(lambda: {gpus} > 0)
    device_count = staticmethod(lambda: {gpus})
"""


def test_a_gpu_that_torch_does_not_have_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_reference: None
) -> None:
    python = target(tmp_path, monkeypatch, TORCH.format(gpus=1))
    upper = ["torch", "kernel", "engine-kernel", "checkpoint"]
    report = run_ladder(python=python, device="cuda:2", rungs=upper)
    assert not report.failures
    wanting = [r for r in report.results if r.name != "import" and not r.reference]
    assert [r.outcome for r in wanting] == [Outcome.CANNOT_RUN] * 4
    assert {r.detail for r in wanting} == {"there is no cuda:2: torch sees 1 GPU(s)"}


def test_a_gpu_that_only_the_driver_sees_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = target(tmp_path, monkeypatch, TORCH.format(gpus=0))
    passed = RungResult(rung=Rung.DRIVER, name="devices", outcome=Outcome.PASSED)
    monkeypatch.setattr(ladder._Climb, "_driver", lambda _: [passed])
    report = run_ladder(python=python, rungs=["driver", "torch"])
    first = report.failures[0]
    assert (first.rung, first.name) == (Rung.TORCH, "device")
    assert "torch 9.9 does not see it" in first.detail


def test_a_torch_that_hangs_costs_one_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = target(tmp_path, monkeypatch, "import time; time.sleep(60)")
    report = run_ladder(python=python, device="cpu", rungs=["torch", "kernel"], limits=Limits(deadline_s=1.5))
    assert kinds(report.results) == [("torch", "hang"), ("kernel", "cannot-run")]
    assert report.seconds < 10


def fake_programs(monkeypatch: pytest.MonkeyPatch, bodies: dict[str, str]) -> None:
    """Other texts for some programs, each one check named after its program."""
    from envdoctor.smoke import session
    from envdoctor.smoke.process import program_texts

    texts = program_texts()
    for name, body in bodies.items():
        texts[name] = f"import os\ndef run(rung):\n    with rung.check({name!r}, 'cpu') as check:\n        {body}\n"
    monkeypatch.setattr(session, "program_texts", lambda: texts)


def test_a_crash_leaves_the_rungs_above_their_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = {
        "torch_basics": "check.detail = [str(os.getpid())]",
        "int4_kernels": "os.abort()",
        "engine_kernels": "check.detail = [str(os.getpid())]",
    }
    fake_programs(monkeypatch, bodies)
    report = run_ladder(device="cpu", rungs=["torch", "kernel", "engine-kernel"])
    assert kinds(report.results) == [("torch", "passed"), ("kernel", "abort"), ("engine-kernel", "passed")]
    assert report.results[0].detail != report.results[2].detail
    assert report.exit_status == 1


def test_a_crash_that_an_earlier_rung_caused_is_not_held_against_a_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = {
        "torch_basics": "os.environ['HARM'] = '1'",
        "int4_kernels": "os.abort() if 'HARM' in os.environ else None",
    }
    fake_programs(monkeypatch, bodies)
    report = run_ladder(device="cpu", rungs=["torch", "kernel"])
    assert kinds(report.results) == [("torch", "passed"), ("kernel", "passed")]
    assert report.exit_status == 0


def test_progress_reads_as_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_programs(monkeypatch, {"engine_kernels": "check.detail = ['x']"})
    seen: list[str] = []
    run_ladder(device="cpu", rungs=["engine"], on_progress=lambda progress: seen.append(str(progress)))
    assert seen[0] == "engine-kernel: engine_kernels [cpu] ..."
    assert seen[1].startswith("engine-kernel: engine_kernels [cpu] passed, 0.0")


def test_a_canary_that_speaks_garbage_fails_and_no_reference_hides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_programs(
        monkeypatch, {"checkpoint": "check.said = '!!!!'; check.fail('failed-wrong-numbers', 'it said !!!!')"}
    )
    report = run_ladder(device="cpu", rungs=["checkpoint"])
    assert kinds(report.results) == [("checkpoint", "failed-wrong-numbers")]
    assert report.results[0].said == "!!!!"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"device": "gpu"}, "gpu"),
        ({"device": "cuda:-1"}, "cuda:-1"),
        ({"rungs": ["drivers"]}, "drivers"),
        ({"python": Path("/no/such/python")}, "/no/such/python"),
        ({"python": Path("/bin/ls")}, "does not answer"),
        ({"python": Path("/etc/passwd")}, "cannot be started"),
    ],
)
def test_wrong_calls_are_said_in_one_line(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        run_ladder(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not OLD_PYTHONS, reason="no Python 3.8 here")
def test_python_3_8_is_a_target_like_any_other(no_reference: None) -> None:
    report = run_ladder(python=OLD_PYTHONS[0], device="cpu")
    assert report.python_version.startswith("3.8.")
    assert report.exit_status == 3
    assert not report.failures


def test_a_report_survives_its_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_programs(monkeypatch, {"int4_kernels": "check.number('error', 0.5, 1.0, 'x'); check.unexpected = ['a.bias']"})
    report = run_ladder(device="cpu", rungs=["kernel"])
    assert decode(SmokeReport, encode(report)) == report
    assert report.results[0].numbers[0].value == 0.5


def test_nothing_of_envdoctor_or_torch_is_needed_in_the_target() -> None:
    """The programs import the standard library only, but for what they test, and parse as Python 3.8."""
    import ast

    allowed = set(sys.stdlib_module_names)
    for path in (Path(ladder.__file__).parent / "programs").glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, path.name
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] in allowed, path.name
