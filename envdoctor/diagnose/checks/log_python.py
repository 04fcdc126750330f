"""Names, attributes and arguments that moved between releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.checks.traces import importer_of
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.knowledge.owners import owners_of_module
from envdoctor.knowledge.releases import Change, change_of_argument, change_of_attribute, change_of_name
from envdoctor.text import Text
from envdoctor.versions import Scheme, at_least

#: the first is kept by hand (attributes and arguments too), the second read from wheels by a program
_TABLES = ("moved-names", "moved-names-serving")


@check("EC-moved-name")
def moved_name(context: CheckContext) -> Iterable[Hit]:
    """A name, module, attribute or argument is missing: who dropped it or does not have it yet, and who asks for it."""
    rows = _rows(context)
    for hit in context.hits:
        row = _row_for(rows, hit.groups)
        if row is not None and _is_denied(context, row):
            continue
        if row is not None:
            yield _known_move(context, hit, row)
        elif (change := _measured(context, hit.groups)) is not None:
            yield from _measured_move(context, hit, change)
        elif "name" in hit.groups and "module" in hit.groups:
            yield _unknown_move(context, hit)


@check("EC-other-copy")
def other_copy(context: CheckContext) -> Iterable[Hit]:
    """A name is missing that the listed release has: the process runs another copy, or files of two releases."""
    rows = _rows(context)
    for hit in context.hits[:2]:
        row = _row_for(rows, hit.groups)
        if row is not None:
            provider = row["distribution"] if row.get("name") and _is_denied(context, row) else ""
        else:
            change = _measured(context, hit.groups)
            version = context.view.version(change.distribution) if change else None
            provider = change.distribution if change and version and change.is_there(version) else ""
        if provider:
            yield Hit(
                verdict="possible",
                because=(log_reason(hit), context.because(f"package.{provider}")),
                values={
                    "name": hit.groups["name"],
                    "provider": provider,
                    "version": context.view.version(provider) or "?",
                },
                packages=(provider,),
                explains=2,
                weight=1,
            )
            return


def _rows(context: CheckContext) -> list[Mapping[str, Any]]:
    return [row for name in _TABLES for row in context.tables.get(name, {}).get("row", ())]


def _is_denied(context: CheckContext, row: Mapping[str, Any]) -> bool:
    """Whether the installed release of a row has the name after all, so that the cause is another."""
    version = context.view.version(row["distribution"])
    if not version or not ("added" in row or "removed" in row):
        return False
    too_old = "added" in row and at_least(Scheme.PEP440, version, row["added"]) is False
    too_new = "removed" in row and at_least(Scheme.PEP440, version, row["removed"]) is True
    return not too_old and not too_new


def _measured(context: CheckContext, groups: Mapping[str, str]) -> Change | None:
    """What the wheels say of the name, attribute or argument; None where every release that was read has it, or none."""
    name = groups.get("name")
    if "call" in groups:
        return change_of_argument(context.tables, groups["call"], groups["name"]) if "." in groups["call"] else None
    if "object" in groups:
        return change_of_attribute(context.tables, groups["object"], groups["name"])
    return change_of_name(context.tables, groups.get("module") or groups.get("missing", ""), name)


def _measured_move(context: CheckContext, hit: SignatureHit, change: Change) -> Iterable[Hit]:
    """A name that came or went, as a finding; nothing where the installed release has it, unless somebody imports it."""
    provider, groups = change.distribution, hit.groups
    version = context.view.version(provider)
    has_it = version is not None and change.is_there(version)
    if has_it and ("call" in groups or "object" in groups):
        return
    if has_it:
        if "name" in groups:
            yield _unknown_move(context, hit)
        return
    importer = importer_of(context, hit.line, provider)
    known = (context.because(f"package.{provider}", version),) if version else ()
    yield Hit(
        because=(log_reason(hit), *known),
        values={
            "name": groups.get("name") or groups.get("missing", ""),
            "module": change.module,
            "provider": provider,
            "importer": importer or Text(en="the importing package", zh="执行导入的包"),
            "version": version or "?",
            "says": change.says(),
            "provider_pin": change.pin(version),
            "first": provider,
        },
        packages=tuple(dict.fromkeys(name for name in (provider, importer) if name)),
        explains=2,
        weight=4,
    )


def _fits(patterns: Iterable[str], owner: str) -> bool:
    return any(fnmatchcase(owner, pattern) for pattern in patterns)


def _row_for(rows: Sequence[Mapping[str, Any]], groups: Mapping[str, str]) -> Mapping[str, Any] | None:
    for kind in ("object", "call"):
        if kind in groups:
            owner = groups[kind].split(".")[0]
            found = (row for row in rows if row.get("name") == groups["name"] and _fits(row.get(kind, ()), owner))
            return next(found, None)
    rows = [row for row in rows if "object" not in row and "call" not in row]
    name, module = groups.get("name"), groups.get("module", groups.get("missing", ""))
    # The same name may have moved within a package: the row of the very module comes before the one of a neighbour.
    for row in sorted(rows, key=lambda row: row["module"] != module):
        if name is None and not row.get("name"):
            if module == row["module"] or module.startswith(row["module"] + "."):
                return row
        elif name is not None and row.get("name") == name and module.startswith(row["module"].split(".")[0]):
            return row
    return None


def _known_move(context: CheckContext, hit: SignatureHit, row: Mapping[str, Any]) -> Hit:
    provider = row["distribution"]
    version = context.view.version(provider)
    askers = _askers(context, row)
    importer = importer_of(context, hit.line, provider) or next(iter(askers), "")
    values = {
        "name": row.get("name") or row["module"],
        "module": row["module"],
        "provider": provider,
        "importer": importer or Text(en="the importing package", zh="执行导入的包"),
        "version": version or "?",
    }
    removed, added = row.get("removed"), row.get("added")
    too_old = bool(version and added and at_least(Scheme.PEP440, version, added) is False)
    if added and (too_old or not removed):
        values |= {
            "provider_pin": f">={added}",
            "says": Text(en=f"it is there from {provider} {added} on", zh=f"{provider} {added} 起才有"),
        }
    elif removed:
        pin = f">={added},<{removed}" if added else f"<{removed}"
        values |= {
            "provider_pin": pin,
            "says": Text(en=f"{provider} {removed} removed it", zh=f"{provider} {removed} 已将其移除"),
        }
    for name, fixed in row.get("fixed", {}).items():
        if name == importer or name in askers:
            values |= {"fixed": name, "fixed_pin": f">={fixed}"}
            break
    upgrade_first = "fixed" in values and not too_old
    values["first"] = values["fixed"] if upgrade_first else provider
    guilty = [name for name in (provider, importer, *askers) if name]
    known = (context.because(f"package.{provider}", version),) if version else ()
    return Hit(
        because=(log_reason(hit), *known),
        values=values,
        packages=tuple(dict.fromkeys(guilty)),
        explains=2,
        weight=5,
    )


def _askers(context: CheckContext, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Who of those that are known to ask for a name is installed; the only one, where there is no other."""
    known: Sequence[str] = row.get("importers", ())
    installed = tuple(name for name in known if name in context.view.packages)
    return installed or (tuple(known) if len(known) == 1 else ())


def _unknown_move(context: CheckContext, hit: SignatureHit) -> Hit:
    provider = owners_of_module(context.tables, hit.groups["module"])[0]
    importer = importer_of(context, hit.line, provider)
    version = context.view.version(provider)
    values = {
        "name": hit.groups["name"],
        "module": hit.groups["module"],
        "provider": provider,
        "importer": importer or Text(en="the importing package", zh="执行导入的包"),
        "version": version or "?",
        "says": Text(
            en=f"the installed {provider} does not have it: one of the two is too new or too old for the other",
            zh=f"已安装的 {provider} 没有它：两者之一相对另一方过新或过旧",
        ),
    }
    return Hit(
        verdict="possible",
        because=(log_reason(hit),),
        values=values,
        packages=tuple(name for name in (provider, importer) if name),
        explains=2,
        weight=2,
    )
