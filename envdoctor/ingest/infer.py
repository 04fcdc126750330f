"""What follows from what was read: WSL2 from the kernel, the driver's platform, torch from the package list, the engine."""

from __future__ import annotations

from dataclasses import replace

from envdoctor.facts import Driver, Facts, Host, Known, Torch, Workload, known, unknown, value_of
from envdoctor.ingest.names import ENGINE_PACKAGES
from envdoctor.ingest.values import torch_cuda
from envdoctor.text import Text, in_zh


def infer(facts: Facts) -> Facts:
    """The same facts with their plain consequences. Nothing that was read is changed."""
    facts = replace(facts, host=_host(facts.host))
    return replace(facts, torch=_torch(facts), driver=_driver(facts), workload=_workload(facts))


def _host(host: Host) -> Host:
    kernel = host.kernel
    if isinstance(kernel, Known):
        low = kernel.value.lower()
        if "microsoft" in low and not isinstance(host.wsl2, Known):
            # WSL1 kernels end in -Microsoft and have no "WSL2" in them: https://github.com/microsoft/WSL/issues/4555
            host = replace(host, wsl2=known("wsl2" in low or "microsoft-standard" in low, kernel.source))
        elif not isinstance(host.wsl2, Known):
            host = replace(host, wsl2=known(False, kernel.source))
        if "tegra" in low and not isinstance(host.jetson, Known):
            host = replace(
                host,
                jetson=unknown(
                    Text(
                        en="a Jetson kernel, but the L4T release is not stated", zh="是 Jetson 内核，但未给出 L4T 版本"
                    )
                ),
            )
    if isinstance(host.wsl2, Known) and host.wsl2.value and value_of(host.os) != "linux":
        host = replace(host, os=known("linux", host.wsl2.source))
    return host


def _driver(facts: Facts) -> Driver:
    driver = facts.driver
    if isinstance(driver.platform, Known):
        return driver
    host = facts.host
    if value_of(host.os) == "windows" and isinstance(host.os, Known):
        return replace(driver, platform=known("windows", host.os.source))
    if isinstance(host.wsl2, Known):
        return replace(driver, platform=known("windows" if host.wsl2.value else "linux", host.wsl2.source))
    return driver


def _torch(facts: Facts) -> Torch:
    torch = facts.torch
    listed = next((d for d in facts.distributions.installed if d.name == "torch"), None)
    if listed is None:
        return torch
    if not isinstance(torch.version, Known):
        torch = replace(torch, version=known(listed.version, listed.source))
    version = value_of(torch.version) or listed.version
    if not isinstance(torch.cuda, Known) and (cuda := torch_cuda(version)):
        torch = replace(torch, cuda=known(cuda, listed.source))
    if "+rocm" in version and not isinstance(torch.hip, Known):
        torch = replace(torch, hip=known(version.split("+rocm")[1], listed.source))
    return torch


def _workload(facts: Facts) -> Workload:
    workload = facts.workload
    if isinstance(workload.engine, Known):
        return workload
    engines = {ENGINE_PACKAGES[d.name]: d for d in facts.distributions.installed if d.name in ENGINE_PACKAGES}
    if len(engines) == 1:
        ((engine, distribution),) = engines.items()
        source = Text(
            en=f"{distribution.source} (the only engine among the packages)",
            zh=f"{in_zh(distribution.source)}（软件包中唯一的推理引擎）",
        )
        return replace(workload, engine=known(engine, source))
    if len(engines) > 1:
        names = ", ".join(sorted(engines))
        return replace(
            workload,
            engine=unknown(Text(en=f"several engines are installed: {names}", zh=f"安装了多个推理引擎：{names}")),
        )
    return workload
