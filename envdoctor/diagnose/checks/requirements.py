"""What distributions ask for in their own metadata and do not get, as `pip check` would say it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envdoctor.diagnose.checks.pins import other_torch
from envdoctor.diagnose.checks.registry import CheckContext, Hit, check
from envdoctor.diagnose.finding import Because
from envdoctor.facts import UnmetRequirement
from envdoctor.knowledge.owners import normalized
from envdoctor.patterns import lazy
from envdoctor.text import Text

_SHOWN = 8
_NAME_ENDS = lazy(r"[\s<>=!~;\[(]")


@check("EC-unmet-requirement")
def unmet_requirement(context: CheckContext) -> Iterable[Hit]:
    """Another version is installed than a distribution asks for."""
    for unmet in context.view.facts.distributions.unmet:
        if not unmet.found:
            continue
        needed, asked, pin = _needed(unmet), _asked(unmet), _pin(unmet)
        if needed == "torch" and other_torch(context, _asker(unmet)):
            continue  # EC-torch-pin says it, and says what it does
        yield Hit(
            because=(
                Because(
                    fact=f"package.{unmet.distribution}",
                    value=Text(en=f"needs {asked}", zh=f"需要 {asked}"),
                    source=Text(en="its metadata", zh="其元数据"),
                ),
                Because(fact=f"package.{needed}", value=unmet.found, source="site-packages"),
            ),
            values={"package": unmet.distribution, "requirement": asked, "needed": needed, "have": unmet.found}
            | ({"needed_pin": pin} if pin else {}),
            packages=(_asker(unmet), needed),
            weight=1,
        )


@check("EC-missing-requirement")
def missing_requirement(context: CheckContext) -> Iterable[Hit]:
    """What a distribution asks for is not installed: all that is missing is one finding, for it has one cause."""
    missing: dict[str, list[UnmetRequirement]] = {}
    for unmet in context.view.facts.distributions.unmet:
        if not unmet.found:
            missing.setdefault(_asker(unmet), []).append(unmet)
    for asker, wanted in missing.items():
        version = context.view.version(asker)
        names = [_needed(unmet) for unmet in wanted]
        yield Hit(
            because=tuple(
                Because(
                    fact=f"package.{_needed(unmet)}",
                    value=Text(en="not installed", zh="未安装"),
                    source=Text(en=f"{asker} needs {_asked(unmet)}", zh=f"{asker} 需要 {_asked(unmet)}"),
                )
                for unmet in wanted
            ),
            values={
                "package": asker,
                "names": _listed(names),
            }
            | ({"version": f"=={version}"} if version else {}),
            packages=(asker, *names[:2]),
            weight=1,
        )


@check("EC-damaged-metadata")
def damaged_metadata(context: CheckContext) -> Iterable[Hit]:
    """Folders of packages that cannot be read, or that an interrupted installation left behind: one finding for all."""
    broken = context.view.facts.distributions.unreadable
    if broken:
        names = [item.path.rstrip("/").rpartition("/")[2] for item in broken]
        yield Hit(
            because=tuple(Because(fact="packages", value=item.reason, source=item.path) for item in broken[:_SHOWN]),
            values={"names": _listed(names)},
            weight=2,
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" (+{len(names) - _SHOWN})" if len(names) > _SHOWN else "")


def _needed(unmet: UnmetRequirement) -> str:
    return normalized(_NAME_ENDS.split(unmet.requirement, maxsplit=1)[0])


def _asker(unmet: UnmetRequirement) -> str:
    return normalized(unmet.distribution.split()[0])


def _asked(unmet: UnmetRequirement) -> str:
    """The requirement without its marker: it holds here, or it would not be asked."""
    return unmet.requirement.split(";")[0].strip()


def _pin(unmet: UnmetRequirement) -> str:
    pin = re.sub(r"\[[^\]]*\]|[\s()]", "", _asked(unmet)[len(_needed(unmet)) :])  # without extras
    return pin if pin[:1] in "<>=!~" else ""
