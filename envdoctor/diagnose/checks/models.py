"""Models, classes and quantization methods that a release does not know yet, or no longer: read off measured tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from envdoctor.diagnose.checks.registry import CheckContext, Hit, check, log_reason
from envdoctor.diagnose.checks.workload import engine_of
from envdoctor.diagnose.signatures import SignatureHit
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass
from envdoctor.versions import Scheme, at_least

#: what a class name may add to its model's name so that it is sure to be there from the model's first release on
_CLASS_ENDINGS = ("ForCausalLM", "ForConditionalGeneration", "Config", "Model", "PreTrainedModel", "Processor")
#: engines that read config.json through transformers alone; the serving engines bring configurations of their own
_READS_THROUGH_TRANSFORMERS = ("transformers", "autoawq", "auto-gptq", "gptqmodel", "llm-compressor", "optimum")
_AUTO = lazy(r"configuration_auto|CONFIG_MAPPING|AutoConfig")
#: from this release on vLLM can run models without an implementation of its own, through transformers
_VLLM_FALLBACK = "0.7.2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Where a name is known: from `first` on (None: since before the oldest release that was read), until `gone`."""

    first: str | None
    gone: str | None

    def judge(self, version: str | None) -> str | None:
        """`early`, `late` or `inside`; None where the version is not known or cannot be compared."""
        if version is None:
            return None
        public = version.partition("+")[0]
        if self.first is not None:
            reached = at_least(Scheme.PEP440, public, self.first)
            if reached is not True:
                return "early" if reached is False else None
        if self.gone is not None and at_least(Scheme.PEP440, public, self.gone) is True:
            return "late"
        return "inside"


def band_of(table: Mapping[str, Any], name: str) -> Band | None:
    """The releases that know `name`; None where no release that was read does."""
    first = table.get("first", {}).get(name)
    if first is None:
        return None
    return Band(first=None if first == table["oldest"] else first, gone=table.get("gone", {}).get(name))


def model_type_of_class(table: Mapping[str, Any], name: str) -> str | None:
    """The model type of a transformers class (`Qwen2VLForConditionalGeneration` -> `qwen2_vl`); None for other names."""
    ending = next((end for end in sorted(_CLASS_ENDINGS, key=len, reverse=True) if name.endswith(end)), None)
    if ending is None:
        return None
    stem = name.removesuffix(ending)
    spelled = {re.sub(r"[-_]", "", model_type): model_type for model_type in table.get("first", {})}
    found = table.get("classes", {}).get(stem) or spelled.get(stem.lower())
    return found if isinstance(found, str) else None


@check("EC-model-type")
def model_type(context: CheckContext) -> Iterable[Hit]:
    """A model that the installed transformers does not know: the first release that does."""
    table = context.tables.get("model-types")
    if table is None:
        return
    if context.hits:
        yield from (one for hit in context.hits for one in _unknown_type(context, table, hit))
        return
    stated, version = context.view.value("checkpoint.model_type"), context.view.version("transformers")
    engine = context.view.value("workload.engine")
    band = band_of(table, stated) if isinstance(stated, str) else None
    if band is None or band.judge(version) != "early" or engine not in _READS_THROUGH_TRANSFORMERS:
        return
    yield Hit(
        verdict="possible",  # code that comes with the checkpoint (trust_remote_code) may know it
        because=(context.because("checkpoint.model_type"), context.because("package.transformers")),
        values=_type_values(table, str(stated), band, version),
        weight=3,
    )


def _unknown_type(context: CheckContext, table: Mapping[str, Any], hit: SignatureHit) -> Iterable[Hit]:
    version = context.view.version("transformers")
    name = hit.groups.get("type") or hit.groups.get("key") or model_type_of_class(table, hit.groups.get("class", ""))
    if not name:
        return
    band = band_of(table, name)
    says = band.judge(version) if band else None
    sure = hit.signature.conclusive
    if not sure and (band is None or band.first is None or says in ("inside", "late")):
        return
    # the key alone, without transformers' lines around it and without its version, may be another dictionary's
    alone = "key" in hit.groups and says is None and not any(_AUTO.search(line.text) for line in context.view.facts.log)
    certain = says in ("early", "late") or (says is None and not alone and band is not None and band.first is not None)
    engine = engine_of(context)
    known = (context.because("package.transformers"),) if version else ()
    yield Hit(
        verdict="match" if certain else "possible",
        because=(log_reason(hit), *known),
        values=_type_values(table, name, band, version) | _engine_pin(context, engine),
        packages=tuple(dict.fromkeys(("transformers", *((engine,) if engine in ("vllm", "sglang") else ())))),
        explains=2,
        weight=4,
    )


