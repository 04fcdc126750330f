"""NVML as a witness: starts the child that asks it, and reads the child's answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envdoctor.facts import NOT_STATED, Fact, Gpu, known, unknown
from envdoctor.probe.driver.account import Account
from envdoctor.probe.ports import Outcome, Pending, Runner
from envdoctor.text import NOTHING, Text, in_zh, same

SOURCE = "NVML"
CHILD = str(Path(__file__).with_name("nvml_child.py"))
#: nvml.h, nvmlReturn_t
_DRIVER_NOT_LOADED, _LIBRARY_NOT_FOUND, _MISMATCH = 9, 12, 18


def start(runner: Runner, environ: Mapping[str, str], library: str | None) -> Pending | None:
    """Ask NVML in a child of our own interpreter; None where the binding is not installed."""
    from importlib.util import find_spec

    spec = find_spec("pynvml")
    if spec is None or spec.origin is None or not sys.executable:
        return None
    command = [sys.executable, "-I", "-S", CHILD, str(Path(spec.origin).parent), *([library] if library else [])]
    return runner.start("nvml", command, environ)


def account(outcome: Outcome | None) -> Account:
    """What NVML said."""
    if outcome is None:
        return Account(
            source=SOURCE,
            state="failed",
            says=Text(
                en="the Python binding of NVML (nvidia-ml-py) is not installed",
                zh="未安装 NVML 的 Python 绑定（nvidia-ml-py）",
            ),
        )
    lines = [value for line in outcome.stdout.splitlines() if (value := _parsed(line)) is not None]
    head = next((line for line in lines if "version" in line), {})
    error = next((line["error"] for line in lines if isinstance(line.get("error"), dict)), None)
    version, cuda, count = head.get("version"), head.get("cuda"), head.get("count")
    gpus = tuple(gpu for line in lines if "index" in line for gpu in _gpus(line))
    complete = isinstance(count, int) and sum("index" in line for line in lines) == count
    common: dict[str, Any] = {
        "source": SOURCE,
        "version": version if isinstance(version, str) else None,
        "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}" if isinstance(cuda, int) else None,
        "gpus": gpus if complete else None,
    }
    if outcome.status == "no-answer":
        return Account(**common, state="no-answer", says=Text(en="NVML does not answer", zh="NVML 没有响应"))
    if error is not None:
        return _failed(common, error)
    if outcome.ok and complete:
        return Account(**common, state="answered")
    says = outcome.says or outcome.reason
    crash = (
        Text(en=f"NVML crashed (signal {-outcome.code})", zh=f"NVML 崩溃（信号 {-outcome.code}）")
        if outcome.code is not None and outcome.code < 0
        else NOTHING
    )
    return Account(**common, state="failed", says=crash or Text(en=f"NVML: {says}", zh=f"NVML：{in_zh(says)}"))


def _failed(common: dict[str, Any], error: dict[str, Any]) -> Account:
    says = same(f"NVML: {error.get('text', '')}"[:400])
    code = error.get("code")
    if code == _MISMATCH:
        return Account(**common, state="mismatch", says=says)
    return Account(**common, state="absent" if code == _LIBRARY_NOT_FOUND else "failed", says=says)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _gpus(line: dict[str, Any]) -> list[Gpu]:
    """The GPU, or its MIG instances where it is split: those are what CUDA sees."""
    missing = line.get("missing") if isinstance(line.get("missing"), dict) else {}
    why = missing.get("handle") if missing else None

    def fact(name: str) -> Fact[Any]:
        if name in line:
            return known(line[name], SOURCE)
        says = why or (missing or {}).get(name) or NOT_STATED.reason
        return unknown(Text(en=f"NVML: {says}", zh=f"NVML：{in_zh(says)}"))

    capability = line.get("capability")
    whole = Gpu(
        index=line["index"],
        name=fact("name"),
        compute_capability=known(".".join(map(str, capability)), SOURCE)
        if isinstance(capability, list)
        else fact("capability"),
        memory_bytes=fact("memory"),
        memory_free_bytes=fact("free"),
        uuid=fact("uuid"),
        # GPUs that cannot be split say "Not Supported": they are not split.
        mig=fact("mig") if "mig" in line or why else known(False, SOURCE),
        ecc_errors=fact("ecc"),
        vendor=known("nvidia", SOURCE),
    )
    parts = line.get("instances")
    if not isinstance(parts, list) or not parts:
        return [whole]
    return [
        Gpu(
            index=whole.index,
            name=known(str(part.get("name", "")), SOURCE),
            compute_capability=whole.compute_capability,
            memory_bytes=known(int(part.get("memory", 0)), SOURCE),
            memory_free_bytes=known(int(part.get("free", 0)), SOURCE),
            uuid=known(str(part.get("uuid", "")), SOURCE),
            mig=known(True, SOURCE),
            ecc_errors=whole.ecc_errors,
            vendor=whole.vendor,
        )
        for part in parts
        if isinstance(part, dict)
    ]
