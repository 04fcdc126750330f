"""Recorded hosts through the front door: what a person would say of each of these machines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envdoctor.errors import InputError, UsageError
from envdoctor.facts import Facts, Gpu, Witness, decode, encode
from envdoctor.probe import machine

from .replay import HOSTS, reason, replay, replay_folder, value

GIB = 1 << 30


def gpus(facts: Facts) -> tuple[Gpu, ...]:
    found = value(facts.gpus)
    assert isinstance(found, tuple)
    return found


def test_bare_linux_with_a100s() -> None:
    facts = replay("linux-a100")
    assert value(facts.driver.status) == "working"
    assert value(facts.driver.version) == "535.161.08"
    assert facts.driver.version.source == "/sys/module/nvidia/version"
    assert facts.driver.version.also == ()  # all witnesses agree: nothing to show
    assert value(facts.driver.platform) == "linux"
    assert value(facts.driver.cuda) == "12.2"
    assert value(facts.driver.kernel_module) == "proprietary"
    assert [value(gpu.name) for gpu in gpus(facts)] == ["NVIDIA A100-SXM4-80GB"] * 2
    assert [value(gpu.compute_capability) for gpu in gpus(facts)] == ["8.0", "8.0"]
    assert value(gpus(facts)[0].memory_bytes) == 80 * GIB
    assert value(gpus(facts)[0].mig) is False
    assert value(facts.host.distribution) == "Ubuntu 22.04.4 LTS"
    assert value(facts.host.distribution_version) == "22.04"
    assert value(facts.host.cpu_count) == 64
    assert value(facts.host.cpu_flags) == ("avx", "avx2", "avx512_vnni", "avx512f", "f16c", "fma", "sse4_2")
    assert value(facts.host.wsl2) is False
    assert value(facts.host.container) == "none"
    assert value(facts.cuda.nvcc) == "12.4"
    assert [(t.path, t.version) for t in value(facts.cuda.toolkits)] == [
        ("/usr/local/cuda-12.4", "12.4.1"),
        ("/usr/local/cuda-10.2", "10.2.89"),
    ]
    assert value(facts.cuda.gcc) == "11.4.0"
    assert value(facts.cuda.loader_path) == ("/usr/local/cuda/lib64",)


def test_the_target_of_a_recorded_host_is_read_too() -> None:
    facts = replay("linux-a100")
    assert value(facts.target.executable) == "/srv/llm/env/bin/python"
    assert value(facts.target.kind) == "uv"
    assert value(facts.target.python) == "3.11.9"
    assert value(facts.torch.version) == "2.4.0+cu121"
    assert value(facts.torch.cuda) == "12.1"
    assert value(facts.torch.hip) == "none"
    assert [d.name for d in facts.distributions.installed] == ["filelock", "torch", "triton"]
    assert [(u.distribution, u.requirement.split(";")[0], u.found) for u in facts.distributions.unmet] == [
        ("torch", "triton==3.0.0", "2.3.1"),
        ("torch", "nvidia-cublas-cu12==12.1.3.1", None),
    ]
    assert [v.name for v in facts.environment] == [
        "CUDA_HOME", "LD_LIBRARY_PATH", "NVIDIA_VISIBLE_DEVICES", "VIRTUAL_ENV",
    ]  # fmt: skip


def test_mig_instances_stand_for_their_gpu() -> None:
    facts = replay("linux-a100-mig")
    assert [(gpu.index, value(gpu.name), value(gpu.mig)) for gpu in gpus(facts)] == [
        (0, "NVIDIA A100-SXM4-40GB MIG 3g.20gb", True),
        (0, "NVIDIA A100-SXM4-40GB MIG 3g.20gb", True),
        (1, "NVIDIA A100-SXM4-40GB", False),
    ]
    assert value(gpus(facts)[0].memory_bytes) == 20096 << 20
    assert value(gpus(facts)[0].compute_capability) == "8.0"
    assert value(gpus(facts)[2].ecc_errors) == 2


def test_wsl2() -> None:
    facts = replay("wsl2-4090")
    wsl = facts.host.wsl
    assert value(facts.host.wsl2) is True
    assert value(facts.driver.platform) == "windows"
    assert value(facts.driver.version) == "551.76"
    assert value(wsl.dxg) is True
    assert value(wsl.lib_folder) is True
    assert value(wsl.libcuda) == "/usr/lib/wsl/lib/libcuda.so.1"
    assert value(wsl.libcuda_shadowed) is False
    assert value(wsl.memory_cap_bytes) == 16285192 * 1024
    assert value(wsl.linux_driver_packages) == ()
    assert [value(gpu.compute_capability) for gpu in gpus(facts)] == ["8.9"]
    assert value(gpus(facts)[0].mig) is False


def test_wsl2_with_a_linux_driver_in_front_of_the_windows_one() -> None:
    wsl = replay("wsl2-shadowed").host.wsl
    assert value(wsl.libcuda) == "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
    assert value(wsl.libcuda_shadowed) is True
    assert "/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14" in wsl.libcuda_shadowed.source
    assert value(wsl.linux_driver_packages) == ("libnvidia-compute-550",)  # -535 left only its configuration


def test_wsl2_loader_path_wins_over_the_cache() -> None:
    wsl = replay("wsl2-shadowed", LD_LIBRARY_PATH="/usr/lib/wsl/lib").host.wsl
    assert value(wsl.libcuda) == "/usr/lib/wsl/lib/libcuda.so.1"
    assert wsl.libcuda.source == "LD_LIBRARY_PATH"
    assert value(wsl.libcuda_shadowed) is False


def test_wsl2_whose_windows_has_no_nvidia_driver(tmp_path: Path) -> None:
    host = tmp_path / "host"
    shutil.copytree(HOSTS / "wsl2-4090", host)
    shutil.rmtree(host / "commands")
    shutil.rmtree(host / "files/usr/lib/wsl")
    (host / "host.toml").write_text((host / "host.toml").read_text().replace('"/usr/lib/wsl/lib/nvidia-smi"', ""))
    facts = replay_folder(host)
    assert value(facts.driver.status) == "absent"
    assert gpus(facts) == ()
    assert "Windows brings no NVIDIA driver" in facts.gpus.source
    assert value(facts.host.wsl.lib_folder) is False
    assert "finds no libcuda" in reason(facts.host.wsl.libcuda)


def test_kernel_module_without_its_tools(tmp_path: Path) -> None:
    host = tmp_path / "host"
    shutil.copytree(HOSTS / "r610-b200", host)
    shutil.rmtree(host / "commands")
    (host / "host.toml").write_text((host / "host.toml").read_text().replace('"/usr/bin/nvidia-smi"', ""))
    facts = replay_folder(host)
    assert value(facts.driver.status) == "failed"
    assert value(facts.driver.says) == "there is no libnvidia-ml.so.1; there is no nvidia-smi"


def test_wsl_facts_stay_out_of_other_systems() -> None:
    assert "wsl" not in encode(replay("laptop-cpu"))["host"]


def test_container_without_the_driver() -> None:
    facts = replay("container-no-driver")
    assert value(facts.host.container) == "docker"
    assert value(facts.driver.status) == "no-access"
    assert value(facts.driver.version) == "535.161.08"  # the host's module shows through
    assert "given no GPU" in reason(facts.gpus)
    assert value(facts.host.ram_bytes) == 32 * GIB
    assert facts.host.ram_bytes.source == "/sys/fs/cgroup/memory.max"
    assert facts.host.ram_bytes.also == (Witness(value=str(263780356 * 1024), source="/proc/meminfo"),)
    assert value(facts.host.shm_bytes) == 64 << 20


def test_mixed_box_is_kept_apart() -> None:
    found = gpus(replay("mixed-1080ti-3090"))
    assert [(value(g.name), value(g.compute_capability), value(g.memory_bytes) >> 20) for g in found] == [
        ("NVIDIA GeForce RTX 3090", "8.6", 24576),
        ("NVIDIA GeForce GTX 1080 Ti", "6.1", 11264),
    ]


def test_r610_without_nvml() -> None:
    facts = replay("r610-b200")
    assert value(facts.driver.status) == "working"
    assert value(facts.driver.version) == "610.43.02"
    assert value(facts.driver.kernel_module) == "open"
    assert [value(gpu.compute_capability) for gpu in gpus(facts)] == ["10.0"]
    assert "libnvidia-ml" in reason(facts.driver.cuda)


def test_jetson_with_an_nvidia_smi_that_says_little() -> None:
    facts = replay("jetson-orin")
    assert value(facts.host.jetson) == "36.4.7"
    assert value(facts.host.architecture) == "aarch64"
    assert value(facts.host.cpu_count) == 10
    assert value(facts.driver.version) == "540.4.0"
    (gpu,) = gpus(facts)
    assert value(gpu.name) == "Orin (nvgpu)"
    assert value(gpu.compute_capability) == "8.7"
    assert gpu.compute_capability.source == "/proc/device-tree/compatible"


def test_jetson_without_nvidia_smi() -> None:
    facts = replay("jetson-xavier-jp5")
    assert value(facts.host.jetson) == "35.4.1"
    (gpu,) = gpus(facts)
    assert (value(gpu.name), value(gpu.compute_capability)) == ("Jetson-AGX", "7.2")
    assert "shares" in reason(gpu.memory_bytes)
    assert "Jetson" in reason(facts.driver.status)


def test_laptop_without_a_gpu_is_a_normal_machine() -> None:
    facts = replay("laptop-cpu")
    assert value(facts.driver.status) == "absent"
    assert gpus(facts) == ()
    assert value(facts.host.distribution) == "Arch Linux"
    assert "rolling" in reason(facts.host.distribution_version)


def test_a_gpu_that_no_driver_drives_is_still_seen() -> None:
    facts = replay("laptop-nouveau")
    assert value(facts.driver.status) == "absent"
    (gpu,) = gpus(facts)  # the audio function of the same card is none
    assert value(gpu.vendor) == "nvidia"
    assert "no driver" in reason(gpu.compute_capability)


def test_library_and_kernel_mismatch() -> None:
    facts = replay("library-mismatch")
    assert value(facts.driver.status) == "library-mismatch"
    assert value(facts.driver.version) == "570.124.06"  # what is loaded
    assert (
        Witness(value="570.195.03", source="/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.570.195.03")
        in facts.driver.version.also
    )
    assert "mismatch" in value(facts.driver.says)
    (gpu,) = gpus(facts)
    assert value(gpu.name) == "NVIDIA GeForce RTX 3060"


def test_localized_nvidia_smi() -> None:
    facts = replay("localized-smi")
    (gpu,) = gpus(facts)
    assert (value(gpu.name), value(gpu.compute_capability)) == ("NVIDIA GeForce RTX 3080", "8.6")
    assert reason(gpu.ecc_errors).startswith("nvidia-smi says [")


def test_a_driver_that_does_not_answer() -> None:
    facts = replay("hung-driver")
    assert value(facts.driver.status) == "not-answering"
    assert value(facts.driver.version) == "535.161.08"  # the kernel answers without asking the driver
    assert value(facts.driver.says) == "NVML does not answer; nvidia-smi does not answer"
    assert reason(facts.gpus) == "the driver does not answer"


def test_a_driver_that_knows_no_compute_cap() -> None:
    facts = replay("driver-470")
    (gpu,) = gpus(facts)
    assert value(gpu.name) == "NVIDIA GeForce GTX 1080 Ti"
    assert "does not know" in reason(gpu.compute_capability)


def test_witnesses_that_disagree_are_all_shown(tmp_path: Path) -> None:
    host = tmp_path / "host"
    shutil.copytree(HOSTS / "linux-a100", host)
    (host / "files/sys/module/nvidia/version").write_text("535.104.05\n")
    version = replay_folder(host).driver.version
    assert value(version) == "535.104.05"
    assert {w.value for w in version.also} == {"535.161.08"}
    assert [w.source for w in version.also] == ["/proc/driver/nvidia/version", "NVML", "nvidia-smi --query-gpu"]


@pytest.mark.parametrize(
    ("out", "code", "status", "count"),
    [
        ("No devices were found\n", "6", "working", 0),
        ("Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.\n", "15", "failed", None),
        ("", "-11", "failed", None),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", "9", "failed", None),
    ],
)
def test_nvidia_smi_that_fails(tmp_path: Path, out: str, code: str, status: str, count: int | None) -> None:
    host = tmp_path / "host"
    shutil.copytree(HOSTS / "r610-b200", host)
    (host / "commands/nvidia-smi.out").write_text(out)
    (host / "commands/nvidia-smi.code").write_text(code)
    facts = replay_folder(host)
    assert value(facts.driver.status) == status
    if count is None:
        assert out.strip()[:20] in value(facts.driver.says)
    else:
        assert gpus(facts) == ()


def test_nvml_that_hangs_halfway_leaves_what_it_said(tmp_path: Path) -> None:
    host = tmp_path / "host"
    shutil.copytree(HOSTS / "mixed-1080ti-3090", host)
    lines = (host / "commands/nvml.out").read_text().splitlines(keepends=True)
    (host / "commands/nvml.out").write_text("".join(lines[:2]))
    (host / "commands/nvml.code").write_text("no-answer")
    (host / "commands/nvidia-smi.code").write_text("no-answer")
    (host / "files/sys/module/nvidia/version").unlink()
    (host / "files/proc/driver/nvidia/version").unlink()
    facts = replay_folder(host)
    assert value(facts.driver.status) == "not-answering"
    assert value(facts.driver.version) == "550.120"
    assert value(facts.driver.cuda) == "12.4"


@pytest.mark.parametrize(("system", "os"), [("Windows", "windows"), ("Darwin", "macos")])
def test_other_systems_get_a_calm_reason(tmp_path: Path, system: str, os: str) -> None:
    host = tmp_path / "host"
    shutil.copytree(HOSTS / "laptop-cpu", host)
    toml = (host / "host.toml").read_text()
    (host / "host.toml").write_text(f'system = "{system}"\n{toml}')
    facts = replay_folder(host)
    assert value(facts.host.os) == os
    assert "Linux and WSL2" in reason(facts.gpus)
    assert "Linux and WSL2" in reason(facts.driver.status)


@pytest.mark.parametrize("host", sorted(p.name for p in HOSTS.iterdir()))
def test_facts_of_every_host_survive_json(host: str) -> None:
    facts = replay(host)
    assert decode(Facts, encode(facts)) == facts


@pytest.mark.parametrize("host", sorted(p.name for p in HOSTS.iterdir()))
def test_no_section_of_a_recorded_host_fails(host: str) -> None:
    assert "could not be read" not in str(encode(replay(host)))


def test_a_section_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("damaged")

    monkeypatch.setattr(machine, "host", broken)
    facts = replay("linux-a100")
    assert reason(facts.host.kernel) == "the host could not be read: RuntimeError: damaged"
    assert value(facts.driver.status) == "working"


def test_refusals_go_through() -> None:
    with pytest.raises(UsageError, match="no such path"):
        replay("linux-a100", "/nowhere/python")
    with pytest.raises(UsageError, match="not a Python interpreter"):
        replay("linux-a100", "/usr/bin/gcc")


def test_a_folder_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a recorded host"):
        replay_folder(tmp_path)