def _type_values(table: Mapping[str, Any], name: str, band: Band | None, version: str | None) -> dict[str, str]:
    values = {
        "type": name,
        "version": version or "?",
        "newest": table["newest"],
        "engine": Text(en="the engine", zh="推理引擎"),
    }
    judged = band.judge(version) if band else None
    if band is None:
        says = Text(en=f"no release up to {table['newest']} does", zh=f"截至 {table['newest']} 的版本都不认识它")
    elif judged == "late":
        says = Text(en=f"{band.gone} dropped it", zh=f"{band.gone} 已将其移除")
        values["transformers_pin"] = f"<{band.gone}"
    elif judged == "inside" or band.first is None:
        says = Text(
            en="this release does, so the process that failed runs another installation of transformers",
            zh="该版本本应认识它，出错的进程很可能用的是另一份 transformers",
        )
    else:
        says = Text(en=f"{band.first} is the first that does", zh=f"从 {band.first} 开始才认识")
        values["transformers_pin"] = f">={band.first}"
    return values | {"says": says}


def _engine_pin(context: CheckContext, engine: str | None) -> dict[str, str]:
    """The vLLM release that lists the checkpoint's architecture, where it is known and newer than the installed one."""
    architecture, table = context.view.value("checkpoint.architecture"), context.tables.get("vllm-architectures")
    if engine != "vllm" or table is None or not isinstance(architecture, str):
        return {}
    band = band_of(table, architecture)
    if band is None or band.first is None or band.judge(context.view.version("vllm")) != "early":
        return {}
    return {"engine": engine, "engine_pin": f">={band.first}"}


def _band_values(table: Mapping[str, Any], name: str, band: Band | None, version: str | None) -> dict[str, str]:
    values = {"name": name, "version": version or "?"}
    judged = band.judge(version) if band else None
    if band is None:
        says = Text(en=f"no release up to {table['newest']} lists it", zh=f"截至 {table['newest']} 的版本都没有列出它")
    elif judged == "late" or (judged is None and band.gone is not None):
        span = f"{band.first or 'the oldest'} .. <{band.gone}"
        says = Text(en=f"releases {span} do", zh=f"只有 {band.first or '较早'} 至 {band.gone} 之前的版本支持")
        values["pin"] = f"<{band.gone}" if band.first is None else f">={band.first},<{band.gone}"
    elif judged == "inside" or band.first is None:
        says = Text(en="this release should", zh="该版本本应支持")
    else:
        says = Text(en=f"{band.first} is the first that does", zh=f"从 {band.first} 开始才支持")
        values["pin"] = f">={band.first}"
    return values | {"says": says}


def _from_band(context: CheckContext, table: Mapping[str, Any], name: str, hit: SignatureHit) -> Hit:
    version = context.view.version("vllm")
    band = band_of(table, name)
    judged = band.judge(version) if band else None
    # releases of 0.6 said this of models that failed to import as well: then their own list holds the name
    listed = f"'{name}'" in hit.line.text.partition("Supported architectures")[2]
    certain = band is not None and not listed and (judged in ("early", "late") or (judged is None and bool(band.first)))
    known = (context.because("package.vllm"),) if version else ()
    values = _band_values(table, name, None if listed else band, version)
    if listed or judged == "inside":
        values.pop("pin", None)
        values["says"] = Text(
            en="this release lists it, so importing its code failed: the error further up says why",
            zh="该版本列出了它，说明是导入模型代码时失败，原因见更靠前的报错",
        )
    return Hit(
        verdict="match" if certain else "possible",
        because=(log_reason(hit), *known),
        values=values,
        explains=1 if listed or judged == "inside" else 2,
        weight=4,
    )


def _too_early(context: CheckContext, table: Mapping[str, Any], path: str) -> tuple[str, Band] | None:
    """The stated name at `path`, where the installed vLLM is older than the first release that knows it."""
    name = context.view.value(path)
    band = band_of(table, name) if isinstance(name, str) else None
    if band is None or engine_of(context) != "vllm" or band.judge(context.view.version("vllm")) != "early":
        return None
    return name, band


@check("EC-vllm-architecture")
def vllm_architecture(context: CheckContext) -> Iterable[Hit]:
    """An architecture that the installed vLLM does not list."""
    table = context.tables.get("vllm-architectures")
    if table is None or engine_of(context) == "sglang":
        return
    for hit in context.hits[:1]:
        yield _from_band(context, table, hit.groups["architecture"], hit)
    if context.hits:
        return
    found = _too_early(context, table, "checkpoint.architecture")
    if found is None:
        return
    version = context.view.version("vllm") or ""
    fallback = at_least(Scheme.PEP440, version.partition("+")[0], _VLLM_FALLBACK)
    yield Hit(
        verdict="match" if fallback is False else "possible",
        because=(context.because("checkpoint.architecture"), context.because("package.vllm")),
        values=_band_values(table, *found, version),
        weight=4,
    )


