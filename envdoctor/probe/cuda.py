"""CUDA toolkits on disk, the compilers that a build would use, and the loader's path."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping

from envdoctor.facts import Cuda, Fact, Toolkit, known, unknown
from envdoctor.patterns import lazy
from envdoctor.probe.ports import Pending, Runner, View, find_program, names_of, text_of
from envdoctor.text import Text, in_zh
from envdoctor.values import dataclass

_HOMES = ("CUDA_HOME", "CUDA_PATH")
_PARENTS = ("/usr/local", "/opt")
_FOLDER = lazy(r"cuda(-\d+(\.\d+)*)?$")
_RELEASE = lazy(r"release (\d+\.\d+)")
_VERSION = lazy(r"\d+(\.\d+)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The compilers that were found, and the questions that are under way."""

    nvcc: str | None
    nvcc_version: str | None
    nvcc_pending: Pending | None
    gcc: str | None
    gcc_pending: Pending | None


def start(view: View, runner: Runner, environ: Mapping[str, str]) -> Asked:
    """Ask the compilers for their versions, where no file states it."""
    search = environ.get("PATH", "")
    nvcc = find_program(view, "nvcc", search)
    stated = _component(view, posixpath.dirname(posixpath.dirname(view.real(nvcc))), "cuda_nvcc") if nvcc else None
    named = environ.get("CC", "").split(" ")[0]
    compilers = (named if named.startswith("/") else find_program(view, named, search) if named else None,)
    gcc = next((c for c in (*compilers, *(find_program(view, n, search) for n in ("gcc", "cc", "clang"))) if c), None)
    return Asked(
        nvcc=nvcc,
        nvcc_version=stated,
        nvcc_pending=runner.start("nvcc", [nvcc, "--version"], environ) if nvcc and not stated else None,
        gcc=gcc,
        gcc_pending=runner.start("gcc", [gcc, "-dumpfullversion", "-dumpversion"], environ) if gcc else None,
    )


def finish(asked: Asked, view: View, environ: Mapping[str, str], folders: tuple[str, ...], deadline: float) -> Cuda:
    """The facts. `folders` are the target's program folders, in which ninja may be too."""
    path = environ.get("LD_LIBRARY_PATH", "")
    places = [folder for folder in environ.get("PATH", "").split(":") if folder] + list(folders)
    ninja = find_program(view, "ninja", ":".join(places))
    return Cuda(
        toolkits=known(toolkits(view, environ), "CUDA_HOME, /usr/local/cuda*, /opt/cuda*"),
        nvcc=_nvcc(asked, deadline),
        gcc=_gcc(asked, deadline),
        ninja=known(ninja is not None, ninja or "PATH"),
        loader_path=known(tuple(folder for folder in path.split(":") if folder), "LD_LIBRARY_PATH"),
    )


def toolkits(view: View, environ: Mapping[str, str]) -> tuple[Toolkit, ...]:
    """The toolkits that state a version, each once, in the order CUDA_HOME, CUDA_PATH, /usr/local, /opt."""
    folders = [environ[name] for name in _HOMES if environ.get(name, "").startswith("/")]
    for parent in _PARENTS:
        folders += [f"{parent}/{name}" for name in names_of(view, parent) if _FOLDER.match(name)]
    found: dict[str, Toolkit] = {}
    for folder in folders:
        real = view.real(folder)
        version = _toolkit_version(view, real)
        if version and real not in found:
            found[real] = Toolkit(path=real, version=version)
    return tuple(found.values())


def _toolkit_version(view: View, folder: str) -> str | None:
    version = _component(view, folder, "cuda")
    if version is None:  # toolkits before 11.1 state it as text
        match = re.search(r"CUDA Version (\d+(?:\.\d+)+)", text_of(view, f"{folder}/version.txt", 4096) or "")
        version = match[1] if match else None
    return version


def _component(view: View, folder: str, name: str) -> str | None:
    """The version of one component, as the toolkit's version.json states it."""
    text = text_of(view, f"{folder}/version.json", 1 << 18)
    if text is None:
        return None
    try:
        version = json.loads(text)[name]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if isinstance(version, str) and _VERSION.match(version) else None


def _nvcc(asked: Asked, deadline: float) -> Fact[str]:
    if asked.nvcc is None:
        return unknown(Text(en="no nvcc on PATH", zh="PATH 中没有 nvcc"))
    if asked.nvcc_version:
        return known(
            ".".join(asked.nvcc_version.split(".")[:2]),
            Text(en=f"version.json beside {asked.nvcc}", zh=f"{asked.nvcc} 旁的 version.json"),
        )
    if asked.nvcc_pending is None:
        return unknown(Text(en=f"{asked.nvcc} was not asked", zh=f"未询问 {asked.nvcc}"))
    outcome = asked.nvcc_pending.result(deadline)
    match = _RELEASE.search(outcome.stdout)
    return (
        known(match[1], asked.nvcc)
        if match
        else unknown(
            Text(
                en=f"{asked.nvcc}: {outcome.says or outcome.reason}",
                zh=f"{asked.nvcc}：{in_zh(outcome.says or outcome.reason)}",
            )
        )
    )


def _gcc(asked: Asked, deadline: float) -> Fact[str]:
    if asked.gcc is None or asked.gcc_pending is None:
        return known("none", "PATH")
    outcome = asked.gcc_pending.result(deadline)
    match = _VERSION.match(outcome.stdout.strip()) or re.match(r"\d+", outcome.stdout.strip())
    return (
        known(match.group(), asked.gcc)
        if match
        else unknown(
            Text(
                en=f"{asked.gcc}: {outcome.says or outcome.reason}",
                zh=f"{asked.gcc}：{in_zh(outcome.says or outcome.reason)}",
            )
        )
    )
