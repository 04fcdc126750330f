"""Which field name means which fact. A name is lower case with single spaces; the ending "version" may be left out."""

from __future__ import annotations

from collections.abc import Callable

from envdoctor.ingest import readings, values
from envdoctor.ingest.readings import Reading
from envdoctor.values import dataclass


@dataclass(frozen=True, slots=True)
class Handler:
    """How a value of one field is read. `strict`: the line is environment only when the value could be read."""

    read: Callable[[str], Reading]
    strict: bool = True
    takes_nothing: bool = False
    rank: int | None = None
    note: str = ""


def _table() -> dict[str, Handler]:
    rows: tuple[tuple[str, Handler], ...] = (
        (("pytorch|torch|pytorch version (gpu?)|pytorch (gpu?)|torch 版本|torch.__version__"), Handler(readings.torch)),
        (
            "cuda used to build pytorch|torch.version.cuda|torch cuda|pytorch cuda",
            Handler(readings.build_cuda, takes_nothing=True),
        ),
        ("rocm used to build pytorch|torch.version.hip", Handler(readings.hip, takes_nothing=True)),
        ("os|operating system|操作系统|系统|系统环境|system|os platform|linux distribution", Handler(readings.os_name)),
        ("platform|python platform|sys.platform|平台", Handler(readings.platform)),
        ("kernel|内核|linux kernel|kernel release|uname -r|uname", Handler(readings.kernel)),
        ("libc|glibc|gnu libc|ldd", Handler(readings.glibc)),
        ("gcc|gcc 版本", Handler(readings.gcc)),
        ("python|python 3|python版本", Handler(readings.python)),
        (
            ("is cuda available|cuda available|gpu available|torch.cuda.is available()|cuda 可用"),
            Handler(readings.as_value("torch.cuda_available", readings.yes_value)),
        ),
        ("cuda runtime|nvcc|cuda toolkit|cudatoolkit|cuda compiler|nvcc on path", Handler(readings.nvcc)),
        (
            (
                "nvidia driver|driver|cuda driver|显卡驱动|驱动|nvidia 驱动|gpu driver|驱动程序|kmd|显卡驱动程序|"
                "nvidia gpu driver"
            ),
            Handler(readings.driver),
        ),
        ("cuda|cuda 版本", Handler(readings.stated_cuda)),
        ("cudnn", Handler(readings.cudnn)),
        (
            (
                "gpu|gpus|显卡|gpu type|gpu model|gpu型号|gpu 型号|显卡型号|accelerator|graphics card|"
                "hardware|硬件|graphics|gpu models and configuration|gpu name|显卡信息|gpu 信息|gpu info|"
                "video card|device|gpu(s)|硬件配置|硬件环境"
            ),
            Handler(readings.gpu_names),
        ),
        (
            ("gpu number|gpu count|显卡数量|gpu 数量|gpu数量|number of gpus|num gpus|attached gpus"),
            Handler(readings.gpu_count),
        ),
        ("gpu memory|显存|vram|gpu vram|显存大小", Handler(readings.gpu_memory)),
        ("memory|内存|ram|cpu ram|system memory|system ram|系统内存", Handler(readings.ram)),
        ("architecture|架构|cpu architecture", Handler(readings.architecture)),
        ("cpu(s)", Handler(readings.as_value("host.cpu_count", lambda v: int(v) if v.isdigit() else None))),
        ("flags", Handler(readings.flags)),
        (
            ("model|模型|模型名称|model name or path|model name|model path|model id|使用的模型|模型路径"),
            Handler(readings.model),
        ),
        (
            "engine|引擎|推理引擎|推理框架|框架|framework|inference engine|serving engine|后端框架",
            Handler(readings.engine),
        ),
        ("task|任务", Handler(readings.task)),
        (
            "quantization|量化|量化方式|量化方法|quant|quantisation|quantization method",
            Handler(readings.as_value("workload.quantization", readings.text_value)),
        ),
        ("dtype|精度|数据类型|torch dtype|data type", Handler(readings.as_value("workload.dtype", values.dtype))),
        (
            ("tensor parallel|tp|tensor parallel size|张量并行|tensor-parallel-size|tp size"),
            Handler(readings.tensor_parallel),
        ),
        ("container|容器|running in docker|docker|in docker", Handler(readings.container)),
        ("wsl|wsl2", Handler(readings.wsl)),
        ("image|镜像|docker image|docker 镜像|container image", Handler(readings.image)),
        ("torch cxx11 abi|cxx11 abi", Handler(readings.as_value("torch.cxx11_abi", readings.yes_value))),
        (
            ("torch compiled archs|torch.cuda.get arch list()|arch list|nvcc architecture flags"),
            Handler(readings.archs),
        ),
        ("python executable|sys.executable", Handler(readings.as_value("target.executable", readings.text_value))),
        ("shm size|/dev/shm", Handler(readings.as_value("host.shm_bytes", values.size))),
        ("jetpack|l4t", Handler(readings.as_value("host.jetson", readings.text_value))),
    )
    table = {name: handler for row, handler in rows for name in row.split("|")}
    ignored = Handler(readings.nothing, strict=False)
    return table | {name: ignored for line in _ENVIRONMENT_ONLY.split("\n") for name in line.split("|") if name}


#: fields that reports have and no fact comes of; they are environment, so they do not belong to the failure's output
_ENVIRONMENT_ONLY = """
gpus (torch)|python version tag|virtual env|clang|cmake|cuda module loading set to|hip runtime
miopen runtime|hip compiled|is xnnpack available|is debug build|byte order|address sizes
cpu op-mode(s)|vendor id|cpu family|stepping|bogomips|thread(s) per core|core(s) per socket
socket(s)|numa node(s)|on-line cpu(s) list|hypervisor vendor|virtualization type|l1d cache|l1i cache
l2 cache|l3 cache|versions of relevant libraries|rocm|neuron sdk|vllm build flags|gpu topology
nvidia topology|legend|ulimit soft|accelerate config|using gpu in script?
using distributed or parallel set-up in script?|tensorflow version (gpu?)
flax version (cpu?/gpu?/tpu?)|jax|jaxlib|musa available|numpy random seed|cuda architectures
virtualization|cpu max mhz|cpu min mhz|caching allocator config|is xpu available|libdevice|jit cache
nccl
"""

HANDLERS = _table()
