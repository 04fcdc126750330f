"""Python calls and configuration dumps: `LLM(model=..., dtype=...)`, `from_pretrained(...)`, an engine's own start-up line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from envdoctor.facts import EnvironmentVariable
from envdoctor.ingest import launch, names
from envdoctor.ingest.found import CLAIM, COMMAND, FORM, OUTPUT, Found, Package, Page, at_line
from envdoctor.ingest.text import Line
from envdoctor.patterns import lazy

#: what a call or an import says about engine and task; the first that fits a line counts
_CALLS: tuple[tuple[str, str | None, str | None, int], ...] = (
    ("AsyncEngineArgs(", "vllm", "serve", COMMAND),
    ("AsyncLLMEngine", "vllm", "serve", COMMAND),
    ("from vllm import", "vllm", None, COMMAND),
    ("import vllm", "vllm", None, FORM),
    ("sgl.Engine(", "sglang", "generate", COMMAND),
    ("import sglang", "sglang", None, COMMAND),
    ("from lmdeploy import", "lmdeploy", None, COMMAND),
    ("TurbomindEngineConfig(", "lmdeploy", None, COMMAND),
    ("AutoAWQForCausalLM", "autoawq", None, COMMAND),
    ("GPTQModel.load(", "gptqmodel", None, COMMAND),
    ("from gptqmodel import", "gptqmodel", None, COMMAND),
    ("AutoGPTQForCausalLM", "auto-gptq", None, COMMAND),
    ("from llmcompressor", "llm-compressor", None, COMMAND),
    ("oneshot(", "llm-compressor", "quantize", COMMAND),
    ("from tensorrt_llm", "tensorrt-llm", None, COMMAND),
    ("llama_cpp import", "llama-cpp", None, COMMAND),
    ("from exllamav2", "exllamav2", None, COMMAND),
    ("from transformers import", "transformers", None, FORM),
    ("AutoModelForCausalLM.from_pretrained(", "transformers", None, FORM),
    ("BitsAndBytesConfig(", "transformers", None, FORM),
    ("pipeline(", "transformers", None, FORM),
)
_TASKS = (
    (lazy(r"(?<!auto_)\.quantize\("), "quantize"),
    (lazy(r"\.generate\(|\.chat\("), "generate"),
    (lazy(r"\btrainer\.train\(|\bTrainer\("), "train"),
)
_OPENERS = lazy(
    r"\b(?:LLM|AsyncEngineArgs|EngineArgs|Engine|TurbomindEngineConfig|PytorchEngineConfig|pipeline|BitsAndBytesConfig|"
    r"GPTQConfig|AwqConfig|QuantizeConfig|BaseQuantizeConfig|\w+\.from_pretrained|\w+\.from_quantized|GPTQModel\.load|Namespace|"
    r"ServerArgs|GPTQModifier|AWQModifier|QuantizationModifier)\("
)
_ARGUMENT = lazy(r"\b([a-z][a-z0-9_]{1,40})\s?=\s?(\"[^\"]{0,200}\"|'[^']{0,200}'|[\w.\-/]+)")
_FIRST = lazy(r"(?:from_pretrained|from_quantized|LLM|GPTQModel\.load|pipeline)\(\s*[\"']([^\"']{1,200})[\"']")
_ENGINE_START = lazy(r"Initializing an? (?:V1 )?LLM engine \(v([\w.+]+)\)|vLLM API server version v?(\d[\w.+]*)")
_ENVIRON = lazy(r"os\.environ\[[\"']([A-Z][A-Z0-9_]{1,60})[\"']\]\s*=\s*[\"']([^\"']{0,300})[\"']")
_TGI = lazy(r"(model_id|quantize|dtype|num_shard|max_total_tokens): (?:Some\()?\"?([\w./\-]+)\"?\)?")
_KEPT = frozenset(
    ("model", "dtype", "torch_dtype", "quantization", "tensor_parallel_size", "pipeline_parallel_size", "max_model_len",
     "max_seq_len", "gpu_memory_utilization", "tp", "tp_size", "session_len", "model_format", "enforce_eager", "kv_cache_dtype",
     "trust_remote_code", "device_map", "attn_implementation", "use_exllama", "disable_exllama", "load_in_4bit", "load_in_8bit",
     "bnb_4bit_compute_dtype", "bnb_4bit_quant_type", "bits", "group_size", "desc_act", "sym", "backend", "quant_policy",
     "cache_max_entry_count", "use_marlin", "fuse_layers", "model_path", "mem_fraction_static", "quantize_config", "load_format",
     "use_v2_block_manager", "enable_prefix_caching", "enable_chunked_prefill", "max_num_seqs", "speculative_model", "w_bit",
     "q_group_size", "zero_point", "device", "use_triton", "inject_fused_attention", "attention_backend", "cpu_offload_gb",
     "swap_space", "low_cpu_mem_usage", "disable_custom_all_reduce", "distributed_executor_backend", "batch_size")
)  # fmt: skip
_RENAMED = {"max-seq-len": "max-model-len", "model-format": "model-format"}
_CALL_LINES = 40


def recognize(page: Page) -> Iterator[Found]:
    """Engine, task and arguments of code and of start-up lines."""
    if not page.mentions("import ", "(", "engine", "environ", "args"):
        return
    lines = page.lines
    for at, line in enumerate(lines):
        text = line.plain
        if "(" in text or "import " in text:
            yield from _calls(line)
            if (opener := _OPENERS.search(text)) and 'File "' not in text:
                yield from _arguments(
                    _call(lines, at, opener.end()),
                    line.number,
                    OUTPUT if "Args(" in text or "Namespace" in text else COMMAND,
                )
        if "version" in text or "engine (v" in text:
            yield from _engine_start(line)
        if "os.environ" in text and (match := _ENVIRON.search(text)) and names.is_variable(match[1]):
            variable = EnvironmentVariable(name=match[1], value=match[2], source=at_line(line.number))
            yield Found("variable", variable, line.number, COMMAND)
            yield Found(CLAIM, None, line.number)
        if "text_generation_launcher" in text or text.startswith("Args {"):
            yield from _tgi(line)


def _calls(line: Line) -> Iterator[Found]:
    text = line.plain
    if 'File "' in text or _in_trace(line):
        return  # source lines of a traceback are code of a library, not of the user
    for marker, engine, task, rank in _CALLS:
        if marker in text:
            if engine:
                yield Found("workload.engine", engine, line.number, rank)
            if task:
                yield Found("workload.task", task, line.number, rank)
            break
    for pattern, task in _TASKS:
        if pattern.search(text):
            yield Found("workload.task", task, line.number, FORM)


def _in_trace(line: Line) -> bool:
    """Source lines of a traceback are indented by four; code that a user pastes starts at the margin."""
    return line.text.startswith("    ") or line.text.lstrip().startswith(("raise ", "return "))


def _call(lines: Sequence[Line], at: int, start: int) -> str:
    """The text of a call's arguments, over several lines where it does not close on the first."""
    text = lines[at].plain[start:]
    depth = 1 + text.count("(") - text.count(")")
    for line in lines[at + 1 : at + _CALL_LINES]:
        if depth <= 0 or len(text) > 4000:
            break
        text += " " + line.plain
        depth += line.plain.count("(") - line.plain.count(")")
    return lines[at].plain[max(0, start - 40) : start] + text[:4000]