@check("EC-vllm-quantization")
def vllm_quantization(context: CheckContext) -> Iterable[Hit]:
    """A quantization method that the installed vLLM does not know."""
    table = context.tables.get("vllm-quantization")
    if table is None or engine_of(context) == "sglang":
        return
    for hit in context.hits[:1]:
        yield _from_band(context, table, hit.groups["method"], hit)
    if context.hits:
        return
    found = _too_early(context, table, "checkpoint.quant_method")
    if found is not None:
        yield Hit(
            because=(context.because("checkpoint.quant_method"), context.because("package.vllm")),
            values=_band_values(table, *found, context.view.version("vllm")),
            weight=4,
        )


@check("EC-vllm-bitsandbytes")
def vllm_bitsandbytes(context: CheckContext) -> Iterable[Hit]:
    """A model class for which the installed vLLM cannot load bitsandbytes weights yet."""
    table = context.tables.get("vllm-quantization")
    version = context.view.version("vllm")
    for hit in context.hits[:1] if table else ():
        name = hit.groups["architecture"]
        first = table["bitsandbytes"].get(name) if table else None
        values = {"name": name, "version": version or "?"}
        if first is None:
            values["says"] = Text(en="no later release was found to have it", zh="未发现后续版本具备该映射")
        else:
            values["says"] = Text(en=f"{first} is the first that does", zh=f"从 {first} 开始才支持")
            values["pin"] = f">={first}"
        known = (context.because("package.vllm"),) if version else ()
        engine = engine_of(context)
        yield Hit(
            because=(log_reason(hit), *known),
            values=values,
            packages=("vllm",) if engine != "sglang" else ("sglang", "bitsandbytes"),
            explains=2,
            weight=4,
        )


@check("EC-peft-adapter")
def peft_adapter(context: CheckContext) -> Iterable[Hit]:
    """An adapter_config.json with a field that the installed peft does not know."""
    table = context.tables.get("peft-lora-config", {})
    version = context.view.version("peft")
    for hit in context.hits[:1]:
        field = hit.groups["field"]
        first = table.get("first", {}).get(field)
        values = {"field": field, "version": f"peft {version}" if version else "peft", "first": first or "?"}
        known = (context.because("package.peft"),) if version else ()
        yield Hit(
            verdict="match" if first else "possible",
            because=(log_reason(hit), *known),
            values=values | ({"peft_pin": f">={first}"} if first else {}),
            explains=2,
            weight=4,
        )


@check("EC-accelerate-argument")
def accelerate_argument(context: CheckContext) -> Iterable[Hit]:
    """transformers or trl hand accelerate an argument that it does not take yet, or no longer."""
    table = context.tables.get("accelerate-arguments")
    version = context.view.version("accelerate")
    for hit in context.hits[:1] if table else ():
        name = hit.groups["argument"]
        band = band_of(table, name) if table else None
        if table is None or band is None:
            continue
        values = _band_values(table, name, band, version)
        pin = {"pin": values["pin"]} if "pin" in values else {}
        known = (context.because("package.accelerate"),) if version else ()
        yield Hit(
            verdict="possible" if band.judge(version) == "inside" or not pin else "match",
            because=(log_reason(hit), *known),
            values=values | pin,
            explains=2,
            weight=4,
        )


@check("EC-gguf-architecture")
def gguf_architecture(context: CheckContext) -> Iterable[Hit]:
    """A GGUF file of an architecture whose configuration the installed transformers cannot read."""
    table = context.tables.get("transformers-gguf")
    version, engine = context.view.version("transformers"), engine_of(context)
    for hit in context.hits[:1] if table else ():
        name = hit.groups["architecture"]
        band = band_of(table, name) if table else None
        first = band.first if band else None
        newest = (table or {}).get("newest")
        says = Text(en=f"no release up to {newest} does", zh=f"截至 {newest} 的版本都不支持")
        if first:
            says = Text(en=f"{first} is the first that does", zh=f"从 {first} 开始才支持")
        values = {"name": name, "version": version or "?", "says": says}
        known = (context.because("package.transformers"),) if version else ()
        yield Hit(
            verdict="match" if band is None or band.judge(version) in ("early", None) else "possible",
            because=(log_reason(hit), *known),
            values=values | ({"transformers_pin": f">={first}"} if first else {}),
            packages=("transformers", *((engine,) if engine in ("vllm", "sglang") else ())),
            explains=2,
            weight=4,
        )
