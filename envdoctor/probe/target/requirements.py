"""Requirements of installed distributions that the environment does not meet, as `pip check` would judge them.

Extras are left out (nobody knows which were asked for). Markers are evaluated only for requirements that would
otherwise be reported, and every text is parsed once: a large environment states thousands of requirements and
breaks a handful.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from envdoctor.facts import UnmetRequirement
from envdoctor.patterns import lazy
from envdoctor.probe.target.distributions import Installed, normalized
from envdoctor.probe.target.interpreter import Interpreter
from envdoctor.probe.target.plain import plain_applies, plain_fits

_REQUIREMENT = lazy(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<url>@)?\s*\(?(?P<versions>[^;()]*)\)?\s*(?:;(?P<marker>.*))?$"
)
_EXTRA = lazy(r"\bextra\b")
_OR = lazy(r"\bor\b")
_MOST = 200  # an environment that breaks more than this is broken as a whole
_LENGTH_LIMIT = 2000


def unmet(found: Iterable[Installed], interpreter: Interpreter) -> tuple[UnmetRequirement, ...]:
    """What is asked for and not there, or there in a version that does not fit. Nothing where markers cannot be
    evaluated because the target's Python is not known."""
    environment = marker_environment(interpreter)
    if environment is None:
        return ()
    items = list(found)
    versions = {item.distribution.name: item.distribution.version for item in items}
    fits = _version_check()
    applies = _marker_check(environment)
    result: list[UnmetRequirement] = []
    for item in items:
        for text in item.requires:
            broken = _judge(text, versions, fits, applies)
            if broken is not None:
                name = item.distribution.name
                result.append(UnmetRequirement(distribution=name, requirement=text, found=broken or None))
                if len(result) >= _MOST:
                    return tuple(result)
    return tuple(result)


def _judge(
    text: str, versions: Mapping[str, str], fits: Callable[[str, str], bool], applies: Callable[[str], bool]
) -> str | None:
    """None where the requirement is met or cannot be judged, else the version that was found ('' for none)."""
    match = _REQUIREMENT.match(text[:_LENGTH_LIMIT])
    if match is None:
        return None
    marker = match["marker"] or ""
    if marker and _EXTRA.search(marker) and not _OR.search(marker):
        return None
    version = versions.get(normalized(match["name"]))
    if version is not None and (match["url"] or not match["versions"] or fits(match["versions"].strip(), version)):
        return None
    if marker and not applies(marker.strip()):
        return None
    return version or ""


def _version_check() -> Callable[[str, str], bool]:
    """Does a version fit a specifier? Where either is not valid, nothing is claimed: it fits."""

    @cache
    def fits(specifier: str, version: str) -> bool:
        plain = plain_fits(specifier, version)
        if plain is not None:
            return plain
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
        from packaging.version import InvalidVersion

        try:
            return SpecifierSet(specifier).contains(version, prereleases=True)
        except (InvalidSpecifier, InvalidVersion):
            return True

    return fits


def _marker_check(environment: Mapping[str, str]) -> Callable[[str], bool]:
    """Does a marker hold in the target? One that cannot be evaluated is taken as false: nothing is claimed."""

    @cache
    def applies(text: str) -> bool:
        plain = plain_applies(text, environment)
        if plain is not None:
            return plain
        from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

        try:
            return Marker(text).evaluate(dict(environment))
        except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError):
            return False

    return applies


def marker_environment(interpreter: Interpreter) -> dict[str, str] | None:
    """The environment of PEP 508 markers as the target would state it; None where it is not known."""
    fields, version = interpreter.fields, interpreter.version
    if not fields or version is None:
        return None
    system = fields.get("system", "Linux")
    names = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalVM"}
    return {
        "implementation_name": fields.get("implementation", "cpython"),
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": fields.get("machine", ""),
        "platform_python_implementation": names.get(fields.get("implementation", ""), "CPython"),
        "platform_release": fields.get("release", ""),
        "platform_system": system,
        "platform_version": fields.get("build", ""),
        "python_full_version": version,
        "python_version": interpreter.feature,
        "sys_platform": system.lower(),
        "extra": "",
    }
