"""What the user wants to run against the checkpoint and the GPUs: splits, memory, capability floors, damaged files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from envdoctor.diagnose.checks.gpu_code import capabilities
from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.finding import Because
from envdoctor.diagnose.memory_fit import memory_fit
from envdoctor.diagnose.tensor_parallel import BLOCKS, RuleVerdict, Split, judge_split, working_tensor_parallel
from envdoctor.facts import NOT_STATED, Fact, Known, Unknown, value_of
from envdoctor.knowledge.tables import vllm_min_capability
from envdoctor.text import Text, joined
from envdoctor.versions import Scheme, at_least

_SHOWN_TP = 16
#: what certainly works where nothing of the checkpoint is known, and how to learn the rest
_ONE = "1 (--model)"


def engine_of(context: CheckContext) -> str | None:
    """The engine that the user names, or the only serving engine that is installed."""
    named = context.view.value("workload.engine")
    if isinstance(named, str):
        return named
    installed = [name for name in ("vllm", "sglang", "lmdeploy") if name in context.view.packages]
    return installed[0] if len(installed) == 1 else None


def _split(context: CheckContext, engine: str) -> Split:
    gpus = capabilities(context)
    lowest = min(gpus, key=lambda cc: tuple(int(part) for part in re.findall(r"\d+", cc)), default=None)
    return Split(
        engine=engine,
        version=context.view.version(engine),
        backend=context.view.version_of("workload.backend"),
        capability=lowest,
        quantization=context.view.version_of("workload.quantization"),
    )


@check("EC-tensor-parallel-split")
def tensor_parallel_split(context: CheckContext) -> Iterable[Hit]:
    """The checkpoint's layers cannot be split over that many GPUs; which numbers would work."""
    engine = engine_of(context)
    checkpoint = context.view.facts.checkpoint
    size = value_of(context.view.facts.workload.tensor_parallel)
    said = tuple(log_reason(hit) for hit in context.hits[:3])
    split = _split(context, engine or "vllm")
    works = working_tensor_parallel(checkpoint, split, _SHOWN_TP)
    refused = [v for v in judge_split(checkpoint, split, size) if v.effect == BLOCKS] if engine and size else []
    groups = {name: value for hit in reversed(context.hits) for name, value in hit.groups.items()}
    values = {
        "engine": engine or Text(en="the engine", zh="推理引擎"),
        "works": ", ".join(map(str, works)) or _ONE,
        "tp": str(size or groups.get("tp", "N")),
    }
    packages = (engine,) if engine else ()
    if refused:
        first = refused[0]
        yield Hit(
            because=(*_reasons(context, refused), *said),
            values=values | {"arithmetic": first.arithmetic, "family": first.family},
            packages=packages,
            explains=2 if said else 0,
            weight=6,
        )
    elif said:
        shown = " ".join(f"{name} {value}" for name, value in groups.items()) or Text(
            en="as the message says", zh="见报错信息"
        )
        values["works"] = ", ".join(map(str, _as_observed(works, groups, size))) or _ONE
        yield Hit(
            because=said,
            values=values
            | {
                "arithmetic": _arithmetic(groups) or shown,
                "family": groups.get("what", Text(en="a layer", zh="某一层")),
            },
            packages=packages,
            explains=2,
            weight=3,
        )


def _as_observed(works: Sequence[int], groups: dict[str, str], size: int | None) -> list[int]:
    """Of the sizes that should work, those that the message does not contradict: the local files may be an older copy, whose
    width is the refused part times the size."""
    if size not in works:
        return list(works)
    rest = [n for n in works if n != size]
    if not size or not groups.get("what", "").endswith("_per_partition") or not int(groups.get("divisor", "0")[:12]):
        return rest
    width, tile = int(groups["value"][:12]) * size, int(groups["divisor"][:12])
    return [n for n in rest if width % (n * tile) == 0]


def _reasons(context: CheckContext, refused: list[RuleVerdict]) -> tuple[Because, ...]:
    split = tuple(
        Because(
            fact=f"{v.rule} {v.family}",
            value=v.arithmetic,
            source=Text(en="checkpoint and tensor parallel size", zh="检查点与张量并行数"),
        )
        for v in refused[:3]
    )
    return (context.because("workload.tensor_parallel"), *split)


def _arithmetic(groups: dict[str, str]) -> str:
    if "value" in groups and "divisor" in groups:
        value, divisor = int(groups["value"][:12]), int(groups["divisor"][:12])
        return f"{value} / {divisor} = {value / divisor:g}" if divisor else ""
    return ""


