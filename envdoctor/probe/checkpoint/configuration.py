"""config.json: the numbers of the language model, also where a multi-modal model keeps them one level down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from envdoctor.facts.checkpoint import Damage
from envdoctor.facts.known import NOT_STATED, Fact, Known, known
from envdoctor.probe.checkpoint.quantization import FILES, KEYS, Quantization, find_quantization
from envdoctor.probe.checkpoint.reading import Folder, Unreadable, read_json
from envdoctor.text import Text, in_zh
from envdoctor.values import dataclass

#: where multi-modal configurations keep the language model
_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
_MAX_NUMBER = 1 << 40
#: types where no num_key_value_heads means one per head; others (mistral, qwen2, gemma) have defaults of their own
_ONE_KV_HEAD_PER_HEAD = {
    "llama",
    "qwen",
    "baichuan",
    "gpt_neox",
    "gptj",
    "opt",
    "bloom",
    "phi",
    "phi3",
    "internlm",
    "yi",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What the configuration files say. `text` is the section with the language model's numbers, as read."""

    text: Mapping[str, Any] = field(default_factory=dict)
    text_source: str = "config.json"
    model_type: Fact[str] = NOT_STATED
    architecture: Fact[str] = NOT_STATED
    dtype: Fact[str] = NOT_STATED
    hidden_size: Fact[int] = NOT_STATED
    intermediate_size: Fact[int] = NOT_STATED
    moe_intermediate_size: Fact[int] = NOT_STATED
    num_attention_heads: Fact[int] = NOT_STATED
    num_key_value_heads: Fact[int] = NOT_STATED
    head_dim: Fact[int] = NOT_STATED
    num_hidden_layers: Fact[int] = NOT_STATED
    vocab_size: Fact[int] = NOT_STATED
    quantization: Quantization


def read_configuration(folder: Folder, files: list[str], damage: list[Damage]) -> Configuration:
    """Reads config.json and the quantization files beside it; what is wrong with them is added to `damage`."""
    config = _read_object(folder, "config.json", damage)
    places = [] if config is None else _quantization_places(config, "config.json")
    for name in FILES:
        if name not in files:
            continue
        data = _read_object(folder, name, damage)
        if data is not None:
            inner = data.get("quantization")  # ModelOpt keeps its settings one level down
            places.append((name, name, inner if isinstance(inner, dict) else data))
    quantization = find_quantization(places, config_read=config is not None)
    if config is None:
        return Configuration(quantization=quantization)
    return describe(config, quantization)


def _read_object(folder: Folder, name: str, damage: list[Damage]) -> dict[str, Any] | None:
    try:
        data = read_json(folder, name)
    except FileNotFoundError:
        return None
    except Unreadable as error:
        damage.append(error.damage)
        return None
    if not isinstance(data, dict):
        damage.append(
            Damage(
                kind="bad-config",
                file=name,
                says=Text(en=f"is a {_kind(data)}, not an object", zh=f"是 {_kind(data)}，不是对象"),
            )
        )
        return None
    return data


