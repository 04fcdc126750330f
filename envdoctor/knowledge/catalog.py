"""The facts that conditions may name: how each is compared, and how a person can find it out.

Paths are what entries, reports and ignores use. `gpu.*` has one value per GPU; `env.NAME`, `workload.flag.NAME` and
`derived.NAME` are families.
"""

from __future__ import annotations

from envdoctor.values import dataclass
from envdoctor.versions import Scheme


@dataclass(frozen=True, kw_only=True, slots=True)
class FactKind:
    """One path. `scheme` orders its values, where they are versions; `number` says that they are numbers."""

    how: str  #: what to run or to say so that the fact becomes known (English)
    how_zh: str
    scheme: Scheme | None = None
    number: bool = False


def _k(how: str, how_zh: str, scheme: Scheme | None = None, *, number: bool = False) -> FactKind:
    return FactKind(how=how, how_zh=how_zh, scheme=scheme, number=number)


_HERE = ("run envdoctor on that machine", "请在出问题的机器上运行 envdoctor")
_SMI = ("nvidia-smi --query-gpu=name,compute_cap,memory.total,driver_version --format=csv",) * 2
_PIP = ("pip list", "运行 pip list")
_MODEL = ("--model FOLDER of the checkpoint", "用 --model 指定模型目录")
_ENGINE = ("--engine NAME", "用 --engine 指定推理引擎")
_D, _C = Scheme.DOTTED, Scheme.CAPABILITY

