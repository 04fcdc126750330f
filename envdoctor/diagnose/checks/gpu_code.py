"""GPU code: whether what is installed was compiled for the GPUs that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.checks.traces import importer_of
from envdoctor.diagnose.finding import Because
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.facts import Known
from envdoctor.knowledge.owners import owners_of_path
from envdoctor.knowledge.tables import TorchBuild, runs_on, torch_build, vllm_archs
from envdoctor.patterns import lazy
from envdoctor.text import Text

#: a published release; local, dev and source builds choose their own architectures
_OFFICIAL = lazy(r"[0-9.]+(?:\.?post[0-9]+)?")
_LABELLED = lazy(r"\+cu\d")
_ENGINES = ("vllm", "sglang", "lmdeploy", "exllamav2", "auto-gptq", "autoawq", "bitsandbytes", "xformers", "flash-attn")

_STILL_BUILT = 8  #: GPUs from Ampere on are in every newer torch; older ones are left out of newer builds
_SOMETHING = Text(en="torch or a compiled package", zh="torch 或某个编译扩展")


def capabilities(context: CheckContext) -> dict[str, Because]:
    """Each distinct known compute capability of the machine, with the GPU that has it."""
    gpus = context.view.facts.gpus
    found: dict[str, Because] = {}
    for gpu in gpus.value if isinstance(gpus, Known) else ():
        capability = gpu.compute_capability
        if isinstance(capability, Known):
            name = gpu.name.value if isinstance(gpu.name, Known) else f"GPU {gpu.index}"
            found.setdefault(
                capability.value,
                Because(fact="gpu.compute_capability", value=f"{capability.value} ({name})", source=capability.source),
            )
    return found


def installed_build(context: CheckContext) -> TorchBuild | None:
    """The published build that the installed torch is, where its label or CUDA version says so."""
    torch = context.view.version("torch")
    if not torch:
        return None
    cuda = context.view.value("torch.cuda")
    label = None
    if isinstance(cuda, str) and cuda[:1].isdigit() and "+" not in torch:
        label = "cu" + "".join(cuda.split(".")[:2])
    return torch_build(context.tables, torch, label)


@check("EC-no-kernel-image")
def no_kernel_image(context: CheckContext) -> Iterable[Hit]:
    """torch has no code for a GPU of the machine, or the output says that some binary has none."""
    build, gpus = installed_build(context), capabilities(context)
    lacking = {
        cc: why
        for cc, why in gpus.items()
        if build and build.archs and runs_on(build.archs, cc, ptx=build.ptx) is False
    }
    said = context.hits
    if lacking and build is not None:
        cc = next(iter(lacking))
        labelled = context.because("package.torch")
        reasons = (*lacking.values(), labelled, *(log_reason(hit) for hit in said[:2]))
        certain = "+" in (context.view.version("torch") or "") or context.view.value("torch.cuda") is not None or said
        yield Hit(
            verdict="match" if certain else "possible",
            because=reasons,
            missing=() if certain else ("torch.cuda",),
            values=_values(context, cc, build),
            packages=("torch", *_installed_engines(context)),
            explains=2 if said else 0,
            weight=5,
        )
    elif said:
        yield _from_text(context, said, gpus)


def _values(context: CheckContext, capability: str, build: TorchBuild) -> dict[str, str]:
    values = {
        **_named("sm_" + capability.replace(".", "")),
        "what": f"torch {build.version} ({build.label})",
        "has": " ".join(build.archs or ()),
    }
    values |= _first_torch(context, capability)
    labels = _labels(context, build.version, capability)
    return values | ({"label": labels[-1], "torch": build.version} if labels else {})


def _named(sm: str | None) -> dict[str, str]:
    """How the GPU is called in a title (`gpu`) and within a sentence (`sm`)."""
    if sm is None:
        this = Text(en="this GPU", zh="这块显卡")
        return {"gpu": this, "sm": this}
    return {"gpu": Text(en=f"this GPU ({sm})", zh=f"该 GPU（{sm}）"), "sm": sm}


def _labels(context: CheckContext, version: str, capability: str) -> list[str]:
    """Published CUDA labels of one torch release that run on a compute capability."""
    rows = [row for row in context.tables["torch-builds"]["rows"] if row["version"] == version]
    found = []
    for label in sorted(rows[0].get("builds", ())) if rows else ():
        build = torch_build(context.tables, version, label)
        if build and build.archs and runs_on(build.archs, capability, ptx=build.ptx):
            found.append(label)
    return found


def _first_torch(context: CheckContext, capability: str) -> dict[str, str]:
    """The oldest torch release that has some build with code for a compute capability, and its newest such build.

    Nothing for GPUs that newer releases leave out: "this one or newer" would be wrong for them.
    """
    if int(capability.split(".", maxsplit=1)[0]) < _STILL_BUILT:
        return {}
    for row in context.tables["torch-builds"]["rows"]:
        if labels := _labels(context, row["version"], capability):
            return {"torch_pin": f">={row['version']}", "torch": str(row["version"]), "label": labels[-1]}
    return {}


def _installed_engines(context: CheckContext) -> tuple[str, ...]:
    return tuple(name for name in _ENGINES if name in context.view.packages)[:1]


def _from_text(context: CheckContext, said: tuple[SignatureHit, ...], gpus: dict[str, Because]) -> Hit:
    by_name = {hit.signature.name: hit for hit in reversed(said)}
    reasons = tuple(log_reason(hit) for hit in said[:3])
    if "torch-lacks" in by_name:
        sm = by_name["torch-lacks"].groups["sm"]
        capability = f"{sm[:-1]}.{sm[-1]}"
        values = {
            **_named(f"sm_{sm}"),
            "what": Text(en="this torch", zh="这个 torch"),
            "has": Text(en="code for other GPUs only", zh="其他显卡的架构"),
        }
        return Hit(
            because=reasons,
            values=values | _first_torch(context, capability),
            packages=("torch", *_installed_engines(context)),
            explains=2,
            weight=4,
        )
    if "ptxas" in by_name or "llvm" in by_name:
        sm = by_name.get("ptxas", by_name.get("llvm", said[0])).groups["sm"]
        values = {
            **_named(f"sm_{sm}"),
            "what": Text(en="the compiler inside this Triton", zh="该 Triton 自带的编译器"),
            "has": Text(en="code for older GPUs only", zh="较早显卡的架构"),
            "ptxas": "/usr/local/cuda/bin/ptxas",
        }
        if sm.rstrip("af") in ("100", "120"):
            values["triton_pin"] = ">=3.3.0"  # the first that carries a ptxas of CUDA 12.8
        return Hit(because=reasons, values=values, packages=("triton", "torch"), explains=2, weight=4)
    owners = _owner(context, said[0])
    cc = next(iter(gpus), "")
    values = {
        **_named("sm_" + cc.replace(".", "") if cc else None),
        "what": owners[0] if owners and context.view.version(owners[0]) else _SOMETHING,
        "has": Text(en="code for other GPUs only", zh="其他显卡的架构"),
    }
    if cc and owners[:1] in ((), ("torch",)):
        values |= _first_torch(context, cc)
    reasons += tuple(gpus.values())
    return Hit(
        verdict="match" if owners else "possible", because=reasons, values=values, packages=owners, explains=2, weight=3
    )


def _owner(context: CheckContext, hit: SignatureHit) -> tuple[str, ...]:
    """Whose binary failed: named in the line, else the innermost package of the traceback above, else the engine.

    torch itself is only named where nothing else can be: its archs were already held against the GPUs."""
    own = [name for name in owners_of_path(context.tables, hit.line.text) if name != "torch"]
    if own:
        return tuple(own[:1])
    if "fmha_cutlass" in hit.line.text:  # kernels of xformers' memory-efficient attention, which torch carries as well
        return ("xformers", "torch")
    for name in ("xformers", "flash-attn"):
        if name.replace("-", "_") in hit.line.text or name in hit.line.text:
            return (name,)
    asker = importer_of(context, hit.line)
    if asker:
        return (asker,)
    engine = context.view.value("workload.engine")
    engines = _installed_engines(context)
    if isinstance(engine, str) and engine in context.view.packages:
        return tuple(dict.fromkeys((engine, "torch")))
    carriers = (*_built_for_cuda(context), *engines) or _quantizers(context)
    return tuple(dict.fromkeys((*carriers, "torch")))


#: whose kernels a quantized checkpoint runs on, where it is not said what runs it
_QUANTIZERS: Mapping[str, tuple[str, ...]] = {
    "gptq": ("auto-gptq", "vllm"), "awq": ("autoawq-kernels", "vllm"), "bitsandbytes": ("bitsandbytes",),
}  # fmt: skip


def _quantizers(context: CheckContext) -> tuple[str, ...]:
    """They are built for newer GPUs than torch."""
    for fact in ("checkpoint.quant_method", "workload.quantization"):
        found = _QUANTIZERS.get(str(context.view.value(fact)))
        if found:
            return found
    return ()


def _built_for_cuda(context: CheckContext) -> tuple[str, ...]:
    """Installed extensions whose version says which CUDA they were built for: they carry kernels of their own."""
    of_torch = ("torch", "torchvision", "torchaudio", "triton")
    labelled = (name for name, one in context.view.packages.items() if _LABELLED.search(one.version))
    return tuple(name for name in labelled if name not in of_torch)[:1]


@check("EC-vllm-gpu-arch")
def vllm_gpu_arch(context: CheckContext) -> Iterable[Hit]:
    """The official vLLM wheels leave out a GPU of this machine."""
    version = context.view.version("vllm")
    built = vllm_archs(context.tables, version) if version else None
    if built is None or version is None:
        return
    for capability, why in capabilities(context).items():
        if runs_on(built.archs, capability, ptx=built.ptx) is False:
            yield Hit(
                verdict="match" if _OFFICIAL.fullmatch(version) else "possible",
                because=(why, context.because("package.vllm"), *(log_reason(hit) for hit in context.hits[:2])),
                values={"sm": "sm_" + capability.replace(".", ""), "version": version, "has": " ".join(built.archs)},
                packages=("vllm", "torch"),
                explains=2 if context.hits else 0,
                weight=5,
            )