@check("EC-memory-fit")
def memory(context: CheckContext) -> Iterable[Hit]:
    """The weights, split as asked for, against the memory of the GPUs."""
    facts = context.view.facts
    gpus = facts.gpus
    if not isinstance(gpus, Known) or not gpus.value or value_of(facts.checkpoint.tensor_bytes) is None:
        return
    if context.view.value("workload.task") in ("quantize", "install"):
        return  # quantizers walk layer by layer
    fit = memory_fit(
        facts.checkpoint,
        [value_of(gpu.memory_bytes) for gpu in gpus.value],
        tensor_parallel=value_of(facts.workload.tensor_parallel),
        pipeline_parallel=value_of(facts.workload.pipeline_parallel),
        utilization=value_of(facts.workload.gpu_memory_utilization),
        max_model_len=value_of(facts.workload.max_model_len),
        offload=context.view.value("workload.engine") in ("transformers", "llama-cpp", "autoawq", None),
    )
    if fit.verdict not in ("does-not-fit", "possible"):
        return
    values = {
        "weights": _gib(fit.weights), "floor": _gib(fit.floor), "usable": _gib(fit.usable), "memory": _gib(fit.memory),
        "ranks": str(fit.ranks),
    }  # fmt: skip
    reasons = [context.because("checkpoint.tensor_bytes", f"{_gib(value_of(facts.checkpoint.tensor_bytes))} GiB")]
    reasons.append(context.because("gpu.memory_bytes", f"{_gib(fit.memory)} GiB"))
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    verdict = "match" if fit.verdict == "does-not-fit" or said else "possible"
    yield Hit(
        verdict=verdict, because=(*reasons, *said), values=values, packages=(), explains=2 if said else 0, weight=4,
        missing=() if verdict == "match" else ("workload.max_model_len",),
    )  # fmt: skip


def _gib(value: int | None) -> str:
    return "?" if value is None else f"{value / 2**30:.1f}"


@check("EC-capability-floor")
def capability_floor(context: CheckContext) -> Iterable[Hit]:
    """A vLLM quantization backend that asks for a newer GPU than one that is here."""
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    groups = context.hits[0].groups if context.hits else {}
    if said:
        minimum, method = groups.get("minimum", ""), groups.get("method", Text(en="the method", zh="该方法"))
        values = {
            "method": method,
            "minimum": f"{minimum[:-1]}.{minimum[-1]}" if minimum.isdigit() and len(minimum) > 1 else minimum or "?",
            "have": next(iter(capabilities(context)), groups.get("current", "?")),
        }
        yield Hit(because=said, values=values, packages=("vllm",), explains=2, weight=4)
        return
    version, backend = context.view.version("vllm"), _backend(context)
    if engine_of(context) != "vllm" or version is None or backend is None:
        return
    floor = vllm_min_capability(context.tables, backend, version)
    for capability, why in capabilities(context).items():
        if floor and at_least(Scheme.CAPABILITY, capability, floor) is False:
            yield Hit(
                because=(why, context.because("package.vllm"), *_method_reason(context)),
                values={"method": backend, "minimum": floor, "have": capability},
                packages=("vllm",),
                weight=5,
            )


def _backend(context: CheckContext) -> str | None:
    """The plainest backend that vLLM would use: a GPU below Marlin's floor falls back to plain AWQ or GPTQ."""
    named = context.view.value("workload.quantization")
    method = named if isinstance(named, str) else context.view.value("checkpoint.quant_method")
    if not isinstance(method, str) or method == "none":
        return None
    if method == "compressed-tensors":
        kind = context.view.value("checkpoint.quant_format")
        kinds = {"pack-quantized": "-wna16", "int-quantized": "-int8", "float-quantized": "-fp8"}
        return method + kinds[kind] if kind in kinds else None
    return method


def _method_reason(context: CheckContext) -> tuple[Because, ...]:
    for path in ("workload.quantization", "checkpoint.quant_method"):
        if context.view.value(path) is not None:
            return (context.because(path),)
    return ()


@check("EC-bfloat16-gpu")
def bfloat16_gpu(context: CheckContext) -> Iterable[Hit]:
    """bfloat16 on a GPU that has none."""
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    old = [why for cc, why in capabilities(context).items() if at_least(Scheme.CAPABILITY, cc, "8.0") is False]
    if said:
        yield Hit(
            because=(*said, *old), values=_dtype_values(context), packages=_engines(context), explains=2, weight=4
        )
    elif (
        old
        and context.view.value("workload.dtype") == "bfloat16"
        and engine_of(context) in ("vllm", "sglang", "lmdeploy")
    ):
        yield Hit(
            because=(*old, context.because("workload.dtype")),
            values=_dtype_values(context),
            packages=_engines(context),
            weight=4,
        )


def _dtype_values(context: CheckContext) -> dict[str, str]:
    return {"have": next(iter(capabilities(context)), Text(en="below 8.0", zh="低于 8.0"))}


def _engines(context: CheckContext) -> tuple[str, ...]:
    engine = engine_of(context)
    return (engine,) if engine else ()


