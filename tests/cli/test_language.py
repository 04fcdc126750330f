"""`--lang zh` reaches everything that is printed: help, wrong calls, reports, warnings; and every line fits 80 columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from envdoctor.render.plain import cells
from tests.chinese import HAN, english_in, is_chinese

Runner = Callable[..., Any]
ROOT = Path(__file__).parents[2]
PASTED = "PyTorch version: 2.2.1+cu121\n[pip3] numpy==2.1.0\n[pip3] torch==2.2.1+cu121\n"


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group, with the words that call it."""
    from envdoctor.cli.commands import application

    def below(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        yield path, command
        for name, child in getattr(command, "commands", {}).items():
            yield from below((*path, name), child)

    yield from below((), typer.main.get_command(application()))


COMMANDS = dict(commands())


@pytest.fixture
def zh(envdoctor: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    """`envdoctor` in a Chinese locale, 80 columns wide, with two pasted reports beside it."""
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "a.txt").write_text(PASTED)
    (tmp_path / "b.txt").write_text(PASTED.replace("2.1.0", "1.26.4"))
    return envdoctor


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_is_chinese_and_fits(zh: Runner, path: tuple[str, ...]):
    run = zh(*path, "--help")
    assert run.status == 0
    assert run.out.startswith("用法：envdoctor")
    assert is_chinese(run.out), english_in(run.out)
    assert max(map(cells, run.out.splitlines())) <= 80
    for word in ("Usage", "Options", "Commands", "Arguments", "default", "required", "Show this"):
        assert word not in run.out


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_has_both_languages(path: tuple[str, ...]):
    from envdoctor.cli.help import _about, param_help

    command = COMMANDS[path]
    assert is_chinese(_about(command).zh)
    assert "--lang" in {name for param in command.params for name in param.opts}, "every command takes --lang"
    for param in command.get_params(typer.Context(command)):
        text = param_help(command, param)
        assert text, param.name
        assert text.zh != text.en or not english_in(text.en), param.name
        assert not english_in(text.zh), param.name


def test_help_is_english_in_english(envdoctor: Runner):
    for path in COMMANDS:
        assert not HAN.search(envdoctor(*path, "--help").out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["diagnose", "--python", "/no/such/python"],
        ["diagnose", "--python", "/bin/ls"],
        ["diagnose", "--tp", "0"],
        ["diagnose", "--tp", "many"],
        ["diagnose", "--tp"],
        ["diagnose", "--engine", "steam"],
        ["diagnose", "--engine", "vlm"],
        ["diagnose", "--format", "pdf"],
        ["diagnose", "--smoke=3"],
        ["diagnose", "--from", "no-such-file.txt"],
        ["diagnose", "--from", "."],
        ["diagnose", "--from", "-", "--python", "python3"],
        ["diagnose", "--from", "-", "--output", "no/such/folder/report.json"],
        ["diagnose", "--model", "./no-such-folder"],
        ["diagnose", "--no-such-option"],
        ["diagnose", "--modle", "x"],
        ["diagnose", "extra"],
        ["no-such-command"],
        ["matrix", "--lang", "zh"],
        ["explain"],
        ["explain", "ED-1999-0001"],
        ["matrix", "lint", "--source", "nowhere"],
        ["matrix", "test", "ED-1999-0001", "--source", str(ROOT / "matrix")],
        ["matrix", "new", "Not A Family", "--source", str(ROOT / "matrix")],
        ["matrix", "derive", "--budget", "0"],
        ["matrix", "list", "--class", "no-such"],
        ["smoke", "--device", "tpu"],
        ["smoke", "--python", "/no/such/python"],
        ["smoke", "--rung", "torhc"],
        ["lock"],
        ["lock", "not a requirement"],
        ["lock", "torch=2.4"],
        ["lock", "requirements.txt"],
        ["lock", "--stack", "no-such-stack"],
        ["lock", "torch", "--gpu", "Voodoo 2"],
        ["lock", "torch", "--gpu", "4090"],
        ["lock", "torch", "--driver", "new"],
        ["lock", "torch", "--era", "soon"],
        ["lock", "torch", "--era", "2024-01-01", "--no-era"],
        ["lock", "torch", "--index-url", "nonsense"],
        ["lock", "torch", "--python-version", "three"],
        ["lock", "--fix", "--from", "empty.txt"],
        ["lock", "--fix", "--stack", "vllm-awq"],
        ["diff", "a.json", "b.json"],
        ["diff", ".", "."],
        ["ticket", "--output", "no/such/folder/t.zip", "--from", "a.txt"],
        ["ticket", "--output", "a.txt", "--from", "a.txt"],
        ["ticket", "--withhold", "no.such.field", "--from", "a.txt"],
        ["ticket", "--log", "no-such.log", "--from", "a.txt"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_refused_in_chinese(zh: Runner, tmp_path: Path, arguments: list[str]):
    (tmp_path / "empty.txt").write_text("nothing that anybody knows\n")
    run = zh(*arguments, stdin=b"")
    assert run.status in (2, 3), run
    lines = run.err.strip().splitlines()
    assert lines[0].startswith("envdoctor：")
    for line in lines:
        assert is_chinese(line), line


@pytest.mark.parametrize(
    "text",
    [
        "this is = not toml [",
        "[tool.envdoctor]\nunknown = 1",
        '[tool.envdoctor]\nfail-on = "rarely"',
        '[tool.envdoctor]\nlang = "fr"',
        '[tool.envdoctor]\ntp = "two"',
        '[[tool.envdoctor.ignore]]\nid = "EC-numpy-2"',
        '[[tool.envdoctor.ignore]]\nid = "EC-numpy-2"\nreason = "x"\nuntil = "soon"',
        '[[tool.envdoctor.ignore]]\nid = "EC-numpy-2"\nreason = "x"',
        "[tool]\nenvdoctor = 3",
    ],
)
def test_a_broken_configuration_is_refused_in_chinese(zh: Runner, tmp_path: Path, text: str):
    (tmp_path / "pyproject.toml").write_text(text)
    run = zh("diagnose", "--from", "a.txt")
    assert run.status == 2
    assert HAN.search(run.err.splitlines()[0])


def test_ignores_that_do_not_fit_are_told_in_chinese(zh: Runner, tmp_path: Path):
    rows = (("ED-1999-0001", "2099-01-01"), ("EC-numpy-2", "2001-01-01"), ("EC-cpu-torch", "2099-01-01"))
    (tmp_path / "envdoctor.toml").write_text(
        "".join(f'[[ignore]]\nid = "{name}"\nreason = "因为"\nuntil = "{day}"\n' for name, day in rows)
    )
    lines = zh("diagnose", "--from", "a.txt").err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("envdoctor：忽略项") and is_chinese(line) for line in lines)


@pytest.mark.parametrize("arguments", [[], ["--verbose"], ["--format", "markdown"]], ids=" ".join)
def test_a_report_is_chinese_and_fits(zh: Runner, arguments: list[str]):
    run = zh("diagnose", "--from", "a.txt", *arguments)
    assert run.status == 1
    assert is_chinese(run.out), english_in(run.out)
    if "markdown" not in arguments:
        assert max(map(cells, run.out.splitlines())) <= 80


def test_a_live_report_is_chinese(zh: Runner):
    report = json.loads(zh("diagnose", "--format", "json").out)
    assert report["lang"] == "zh"
    for item in report["unknown"]:
        assert is_chinese(item["reason"]), item
    texts = [b["source"] for f in report["findings"] for b in f["because"]]
    assert not [text for text in texts if english_in(text)]


def test_the_keys_of_a_report_are_the_same_in_both_languages(zh: Runner):
    def keys(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: keys(item) for key, item in value.items()}
        return [keys(item) for item in value] if isinstance(value, list) else None

    one, other = (
        json.loads(zh("diagnose", "--from", "a.txt", "--format", "json", "--lang", lang).out) for lang in ("en", "zh")
    )
    assert keys(one) == keys(other)
    assert [f["id"] for f in one["findings"]] == [f["id"] for f in other["findings"]]
    assert one["findings"][0]["cause"] == other["findings"][0]["cause"]
    assert not HAN.search(json.dumps(one, ensure_ascii=False))


def test_a_report_comes_back_in_either_language(zh: Runner, tmp_path: Path):
    for lang in ("en", "zh"):
        saved = tmp_path / f"{lang}.json"
        zh("diagnose", "--from", "a.txt", "--format", "json", "--lang", lang, "--output", str(saved))
        again = json.loads(zh("diagnose", "--from", str(saved), "--format", "json", "--lang", lang).out)
        assert again == json.loads(saved.read_text("utf-8"))
    assert zh("diff", str(tmp_path / "en.json"), str(tmp_path / "zh.json")).status == 0


def test_tickets_and_differences_are_chinese(zh: Runner):
    preview = zh("ticket", "--from", "a.txt", "--preview", "--withhold", "requirements.txt").out
    assert is_chinese(preview.split("=====")[0])
    made = zh("ticket", "--from", "a.txt")
    assert made.status == 0
    assert is_chinese(made.out + made.err)
    for form in ("terminal", "markdown"):
        run = zh("diff", "a.txt", "b.txt", "--format", form)
        assert run.status == 1
        assert is_chinese(run.out)


def test_the_smoke_ladder_is_chinese(zh: Runner):
    run = zh("smoke", "--rung", "driver", "--rung", "torch")
    assert HAN.search(run.out)
    assert not [
        line
        for line in run.out.splitlines()
        if english_in(line) and "cannot open" not in line and "or directory" not in line
    ]


def test_an_entry_is_told_in_chinese(zh: Runner):
    shown = zh("explain", "EC-numpy-2").out
    own = [line for line in shown.split("证据（")[0].splitlines() if not line.startswith("日志特征")]
    assert is_chinese("\n".join(own))
    assert zh("matrix", "show", "EC-numpy-2").out == shown
    assert max(map(cells, own)) <= 80
    assert is_chinese(zh("matrix", "list", "--package", "numpy").out)


def test_the_gate_speaks_chinese(zh: Runner, tmp_path: Path):
    folder = tmp_path / "matrix" / "entries" / "vllm"
    folder.mkdir(parents=True)
    (tmp_path / "matrix" / "tables").mkdir()
    new = zh("matrix", "new", "vllm")
    assert new.status == 0
    assert is_chinese(new.out + new.err)
    lint = zh("matrix", "lint")
    assert lint.status == 1
    assert all(is_chinese(line.partition("：")[0] + line) for line in lint.out.splitlines() if "google-re2" not in line)


def test_an_interrupt_and_a_bug_are_told_in_chinese(zh: Runner, monkeypatch: pytest.MonkeyPatch):
    from envdoctor.cli import session

    def broken(error: BaseException) -> Callable[..., Any]:
        def fail(*_: Any, **__: Any) -> Any:
            raise error

        return fail

    for error, status in ((KeyboardInterrupt(), 130), (RuntimeError("x"), 3)):
        monkeypatch.setattr(session, "run_diagnosis", broken(error))
        run = zh("diagnose", "--from", "a.txt")
        assert run.status == status
        assert all(is_chinese(line) for line in run.err.splitlines())


@pytest.mark.parametrize(
    ("arguments", "environment", "chinese"),
    [
        ([], {"LANG": "zh_CN.UTF-8"}, True),
        ([], {"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, False),
        ([], {"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, True),
        (["--lang", "en"], {"LANG": "zh_CN.UTF-8"}, False),
        (["--lang=zh"], {"LANG": "en_US.UTF-8"}, True),
        (["--lang", "fr"], {"LANG": "zh_CN.UTF-8"}, True),
    ],
)
def test_the_language_of_a_refusal(
    envdoctor: Runner, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str], chinese: bool
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for call in (["diagnose", "--tp", "0"], ["diagnose", "--nonsense"], ["--lang", "en", "no-such"]):
        run = envdoctor(*call, *arguments)
        if call[0] == "--lang" and not arguments:
            assert not HAN.search(run.err)
        else:
            assert bool(HAN.search(run.err)) is chinese, run.err


@pytest.mark.parametrize(("shell", "status"), [("bash", 0), ("csh", 2), (None, 2)])
def test_setting_up_completion(
    zh: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str | None, status: int
):
    from typer import _completion_shared

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(_completion_shared, "_get_shell_name", lambda: shell)
    run = zh("--install-completion")
    assert run.status == status
    assert is_chinese(run.out + run.err)
    assert (tmp_path / ".bashrc").exists() is (shell == "bash")


def test_the_language_may_stand_before_the_command(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "a.txt").write_text(PASTED)
    assert "依据" in envdoctor("--lang", "zh", "diagnose", "--from", "a.txt").out
    assert "because" in envdoctor("--lang", "zh", "diagnose", "--from", "a.txt", "--lang", "en").out
    (tmp_path / "envdoctor.toml").write_text('lang = "zh"\n')
    assert "依据" in envdoctor("diagnose", "--from", "a.txt").out
    assert "because" in envdoctor("--lang", "en", "diagnose", "--from", "a.txt").out


def test_the_configuration_speaks_for_every_command(envdoctor: Runner, tmp_path: Path):
    (tmp_path / "envdoctor.toml").write_text('lang = "zh"\n')
    for call in (["explain", "EC-numpy-2"], ["--help"], ["diff", "--help"], ["matrix", "list", "--package", "numpy"]):
        assert HAN.search(envdoctor(*call).out)
        assert not HAN.search(envdoctor(*call, *([] if "--help" in call else ["--lang", "en"]), "--lang", "en").out)
    for call in (["no-such"], ["lock"], ["smoke", "--device", "tpu"], ["explain"]):
        assert HAN.search(envdoctor(*call).err)
    (tmp_path / "envdoctor.toml").write_text("no toml at all [")
    assert envdoctor("explain", "EC-numpy-2").status == 0
    assert envdoctor("diagnose", "--from", "a.txt").status == 2
