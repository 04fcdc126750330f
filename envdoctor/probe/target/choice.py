"""Which Python environment is meant: named by the user, active, in the working directory, or the running one."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Mapping

from envdoctor.errors import UsageError
from envdoctor.nearest import did_you_mean
from envdoctor.patterns import lazy
from envdoctor.probe.ports import View, find_program, text_of
from envdoctor.text import SPACE, Text, joined
from envdoctor.values import dataclass

_ADVICE = Text(
    en="Give the interpreter of the environment, or its folder: --python .venv or --python .venv/bin/python",
    zh="请给出该环境的解释器或目录：--python .venv 或 --python .venv/bin/python",
)
_LEVELS = 5  # site-packages lies three below its environment
_NAMES = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
_A_PYTHON = lazy(r"python|pypy|graalpy", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The interpreter to ask, and the environment's folder.

    `folder` is the venv or conda prefix where there is one. `missing` says why the interpreter cannot be run, in an
    environment that is there all the same; None where it can.
    """

    executable: str
    source: str
    folder: str | None = None
    config: Mapping[str, str] | None = None  #: pyvenv.cfg, keys in lower case; None where there is none
    conda: bool = False
    missing: Text | None = None


def choose(view: View, python: str | None, environ: Mapping[str, str], cwd: str) -> Choice:
    """The target. `python` is what the user gave, None where nothing.

    Raises UsageError where what was given is neither an interpreter nor an environment.
    """
    if python is not None:
        return _given(view, python, environ, cwd)
    conda = environ.get("CONDA_PREFIX", "")
    base = environ.get("CONDA_DEFAULT_ENV") in ("base", "root")
    folders = [(environ.get("VIRTUAL_ENV", ""), "VIRTUAL_ENV"), (f"{cwd}/.venv", "./.venv")]
    # A conda base environment is active in every shell of its user: it says less than the .venv of this project.
    folders.insert(2 if base else 1, (conda, "CONDA_PREFIX"))
    for folder, source in folders:
        if folder and (found := _environment(view, folder, source)):
            return found
    return _interpreter(
        view, sys.executable or "python3", Text(en="the Python that runs envdoctor", zh="运行 envdoctor 的 Python")
    )


def _given(view: View, python: str, environ: Mapping[str, str], cwd: str) -> Choice:
    path = posixpath.normpath(posixpath.join(cwd, python))
    kind = view.kind(path)
    if kind is None and "/" not in python and (found := find_program(view, python, environ.get("PATH", ""))):
        path, kind = found, "file"
    if kind == "folder":
        found_in = _environment(view, path, "--python")
        if found_in is None:
            raise UsageError(
                Text(
                    en=f"--python {python}: this folder holds no Python environment",
                    zh=f"--python {python}：该目录中没有 Python 环境",
                ),
                advice=_meant(view, path, python, environ),
            )
        return found_in
    folder = posixpath.dirname(posixpath.dirname(path))
    if kind is None:
        gone = _environment(view, folder, "--python") if view.is_link(path) else None
        if gone is None or gone.folder is None:
            raise UsageError(
                Text(en=f"--python {python}: no such path", zh=f"--python {python}：没有这个路径"),
                advice=_meant(view, path, python, environ),
            )
        return gone
    if not _A_PYTHON.search(posixpath.basename(path)) and not _A_PYTHON.search(posixpath.basename(view.real(path))):
        raise UsageError(
            Text(en=f"--python {python}: not a Python interpreter", zh=f"--python {python}：不是 Python 解释器"),
            advice=_meant(view, path, python, environ),
        )
    if not view.executable(path):
        raise UsageError(
            Text(en=f"--python {python}: this file may not be executed", zh=f"--python {python}：该文件没有执行权限"),
            advice=_meant(view, path, python, environ),
        )
    return _interpreter(view, path, "--python")


def _meant(view: View, path: str, python: str, environ: Mapping[str, str]) -> Text:
    """The environment that holds what was given (its bin, its pip, its site-packages), or the Python of that version."""
    if re.fullmatch(r"\d\.\d+", python) and find_program(view, f"python{python}", environ.get("PATH", "")):
        return joined((did_you_mean(f"--python python{python}"), _ADVICE), SPACE)
    above = path
    for _ in range(_LEVELS):
        above = posixpath.dirname(above)
        if view.kind(f"{above}/pyvenv.cfg") == "file" or view.kind(f"{above}/conda-meta") == "folder":
            return joined((did_you_mean(f"--python {above}"), _ADVICE), SPACE)
    return _ADVICE


def _environment(view: View, folder: str, source: str) -> Choice | None:
    """The environment in a folder, also one whose interpreter is gone; None where there is none."""
    folder = posixpath.normpath(folder)
    config, conda = _config(view, folder), view.kind(f"{folder}/conda-meta") == "folder"
    for name in _NAMES:
        if view.executable(f"{folder}/{name}"):
            owner = folder if config is not None or conda else None
            return Choice(executable=f"{folder}/{name}", source=source, folder=owner, config=config, conda=conda)
    if config is None and not conda:
        return None
    executable = f"{folder}/{_NAMES[0]}"
    return Choice(
        executable=executable, source=source, folder=folder, config=config, conda=conda, missing=_gone(view, executable)
    )


def _gone(view: View, executable: str) -> Text:
    if view.is_link(executable):
        return Text(
            en=f"the interpreter is gone: {executable} points to {view.real(executable)}, which does not exist",
            zh=f"解释器已不存在：{executable} 指向 {view.real(executable)}，而后者不存在",
        )
    return Text(en=f"the interpreter is gone: there is no {executable}", zh=f"解释器已不存在：没有 {executable}")


def _interpreter(view: View, path: str, source: str) -> Choice:
    folder = posixpath.dirname(posixpath.dirname(path))
    config, conda = _config(view, folder), view.kind(f"{folder}/conda-meta") == "folder"
    owner = folder if config is not None or conda else None
    return Choice(executable=path, source=source, folder=owner, config=config, conda=conda)


def _config(view: View, folder: str) -> dict[str, str] | None:
    text = text_of(view, f"{folder}/pyvenv.cfg", 1 << 16)
    if text is None:
        return None
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