@check("EC-broken-checkpoint")
def broken_checkpoint(context: CheckContext) -> Iterable[Hit]:
    """The files of the checkpoint themselves: missing, cut off, stubs, or at odds with config.json."""
    damage = value_of(context.view.facts.checkpoint.damage) or ()
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    if damage:
        reasons = tuple(Because(fact=f"checkpoint.{d.kind}", value=d.says, source=d.file) for d in damage[:6])
        first = damage[0]
        verb = first.says.split(" ", 1)[0] in {"is", "has", "holds", "claims", "cannot", "ends"}
        what = Text(
            en=f"{first.file} {first.says}" if verb else f"{first.says} ({first.file})",
            zh=f"{first.file}：{first.says.zh}",
        )
        values = {"what": what, "file": damage[0].file, "count": str(len(damage))}
        yield Hit(because=(*reasons, *said), values=values, explains=2 if said else 0, weight=5)
    elif said:
        hit = context.hits[0]
        values = {
            "what": hit.line.text.strip()[:160],
            "file": hit.groups.get("file", Text(en="a file of the model", zh="模型的某个文件")),
            "count": "1",
        }
        yield Hit(because=said, values=values, explains=2, weight=3)


def _asked_in_vain(fact: Fact[str]) -> bool:
    return isinstance(fact, Unknown) and fact != NOT_STATED


@check("EC-broken-target")
def broken_target(context: CheckContext) -> Iterable[Hit]:
    """The target environment itself: an interpreter that is gone or does not answer."""
    facts = context.view.facts
    # the version may still be known from pyvenv.cfg: what only the interpreter itself can say tells whether it answered
    asked = next((fact for fact in (facts.target.python, facts.target.implementation) if _asked_in_vain(fact)), None)
    where = value_of(facts.target.executable) or value_of(facts.target.prefix)
    if isinstance(asked, Unknown) and where and isinstance(facts.target.executable, Known):
        slow = asked.reason.endswith("does not answer")  # it may only be a busy machine
        yield Hit(
            because=(Because(fact="target.executable", value=where, source=asked.reason),),
            values={"what": asked.reason, "where": where},
            effect="degrades" if slow else None,
            weight=5,
        )


@check("EC-duplicate-distribution")
def duplicate_distribution(context: CheckContext) -> Iterable[Hit]:
    """Two versions of one distribution in one environment: which files win is luck."""
    for dist in context.view.facts.distributions.installed:
        if dist.duplicates:
            yield Hit(
                because=(
                    Because(
                        fact=f"package.{dist.name}",
                        value=", ".join((dist.version, *dist.duplicates)),
                        source=dist.source,
                    ),
                ),
                values={"name": dist.name, "versions": ", ".join((dist.version, *dist.duplicates))},
                packages=(dist.name,),
                weight=3,
            )


@check("EC-cpu-torch")
def cpu_torch(context: CheckContext) -> Iterable[Hit]:
    """A CPU build of torch on a machine with an NVIDIA GPU."""
    gpus = value_of(context.view.facts.gpus) or ()
    said = tuple(log_reason(hit) for hit in context.hits[:2])
    if context.view.value("torch.cuda") == "none" and context.view.value("torch.hip") is None and (gpus or said):
        yield Hit(
            because=(context.because("package.torch"), *said),
            values={"torch": context.view.version("torch") or ""},
            explains=2 if said else 0,
            weight=4,
        )
    elif said and context.view.value("torch.cuda") is None:
        yield Hit(
            verdict="possible",
            because=said,
            values={"torch": context.view.version("torch") or "?"},
            explains=2,
            weight=2,
        )


@check("EC-mixed-cuda")
def mixed_cuda(context: CheckContext) -> Iterable[Hit]:
    """CUDA runtime wheels of several majors in one environment: suspicious, no proof."""
    majors: dict[str, list[str]] = {}
    for name in context.view.packages:
        found = re.fullmatch(r"nvidia-(?:cuda-runtime|cublas|cudnn)-cu(\d\d)", name)
        if found:
            majors.setdefault(found.group(1), []).append(name)
    cuda = context.view.value("torch.cuda")
    if len(majors) > 1 and isinstance(cuda, str) and cuda[:1].isdigit():
        own = cuda.split(".")[0]
        other = sorted(name for major, names in majors.items() if major != own for name in names)
        yield Hit(
            because=tuple(context.because(f"package.{name}") for name in other[:3]),
            values={
                "majors": joined(sorted(majors), Text(en=" and ", zh=" 与 ")),
                "cuda": cuda,
                "other": " ".join(other),
            },
            packages=(other[0], "torch") if other else ("torch",),
            weight=1,
        )


@check("EC-python-floor")
def python_floor(context: CheckContext) -> Iterable[Hit]:
    """No build for this Python: what the installer says, and which Python would do."""
    for hit in context.hits:
        package = hit.groups.get("package") or ""
        values = {
            "package": package.lower().replace("_", "-") or Text(en="the package", zh="该包"),
            "have": hit.groups.get("have", ""),
        }
        values["wanted"] = hit.groups.get("wanted", "")
        python = context.view.version_of("target.python")
        values["have"] = values["have"] or python or "?"
        yield Hit(
            because=(log_reason(hit),), values=values, explains=2, weight=3,
            packages=(package.lower().replace("_", "-"),) if package else (),
        )  # fmt: skip
