"""What is asked of a lock, as values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envdoctor.errors import UsageError
from envdoctor.facts import Facts
from envdoctor.nearest import did_you_mean
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass

_EXACT = ("==", "===")
_FILE = lazy(r"\.(?:txt|toml|lock|whl|tar\.gz|ya?ml)$", re.IGNORECASE)
_BOUNDED = ("<", "<=", "~=")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One requirement in the user's own words. `name` is normalized."""

    text: str
    name: str
    specifier: str
    extras: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Pinned to one version (`==1.2`, not `==1.*`)."""
        return any(s.operator in _EXACT and not s.version.endswith(".*") for s in SpecifierSet(self.specifier))

    @property
    def bounded(self) -> bool:
        """Has an upper bound of any kind."""
        return self.exact or any(s.operator in (*_BOUNDED, "==") for s in SpecifierSet(self.specifier))

    @property
    def floored(self) -> bool:
        """Has a lower bound: the request cannot be older than the first release that satisfies it."""
        return any(s.operator in (">=", ">", "~=") for s in SpecifierSet(self.specifier))

    @property
    def free(self) -> bool:
        """The user said nothing about the version."""
        return not self.specifier


@dataclass(frozen=True, kw_only=True, slots=True)
class EraChoice:
    """How the era is set: derived from the request (the default), given as a moment, or off."""

    mode: str = "derive"  #: derive, set, off
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockRequest:
    """A request. `facts` is the machine (and, for `--fix`, the target); `python` is `3.11`, None: as the facts say."""

    asked: tuple[Asked, ...]
    facts: Facts = field(default_factory=Facts)
    python: str | None = None
    indexes: tuple[str, ...] = ()
    era: EraChoice = field(default_factory=EraChoice)
    stack: str | None = None
    keep: tuple[tuple[str, str], ...] = ()  #: name and version that should stay where nothing speaks against it
    max_solves: int = 12
    timeout_s: float = 300.0  #: for one solve


def parse_asked(texts: Iterable[str]) -> tuple[Asked, ...]:
    """The requirements, checked. Raises UsageError on one that is no requirement, or that names a file or an address."""
    found = []
    for text in texts:
        try:
            parsed = Requirement(text)
        except InvalidRequirement as error:
            why = str(error).splitlines()[0]
            raise UsageError(
                Text(en=f"{text!r} is no requirement: {why}", zh=f'{text!r} 不是有效的依赖需求："{why}"'),
                advice=_meant(text),
            ) from None
        if _FILE.search(text):
            raise UsageError(
                Text(
                    en=f"{text} names a file: a lock is made for requirements",
                    zh=f"{text} 是文件名，锁定需要的是依赖需求",
                ),
                advice=Text(en="give the lines that are in it, each quoted", zh="请直接给出文件中的各行，每行加引号"),
            )
        if parsed.url:
            raise UsageError(
                Text(
                    en=f"{parsed.name} is asked for by address: a lock takes names from indexes only",
                    zh=f"{parsed.name} 是按网址指定的，锁定只支持索引中的包名",
                ),
                advice=Text(
                    en=f"ask for {parsed.name}==VERSION, and add its index with --index-url",
                    zh=f"请写成 {parsed.name}==VERSION，并用 --index-url 加上它的索引",
                ),
            )
        found.append(
            Asked(
                text=str(parsed),
                name=canonicalize_name(parsed.name),
                specifier=str(parsed.specifier),
                extras=tuple(sorted(parsed.extras)),
            )
        )
    if not found:
        raise UsageError(
            Text(en="nothing to lock", zh="没有要锁定的内容"),
            advice=Text(en="name requirements, a --stack, or --fix", zh="请给出依赖需求、--stack 或 --fix"),
        )
    return tuple(found)


def _meant(text: str) -> Text:
    """What to write in the place of a text that is no requirement."""
    single = re.fullmatch(r"\s*([A-Za-z0-9._-]+)\s*=\s*([0-9][A-Za-z0-9.+!]*)\s*", text)
    if single:
        return did_you_mean(f"{single[1]}=={single[2]}")
    return Text(en="as pip takes them: 'vllm>=0.6', 'torch==2.4.*'", zh="写法与 pip 相同：'vllm>=0.6'、'torch==2.4.*'")


def parse_era(text: str | None, *, off: bool = False) -> EraChoice:
    """`--era 2024-07-01` (or with a time of day), `--no-era`, or neither. Raises UsageError on no date."""
    from datetime import timezone

    if off:
        return EraChoice(mode="off")
    if text is None:
        return EraChoice()
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(
            Text(en=f"--era {text!r} is no date", zh=f"--era {text!r} 不是日期"),
            advice=Text(en="write it as 2024-07-01", zh="写法如 2024-07-01"),
        ) from None
    return EraChoice(mode="set", end=moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
