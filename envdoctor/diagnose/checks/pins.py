"""Distributions that fit only one torch, and rules of thumb that became tables."""

from __future__ import annotations

from collections.abc import Iterable

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.knowledge.tables import (
    bitsandbytes_cuda,
    family_torch,
    kernels_load_on,
    lmdeploy_pin,
    newest_for,
    numpy2_works,
    torchao_loads_on,
    transformers_needs,
    vllm_pin,
)
from envdoctor.text import Text
from envdoctor.versions import Scheme, at_least, compare

_PINNED = ("vllm", "xformers", "torchvision", "torchaudio")


def _public(version: str) -> str:
    return version.partition("+")[0]


def _exact(context: CheckContext, name: str, version: str) -> str | None:
    if name == "vllm":
        pin = vllm_pin(context.tables, version)
        return pin.torch if pin else None
    return family_torch(context.tables, name, version)


def other_torch(context: CheckContext, name: str) -> str | None:
    """The one torch that this distribution was built for, where another is installed."""
    torch, version = context.view.version("torch"), context.view.version(name)
    if name not in _PINNED or torch is None or version is None or not _is_release(torch):
        return None
    wanted = _exact(context, name, _public(version)) or ""
    exact = wanted.replace("==", "")
    if not exact[:1].isdigit() or any(sign in wanted for sign in "<>!~,") or compare(Scheme.PEP440, torch, exact) == 0:
        return None
    return exact


def _ways_out(context: CheckContext, name: str, exact: str) -> dict[str, str]:
    """The pins that agree: of torch, and of the release that belongs to the installed torch. torch is not changed for the
    sake of what is only added to it, where there is such a release."""
    newest = newest_for(context.tables, name, context.view.version("torch") or "")
    other = {"package_pin": f"=={newest}"} if newest else {}
    return other if other and name != "vllm" else {"torch_pin": f"=={exact}"} | other


@check("EC-torch-pin")
def torch_pin(context: CheckContext) -> Iterable[Hit]:
    """A distribution with compiled code that was built for exactly one torch, beside another one."""
    for name in _PINNED:
        version, exact = context.view.version(name), other_torch(context, name)
        if version is None or exact is None:
            continue
        strong = name in ("vllm", "torchvision")
        yield Hit(
            verdict="match" if context.hits or name == "vllm" else "possible",
            because=(
                context.because(f"package.{name}"),
                context.because("package.torch"),
                *(log_reason(hit) for hit in context.hits[:1]),
            ),
            values={
                "package": name,
                "version": version,
                "torch": context.view.version("torch") or "",
                "wanted": exact,
            }
            | _ways_out(context, name, exact),
            packages=(name, "torch"),
            effect="blocks" if strong else "degrades",
            explains=1 if context.hits else 0,
            weight=4,
        )


def _is_release(version: str) -> bool:
    """Vendor and nightly builds of torch say nothing about published wheels."""
    from packaging.version import InvalidVersion, Version

    try:
        return not Version(version).is_prerelease
    except InvalidVersion:
        return False


@check("EC-numpy-2")
def numpy_2(context: CheckContext) -> Iterable[Hit]:
    """numpy 2 beside a torch that was built for numpy 1, or the message that says so."""
    torch, numpy = context.view.version("torch"), context.view.version("numpy")
    new = bool(numpy and at_least(Scheme.PEP440, numpy, "2.0.0"))
    too_old = bool(torch and numpy2_works(context.tables, torch) is False)
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    excluded = numpy is not None and not new
    if said and not excluded:
        facts = (context.because("package.numpy"),) if numpy else ()
        sure = new or any(hit.signature.name != "infer-dtype" for hit in context.hits)
        yield Hit(
            verdict="match" if sure else "possible",
            because=said + facts,
            values={"numpy": numpy or "2", "torch": torch or "?"},
            explains=2,
            weight=4,
        )
    elif new and too_old:
        yield Hit(
            because=(context.because("package.numpy"), context.because("package.torch")),
            values={"numpy": numpy or "", "torch": torch or ""},
            packages=("numpy", "torch"),
            weight=4,
        )


