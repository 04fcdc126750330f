"""Reports that need no probe and no matrix: a machine with everything wrong, in both languages, and one with nothing."""

from __future__ import annotations

import copy
from typing import Any

HOSTILE = (
    '<script>document.title="owned"</script><img src=x onerror=alert(1)> \u202egnp.exe\u202c \U0001f468\u200d\U0001f4bb '
    + "long" * 3000
)


def _fact(value: Any, source: str = "probe") -> dict[str, Any]:
    return {"value": value, "source": source}


def facts() -> dict[str, Any]:
    """An encoded Facts of a machine whose user is `wangxiaoming` and whose host is `gpu-rig-07`."""
    return {
        "host": {"os": _fact("linux"), "distribution": _fact("Ubuntu 22.04.4 LTS", "/etc/os-release"), "kernel": _fact("5.15.0-105-generic"), "glibc": _fact("2.35"),
                 "cpu": _fact("AMD EPYC 7742"), "ram_bytes": _fact(270_000_000_000), "wsl2": _fact(False)},
        "driver": {"status": _fact("working"), "version": {"value": "535.183.01", "source": "procfs", "also": [{"value": "535.183.01", "source": "NVML"}]}, "platform": _fact("linux")},
        "gpus": _fact([{"index": 0, "name": _fact("NVIDIA GeForce RTX 5090"), "compute_capability": _fact("12.0"), "memory_bytes": _fact(34_190_000_000),
                        "uuid": _fact("GPU-" + "-".join(("d84b73b6", "517d", "3aed", "5647", "8b53510dbf81")))}], "NVML"),
        "cuda": {"nvcc": _fact("12.4"), "toolkits": _fact([{"path": "/usr/local/cuda-12.4", "version": "12.4"}])},
        "target": {"executable": _fact("/data/users/wangxiaoming/venv/bin/python", "--python"), "python": _fact("3.10.14"), "prefix": _fact("/data/users/wangxiaoming/venv")},
        "distributions": {"installed": [
            {"name": "flash-attn", "version": "2.6.3", "source": "/data/users/wangxiaoming/venv/lib/python3.10/site-packages/flash_attn-2.6.3.dist-info"},
            {"name": "nvidia-curand-cu12", "version": "10.3.5.147", "source": "x"},
            {"name": "private-sdk", "version": "1.2", "source": "x", "editable": True,
             "direct_url": "git+https://svc:" + "hunter2-Zebra" + "@gitlab.aurora-labs.example/team/private-sdk.git"},
            {"name": "torch", "version": "2.4.0+cu121", "source": "x"},
            {"name": "vllm", "version": "0.6.3", "source": "x"}], "complete": _fact(True)},
        "torch": {"version": _fact("2.4.0+cu121"), "cuda": _fact("12.1"), "archs": _fact(["8.0", "8.6", "9.0"])},
        "environment": [{"name": "HF_HOME", "value": "/data/users/wangxiaoming/hf", "source": "environment"}, {"name": "HF_TOKEN", "value": "short-" + "but-secret", "source": "environment"}],
        "checkpoint": {"name": _fact("Qwen/Qwen2.5-7B-Instruct-AWQ"), "path": _fact("/data/users/wangxiaoming/models/qwen"), "quant_method": _fact("awq"), "bits": _fact(4)},
        "workload": {"engine": _fact("vllm"), "tensor_parallel": _fact(2), "flags": [{"name": "api-key", "value": "another-" + "secret"}, {"name": "dtype", "value": "half"}]},
        "log": [{"number": 12, "text": "RuntimeError: CUDA error: no kernel image is available for execution on the device", "source": "run.log"},
                {"number": 13, "text": "(RayWorker pid=9, ip=10.23.45.67) on gpu-rig-07 as wangxiaoming", "source": "run.log"}],
    }  # fmt: skip


