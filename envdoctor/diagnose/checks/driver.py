"""The NVIDIA driver against the CUDA of torch, and drivers that do not work at all."""

from __future__ import annotations

from collections.abc import Iterable

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.facts import Known
from envdoctor.knowledge.owners import distribution_of_engine
from envdoctor.knowledge.tables import driver_minimum, torch_build
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.versions import Scheme, at_least

_WORD = lazy(r"[A-Za-z][A-Za-z0-9_]{2,30}")


def torch_cuda(context: CheckContext) -> str | None:
    """The CUDA version of the installed torch: from its files or label, else the default build of that release."""
    cuda = context.view.value("torch.cuda")
    if isinstance(cuda, str):
        return cuda if cuda[:1].isdigit() else None
    torch = context.view.version("torch")
    build = torch_build(context.tables, torch) if torch else None
    return build.cuda if build else None


def driver_platform(context: CheckContext) -> str:
    """Whose minimum driver versions count: the Windows driver's under WSL2."""
    platform = context.view.value("driver.platform")
    if platform in ("linux", "windows"):
        return str(platform)
    return "windows" if context.view.value("host.wsl2") or context.view.value("host.os") == "windows" else "linux"


@check("EC-driver-too-old")
def driver_too_old(context: CheckContext) -> Iterable[Hit]:
    """The driver is older than the CUDA major of torch needs, or the output says so."""
    cuda, driver = torch_cuda(context), context.view.version_of("driver.version")
    needed = driver_minimum(context.tables, cuda, driver_platform(context)) if cuda else None
    below = bool(needed and driver and at_least(Scheme.DRIVER, driver, needed) is False)
    values = {"cuda": cuda or "", "driver": driver or "", "needed": needed or ""}
    values = {name: value for name, value in values.items() if value}
    values |= _fitting_build(context, driver, cuda)
    said = [
        hit for hit in context.hits if hit.signature.name != "forward-compatibility" or not _same_major(context, cuda)
    ]
    if said:
        groups = said[0].groups
        if "found" in groups:
            values["found"] = _decoded(groups["found"])
        values.setdefault("cuda", groups.get("wanted", Text(en="of this program", zh="（该程序所用版本）")))
        reasons = tuple(log_reason(hit) for hit in said[:3])
        facts = (context.because("driver.version"),) if driver else ()
        yield Hit(because=reasons + facts, values=values, packages=_guilty(context), explains=2, weight=4)
    elif below and _explicit_cuda(context):
        reasons = (context.because("driver.version"), context.because("torch.cuda", cuda))
        compat = _may_use_compat(context)
        yield Hit(
            verdict="possible" if compat else "match",
            because=reasons,
            missing=("env.LD_LIBRARY_PATH",) if compat else (),
            values=values,
            packages=_guilty(context),
            weight=4,
        )
    elif below:
        reasons = (context.because("driver.version"), context.because("package.torch"))
        yield Hit(
            verdict="possible",
            because=reasons,
            missing=("torch.cuda",),
            values=values,
            packages=_guilty(context),
            weight=3,
        )


#: NVIDIA supports its forward compatibility libraries (cuda-compat) on data-centre GPUs only
#: https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html
_DATA_CENTRE = lazy(r"\b(?:A100|A800|A10|A30|A40|H100|H800|H200|H20|GH200|B200|GB200|L4|L40S?|T4|V100\w*|P100|Tesla)\b")


def _may_use_compat(context: CheckContext) -> bool:
    """Whether the cuda-compat libraries could carry this GPU over the driver's CUDA major, as many images do."""
    names = context.view.get("gpu.name")
    found = [fact.value for fact in names if isinstance(fact, Known)] if isinstance(names, tuple) else []
    return bool(found) and all(_DATA_CENTRE.search(name) for name in found)


def _explicit_cuda(context: CheckContext) -> bool:
    return isinstance(context.view.value("torch.cuda"), str)


def _same_major(context: CheckContext, cuda: str | None) -> bool:
    """Error 804 with a driver of torch's own CUDA major is no matter of age."""
    ceiling = context.view.value("driver.cuda")
    return bool(cuda and isinstance(ceiling, str) and at_least(Scheme.DOTTED, ceiling, cuda))


def _guilty(context: CheckContext) -> tuple[str, ...]:
    """torch, the engine, and what the message itself names ("FlashInfer error: ...")."""
    engine = next((name for name in ("vllm", "sglang", "lmdeploy") if name in context.view.packages), "")
    stated = context.view.value("workload.engine")
    if not engine and isinstance(stated, str):
        engine = distribution_of_engine(stated)
    modules = context.tables["modules"]["modules"] if "modules" in context.tables else {}
    words = (word.lower() for hit in context.hits[:3] for word in _WORD.findall(hit.line.text[:500]))
    named = [modules[word][0] for word in words if word in modules]
    return tuple(dict.fromkeys(name for name in ("torch", *named, engine) if name))[:3]


def _decoded(number: str) -> str:
    """`11040` -> "11.4": CUDA's own way of writing versions, 1000 * major + 10 * minor."""
    value = int(number[:6])
    return f"{value // 1000}.{value % 1000 // 10}"


def _fitting_build(context: CheckContext, driver: str | None, cuda: str | None) -> dict[str, str]:
    """The newest published CUDA label of the installed torch that the driver admits."""
    torch = context.view.version("torch")
    if not torch or not driver:
        return {}
    rows = context.tables["torch-builds"]["rows"] if "torch-builds" in context.tables else ()
    public, platform = torch.partition("+")[0], driver_platform(context)
    for row in rows:
        if row["version"] != public:
            continue
        for label in sorted(row.get("builds", ()), reverse=True):
            build = torch_build(context.tables, public, label)
            needed = driver_minimum(context.tables, build.cuda, platform) if build else None
            if build and needed and build.cuda != cuda and at_least(Scheme.DRIVER, driver, needed):
                return {"label": label, "torch": public}
    return {}


@check("EC-driver-broken")
def driver_broken(context: CheckContext) -> Iterable[Hit]:
    """A driver that is there and does not answer, or whose library and kernel module are of different versions."""
    status = context.view.value("driver.status")
    says = context.view.value("driver.says") or ""
    if status == "not-answering":
        yield Hit(
            because=(context.because("driver.status"),), cause="hardware-fault", weight=4,
            values={"what": Text(en="does not answer", zh="无响应"), "says": says},
        )  # fmt: skip
    elif status == "library-mismatch" or any(hit.signature.name == "mismatch" for hit in context.hits):
        reasons = tuple(log_reason(hit) for hit in context.hits[:2]) or (context.because("driver.status"),)
        yield Hit(
            because=reasons, explains=2 if context.hits else 0, weight=4,
            values={"what": Text(en="and its kernel module are of different versions", zh="与内核模块版本不一致"), "says": says},
        )  # fmt: skip
    elif status == "failed":
        yield Hit(
            verdict="possible", because=(context.because("driver.status"),), weight=2,
            values={"what": Text(en="does not work", zh="无法工作"), "says": says},
        )  # fmt: skip
