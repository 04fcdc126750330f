"""A case as the text that somebody pastes: what they have, how they started it, what came."""

from __future__ import annotations

from typing import Any

Case = dict[str, Any]

_LAUNCH = {
    "vllm": ("vllm serve", "--tensor-parallel-size", "--quantization"),
    "sglang": ("python -m sglang.launch_server --model-path", "--tp", "--quantization"),
    "lmdeploy": ("lmdeploy serve api_server", "--tp", "--model-format"),
}


def pasted(case: Case) -> str:
    """Environment, launch and error lines, in the order of an issue form."""
    return (
        "\n".join([*_environment(case.get("env", {})), *_launch(case.get("workload", {})), *case.get("error", [])])
        + "\n"
    )


def _environment(env: Case) -> list[str]:
    packages = {name.lower().replace("_", "-"): version for name, version in (env.get("packages") or {}).items()}
    torch = env.get("torch") or packages.pop("torch", None)
    kernel = env.get("kernel") or ("5.15.153.1-microsoft-standard-WSL2" if env.get("wsl2") else None)
    stated = {
        "PyTorch version": torch,
        "OS": env.get("os"),
        "Libc version": f"glibc-{env['glibc']}" if env.get("glibc") else None,
        "Python version": f"{env['python']} (64-bit runtime)" if env.get("python") else None,
        "Python platform": f"Linux-{kernel}-x86_64" if kernel else None,
        "CUDA runtime version": env.get("cuda_toolkit"),
        "Nvidia driver version": env.get("driver"),
    }
    lines = [f"{name}: {value}" for name, value in stated.items() if value]
    lines += ["Running in a Docker container."] if env.get("container") else []
    names = [gpu["name"] for gpu in env.get("gpus") or [] for _ in range(int(gpu.get("count") or 1))]
    lines += [f"GPU {number}: {name}" for number, name in enumerate(names)]
    lines += [f"[pip3] {name}=={version}" for name, version in sorted(packages.items())]
    return lines + [f"{name}={value}" for name, value in (env.get("env_vars") or {}).items()]


def _launch(workload: Case) -> list[str]:
    engine, model = workload.get("engine"), workload.get("model")
    if engine in _LAUNCH and workload.get("task") in ("serve", "generate", None):
        start, split, quantization = _LAUNCH[engine]
        options = (
            (split, workload.get("tp")),
            ("--dtype", workload.get("dtype")),
            (quantization, workload.get("quant")),
        )
        return [" ".join(["$", start, model or "MODEL", *(f"{flag} {value}" for flag, value in options if value)])]
    said = {"Engine": engine, "Task": workload.get("task"), "Model": model, "Quantization": workload.get("quant"),
            "dtype": workload.get("dtype"), "tensor parallel": workload.get("tp")}  # fmt: skip
    line = ", ".join(f"{name}: {value}" for name, value in said.items() if value)
    return [line] if line else []