def _finding(
    ident: str, severity: str, verdict: str, title: str, explanation: str, cause: str, packages: list[str], fix: str
) -> dict[str, Any]:
    return {
        "id": ident, "verdict": verdict, "severity": severity, "effect": "blocks", "title": title, "explanation": explanation, "status": "active", "note": "",
        "url": "https://github.com/vllm-project/vllm/issues/18188", "cause": {"class": cause, "packages": packages},
        "because": [{"fact": "gpus[0].compute_capability", "value": "12.0", "source": "NVML"}, {"fact": "log", "value": "no kernel image is available", "source": "run.log line 12"}],
        "missing": [{"fact": "target.executable", "how": "/data/users/wangxiaoming/venv/bin/python -V"}] if verdict == "possible" else [],
        "fix": {"pins": {"torch": ">=2.7"}, "options": [
            {"pins": {"torch": ">=2.7"}, "commands": {"uv": "uv pip install 'torch>=2.7'", "pip": "pip install 'torch>=2.7'"}, "flags": [], "env": {}, "text": fix, "cost": "reinstall"},
            {"pins": {}, "commands": {}, "flags": ["--enforce-eager", "--dtype half"], "env": {"VLLM_USE_V1": "0"}, "text": fix, "cost": ""}]},
        "evidence": [{"type": "report", "url": "https://github.com/vllm-project/vllm/issues/18188", "date": "2025-05-01", "says": "the same error", "command": None}],
    }  # fmt: skip


_TEXTS = {
    "en": (("This torch has no code for compute capability 12.0", "The wheel was built for 8.0 to 9.0.", "Install a torch that was built with CUDA 12.8."),
           ("The driver may be too old", "CUDA 12.8 asks for 570 or newer.", "Update the driver.")),
    "zh": (("这个 torch 不包含计算能力 12.0 的代码", "该 wheel 只为 8.0 到 9.0 编译。", "安装基于 CUDA 12.8 构建的 torch。"),
           ("驱动可能过旧", "CUDA 12.8 需要 570 或更新的驱动。", "升级驱动。")),
}  # fmt: skip


def report(lang: str = "en", *, smoke: bool = True) -> dict[str, Any]:
    """A report with an error in an extension, a possible driver problem, and a smoke run."""
    first, second = _TEXTS[lang]
    return copy.deepcopy(
        {
            "schema_version": 1, "tool": {"name": "envdoctor", "version": "0.1.0"}, "matrix": {"date": "2026-11-20", "entries": 300, "digest": "sha256:" + "ab" * 32},
            "facts": facts(),
            "findings": [_finding("ED-2026-0101", "error", "match", first[0], first[1], "no-kernel-image", ["torch"], first[2]),
                         _finding("EC-driver-floor", "warning", "possible", second[0], second[1], "driver-too-old", [], second[2])],
            "smoke": {"python": "/data/users/wangxiaoming/venv/bin/python", "python_version": "3.10.14", "device": "auto", "seconds": 9.5, "results": [
                {"rung": "driver", "name": "cuInit", "outcome": "passed", "device": "cuda:0", "seconds": 0.2, "detail": "", "numbers": []},
                {"rung": "kernel", "name": "int4 matmul", "outcome": "error", "device": "cuda:0", "seconds": 1.25, "detail": "no kernel image",
                 "numbers": [{"name": "relative error", "value": 0.01234, "limit": 0.05, "unit": ""}, {"name": "nan", "value": None}], "stderr_tail": "at /data/users/wangxiaoming/x.py"}]} if smoke else None,
            "unknown": [{"fact": "host.glibcxx", "reason": "no libstdc++ in /data/users/wangxiaoming/lib"}],
            "coverage": {"known": {"torch": "2.9.0", "vllm": "0.11.0"}, "newer_than_checked": [], "not_covered": 3, "undecided_entries": 12},
            "lang": lang,
        }
    )  # fmt: skip


def quiet() -> dict[str, Any]:
    """A report in which nothing was found."""
    return {**report(smoke=False), "findings": []}


def hostile() -> dict[str, Any]:
    """A report whose every text is an attack on the page that shows it."""

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: spoil(item) if key not in {"severity", "status", "verdict", "schema_version", "lang"} else item
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [spoil(item) for item in value]
        return f"{value}{HOSTILE}" if isinstance(value, str) else value

    spoiled: dict[str, Any] = spoil(report())
    spoiled["findings"][0]["evidence"][0]["url"] = "javascript:alert(1)"
    return spoiled
