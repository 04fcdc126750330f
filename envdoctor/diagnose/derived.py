"""Named pure functions over facts whose results conditions may use as `derived.NAME`."""

from __future__ import annotations

from envdoctor.diagnose.view import Derived, FactView
from envdoctor.facts import Fact, Known, known, unknown
from envdoctor.text import Text, in_zh


def _biases_missing(view: FactView) -> Fact[bool]:
    """Whether a GPTQ checkpoint stores no bias beside quantized layers that have none in the architecture."""
    names = view.facts.checkpoint.missing_biases
    if isinstance(names, Known):
        return known(bool(names.value), names.source)
    return unknown(names.reason)


def _lowest_capability(view: FactView) -> Fact[str]:
    """The lowest compute capability of the machine: what a wheel must support to run on every GPU."""
    found = view.get("gpu.compute_capability")
    if not isinstance(found, tuple):
        return found
    values: list[Known[str]] = [fact for fact in found if isinstance(fact, Known)]
    if not values or len(values) < len(found):
        return unknown(Text(en="not every GPU's compute capability is known", zh="并非每块显卡的计算能力都已知"))
    return min(values, key=lambda fact: tuple(int(part) for part in fact.value.split(".")))


_SERVING = ("vllm", "sglang", "lmdeploy")
_FORMATS = ("gptq", "awq", "compressed-tensors", "bitsandbytes", "smooth_quant", "fp8", "gguf")


def _engine(view: FactView) -> Fact[str]:
    """The engine that is named, or the only serving engine that is installed."""
    named = view.facts.workload.engine
    if isinstance(named, Known):
        return named
    installed = [view.packages[name] for name in _SERVING if name in view.packages]
    if len(installed) == 1:
        return known(installed[0].name, installed[0].source)
    return unknown(named.reason)


def _quantizing(view: FactView) -> Fact[bool]:
    """Whether the work is to quantize. Where neither a task nor any output is given, nobody said so: False."""
    task = view.facts.workload.task
    if isinstance(task, Known):
        return known(task.value == "quantize", task.source)
    return (
        unknown(task.reason)
        if view.facts.log
        else known(False, Text(en="no task and no output is given", zh="没有给出任务，也没有输出"))
    )


def _stated_format(view: FactView) -> Fact[str]:
    """The quantization format that the files, the launch flag or the model's name state (`awq_marlin` counts as awq)."""
    method = view.facts.checkpoint.quant_method
    if isinstance(method, Known):
        return method
    work = view.facts.workload
    for fact in (work.quantization, work.model, view.facts.checkpoint.name):
        if isinstance(fact, Known):
            found = next((name for name in _FORMATS if name in fact.value.lower()), None)
            if found:
                return known(found, fact.source)
    return unknown(method.reason)


def _named(view: FactView, method: str, packages: tuple[str, ...], words: tuple[str, ...]) -> Fact[bool]:
    """Whether anything here is about a quantization method: a package of it, the checkpoint, the engine, the output.

    Unknown where only the output hints at it; False where nothing does, so that an entry about the method does not speak
    to everybody who has the other package that it names.
    """
    for name in packages:
        if name in view.packages:
            return known(True, view.packages[name].source)
    stated = _stated_format(view)
    if isinstance(stated, Known) and stated.value == method:
        return known(True, stated.source)
    engine = view.facts.workload.engine
    if isinstance(engine, Known) and engine.value in packages:
        return known(True, engine.source)
    if any(word in line.text.lower() for line in view.facts.log for word in (method, *words)):
        return unknown(Text(en=f"only the output hints at {method}", zh=f"只有输出中提到 {method}"))
    return known(False, Text(en=f"nothing here names {method}", zh=f"没有提到 {method}"))


def _awq_named(view: FactView) -> Fact[bool]:
    """Whether AWQ is in play (`_named`); the two names are those that AutoAWQ misses in newer transformers."""
    return _named(view, "awq", ("autoawq",), ("pytorchgelutanh", "shard_checkpoint"))


def _gptq_named(view: FactView) -> Fact[bool]:
    """Whether GPTQ is in play (`_named`); `_proj.bias` stands in the warning about biases that were made up."""
    return _named(view, "gptq", ("auto-gptq", "gptqmodel"), ("_proj.bias",))