CATALOG: dict[str, FactKind] = {
    "host.os": _k(*_HERE),
    "host.distribution": _k("cat /etc/os-release", "cat /etc/os-release"),
    "host.distribution_version": _k("cat /etc/os-release", "cat /etc/os-release", _D),
    "host.kernel": _k("uname -r", "uname -r", _D),
    "host.architecture": _k("uname -m", "uname -m"),
    "host.glibc": _k("ldd --version", "ldd --version", _D),
    "host.glibcxx": _k(*_HERE, _D),
    "host.cpu": _k("lscpu", "lscpu"),
    "host.cpu_flags": _k("lscpu", "lscpu"),
    "host.ram_bytes": _k("free -b", "free -b", number=True),
    "host.shm_bytes": _k("df -B1 /dev/shm", "df -B1 /dev/shm", number=True),
    "host.container": _k("say whether it runs in a container", "说明是否在容器中运行"),
    "host.image": _k("name the container image and tag", "说明容器镜像及标签"),
    "host.wsl2": _k("uname -r", "uname -r"),
    "host.jetson": _k("cat /etc/nv_tegra_release", "cat /etc/nv_tegra_release"),
    "wsl.dxg": _k("ls /dev/dxg", "ls /dev/dxg"),
    "wsl.lib_folder": _k("ls /usr/lib/wsl/lib", "ls /usr/lib/wsl/lib"),
    "wsl.libcuda": _k("ldconfig -p | grep libcuda", "ldconfig -p | grep libcuda"),
    "wsl.libcuda_shadowed": _k("ldconfig -p | grep libcuda", "ldconfig -p | grep libcuda"),
    "wsl.memory_cap_bytes": _k("free -b", "free -b", number=True),
    "wsl.linux_driver_packages": _k("dpkg -l | grep nvidia", "dpkg -l | grep nvidia"),
    "driver.status": _k("nvidia-smi", "nvidia-smi"),
    "driver.version": _k(*_SMI, Scheme.DRIVER),
    "driver.platform": _k(*_HERE),
    "driver.cuda": _k("nvidia-smi", "nvidia-smi", _D),
    "gpu.name": _k(*_SMI),
    "gpu.compute_capability": _k(*_SMI, _C),
    "gpu.memory_bytes": _k(*_SMI, number=True),
    "gpu.memory_free_bytes": _k(*_SMI, number=True),
    "gpu.vendor": _k(*_SMI),
    "gpu.mig": _k("nvidia-smi -L", "nvidia-smi -L"),
    "gpu.ecc_errors": _k("nvidia-smi -q -d ECC", "nvidia-smi -q -d ECC", number=True),
    "gpus.count": _k("nvidia-smi -L", "nvidia-smi -L", number=True),
    "cuda.nvcc": _k("nvcc --version", "nvcc --version", _D),
    "cuda.cudnn": _k(*_HERE, _D),
    "cuda.gcc": _k("gcc --version", "gcc --version", _D),
    "cuda.ninja": _k("ninja --version", "ninja --version"),
    "target.python": _k("python --version", "python --version", _D),
    "target.implementation": _k("python --version", "python --version"),
    "target.abi_tag": _k("python --version", "python --version"),
    "target.platform_tag": _k(*_HERE),
    "target.kind": _k(*_HERE),
    "target.has_pip": _k(*_HERE),
    "target.externally_managed": _k(*_HERE),
    "target.user_site_leaks": _k(*_HERE),
    "target.shadowed_modules": _k(*_HERE),
    "torch.version": _k("python -c 'import torch; print(torch.__version__)'", "查看 torch.__version__", Scheme.PEP440),
    "torch.cuda": _k("python -c 'import torch; print(torch.version.cuda)'", "查看 torch.version.cuda", _D),
    "torch.hip": _k("python -c 'import torch; print(torch.version.hip)'", "查看 torch.version.hip", _D),
    "torch.cxx11_abi": _k("python -c 'import torch; print(torch._C._GLIBCXX_USE_CXX11_ABI)'", "查看 torch 的 C++ ABI"),
    "packages.complete": _k(*_PIP),
    "checkpoint.name": _k(*_MODEL),
    "checkpoint.model_type": _k(*_MODEL),
    "checkpoint.architecture": _k(*_MODEL),
    "checkpoint.origin": _k(*_MODEL),
    "checkpoint.quant_method": _k(*_MODEL),
    "checkpoint.quant_key": _k(*_MODEL),
    "checkpoint.quant_format": _k(*_MODEL),
    "checkpoint.bits": _k(*_MODEL, number=True),
    "checkpoint.group_size": _k(*_MODEL, number=True),
    "checkpoint.desc_act": _k(*_MODEL),
    "checkpoint.sym": _k(*_MODEL),
    "checkpoint.use_exllama": _k(*_MODEL),
    "checkpoint.dtype": _k(*_MODEL),
    "checkpoint.hidden_size": _k(*_MODEL, number=True),
    "checkpoint.intermediate_size": _k(*_MODEL, number=True),
    "checkpoint.moe_intermediate_size": _k(*_MODEL, number=True),
    "checkpoint.num_attention_heads": _k(*_MODEL, number=True),
    "checkpoint.num_key_value_heads": _k(*_MODEL, number=True),
    "checkpoint.num_hidden_layers": _k(*_MODEL, number=True),
    "checkpoint.missing_biases": _k(*_MODEL),
    "checkpoint.scale_suffixes": _k(*_MODEL),
    "checkpoint.tensor_bytes": _k(*_MODEL, number=True),
    "workload.engine": _k(*_ENGINE),
    "workload.task": _k("--task NAME", "用 --task 说明任务"),
    "workload.model": _k("--model NAME", "用 --model 指定模型"),
    "workload.quantization": _k("the launch command (--log)", "提供启动命令(--log)"),
    "workload.backend": _k("the launch command (--log)", "提供启动命令(--log)"),
    "workload.dtype": _k("--dtype NAME", "用 --dtype 指定数据类型"),
    "workload.tensor_parallel": _k("--tp N", "用 --tp 指定张量并行数", number=True),
    "workload.pipeline_parallel": _k("the launch command (--log)", "提供启动命令(--log)", number=True),
    "workload.max_model_len": _k("the launch command (--log)", "提供启动命令(--log)", number=True),
    "workload.gpu_memory_utilization": _k("the launch command (--log)", "提供启动命令(--log)", number=True),
}  # fmt: skip

FAMILIES: dict[str, FactKind] = {
    "env.": _k("the value of that environment variable", "该环境变量的取值"),
    "workload.flag.": _k("the launch command (--log)", "提供启动命令(--log)"),
    "derived.": _k("--model FOLDER and --engine NAME", "用 --model 和 --engine 说明"),
}

_PACKAGE = FactKind(how="pip list", how_zh="运行 pip list", scheme=Scheme.PEP440)


def kind_of(path: str) -> FactKind | None:
    """What is known about a path; None for one that no condition may name."""
    if path.startswith("package."):
        return _PACKAGE
    for prefix, kind in FAMILIES.items():
        if path.startswith(prefix) and len(path) > len(prefix):
            return kind
    return CATALOG.get(path)
