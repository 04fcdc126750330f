"""One solve: what is given to uv, and what its answer means."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timezone
from pathlib import Path

from envdoctor.patterns import lazy
from envdoctor.resolve.errors import SolverError
from envdoctor.resolve.solution import Solution, incomplete_in, looked_in, read_solution
from envdoctor.resolve.uv import Outcome, Runner
from envdoctor.text import Text
from envdoctor.values import dataclass

_FILTERED = lazy(r"`([A-Za-z0-9._-]+)` was filtered by `exclude-newer`")
_NO_WHEEL = lazy(r"Wheels are required for `([A-Za-z0-9._-]+)`")
_UNBUILT = lazy(r"([A-Za-z0-9._-]+)(?:[<>=!~][^ ]*)? (?:has|have) no usable wheels")
_TAGLESS = lazy(r"([A-Za-z0-9._-]+)(?:[<>=!~][^ ]*)? (?:has|have) no wheels with a matching (?:Python|platform)")
_YANKED = lazy(r"([A-Za-z0-9._-]+)(?:[<>=!~][^ ]*)? (?:was|were) yanked")
_CAUSES = 3  # of a failure, as many are said
_OFFLINE = ("network was disabled", "network connectivity is disabled", "not found in the cache")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """One requirement that was not asked for, and on whose word it is there.

    `source` is an id (`ED-2026-0007`, `EC-abi`), `why` a sentence for the lock and for messages.
    """

    text: str
    name: str
    source: str
    why: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where and for what is solved: the same in every round."""

    python: str  #: "3.11"
    platform: str  #: one of uv's `--python-platform` values
    interpreter: str  #: reads metadata of sources that may be built; need not be the target's
    index_arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Everything that uv is asked in one round. Frozen: a round makes a new one."""

    requirements: tuple[str, ...]
    place: Place
    limits: tuple[Limit, ...] = ()  #: constraints: they bind what is there, and bring nothing in
    additions: tuple[Limit, ...] = ()  #: undeclared needs: they bring something in
    left_out: tuple[Limit, ...] = ()  #: names that stay out of the solution
    sources: tuple[str, ...] = ()  #: names that may come as a source distribution
    era: datetime | None = None
    later: Mapping[str, datetime | None] = field(default_factory=dict)  #: own end per name; None: no end
    preferences: tuple[tuple[str, str], ...] = ()  #: name and version that uv keeps where nothing speaks against it
    backend: str | None = None  #: uv's `--torch-backend`
    dependencies: bool = True
    lowest: bool = False

    def with_limits(self, limits: Sequence[Limit]) -> Problem:
        """With more constraints; those that are already there are not repeated."""
        have = {limit.text for limit in self.limits}
        fresh = tuple(dict.fromkeys(limit for limit in limits if limit.text not in have))
        return replace(self, limits=(*self.limits, *fresh))

    def with_later(self, name: str, moment: datetime | None) -> Problem:
        """With an own end of the era for one name."""
        return replace(self, later={**self.later, name: moment})


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """uv proved that nothing satisfies the problem; `text` is its explanation."""

    text: str
    looked: frozenset[str] = frozenset()
    incomplete: bool = False

    @property
    def filtered(self) -> tuple[str, ...]:
        """Names of which the era hides every version that would do."""
        return tuple(dict.fromkeys(_FILTERED.findall(self.text)))

    @property
    def yanked(self) -> tuple[str, ...]:
        """Names of which versions that would do were withdrawn by their authors."""
        return tuple(dict.fromkeys(_YANKED.findall(self.text)))

    @property
    def wheelless(self) -> tuple[str, ...]:
        """Names that have no wheel for this Python and platform."""
        return tuple(dict.fromkeys((*_NO_WHEEL.findall(self.text), *_UNBUILT.findall(self.text))))

    @property
    def tagless(self) -> tuple[str, ...]:
        """Names that have wheels, of which none is for this Python and platform."""
        return tuple(dict.fromkeys(_TAGLESS.findall(self.text)))


def solve(run: Runner, problem: Problem, *, offline: bool = False, timeout_s: float = 300.0) -> Solution | Conflict:
    """One solve. `offline` answers from uv's cache alone.

    Raises SolverError where uv neither solved the problem nor proved it impossible.
    """
    with tempfile.TemporaryDirectory(prefix="envdoctor-lock-") as folder:
        arguments = _arguments(problem, Path(folder), offline=offline)
        text = "".join(f"{line}\n" for line in (*problem.requirements, *(a.text for a in problem.additions)))
        outcome = run(arguments, text=text, timeout_s=timeout_s)
    if outcome.status == 0:
        return read_solution(outcome.stdout, outcome.stderr)
    return _refusal(outcome, offline=offline)


def _arguments(problem: Problem, folder: Path, *, offline: bool) -> list[str]:
    place = problem.place
    found = [
        "pip", "compile", "--verbose", "--no-header", "--color", "never", "--format", "pylock.toml",
        "--python-version", place.python, "--python-platform", place.platform, "--no-python-downloads",
        "--python", place.interpreter, "--only-binary", ":all:",
    ]  # fmt: skip
    for name in problem.sources:
        found += ["--no-binary", name]
    found += _files(problem, folder)
    if problem.preferences:  # uv keeps the pins of an existing output file
        previous = folder / "pylock.previous.toml"
        previous.write_text(_previous(problem.preferences), "utf-8")
        found += ["--output-file", str(previous)]
    if problem.era is not None:
        found += ["--exclude-newer", _moment(problem.era)]
        for name, moment in sorted(problem.later.items()):
            found += ["--exclude-newer-package", f"{name}={'false' if moment is None else _moment(moment)}"]
    if problem.backend is not None:
        found += ["--torch-backend", problem.backend]
    if not problem.dependencies:
        found.append("--no-deps")
    if problem.lowest:
        found += ["--resolution", "lowest"]
    if offline:
        found.append("--offline")
    return [*found, *place.index_arguments, "-"]


def _files(problem: Problem, folder: Path) -> list[str]:
    found = []
    for option, limits in (("--constraints", problem.limits), ("--excludes", problem.left_out)):
        if limits:
            path = folder / f"{option[2:]}.txt"
            path.write_text("".join(f"{limit.text}\n" for limit in limits), "utf-8")
            found += [option, str(path)]
    return found


def _previous(pins: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f'\n[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in pins)
    return f'lock-version = "1.0"\ncreated-by = "envdoctor"\n{rows}'


def _moment(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refusal(outcome: Outcome, *, offline: bool) -> Conflict:
    lines = [line for line in outcome.stderr.splitlines() if not line.startswith(("DEBUG ", "TRACE ", "WARN "))]
    text = "\n".join(lines).strip()
    unreachable = any(mark in text for mark in _OFFLINE)
    if "No solution found" in text and not unreachable:
        log = outcome.stderr
        return Conflict(text=text, looked=looked_in(log), incomplete=incomplete_in(log))
    raise SolverError(_why(text, offline=offline or unreachable), advice=_next_step(text))


def _why(text: str, *, offline: bool) -> Text:
    wanted = [line.strip() for line in text.splitlines() if line.strip().startswith(("error:", "cause:"))]
    told = wanted if len(wanted) <= _CAUSES else [*wanted[: _CAUSES - 1], wanted[-1]]  # the last is the very cause
    said = " <- ".join(line.partition(":")[2].strip() for line in told) or text[:300]
    said = without_credentials(said[:600])
    return Text(
        en=f"uv could not solve{' without the network' if offline else ''}: {said or 'nothing'}",
        zh=f"uv {'无法在没有网络的情况下' if offline else '无法'}求解：{f'“{said}”' if said else '没有输出'}",
    )


def _next_step(text: str) -> Text:
    if "Failed to build" in text or "build backend" in text:
        return Text(
            en="its source needs something at build time: leave it out, and install it afterwards with --no-build-isolation",
            zh="其源码在构建时需要其他依赖：请先不装它，之后再用 --no-build-isolation 安装",
        )
    if "initialize cache" in text:
        return Text(
            en="uv needs a folder that can be written: set UV_CACHE_DIR to one with some free space",
            zh="uv 需要可写的缓存目录：请把 UV_CACHE_DIR 设为有剩余空间的可写目录",
        )
    if "certificate" in text:
        return Text(
            en="who signs the index is not trusted here: SSL_CERT_FILE=FILE names the authority; look at the clock, too",
            zh="本机不信任该索引的证书：请用 SSL_CERT_FILE=文件 指定证书机构，并检查系统时间",
        )
    if re.search(r"\b40[13]\b", text):
        return Text(
            en="check the credentials of the index (uv's or pip's configuration)",
            zh="请检查索引的登录凭据（uv 或 pip 的配置）",
        )
    return Text(
        en="check the network and the index (--index-url, uv's or pip's configuration), then try again",
        zh="请检查网络与索引（--index-url、uv 或 pip 的配置），然后重试",
    )


def without_credentials(text: str) -> str:
    """Every `scheme://user:password@host` in the text without its user and password."""
    return re.sub(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", r"\1", text)
