"""What installers and packages themselves say about versions that do not fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.checks.traces import importer_of
from envdoctor.diagnose.signatures import LINE_CAP, SignatureHit
from envdoctor.knowledge.owners import normalized, owners_of_module
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.versions import Scheme, at_least

_REQUIREMENT = lazy(r"([A-Za-z0-9][A-Za-z0-9._-]{0,100})\s*(?:\[[^\]]{0,100}\])?\s*([<>=!~].{0,200})?$")
_BLOCK = 40  # lines of an installer's explanation that are read


def requirement_of(text: str) -> tuple[str, str] | None:
    """(normalized name, specifier without spaces) of a requirement's text; None where it is none."""
    found = _REQUIREMENT.match(text.split(";", maxsplit=1)[0].strip().strip("'\"`()"))
    if not found:
        return None
    return normalized(found.group(1)), re.sub(r"\s+", "", found.group(2) or "").rstrip(")'\"`.")


def _pin(specifier: str) -> dict[str, str]:
    return {"needed_pin": specifier} if specifier else {}


@check("EC-pip-conflict")
def pip_conflict(context: CheckContext) -> Iterable[Hit]:
    """`A requires B<2, but you have B 2.0`: the two packages and the pin that agrees."""
    for hit in context.hits:
        found = requirement_of(hit.groups["requirement"])
        if found is None:
            continue
        owner, (needed, specifier) = normalized(hit.groups["package"]), found
        values = {
            "package": owner,
            "package_version": hit.groups.get("version", ""),
            "needed": needed,
            "requirement": hit.groups["requirement"].split(";")[0].strip(),
            "have": hit.groups.get("have", "?"),
            "needed_pin": specifier,
        }
        yield Hit(
            verdict="possible",
            because=(log_reason(hit),),
            values={key: value for key, value in values.items() if value},
            packages=(owner, needed, "torch") if _of_torch_family(owner, needed) else (owner, needed),
            explains=1,
            weight=2,
        )


def _of_torch_family(*names: str) -> bool:
    return any(name in ("torch", "torchvision", "torchaudio", "triton") for name in names)


#: who asks, where the form of the message says it
_ASKS = {
    "sglang": ("sglang",), "incompatible": ("optimum", "peft"), "pydantic": ("pydantic",), "numba": ("numba",),
    "vllm": ("vllm",),
}  # fmt: skip


@check("EC-required-version")
def required_version(context: CheckContext) -> Iterable[Hit]:
    """A package that looks at its dependencies as it is imported, and refuses: who, what it needs, what is there."""
    for hit in context.hits:
        found = _asked_for(hit.groups)
        if found is None:
            continue
        needed, specifier = found
        given = hit.groups.get("package", "").split(",")[0].strip(" '\"{}")
        owners = (normalized(given),) if given else _asking(context, hit, needed)
        values = {
            "package": owners[0],
            "needed": needed,
            "requirement": needed + specifier,
            "have": hit.groups.get("have", "").strip(" .") or Text(en="no fitting version", zh="没有合适的版本"),
        }
        yield Hit(
            because=(log_reason(hit),),
            values=values | _pin(specifier),
            packages=tuple(dict.fromkeys((needed, *owners))),
            explains=2,
            weight=4,
        )


def _asked_for(groups: Mapping[str, str]) -> tuple[str, str] | None:
    """(name, specifier) that a message asks for, in whichever of its forms."""
    if "requirement" in groups:
        return requirement_of(groups["requirement"])
    needed = normalized(groups["needed"])
    if "minimum" in groups:
        return needed, f">={groups['minimum'].rstrip('.')}"
    if "exact" in groups:
        return needed, f"=={groups['exact']}"
    if "highest" in groups:
        major, minor = groups["highest"].split(".")
        return needed, f"<{major}.{int(minor) + 1}"
    return needed, ""


