"""Asks NVML, in a process of its own: `python -I -S nvml_child.py FOLDER-OF-PYNVML [LIBRARY]`.

NVML can hang, and it can crash: neither may happen to envdoctor itself. One JSON object a line, written as soon as it
is known, so that a hang at the second GPU leaves what the first one said:

    {"version": "550.54.14", "cuda": 12040, "count": 2}
    {"index": 0, "name": ..., "uuid": ..., "capability": [8, 0], "memory": bytes, "free": bytes, "mig": bool,
     "ecc": int, "instances": [{"name", "uuid", "memory", "free"}], "missing": {"ecc": "Not Supported"}}
    {"error": {"code": 18, "text": "Driver/library version mismatch"}}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

_MOST_GPUS = 256


def main(folder: str, library: str | None) -> None:
    """Print what NVML says. `library` is loaded first, where the loader would not find it or would find another."""
    sys.path.append(folder)
    if library:
        import contextlib
        import ctypes

        with contextlib.suppress(OSError):
            ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    import pynvml

    try:
        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
        say({"version": version(pynvml), "cuda": cuda(pynvml), "count": count})
        for index in range(min(count, _MOST_GPUS)):
            say(gpu(pynvml, index))
    except pynvml.NVMLError as error:
        say({"error": {"code": getattr(error, "value", None), "text": str(error)}})


def say(value: dict[str, Any]) -> None:
    """One line, out at once."""
    print(json.dumps(value), flush=True)  # noqa: T201 - this is the program's answer


def text(value: object) -> str:
    """Older bindings give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def version(nvml: Any) -> str:
    """The driver's version."""
    return text(nvml.nvmlSystemGetDriverVersion())


def cuda(nvml: Any) -> int | None:
    """The newest CUDA that the driver implements, as 1000 * major + 10 * minor."""
    try:
        return int(nvml.nvmlSystemGetCudaDriverVersion_v2())
    except (nvml.NVMLError, AttributeError):
        return None


def gpu(nvml: Any, index: int) -> dict[str, Any]:
    """One GPU; what it does not answer is in `missing`."""
    missing: dict[str, str] = {}
    found: dict[str, Any] = {"index": index, "missing": missing}

    def ask(name: str, question: Callable[[], Any]) -> None:
        try:
            found[name] = question()
        except (nvml.NVMLError, AttributeError, TypeError, ValueError) as error:
            missing[name] = str(error)

    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        missing["handle"] = str(error)
        return found
    ask("name", lambda: text(nvml.nvmlDeviceGetName(handle)))
    ask("uuid", lambda: text(nvml.nvmlDeviceGetUUID(handle)))
    ask("capability", lambda: list(nvml.nvmlDeviceGetCudaComputeCapability(handle)))
    ask("memory", lambda: int(nvml.nvmlDeviceGetMemoryInfo(handle).total))
    ask("free", lambda: int(nvml.nvmlDeviceGetMemoryInfo(handle).free))
    ask("mig", lambda: bool(nvml.nvmlDeviceGetMigMode(handle)[0]))
    ask(
        "ecc",
        lambda: int(
            nvml.nvmlDeviceGetTotalEccErrors(handle, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC)
        ),
    )
    if found.get("mig"):
        ask("instances", lambda: instances(nvml, handle))
    return found


def instances(nvml: Any, handle: Any) -> list[dict[str, Any]]:
    """The MIG instances of a GPU."""
    found = []
    for index in range(min(int(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)), _MOST_GPUS)):
        try:
            instance = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
            memory = nvml.nvmlDeviceGetMemoryInfo(instance)
            found.append({
                "name": text(nvml.nvmlDeviceGetName(instance)), "uuid": text(nvml.nvmlDeviceGetUUID(instance)),
                "memory": int(memory.total), "free": int(memory.free),
            })  # fmt: skip
        except nvml.NVMLError:  # noqa: PERF203 - a slot without an instance
            continue
    return found


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
