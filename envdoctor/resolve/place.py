"""Facts as hard limits: for which Python, platform and C library uv solves."""

from __future__ import annotations

import re
import sys

from envdoctor.errors import UsageError
from envdoctor.facts import Facts, value_of
from envdoctor.patterns import lazy
from envdoctor.resolve.errors import SolverError
from envdoctor.resolve.problem import Place
from envdoctor.text import Text

#: the manylinux steps that uv's `--python-platform` knows; 2.17 is manylinux2014
_STEPS = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
_DEFAULT_GLIBC = "2.28"  # where nothing is known: what every distribution that is still maintained has
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_PYTHON = lazy(r"3\.(\d{1,2})(?:\.\d+)?")


def python_of(facts: Facts, given: str | None) -> str:
    """`3.11`: the call's, else the target's, else the running interpreter's. Raises UsageError."""
    text = given or value_of(facts.target.python) or f"3.{sys.version_info[1]}"
    found = _PYTHON.match(text)
    if found is None:
        raise UsageError(
            Text(
                en=f"--python-version {text!r} is no Python version", zh=f"--python-version {text!r} 不是 Python 版本号"
            ),
            advice=Text(en="write it as 3.11", zh="写法如 3.11"),
        )
    return f"3.{found.group(1)}"


def platform_of(facts: Facts) -> str:
    """uv's name for the machine: its own glibc and processor, never plain `linux` (which is manylinux_2_28).

    Raises SolverError for systems that GPU stacks have no wheels for.
    """
    system = value_of(facts.host.os)
    if system not in (None, "linux"):
        raise SolverError(
            Text(
                en=f"locks are made for Linux (and WSL2); these facts are of {system}",
                zh=f"锁定只支持 Linux（含 WSL2），而这份报告来自 {system}",
            ),
            advice=Text(
                en="run it in WSL2, or give the facts of the Linux machine with --from",
                zh="请在 WSL2 中运行，或用 --from 给出 Linux 机器的报告",
            ),
        )
    stated = value_of(facts.host.architecture)
    architecture = _ARCHITECTURES.get(stated if stated is not None else "x86_64")
    if architecture is None:
        raise SolverError(Text(en=f"no wheels of torch exist for {stated}", zh=f"torch 没有适用于 {stated} 的 wheel"))
    glibc = value_of(facts.host.glibc) or _DEFAULT_GLIBC
    found = re.match(r"2\.(\d+)", glibc)
    minor = int(found.group(1)) if found else 28
    fitting = [step for step in _STEPS if step <= minor]
    if not fitting:
        raise SolverError(
            Text(
                en=f"glibc {glibc} is older than any wheel of torch asks for (2.17)",
                zh=f"glibc {glibc} 低于所有 torch wheel 的要求（2.17）",
            ),
            advice=Text(en="use a newer distribution, or a container", zh="请使用更新的发行版，或使用容器"),
        )
    return f"{architecture}-manylinux_2_{fitting[-1]}"


def place_for(facts: Facts, *, python: str | None, index_arguments: tuple[str, ...]) -> Place:
    """Everything that stays the same from round to round."""
    return Place(
        python=python_of(facts, python),
        platform=platform_of(facts),
        interpreter=sys.executable,
        index_arguments=index_arguments,
    )