def _arguments(text: str, number: int, rank: int) -> Iterator[Found]:
    for match in islice(_ARGUMENT.finditer(text), 80):
        name, value = match[1], match[2].strip("\"'")
        if name not in _KEPT or value in (
            "None",
            "model",
            "model_path",
            "model_id",
            "model_name",
            "device_map",
            "args",
        ):
            continue
        flag = name.replace("_", "-")
        flag = _RENAMED.get(flag, flag)
        if flag.startswith("load-in") and value != "True":
            continue
        yield from launch.flag(flag, value, number, rank)
    if first := _FIRST.search(text):
        yield from launch.flag("model", first[1], number, rank)


def _engine_start(line: Line) -> Iterator[Found]:
    match = _ENGINE_START.search(line.plain)
    if not match:
        return
    yield Found("package", Package("vllm", (match[1] or match[2]).rstrip(".")), line.number)
    yield Found("workload.engine", "vllm", line.number)
    if "with config:" in line.plain:
        yield from _arguments(line.plain[match.end() :], line.number, OUTPUT)


def _tgi(line: Line) -> Iterator[Found]:
    for match in islice(_TGI.finditer(line.plain), 20):
        name = {"model_id": "model", "num_shard": "num-shard", "max_total_tokens": "max-total-tokens"}.get(
            match[1], match[1]
        )
        if match[2] != "None":
            yield Found("workload.engine", "tgi", line.number)
            yield from launch.flag(
                name, match[2].lower() if name in ("quantize", "dtype") else match[2], line.number, OUTPUT
            )
