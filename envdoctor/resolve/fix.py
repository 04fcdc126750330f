"""From a diagnosis to the smallest set of changes that makes its report clean: as a lock, and as a list of changes.

uv keeps every installed version that nothing speaks against; the vetoes say what must move. The target is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence

from envdoctor.errors import UsageError
from envdoctor.facts import Distribution, Facts
from envdoctor.resolve.made import Lock
from envdoctor.resolve.request import Asked, LockRequest
from envdoctor.text import Text
from envdoctor.values import dataclass

#: what installs other things is not part of what is repaired
_TOOLS = frozenset({"pip", "uv", "wheel", "setuptools", "envdoctor-gpu"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One distribution that moves. `before` None: it is added; `after` None: it is no longer needed."""

    name: str
    before: str | None
    after: str | None
    size: int | None = None  #: bytes to download, where the index says it
    reasons: tuple[Text, ...] = ()

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.name} {self.after}"
        if self.after is None:
            return f"- {self.name} {self.before}"
        return f"~ {self.name} {self.before} -> {self.after}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """A repaired target. `left`: installed distributions that no index has as a wheel (editable, built here); they stay."""

    lock: Lock
    changes: tuple[Change, ...]
    left: tuple[str, ...] = ()

    @property
    def download_bytes(self) -> int | None:
        """The whole download of the changes, or None where the index does not give the sizes."""
        sizes = [c.size for c in self.changes if c.after is not None]
        return None if any(size is None for size in sizes) else sum(size for size in sizes if size is not None)

    def summary(self) -> Text:
        """One line: what it costs."""
        size = self.download_bytes
        cost = Text(en="the index does not state the download size", zh="索引未给出下载大小")
        if size is not None:
            cost = Text(en=f"{size / 1e6:.0f} MB to download", zh=f"需下载 {size / 1e6:.0f} MB")
        return Text(en=f"{len(self.changes)} changes, {cost}", zh=f"共 {len(self.changes)} 处改动，{cost.zh}")


def request_for(facts: Facts, *, extra: Sequence[Asked] = (), indexes: tuple[str, ...] = ()) -> LockRequest:
    """What the target holds, as a request that keeps it. Raises UsageError where nothing is known to be installed."""
    kept = [d for d in facts.distributions.installed if _from_index(d)]
    if not kept:
        raise UsageError(
            Text(
                en="--fix needs a target: nothing is known to be installed",
                zh="--fix 需要目标环境：不知道其中安装了什么",
            ),
            advice=Text(
                en="give --python PATH, or --from with a report that lists packages",
                zh="请给出 --python PATH，或用 --from 给出列有软件包的报告",
            ),
        )
    own = {a.name for a in extra}
    asked = tuple(Asked(text=d.name, name=d.name, specifier="") for d in kept if d.name not in own)
    return LockRequest(
        asked=(*extra, *asked),
        facts=facts,
        indexes=indexes,
        keep=tuple(sorted((d.name, d.version.partition("+")[0]) for d in kept)),
    )


def _from_index(dist: Distribution) -> bool:
    return not dist.editable and dist.direct_url is None and dist.name not in _TOOLS


def fix_from(facts: Facts, lock: Lock) -> Fix:
    """The lock beside what is installed."""
    before = {d.name: d.version for d in facts.distributions.installed if _from_index(d)}
    changes = []
    for pin in lock.pins:
        old = before.get(pin.package.name)
        if old is None or old.partition("+")[0] != pin.package.public:
            changes.append(
                Change(
                    name=pin.package.name,
                    before=old,
                    after=pin.package.version,
                    size=next((a.size for a in pin.package.artifacts if a.wheel), None),
                    reasons=pin.reasons,
                )
            )
    there = {pin.package.name for pin in lock.pins} | set(lock.left_out)
    changes += [Change(name=n, before=v, after=None) for n, v in sorted(before.items()) if n not in there]
    installed = facts.distributions.installed
    left = tuple(sorted(d.name for d in installed if not _from_index(d) or d.name in lock.left_out))
    return Fix(lock=lock, changes=tuple(sorted(changes, key=lambda c: c.name)), left=left)