@check("EC-transformers-torch")
def transformers_torch(context: CheckContext) -> Iterable[Hit]:
    """A transformers that ignores this torch because it is too old."""
    version, torch = context.view.version("transformers"), context.view.version("torch")
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    needs = transformers_needs(context.tables, version) if version else None
    floor = needs.torch.replace(">=", "").split(",")[0] if needs and needs.torch else None
    if said:
        wanted = context.hits[0].groups.get("wanted") or floor or ""
    elif floor and torch and at_least(Scheme.PEP440, torch, floor) is False:
        wanted = floor
    else:
        return
    facts = tuple(
        context.because(f"package.{name}") for name in ("transformers", "torch") if context.view.version(name)
    )
    values = {"transformers": version or "", "torch": torch or "", "wanted": wanted}
    if wanted:
        values["torch_pin"] = f">={wanted}"
    yield Hit(because=said + facts, values=values, explains=2 if said else 0, weight=4)


@check("EC-bitsandbytes-cuda")
def bitsandbytes_library(context: CheckContext) -> Iterable[Hit]:
    """bitsandbytes brings one library per CUDA version; torch's is not among them."""
    version, cuda = context.view.version("bitsandbytes"), context.view.value("torch.cuda")
    build = bitsandbytes_cuda(context.tables, version) if version else None
    if build is None or build.cuda is None or not isinstance(cuda, str) or not cuda[:1].isdigit():
        return
    label = "".join(cuda.split(".")[:2])
    if label in {item.replace(".", "") for item in build.cuda} or context.view.value("env.BNB_CUDA_VERSION"):
        return
    first = _first_with(context, label)
    values = {"version": build.version, "cuda": cuda, "has": ", ".join(build.cuda)}
    if first:
        values["bitsandbytes_pin"] = f">={first}"
    certain = not _later_minor(build.cuda, label)
    yield Hit(
        verdict="match" if certain or context.hits else "possible",
        because=(
            context.because("package.bitsandbytes"), context.because("torch.cuda"),
            *(log_reason(hit) for hit in context.hits[:1]),
        ),
        values=values, packages=("bitsandbytes", "torch"), explains=1 if context.hits else 0, weight=4,
    )  # fmt: skip


def _later_minor(have: tuple[str, ...], label: str) -> bool:
    """From 0.50 on a library of the same CUDA major with a lower minor number serves."""
    return any(item.replace(".", "")[:2] == label[:2] for item in have) and len(have) < 10


def _first_with(context: CheckContext, label: str) -> str:
    rows = context.tables["bitsandbytes-cuda"]["rows"] if "bitsandbytes-cuda" in context.tables else ()
    for row in rows:
        if label in {str(item).replace(".", "") for item in row.get("cuda") or ()}:
            return str(row["version"])
    return ""


@check("EC-torchao-torch")
def torchao_torch(context: CheckContext) -> Iterable[Hit]:
    """torchao's compiled operators are skipped (or crash) beside another torch."""
    version, torch = context.view.version("torchao"), context.view.version("torch")
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    fits = torchao_loads_on(context.tables, version, _public(torch)) if version and torch else None
    if said or fits is False:
        groups = context.hits[0].groups if context.hits else {}
        have = torch or groups.get("torch") or ""
        values = {"version": version or groups.get("torchao", ""), "torch": have}
        fitting = _torchao_for(context, _public(have)) if have else ""
        if fitting:
            values["torchao_pin"] = fitting
        if "wanted" in groups:
            values["torch_pin"] = f">={groups['wanted']}"
        facts = tuple(context.because(f"package.{name}") for name in ("torchao", "torch") if context.view.version(name))
        yield Hit(because=said + facts, values=values, explains=2 if said else 0, weight=3)


