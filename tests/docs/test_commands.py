"""Every command that the documentation shows exists, and runs here unless the reason stands below."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import envdoctor  # noqa: F401 (a fixture)
from tests.docs.shown import PAGES, ROOT, Command, blocks, inline, resolve, shell_lines
from tests.probe.checkpoint.tiny import write_checkpoint

SHOWN = list(dict.fromkeys(shell_lines()))
BROKEN = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"

#: (pattern, why it is not run here); the first that fits counts
NOT_RUN = (
    (r"^envdoctor lock\b", "needs the package index; tests/resolve makes locks from a local one"),
    (r"^envdoctor smoke\b", "takes seconds; tests/smoke runs the ladder"),
    (r"^envdoctor (diagnose|ticket)\b.* --smoke\b", "takes seconds; tests/smoke runs the ladder"),
    (r"^envdoctor matrix derive\b", "needs the package index; tests/workshop/derive runs it against a local one"),
    (r"^envdoctor matrix test$", "every case of the matrix; tests/workshop/test_gate.py runs them"),
    (r"^envdoctor matrix lint$", "the whole matrix; tests/workshop/test_gate.py does that"),
    (r"^python3? -m (venv|pip) ", "installs from the package index"),
    (r"^python docs/build\.py$", "tests/docs/test_site.py builds the pages"),
    (r"^python -m benchmarks$", "needs the package index, some 8 GB and a quarter of an hour"),
    (r"^(python -m pytest|ruff |mypy$|lint-imports$)", "the checks themselves"),
)


def reason(line: str) -> str | None:
    return next((why for pattern, why in NOT_RUN if re.search(pattern, line)), None)


TYPED = [c for c in SHOWN if not (c.line.startswith("envdoctor ") and c.synopsis)]
RUN = [c for c in TYPED if reason(c.line) is None]


def test_there_is_something_to_run():
    assert len(RUN) >= 20
    assert len({c.page for c in RUN}) >= 6


@pytest.mark.parametrize("command", [c for c in (*SHOWN, *inline()) if c.line.startswith("envdoctor ")], ids=str)
def test_it_exists_with_every_option_that_is_shown(command: Command):
    words = re.sub(r"[\[\]|]", " ", command.line).split() if command.synopsis else command.words
    found, rest = resolve(words)
    known = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "--install-completion", "--show-completion"}
    options = [word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    assert [option for option in options if option not in known] == []


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in NOT_RUN])
def test_no_reason_stands_for_nothing(pattern: str):
    assert any(re.search(pattern, c.line) for c in TYPED), f"no page shows {pattern} any more"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the pages speak of."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "report.txt").write_text(BROKEN)
    (folder / "run.log").write_text("INFO loading\nRuntimeError: Numpy is not available\n")
    (folder / "planned.txt").write_text(next(blocks(ROOT / "docs" / "preparing-a-machine.md", "text")))
    write_checkpoint(folder / "Qwen2.5-7B-GPTQ")
    (folder / "tests" / "render").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "render" / "example-report.txt", folder / "tests" / "render")
    (folder / ".venv").symlink_to(sys.prefix)
    real = ROOT / "matrix"
    (folder / "matrix" / "entries").mkdir(parents=True)
    shutil.copytree(real / "entries" / "optimum", folder / "matrix" / "entries" / "optimum")
    for name in ("checks", "tables", "derived", "stacks", "groups.toml"):
        (folder / "matrix" / name).symlink_to(real / name)
    return folder


@pytest.fixture
def filled(workplace: Path, tmp_path: Path, envdoctor: Callable[..., Any]) -> Callable[..., Any]:  # noqa: F811
    """The command line in a copy of it, with reports and tickets of that machine."""
    shutil.copytree(workplace, tmp_path, dirs_exist_ok=True, symlinks=True)
    if not (workplace / "report.json").exists():  # made once, by the command line itself
        made = envdoctor("diagnose", "--from", "report.txt", "--format", "json").out
        assert envdoctor("ticket", "--from", "report.txt", "--output", "ticket.zip").status == 0
        for name in ("yesterday.json", "report.json"):
            (workplace / name).write_text(made)
        for name in ("ticket.zip", "ticket-of-yesterday.zip"):
            shutil.copyfile(tmp_path / "ticket.zip", workplace / name)
        shutil.copytree(
            workplace, tmp_path, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns(".venv", "matrix")
        )
    return envdoctor


@pytest.mark.parametrize("command", RUN, ids=str)
def test_it_runs(filled: Callable[..., Any], tmp_path: Path, command: Command):
    assert command.line.startswith("envdoctor "), f"{command.page}: no test knows how to run {command.line!r}"
    words, stdin = command.words[1:], ""
    if "<" in words:
        at = words.index("<")
        stdin = (tmp_path / words[at + 1]).read_text()
        words = words[:at]
    if "--output" in words and words[0] == "ticket":
        (tmp_path / words[words.index("--output") + 1]).unlink(missing_ok=True)
    done = filled(*words, stdin=stdin)
    assert "internal error" not in done.err
    assert done.status in (0, 1), done.err
    if "--output" in words:
        assert (tmp_path / words[words.index("--output") + 1]).stat().st_size > 0
    elif words[:2] != ["matrix", "new"]:
        assert done.out.strip()


def completion(*arguments: str, **environ: str) -> str:
    """The installed script in a process of its own: the completion is about its name."""
    script = Path(sys.executable).with_name("envdoctor")
    done = subprocess.run(
        [script, *arguments], check=False, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_show_completion_prints_a_script(shell: str):
    # the shell is found from the parent process; a test has none, so typer's own switch lets it be named
    made = completion("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_ENVDOCTOR_COMPLETE" in made


@pytest.mark.parametrize(
    ("line", "at", "offered"),
    [
        ("envdoctor ", "1", {"diagnose", "lock", "smoke", "ticket", "diff", "explain", "matrix"}),
        ("envdoctor diagnose --mo", "2", {"--model"}),
    ],
)
def test_completion_knows_commands_and_options(line: str, at: str, offered: set[str]):
    made = completion(_ENVDOCTOR_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=at)
    assert offered <= set(made.split())


def test_ids_in_the_pages_are_those_of_the_matrix():
    from envdoctor.knowledge import load_matrix

    known = set(load_matrix().ids())
    own = {"ED-2026-0001", "ED-2026-9001"}  # the format and the worked example
    for page in PAGES:
        named = set(re.findall(r"\bE[DC]-(?:\d{4}-\d{4}|[a-z0-9]+(?:-[a-z0-9]+)+)\b", page.read_text("utf-8")))
        assert sorted(named - known - own) == [], page.name
