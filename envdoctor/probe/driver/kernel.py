"""What the kernel says of the driver without asking the driver: loaded module, device nodes, PCI devices."""

from __future__ import annotations

from envdoctor.facts import Gpu, known, unknown
from envdoctor.patterns import lazy
from envdoctor.probe.ports import View, text_of
from envdoctor.text import Text

SYSFS = "/sys/module/nvidia/version"
PROCFS = "/proc/driver/nvidia/version"
CONTROL = "/dev/nvidiactl"
_GPUS = "/proc/driver/nvidia/gpus"
_PCI = "/sys/bus/pci/devices"
_KFD = "/dev/kfd"
_NVIDIA, _DISPLAY_CLASS = "0x10de", "0x03"
_VERSION = lazy(r"\b\d{3,4}\.\d{1,4}(?:\.\d{1,4})?\b")
_MOST = 4096
#: the GPU of a Jetson by the device tree's `compatible`: the name of the chip and its compute capability
#: (https://developer.nvidia.com/cuda-gpus, Jetson products)
_TEGRA = {
    "nvidia,tegra210": "5.3", "nvidia,tegra186": "6.2", "nvidia,tegra194": "7.2", "nvidia,tegra234": "8.7",
}  # fmt: skip
_COMPATIBLE = "/proc/device-tree/compatible"
_MODEL = "/proc/device-tree/model"


def module_versions(view: View) -> list[tuple[str, str]]:
    """The version of the loaded kernel module, by each file that states it, with the file."""
    found = []
    for path in (SYSFS, PROCFS):
        match = _VERSION.search(text_of(view, path, 4096) or "")
        if match:
            found.append((match.group(), path))
    return found


def module_kind(view: View) -> str | None:
    """`open` or `proprietary`, as /proc/driver/nvidia/version names the module."""
    text = text_of(view, PROCFS, 4096)
    if text is None or "Kernel Module" not in text:
        return None
    return "open" if "Open Kernel Module" in text else "proprietary"


def has_control_node(view: View) -> bool:
    """The device node that every CUDA program opens is there."""
    return view.kind(CONTROL) is not None


def has_amd_compute(view: View) -> bool:
    """The node of AMD's compute driver is there."""
    return view.kind(_KFD) is not None


def listed_gpus(view: View) -> tuple[Gpu, ...]:
    """The GPUs that the kernel module lists. Not to be read from a driver that does not answer: it may hang too."""
    try:
        names = view.names(_GPUS)[:_MOST]
    except OSError:
        return ()
    found = []
    for index, name in enumerate(names):
        path = f"{_GPUS}/{name}/information"
        pairs = (line.partition(":") for line in (text_of(view, path, 4096) or "").splitlines())
        fields = {key.strip(): value.strip() for key, _, value in pairs}
        model = fields.get("Model", "")
        silent = unknown(
            Text(
                en="the driver's own tools failed; the kernel module does not state it",
                zh="驱动自带的工具运行失败，内核模块也未给出",
            )
        )
        found.append(
            Gpu(
                index=index,
                name=known(model, path) if model and model != "Unknown" else silent,
                uuid=known(fields["GPU UUID"], path) if "?" not in fields.get("GPU UUID", "?") else silent,
                compute_capability=silent, memory_bytes=silent, memory_free_bytes=silent, ecc_errors=silent, mig=silent,
                vendor=known("nvidia", path),
            )
        )  # fmt: skip
    return tuple(found)


def pci_gpus(view: View) -> tuple[Gpu, ...] | None:
    """NVIDIA's display and 3D controllers on the PCI bus; None where the bus cannot be seen."""
    try:
        names = view.names(_PCI)[:_MOST]
    except OSError:
        return None
    silent = unknown(Text(en="no driver states it", zh="没有驱动给出"))
    found: list[Gpu] = []
    for name in names:
        folder = f"{_PCI}/{name}"
        if (text_of(view, f"{folder}/vendor", 16) or "").strip() != _NVIDIA:
            continue
        if not (text_of(view, f"{folder}/class", 16) or "").startswith(_DISPLAY_CLASS):
            continue
        found.append(
            Gpu(
                index=len(found), name=silent, uuid=silent, compute_capability=silent, memory_bytes=silent,
                memory_free_bytes=silent, ecc_errors=silent, mig=silent, vendor=known("nvidia", f"{folder}/vendor"),
            )
        )  # fmt: skip
    return tuple(found)


def jetson_gpu(view: View) -> Gpu | None:
    """The GPU inside a Jetson's chip, by its device tree."""
    chips = (text_of(view, _COMPATIBLE, 4096) or "").split("\0")
    capability = next((_TEGRA[chip] for chip in chips if chip in _TEGRA), None)
    model = (text_of(view, _MODEL, 4096) or "").strip("\0 \n")
    if not model and capability is None:
        return None
    shared = unknown(Text(en="the GPU shares the system's memory", zh="GPU 与系统共用内存"))
    silent = unknown(Text(en="a Jetson does not state it", zh="Jetson 不提供"))
    return Gpu(
        index=0,
        name=known(model, _MODEL) if model else silent,
        compute_capability=known(capability, _COMPATIBLE)
        if capability
        else unknown(Text(en="the device tree names no chip that is known", zh="设备树中没有已知的芯片")),
        memory_bytes=shared, memory_free_bytes=shared, uuid=silent, ecc_errors=silent, mig=known(False, _COMPATIBLE),
        vendor=known("nvidia", _COMPATIBLE),
    )  # fmt: skip