def _compressed_named(view: FactView) -> Fact[bool]:
    """Whether a compressed-tensors checkpoint is in play (`_named`); its scales are called `.weight_scale`."""
    return _named(view, "compressed-tensors", (), ("weight_scale",))


_FORMAT_HINTS = ("quant config", "quant_config", "group_size")


def _format_read(view: FactView) -> Fact[bool]:
    """Whether the format of the checkpoint was read; without it and without a hint in the output there is nothing to judge."""
    method = view.facts.checkpoint.quant_method
    if isinstance(method, Known):
        return known(True, method.source)
    if any(hint in line.text.lower() for line in view.facts.log for hint in _FORMAT_HINTS):
        return unknown(method.reason)
    return known(False, Text(en="no checkpoint was read", zh="没有读取检查点"))


def _weights_exceed_ram(view: FactView) -> Fact[bool]:
    """Whether the tensors of the checkpoint are larger than the machine's memory."""
    size, ram = view.facts.checkpoint.tensor_bytes, view.facts.host.ram_bytes
    if not isinstance(size, Known):
        return unknown(size.reason)
    if not isinstance(ram, Known):
        return unknown(ram.reason)
    return known(
        size.value > ram.value, Text(en=f"{size.source}; {ram.source}", zh=f"{in_zh(size.source)}；{in_zh(ram.source)}")
    )


def _slow_half(view: FactView) -> Fact[bool]:
    """Whether a GPU computes float16 at 1/64 of its float32 speed (Pascal but the P100). False where no GPU is named."""
    found = view.get("gpu.compute_capability")
    slow = [f for f in found if isinstance(f, Known) and f.value in ("6.1", "6.2")] if isinstance(found, tuple) else []
    return known(True, slow[0].source) if slow else known(False, Text(en="no such GPU is named", zh="没有提到这类显卡"))


def _wsl2(view: FactView) -> Fact[bool]:
    """Whether this is WSL2. False where nothing says so: its kernel's name, which every report of it carries, is not there,
    and an entry about WSL2 must not speak to everybody who left out the kernel."""
    stated = view.facts.host.wsl2
    return stated if isinstance(stated, Known) else known(False, Text(en="nothing names WSL2", zh="没有提到 WSL2"))


def _exllama_half_sums(view: FactView) -> Fact[bool]:
    """Whether auto-gptq's exllama v2 kernel with its float16 sums is in use. False where it cannot be; else unknown:
    which version of the kernel runs and how long the prompt is stands in no file."""
    checkpoint = view.facts.checkpoint
    if isinstance(checkpoint.bits, Known) and checkpoint.bits.value != 4:
        return known(False, checkpoint.bits.source)
    if isinstance(checkpoint.use_exllama, Known) and not checkpoint.use_exllama.value:
        return known(False, checkpoint.use_exllama.source)
    return unknown(
        Text(
            en="which exllama kernel runs, and how long the prompt is, is not stated",
            zh="未提供实际运行的 exllama kernel 与提示词长度",
        )
    )


def _auto_gptq_cuda(view: FactView) -> Fact[str]:
    """The CUDA that the installed auto-gptq 0.7 wheel was built for: its local version, 12.1 where it has none."""
    dist = view.packages.get("auto-gptq")
    if dist is None or not dist.version.startswith("0.7."):
        return unknown(Text(en="auto-gptq 0.7 is not listed", zh="未列出 auto-gptq 0.7"))
    local = dist.version.partition("+")[2]
    if not local:
        return known("12.1", dist.source)
    if local.startswith("cu") and local[2:].isdigit() and len(local) >= 4:
        return known(f"{local[2:-1]}.{local[-1]}", dist.source)
    return unknown(
        Text(en=f"the local version {local} does not name a CUDA version", zh=f"本地版本号 {local} 不含 CUDA 版本")
    )


DERIVED: dict[str, Derived] = {
    "auto_gptq_cuda": _auto_gptq_cuda,
    "awq_named": _awq_named,
    "biases_missing": _biases_missing,
    "compressed_named": _compressed_named,
    "engine": _engine,
    "exllama_half_sums": _exllama_half_sums,
    "format_read": _format_read,
    "gptq_named": _gptq_named,
    "lowest_capability": _lowest_capability,
    "quantizing": _quantizing,
    "slow_half": _slow_half,
    "stated_format": _stated_format,
    "weights_exceed_ram": _weights_exceed_ram,
    "wsl2": _wsl2,
}