def _asking(context: CheckContext, hit: SignatureHit, needed: str) -> tuple[str, ...]:
    """Who is known to print such a message, else the distribution of the file that compares versions."""
    known = _ASKS.get(hit.signature.name)
    return known or (importer_of(context, hit.line, needed) or "transformers",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """One line of a resolver's explanation. `owner` is empty where the user asks."""

    owner: str
    version: str
    needed: str
    specifier: str

    def shown(self) -> Text:
        """As `torch==2.4.0 (vllm 0.6.3)`."""
        what, who = f"{self.needed}{self.specifier}", f"{self.owner} {self.version}".strip()
        return Text(en=f"{what} ({who or 'your request'})", zh=f"{what}（{who or '用户需求'}）")


_NAME = r"([A-Za-z0-9][\w.-]{0,60}?)"
_PIP_DEPENDS = lazy(rf"^\s*{_NAME}(?:\[[^\]]{{0,100}}\])? (\d[\w.+!-]{{0,60}}) depends on (.{{1,200}}?)\s*$")
_PIP_USER = lazy(r"^\s*The user requested (?:\(constraint\) )?(.{1,200}?)\s*$")
_UV_REQUIREMENT = r"([A-Za-z0-9][\w.-]{0,100}(?:\[[^\]]{0,100}\])?(?:[<>=!~][^ ]{1,100})?)(?=[ ,.]|$)"
_UV_DEPENDS = lazy(
    rf"\b{_NAME}(?:\[[^\]]{{0,100}}\])?((?:[<>=!~]=?[\w.+!*-]{{1,60}},?){{0,4}}) depends on {_UV_REQUIREMENT}"
)
_UV_USER = lazy(rf"\byou(?:r project)? (?:require|depends on) {_UV_REQUIREMENT}")
_UV_CONCLUSION = lazy(r"we can conclude that .*?(?= And because |$)")
_UV_MARKER = lazy(r"\{[^{}]{0,300}\}")
_FRAME = lazy(r"[\s\u2500-\u257f\u25b6]+")


@check("EC-resolver-conflict")
def resolver_conflict(context: CheckContext) -> Iterable[Hit]:
    """A resolver that gave up: which two demands contradict each other, and about which package."""
    seen: set[tuple[str, int]] = set()
    for hit in context.hits:
        start = (hit.line.source, hit.line.number)
        if any(source == start[0] and 0 <= start[1] - first < _BLOCK for source, first in seen):
            continue
        seen.add(start)
        demands = _demands(context, hit)
        pair = _contradiction(demands)
        if pair is not None:
            yield _conflict(context, hit, *pair)
        elif hit.signature.name.startswith("uv-") and any(demand.owner for demand in demands):
            yield _one_side(hit, next(demand for demand in demands if demand.owner))
        elif hit.groups.get("listed"):
            yield _unexplained(hit)


def _demands(context: CheckContext, hit: SignatureHit) -> list[Demand]:
    block = [
        one.text[:LINE_CAP]
        for one in context.view.facts.log
        if one.source == hit.line.source and 0 <= one.number - hit.line.number < _BLOCK
    ]
    found: list[Demand] = []
    for text in block:
        if user := _PIP_USER.match(text):
            found.append(_demand("", "", user.group(1)))
        elif asks := _PIP_DEPENDS.match(text):
            found.append(_demand(*asks.groups()))
    if not found:
        # uv wraps its sentences: they are read as one text
        joined = _UV_CONCLUSION.sub("", _UV_MARKER.sub("", _FRAME.sub(" ", " ".join(block))[: 4 * LINE_CAP]))
        asked = [m.groups() for m in _UV_DEPENDS.finditer(joined)]
        found = [
            _demand(name, version.removeprefix("=="), needed) for name, version, needed in asked if name != "project"
        ]
        found += [_demand("", "", m.group(1)) for m in _UV_USER.finditer(joined)]
    return [demand for demand in found if demand.needed]


def _demand(owner: str, version: str, requirement: str) -> Demand:
    needed, specifier = requirement_of(requirement.rstrip(".,")) or ("", "")
    # pip writes `<0.20 and >=0.19`
    return Demand(
        owner=normalized(owner),
        version=version,
        needed=needed,
        specifier=re.sub(r"(?<=[\w*])and(?=[<>=!~])", ",", specifier),
    )


def _contradiction(demands: Sequence[Demand]) -> tuple[Demand, Demand] | None:
    """The first two demands about one package that nothing satisfies together."""
    for i, first in enumerate(demands):
        for second in demands[i + 1 :]:
            if first.needed == second.needed and first.owner != second.owner and _exclude(first, second):
                return first, second
    return None


def _exclude(first: Demand, second: Demand) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        both = SpecifierSet(first.specifier) & SpecifierSet(second.specifier)
    except InvalidSpecifier:
        return False
    return bool(first.specifier and second.specifier) and both.is_unsatisfiable()


def _conflict(context: CheckContext, hit: SignatureHit, first: Demand, second: Demand) -> Hit:
    values = {"needed": first.needed, "first": first.shown(), "second": second.shown()}
    owners = [demand for demand in (first, second) if demand.owner]
    if len(owners) == 1:  # a package against the user's own wish: the package's demand can be met
        values |= _pin(owners[0].specifier)
    else:
        values |= _newer_release(context.tables, first, second) or _newer_release(context.tables, second, first)
    names = (*(demand.owner for demand in owners), first.needed)
    return Hit(because=(log_reason(hit),), values=values, packages=tuple(dict.fromkeys(names)), explains=2, weight=4)


#: tables of what every release of an engine requires
_RELEASES = {"vllm": "vllm-pins", "sglang": "sglang-pins", "lmdeploy": "lmdeploy-pins"}


def _newer_release(tables: Mapping[str, Any], stays: Demand, moves: Demand) -> dict[str, str]:
    """The first later release of `moves` whose demand goes together with the one of `stays`, where both are read off tables."""
    field = moves.needed.replace("-", "_")
    rows = tables.get(_RELEASES.get(moves.owner, ""), {}).get("rows", ())
    for row in rows:
        asked = row.get(field)
        if (
            isinstance(asked, str)
            and at_least(Scheme.PEP440, row["version"], moves.version) is True
            and not _exclude(stays, Demand(owner="", version="", needed=moves.needed, specifier=asked))
        ):
            return {"mover": moves.owner, "mover_pin": f">={row['version']}"}
    return {}


def _one_side(hit: SignatureHit, demand: Demand) -> Hit:
    """An explanation that was cut off, or that no two of its sentences contradict: the first demand of a package."""
    values = {
        "needed": demand.needed,
        "first": demand.shown(),
        "second": Text(en="another demand", zh="另一项要求"),
    }
    names = tuple(dict.fromkeys((demand.owner, demand.needed)))
    return Hit(verdict="possible", because=(log_reason(hit),), values=values, packages=names, explains=1, weight=1)


def _unexplained(hit: SignatureHit) -> Hit:
    """`Cannot install a==1 and b==2`, without the lines that say why."""
    listed = re.findall(r"([A-Za-z0-9][\w.-]{0,100})==\d", hit.groups["listed"])
    names = tuple(dict.fromkeys(normalized(name) for name in listed))[:3]
    values = {
        "needed": Text(en="one package", zh="某个包"),
        "first": " / ".join(names) or Text(en="one demand", zh="一项要求"),
        "second": Text(en="another demand", zh="另一项要求"),
    }
    return Hit(verdict="possible", because=(log_reason(hit),), values=values, packages=names, explains=1, weight=1)


#: `0.2.0+cu121torch2.3`, `0.2.4+cu121.torch2.4.0`: the torch that a wheel was built for
_LABEL = lazy(r"\+\S*?torch\.?(?P<built>\d+\.\d+)")


@check("EC-wheel-label")
def wheel_label(context: CheckContext) -> Iterable[Hit]:
    """A wheel whose version names another torch than the installed one."""
    torch = context.view.version("torch")
    release = re.match(r"\d+\.\d+", torch or "")
    if torch is None or release is None:
        return
    for name, dist in context.view.packages.items():
        label = _LABEL.search(dist.version)
        owner = owners_of_module(context.tables, name.replace("-", "_"))[0]
        told = owner != name and owner in context.view.packages  # an older name of the same distribution
        if name == "torch" or told or label is None or label["built"] == release.group():
            continue
        yield Hit(
            verdict="possible",
            because=(context.because(f"package.{name}", dist.version), context.because("package.torch", torch)),
            values={"package": name, "version": dist.version, "built": label["built"], "torch": torch},
            packages=(name, "torch"),
            weight=4,
        )
