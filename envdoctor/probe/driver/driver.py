"""The witnesses joined: one Driver and the GPUs, with what the others said where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from envdoctor.facts import Driver, Fact, Gpu, Known, Unknown, Witness, known, unknown
from envdoctor.patterns import lazy
from envdoctor.probe import loader, wsl
from envdoctor.probe.driver import kernel, nvidia_smi, nvml
from envdoctor.probe.driver.account import Account
from envdoctor.probe.ports import Pending, Runner, View, find_program
from envdoctor.text import SEMICOLON, Text, joined
from envdoctor.values import dataclass

_LIBRARY = "libnvidia-ml.so.1"
_LIBRARY_VERSION = lazy(r"libnvidia-ml\.so\.(\d{3,4}(?:\.\d{1,4}){1,2})$")
#: how long nvidia-smi is still waited for when NVML has said everything, in seconds
_PATIENCE_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The children that were started, and the traces of a driver that were the reason. `nothing`: there is no trace."""

    nvml: Pending | None = None
    smi: Pending | None = None
    smi_program: str | None = None
    library: tuple[str, str] | None = None
    nothing: bool = False
    on_wsl2: bool = False


def start(view: View, runner: Runner, environ: Mapping[str, str], *, on_wsl2: bool) -> Asked:
    """Start asking, where there is any trace of a driver. A machine without one costs nothing."""
    program = find_program(view, "nvidia-smi", environ.get("PATH", ""))
    library = loader.find_library(view, _LIBRARY, environ)
    own = None
    if on_wsl2:  # the Windows driver's own, also where PATH and loader lead elsewhere: those are facts by themselves
        own = f"{wsl.LIBRARIES}/{_LIBRARY}" if view.kind(f"{wsl.LIBRARIES}/{_LIBRARY}") == "file" else None
        if view.executable(f"{wsl.LIBRARIES}/nvidia-smi"):
            program = f"{wsl.LIBRARIES}/nvidia-smi"
    trace = program or library or own or kernel.module_versions(view) or kernel.has_control_node(view)
    if not trace and not (on_wsl2 and view.kind(wsl.DXG) is not None):
        return Asked(nothing=True, on_wsl2=on_wsl2)
    return Asked(
        nvml=nvml.start(runner, environ, own) if library or own else None,
        smi=nvidia_smi.start(runner, program, environ) if program else None,
        smi_program=program,
        library=library,
        on_wsl2=on_wsl2,
    )


def finish(
    asked: Asked, view: View, runner: Runner, environ: Mapping[str, str], deadline: float
) -> tuple[Driver, Fact[tuple[Gpu, ...]]]:
    """Driver and GPUs, at `deadline` (in seconds of the runner's clock) at the latest."""
    if asked.nothing:
        return _no_driver(view, on_wsl2=asked.on_wsl2)
    first = Account(source=nvml.SOURCE, state="absent", says=Text(en=f"there is no {_LIBRARY}", zh=f"没有 {_LIBRARY}"))
    if asked.nvml is not None:
        first = nvml.account(asked.nvml.result(deadline))
    second = _ask_smi(asked, runner, environ, deadline, sure=first.state == "answered")
    accounts = (first, second)
    modules = kernel.module_versions(view)
    status = _status(accounts, bool(modules), kernel.has_control_node(view), asked)
    driver = Driver(
        status=status,
        version=_version(accounts, modules, asked, view),
        platform=_platform(on_wsl2=asked.on_wsl2),
        cuda=known(first.cuda, first.source)
        if first.cuda
        else unknown(first.says or Text(en="NVML does not state it", zh="NVML 未给出")),
        kernel_module=_module_kind(view, asked),
        says=_says(accounts, status),
    )
    return driver, _gpus(accounts, status, view, asked)


