"""Facts about what the user is trying to do, and the lines that the failure printed."""

from __future__ import annotations

from envdoctor.facts.known import NOT_STATED, Fact
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """One option of a launch command or argument of a Python call, without leading dashes and with `-` for `_`."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """The work. `engine` is one of ENGINES (a pasted text may name another one), `task` one of TASKS."""

    engine: Fact[str] = NOT_STATED
    task: Fact[str] = NOT_STATED
    model: Fact[str] = NOT_STATED
    quantization: Fact[str] = NOT_STATED  #: as the launch flag or the text names it: awq, gptq_marlin, ...
    backend: Fact[str] = NOT_STATED  #: lmdeploy: turbomind or pytorch
    dtype: Fact[str] = NOT_STATED  #: float16, bfloat16, float32, auto
    tensor_parallel: Fact[int] = NOT_STATED
    pipeline_parallel: Fact[int] = NOT_STATED
    max_model_len: Fact[int] = NOT_STATED
    gpu_memory_utilization: Fact[float] = NOT_STATED
    flags: tuple[Flag, ...] = ()


ENGINES = (
    "vllm", "sglang", "lmdeploy", "transformers", "autoawq", "gptqmodel", "auto-gptq", "tgi", "llama-cpp",
    "exllamav2", "llm-compressor", "tensorrt-llm", "torch",
)  # fmt: skip
TASKS = ("install", "quantize", "serve", "generate", "train")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of the failure's output, as printed (control sequences removed, capped in length)."""

    number: int  #: 1-based, in the text it came from
    text: str
    source: str  #: "pasted text", or the name of the log file