def _quantization_places(config: Mapping[str, Any], source: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    places = [(key, f"{source}: {key}", config[key]) for key in KEYS if isinstance(config.get(key), dict)]
    for nested in _NESTED:
        inner = config.get(nested)
        if not places and isinstance(inner, dict):
            places += [
                (key, f"{source}: {nested}.{key}", inner[key]) for key in KEYS if isinstance(inner.get(key), dict)
            ]
    return [place for place in places if place[2]]


def text_section(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The section that holds the language model's numbers, and how to name it. Two levels deep at most."""
    if _has_numbers(config):
        return config, "config.json"
    for key in _NESTED:
        section = config.get(key)
        if not isinstance(section, dict):
            continue
        if _has_numbers(section):
            return section, f"config.json: {key}"
        for inner_key in _NESTED:
            inner = section.get(inner_key)
            if isinstance(inner, dict) and _has_numbers(inner):
                return inner, f"config.json: {key}.{inner_key}"
    return config, "config.json"


def _has_numbers(section: Mapping[str, Any]) -> bool:
    return isinstance(section.get("num_attention_heads"), int) and isinstance(section.get("hidden_size"), int)


def describe(config: Mapping[str, Any], quantization: Quantization) -> Configuration:
    """The facts of a configuration that is already parsed."""
    text, source = text_section(config)
    heads, hidden = number(text, source, "num_attention_heads"), number(text, source, "hidden_size")
    return Configuration(
        text=text,
        text_source=source,
        model_type=_string(config, "config.json", "model_type"),
        architecture=_architecture(config),
        dtype=_dtype(config, text, source),
        hidden_size=hidden,
        intermediate_size=_intermediate_size(text, source),
        moe_intermediate_size=number(text, source, "moe_intermediate_size"),
        num_attention_heads=heads,
        num_key_value_heads=_kv_heads(text, source, heads),
        head_dim=_head_dim(text, source, heads, hidden),
        num_hidden_layers=number(text, source, "num_hidden_layers"),
        vocab_size=number(text, source, "vocab_size"),
        quantization=quantization,
    )


def number(section: Mapping[str, Any], source: str, key: str) -> Fact[int]:
    """A positive integer of a section."""
    value = section.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_NUMBER:
        return known(value, f"{source}: {key}" if source == "config.json" else f"{source}.{key}")
    return NOT_STATED


def _intermediate_size(text: Mapping[str, Any], source: str) -> Fact[int]:
    size = number(text, source, "intermediate_size")
    if isinstance(size, Known) and text.get("model_type") == "qwen":
        # the first Qwen counts gate and up together (modeling_qwen.py: `ff_dim_in = config.intermediate_size // 2`)
        return known(
            size.value // 2,
            Text(
                en=f"{size.source}, halved: it counts gate and up together",
                zh=f"{in_zh(size.source)}，取一半：该值把 gate 与 up 合计在内",
            ),
        )
    return size


def _kv_heads(text: Mapping[str, Any], source: str, heads: Fact[int]) -> Fact[int]:
    stated = number(text, source, "num_key_value_heads")
    if isinstance(stated, Known) or "num_key_value_heads" in text:
        return stated
    for other in ("multi_query_group_num", "num_kv_heads", "n_head_kv"):
        if other in text:
            return number(text, source, other)
    if isinstance(heads, Known) and text.get("model_type") in _ONE_KV_HEAD_PER_HEAD:
        return known(
            heads.value,
            Text(
                en=f"{heads.source} (no num_key_value_heads: one per head)",
                zh=f"{in_zh(heads.source)}（没有 num_key_value_heads：每个头一组）",
            ),
        )
    return NOT_STATED


def _head_dim(text: Mapping[str, Any], source: str, heads: Fact[int], hidden: Fact[int]) -> Fact[int]:
    stated = number(text, source, "head_dim")
    if isinstance(stated, Known):
        return stated
    latent = text.get("kv_lora_rank") is not None  # DeepSeek's latent attention has widths of its own
    if isinstance(heads, Known) and isinstance(hidden, Known) and not latent and hidden.value % heads.value == 0:
        return known(hidden.value // heads.value, f"{source}: hidden_size / num_attention_heads")
    return NOT_STATED


def _dtype(config: Mapping[str, Any], text: Mapping[str, Any], source: str) -> Fact[str]:
    for section, where in ((text, source), (config, "config.json")):
        for key in ("torch_dtype", "dtype"):  # transformers 5 renamed it
            value = section.get(key)
            if isinstance(value, str):
                name = value.removeprefix("torch.")
                if name in ("float16", "bfloat16", "float32", "float8_e4m3fn"):
                    return known(name, f"{where}: {key}" if where == "config.json" else f"{where}.{key}")
    return NOT_STATED


def _architecture(config: Mapping[str, Any]) -> Fact[str]:
    names = config.get("architectures")
    if isinstance(names, list) and names and isinstance(names[0], str) and 0 < len(names[0]) <= 120:
        return known(names[0], "config.json: architectures")
    return NOT_STATED


def _string(section: Mapping[str, Any], source: str, key: str) -> Fact[str]:
    value = section.get(key)
    if isinstance(value, str) and 0 < len(value) <= 120:
        return known(value, f"{source}: {key}")
    return NOT_STATED


def _kind(data: Any) -> str:
    return {list: "list", str: "string", int: "number", float: "number", bool: "boolean"}.get(type(data), "null")