def _torchao_for(context: CheckContext, torch: str) -> str:
    rows = context.tables["torch-family"].get("torchao", ()) if "torch-family" in context.tables else ()
    fitting = [row["version"] for row in rows if torchao_loads_on(context.tables, row["version"], torch)]
    return f"=={fitting[-1]}" if fitting else ""


@check("EC-kernels-torch")
def kernels_torch(context: CheckContext) -> Iterable[Hit]:
    """autoawq-kernels or auto-gptq whose compiled kernels do not load on this torch, by their symbols."""
    torch = context.view.version("torch")
    for name in ("autoawq-kernels", "auto-gptq"):
        version = context.view.version(name)
        if not torch or not version or not _is_release(torch):
            continue
        if kernels_load_on(context.tables, name, _public(version), _public(torch)) is False:
            loads = _loads_on(context, name, _public(version))
            values = {
                "package": name,
                "version": version,
                "torch": torch,
                "loads": Text(en=f"{loads[0]} to {loads[1]}", zh=f"{loads[0]} 至 {loads[1]}") if loads else "?",
            }
            if loads:
                values["torch_pin"] = f">={loads[0]},<={loads[1]}"
            fitting = _kernels_for(context, name, _public(torch))
            if fitting:
                values["package_pin"] = f"=={fitting}"
            optional = name == "autoawq-kernels" and bool(
                (awq := context.view.version("autoawq")) and at_least(Scheme.PEP440, awq, "0.2.7.post2")
            )
            yield Hit(
                because=(context.because(f"package.{name}"), context.because("package.torch")),
                values=values,
                packages=(name, "torch", *(("autoawq",) if name == "autoawq-kernels" else ())),
                effect="degrades" if optional or name == "auto-gptq" else "blocks",
                weight=4,
            )


def _kernel_rows(context: CheckContext, name: str) -> list[dict[str, object]]:
    table = "autoawq" if name == "autoawq-kernels" else "auto-gptq"
    key = "kernels" if name == "autoawq-kernels" else "rows"
    return list(context.tables[table][key]) if table in context.tables else []


def _loads_on(context: CheckContext, name: str, version: str) -> tuple[str, str] | None:
    for row in _kernel_rows(context, name):
        last = str(row.get("last") or row.get("version"))
        first = str(row.get("introduced") or row.get("version"))
        inside = at_least(Scheme.PEP440, version, first) and (compare(Scheme.PEP440, version, last) or 0) <= 0
        loads = row.get("loads_on")
        if inside and isinstance(loads, list):
            return str(loads[0]), str(loads[1])
    return None


def _kernels_for(context: CheckContext, name: str, torch: str) -> str:
    versions = [str(row.get("last") or row.get("version")) for row in _kernel_rows(context, name)]
    fitting = [v for v in versions if kernels_load_on(context.tables, name, v, torch)]
    return fitting[-1] if fitting else ""


@check("EC-lmdeploy-torch")
def lmdeploy_torch(context: CheckContext) -> Iterable[Hit]:
    """LMDeploy beside a torch or triton outside what its metadata allows."""
    version = context.view.version("lmdeploy")
    pin = lmdeploy_pin(context.tables, version) if version else None
    if pin is None:
        return
    for name, allowed in (("torch", pin.torch), ("triton", pin.triton)):
        have = context.view.version(name)
        if have and allowed and _outside(have, allowed):
            yield Hit(
                verdict="possible",
                because=(context.because("package.lmdeploy"), context.because(f"package.{name}")),
                values={
                    "version": version or "",
                    "needed": name,
                    "have": have,
                    "allowed": allowed,
                    "needed_pin": allowed,
                },
                packages=("lmdeploy", name),
                weight=3,
            )


def _outside(version: str, allowed: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return not SpecifierSet(allowed).contains(Version(version).public, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