def _ask_smi(asked: Asked, runner: Runner, environ: Mapping[str, str], deadline: float, *, sure: bool) -> Account:
    if asked.smi is None or asked.smi_program is None:
        return nvidia_smi.account(None)
    until = min(deadline, runner.now() + _PATIENCE_S) if sure else deadline
    outcome = asked.smi.result(until)
    again = nvidia_smi.start_again(runner, asked.smi_program, environ, outcome)
    return nvidia_smi.account(again.result(until) if again is not None else outcome)


def _status(accounts: tuple[Account, ...], loaded: bool, control: bool, asked: Asked) -> Known[str]:
    states = {account.state: account.source for account in reversed(accounts)}
    for state, word in (("answered", "working"), ("mismatch", "library-mismatch"), ("no-answer", "not-answering")):
        if state in states:
            return known(word, states[state])
    if loaded and not control and not asked.on_wsl2:
        return known(
            "no-access",
            Text(
                en=f"{kernel.SYSFS} is there, {kernel.CONTROL} is not", zh=f"有 {kernel.SYSFS}，没有 {kernel.CONTROL}"
            ),
        )
    if all(account.state == "absent" for account in accounts) and not loaded:
        return known(
            "absent", Text(en="no kernel module, no NVML, no nvidia-smi", zh="没有内核模块、NVML 和 nvidia-smi")
        )
    return known("failed", next((a.source for a in accounts if a.state == "failed"), kernel.SYSFS))


def _version(accounts: tuple[Account, ...], modules: list[tuple[str, str]], asked: Asked, view: View) -> Fact[str]:
    said = list(modules)
    said += [(account.version, account.source) for account in accounts if account.version]
    if any(account.state == "mismatch" for account in accounts):
        if asked.library and (match := _LIBRARY_VERSION.search(view.real(asked.library[0]))):
            said.append((match[1], view.real(asked.library[0])))
        said += [(account.library, account.source) for account in accounts if account.library]
    if not said:
        return unknown(
            next(
                (account.says for account in accounts if account.says),
                Text(en="no source states it", zh="没有来源给出"),
            )
        )
    (value, source), *others = said
    if all(other == value for other, _ in others):
        return known(value, source)
    return known(value, source, tuple(Witness(value=other, source=place) for other, place in others))


def _module_kind(view: View, asked: Asked) -> Fact[str]:
    if asked.on_wsl2:
        return unknown(Text(en="under WSL2 the kernel module is Windows' own", zh="WSL2 下内核模块属于 Windows"))
    kind = kernel.module_kind(view)
    return (
        known(kind, kernel.PROCFS)
        if kind
        else unknown(Text(en=f"{kernel.PROCFS} does not say", zh=f"{kernel.PROCFS} 未给出"))
    )


def _says(accounts: tuple[Account, ...], status: Known[str]) -> Fact[str]:
    if status.value == "no-access":
        text = Text(
            en="the kernel module is loaded, but this process is given no GPU (a container started without GPUs?)",
            zh="内核模块已加载，但没有给当前进程分配 GPU（启动容器时未指定 GPU？）",
        )
        return known(text, status.source)
    silent = ("answered",) if status.value == "failed" else ("answered", "absent")
    said = [(a.says, a.source) for a in accounts if a.says and a.state not in silent]
    if not said:
        return unknown(Text(en="nothing failed", zh="没有失败"))
    return known(joined((text for text, _ in said), SEMICOLON), ", ".join(source for _, source in said))


def _gpus(accounts: tuple[Account, ...], status: Known[str], view: View, asked: Asked) -> Fact[tuple[Gpu, ...]]:
    lists = [(account.gpus, account.source) for account in accounts if account.gpus is not None]
    tegra = kernel.jetson_gpu(view)
    if lists:
        (first, source), *rest = lists
        found = tuple(_filled(gpu, [g for more, _ in rest for g in more]) for gpu in first)
        if tegra is not None and len(found) == 1:  # a Jetson's nvidia-smi says little but the name
            found = (_completed(found[0], tegra),)
        return known(found, source)
    if tegra is not None:
        return known((tegra,), "/proc/device-tree")
    if status.value == "not-answering":
        return unknown(Text(en="the driver does not answer", zh="驱动没有响应"))
    if status.value == "no-access":
        return unknown(
            Text(
                en="this process is given no GPU; what the machine has cannot be seen from here",
                zh="没有给当前进程分配 GPU，从这里看不到机器上的显卡",
            )
        )
    listed = kernel.listed_gpus(view)
    if listed:
        return known(listed, "/proc/driver/nvidia/gpus")
    return _on_the_bus(
        view,
        Text(en=f"the driver does not list them ({status.value})", zh=f"驱动没有列出显卡（{status.value}）"),
        on_wsl2=asked.on_wsl2,
    )


