"""The program that asks NVML, run as it is run live, with a stand-in for the binding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from envdoctor.facts import Known, Unknown
from envdoctor.probe.driver import nvml
from envdoctor.probe.driver.account import Account
from envdoctor.probe.ports import Outcome

STAND_IN = """
class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(TEXTS.get(value, "Unknown Error"))
        self.value = value
TEXTS = {3: "Not Supported", 15: "GPU is lost", 18: "Driver/library version mismatch", 12: "NVML Shared Library Not Found"}
NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC = 1, 0
class Memory:
    total, free = 24 << 30, 23 << 30
def nvmlInit(): pass
def nvmlSystemGetDriverVersion(): return b"550.54.14"
def nvmlSystemGetCudaDriverVersion_v2(): return 12040
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetName(handle): return "NVIDIA L4"
def nvmlDeviceGetUUID(handle): return b"GPU-%d" % handle
def nvmlDeviceGetCudaComputeCapability(handle): return (8, 9)
def nvmlDeviceGetMemoryInfo(handle): return Memory
def nvmlDeviceGetMigMode(handle): raise NVMLError(3)
def nvmlDeviceGetTotalEccErrors(handle, kind, counter): return 7
"""


def ask(tmp_path: Path, changes: str = "") -> Account:
    (tmp_path / "pynvml.py").write_text(STAND_IN + changes)
    command = [sys.executable, "-I", "-S", nvml.CHILD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return nvml.account(Outcome(status="exited", code=done.returncode, stdout=done.stdout, stderr=done.stderr))


def test_everything_is_asked_for(tmp_path: Path) -> None:
    account = ask(tmp_path)
    assert (account.state, account.version, account.cuda) == ("answered", "550.54.14", "12.4")
    assert account.gpus is not None
    first, second = account.gpus
    assert isinstance(first.compute_capability, Known)
    assert first.compute_capability.value == "8.9"
    assert isinstance(second.uuid, Known)
    assert second.uuid.value == "GPU-1"
    assert isinstance(first.mig, Known)
    assert first.mig.value is False
    assert isinstance(first.ecc_errors, Known)
    assert first.ecc_errors.value == 7


def test_one_lost_gpu_does_not_hide_the_other(tmp_path: Path) -> None:
    account = ask(
        tmp_path, "def nvmlDeviceGetHandleByIndex(index):\n    if index: raise NVMLError(15)\n    return index\n"
    )
    assert account.gpus is not None
    assert isinstance(account.gpus[0].name, Known)
    assert isinstance(account.gpus[1].name, Unknown)
    assert "GPU is lost" in account.gpus[1].name.reason


@pytest.mark.parametrize(("code", "state"), [(18, "mismatch"), (12, "absent"), (9, "failed"), (999, "failed")])
def test_errors_of_the_start(tmp_path: Path, code: int, state: str) -> None:
    assert ask(tmp_path, f"def nvmlInit(): raise NVMLError({code})\n").state == state


def test_mig(tmp_path: Path) -> None:
    account = ask(
        tmp_path,
        "def nvmlDeviceGetMigMode(handle): return (1, 1)\n"
        "def nvmlDeviceGetMaxMigDeviceCount(handle): return 7\n"
        "def nvmlDeviceGetMigDeviceHandleByIndex(handle, index):\n"
        "    if index > 1: raise NVMLError(6)\n    return 10 + index\n",
    )
    assert account.gpus is not None
    assert [gpu.index for gpu in account.gpus] == [0, 0, 1, 1]


def test_a_crash_is_told(tmp_path: Path) -> None:
    account = ask(tmp_path, "import os\ndef nvmlDeviceGetCount(): os.kill(os.getpid(), 11)\n")
    assert account.state == "failed"
    assert account.says == "NVML crashed (signal 11)"


def test_old_bindings_lack_functions(tmp_path: Path) -> None:
    account = ask(tmp_path, "del nvmlDeviceGetMigMode, nvmlSystemGetCudaDriverVersion_v2\n")
    assert account.state == "answered"
    assert account.cuda is None


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"version": 3}', '{"error": 5}', "warning\n{}"])
def test_nonsense_is_a_failure(text: str) -> None:
    assert nvml.account(Outcome(status="exited", code=0, stdout=text)).state == "failed"
