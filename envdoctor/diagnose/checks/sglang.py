"""What an SGLang release knows and needs: its architectures, its quantization methods, the packages that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from envdoctor.diagnose.checks.models import Band, band_of
from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.checks.traces import importer_of
from envdoctor.diagnose.checks.workload import engine_of
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.knowledge.owners import owners_of_module
from envdoctor.knowledge.tables import sgl_kernel_torch, sglang_needs
from envdoctor.text import Text

#: compiled against one torch, or called by names that change with every release
_TIGHT = ("sgl-kernel", "sglang-kernel", "torch", "flashinfer-python", "xgrammar", "transformers", "vllm", "outlines")
_KERNELS = ("sgl-kernel", "sglang-kernel")


@check("EC-sglang-architecture")
def sglang_architecture(context: CheckContext) -> Iterable[Hit]:
    """An architecture that the installed SGLang does not list."""
    yield from _of_table(context, "sglang-architectures", "architecture", "checkpoint.architecture")


@check("EC-sglang-quantization")
def sglang_quantization(context: CheckContext) -> Iterable[Hit]:
    """A quantization method that the installed SGLang does not know."""
    yield from _of_table(context, "sglang-quantization", "method", "checkpoint.quant_method")


def _of_table(context: CheckContext, name: str, group: str, path: str) -> Iterator[Hit]:
    table = context.tables.get(name)
    if table is None or engine_of(context) != "sglang":
        return
    version = context.view.version("sglang")
    if context.hits:
        hit = context.hits[0]
        stated = hit.groups[group]
        band = band_of(table, stated)
        judged = band.judge(version) if band else None
        certain = judged in ("early", "late") or (judged is None and band is not None and band.first is not None)
        yield Hit(
            verdict="match" if certain else "possible",
            because=(log_reason(hit), *((context.because("package.sglang"),) if version else ())),
            values=_values(table, stated, band, version),
            explains=2,
            weight=4,
        )
        return
    stated = context.view.value(path)
    band = band_of(table, stated) if isinstance(stated, str) else None
    if band is not None and band.judge(version) == "early":
        yield Hit(
            verdict="possible",  # transformers or an external package may still run it
            because=(context.because(path), context.because("package.sglang")),
            values=_values(table, str(stated), band, version),
            weight=4,
        )


def _values(table: Mapping[str, Any], name: str, band: Band | None, version: str | None) -> dict[str, str]:
    values = {"name": name, "version": version or "?"}
    judged = band.judge(version) if band else None
    if band is None:
        says = Text(en=f"no release up to {table['newest']} lists it", zh=f"截至 {table['newest']} 的版本都没有列出它")
    elif judged == "inside" or (judged is None and band.first is None and band.gone is None):
        says = Text(
            en="this release lists it: another installation runs, or its code failed to import (see the lines above)",
            zh="该版本列出了它：可能运行的是另一份安装，或其代码导入失败（见更靠前的报错）",
        )
    elif judged == "late" or (judged is None and band.gone is not None):
        says = Text(en=f"it was dropped with {band.gone}", zh=f"{band.gone} 起已移除")
        values["pin"] = f"<{band.gone}" if band.first is None else f">={band.first},<{band.gone}"
    else:
        says = Text(en=f"{band.first} is the first that does", zh=f"从 {band.first} 开始才支持")
        values["pin"] = f">={band.first}"
    return values | {"says": says}


@check("EC-sglang-family")
def sglang_family(context: CheckContext) -> Iterable[Hit]:
    """A package that SGLang pins is here in another version, and the error names it."""
    if engine_of(context) != "sglang":
        return
    version = context.view.version("sglang")
    needs = sglang_needs(context.tables, version) if version else {}
    for hit in context.hits[:3]:
        if "library" in hit.groups:
            yield from _unloadable(context, hit, needs, version)
            continue
        package = _asked(context, hit)
        if package and not _is_sglangs_own(context, hit, package):
            yield _family_hit(context, hit, package, needs, version)
            return


def _unloadable(
    context: CheckContext, hit: SignatureHit, needs: Mapping[str, str], version: str | None
) -> Iterator[Hit]:
    """sgl-kernel loads none of its libraries: with another torch than it was built for, that is why."""
    kernel = next((name for name in _KERNELS if name in context.view.packages), "sgl-kernel")
    built, torch = context.view.version(kernel), context.view.version("torch")
    wanted = (sgl_kernel_torch(context.tables, built) if built else None) or needs.get("torch", "")
    if wanted and torch and not _inside(torch, wanted):
        yield Hit(
            because=(log_reason(hit), context.because("package.torch", torch)),
            values={"package": "torch", "have": torch, "version": version or "?", "wanted": wanted, "pin": wanted},
            packages=(kernel, "torch"),
            cause="abi-mismatch",
            explains=2,
            weight=6,
        )


def _asked(context: CheckContext, hit: SignatureHit) -> str:
    """The pinned package that the line asks something of."""
    owner = owners_of_module(context.tables, hit.groups.get("module", "flashinfer"))[0]
    if owner in _KERNELS:
        return next((name for name in _KERNELS if name in context.view.packages), owner)
    return owner if owner in _TIGHT else ""


def _is_sglangs_own(context: CheckContext, hit: SignatureHit, package: str) -> bool:
    """Whether it is not SGLang that asks: another importer stands above the line."""
    importer = importer_of(context, hit.line, package)
    return bool(importer) and importer not in ("sglang", *_KERNELS, "flashinfer-python")


def _family_hit(
    context: CheckContext, hit: SignatureHit, package: str, needs: Mapping[str, str], version: str | None
) -> Hit:
    wanted, have = needs.get(package, ""), context.view.version(package)
    values = {
        "package": package,
        "have": have or "?",
        "version": version or "?",
        "wanted": wanted or Text(en="another version", zh="其他版本"),
    }
    differs = bool(wanted and have) and not _inside(have or "", wanted)
    if wanted:
        values["pin"] = wanted
    elif not version:
        values |= _pins_of_a_name(context, hit, package)
    known = (*((context.because("package.sglang"),) if version else ()),)
    return Hit(
        verdict="match" if differs else "possible",
        because=(log_reason(hit), *known),
        values=values,
        packages=(package, "sglang", *(("flashinfer",) if package == "flashinfer-python" else ())),
        explains=2,
        weight=6 if differs else 4,
    )


def _pins_of_a_name(context: CheckContext, hit: SignatureHit, package: str) -> dict[str, str]:
    """Where no version is stated: the SGLang that no longer asks for the name, else the package of the first that does."""
    span = (
        context.tables.get("sglang-imports", {})
        .get("uses", {})
        .get(f"{hit.groups.get('module')}:{hit.groups.get('name')}")
    )
    if not isinstance(span, str):
        return {}
    first, _, gone = span.partition("..")
    wanted = sglang_needs(context.tables, first).get(package, "")
    pins = {"sglang_pin": f">={gone}"} if gone else {}
    if wanted.startswith(("==", ">=")) and "," not in wanted:
        pins["pin"] = wanted.replace("==", ">=")
    return pins


def _inside(version: str, specifier: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(Version(re.sub(r"\+.*", "", version)), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True