def _filled(gpu: Gpu, others: list[Gpu]) -> Gpu:
    """What one witness left open, filled from another's row for the same GPU (by UUID)."""
    if not isinstance(gpu.uuid, Known):
        return gpu
    same = next((o for o in others if isinstance(o.uuid, Known) and o.uuid.value == gpu.uuid.value), None)
    return gpu if same is None else _completed(gpu, same)


def _completed(gpu: Gpu, same: Gpu) -> Gpu:
    gaps = {
        field.name: getattr(same, field.name)
        for field in fields(Gpu)
        if isinstance(getattr(gpu, field.name), Unknown) and isinstance(getattr(same, field.name), Known)
    }
    return replace(gpu, **gaps) if gaps else gpu


def _no_driver(view: View, *, on_wsl2: bool) -> tuple[Driver, Fact[tuple[Gpu, ...]]]:
    tegra = kernel.jetson_gpu(view)
    if tegra is not None:
        reason = unknown(Text(en="the GPU of a Jetson has no NVML here", zh="Jetson 的 GPU 在这里没有 NVML"))
        driver = Driver(status=reason, version=reason, platform=known("linux", "uname"), cuda=reason)
        return driver, known((tegra,), "/proc/device-tree")
    source = Text(
        en="no kernel module, no device node, no NVML, no nvidia-smi", zh="没有内核模块、设备节点、NVML 和 nvidia-smi"
    )
    reason = unknown(Text(en="there is no NVIDIA driver", zh="没有 NVIDIA 驱动"))
    driver = Driver(status=known("absent", source), version=reason, platform=_platform(on_wsl2=on_wsl2), cuda=reason)
    return driver, _on_the_bus(view, Text(en="there is no NVIDIA driver", zh="没有 NVIDIA 驱动"), on_wsl2=on_wsl2)


def _platform(*, on_wsl2: bool) -> Fact[str]:
    return known("windows" if on_wsl2 else "linux", "uname")


def _on_the_bus(view: View, why: Text, *, on_wsl2: bool) -> Fact[tuple[Gpu, ...]]:
    if on_wsl2:  # GPUs are not on the PCI bus of WSL2; Windows mounts the driver of an NVIDIA GPU where it has one
        if view.kind(f"{wsl.LIBRARIES}/libcuda.so.1") is None:
            return known(
                (),
                Text(
                    en=f"{wsl.LIBRARIES} holds no libcuda: Windows brings no NVIDIA driver",
                    zh=f"{wsl.LIBRARIES} 中没有 libcuda：Windows 没有提供 NVIDIA 驱动",
                ),
            )
        return unknown(why)
    found = kernel.pci_gpus(view)
    if found:
        return known(found, "/sys/bus/pci/devices")
    if kernel.has_amd_compute(view):
        return unknown(
            Text(
                en="an AMD GPU is here; ROCm machines are read from pasted reports only",
                zh="这里是 AMD 显卡；ROCm 机器只支持读取粘贴的报告",
            )
        )
    if found is None:
        return known((), Text(en=f"{why}, and no PCI bus can be seen", zh=f"{why.zh}，也看不到 PCI 总线"))
    return known((), Text(en="/sys/bus/pci/devices lists no NVIDIA GPU", zh="/sys/bus/pci/devices 中没有 NVIDIA GPU"))
