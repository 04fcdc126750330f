"""Environment variables that say something about GPUs, loaders, torch and engines: by allow-list, never credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envdoctor.facts import EnvironmentVariable
from envdoctor.patterns import lazy
from envdoctor.probe.ports import printable

SOURCE = "environment"
_VALUE_LIMIT = 4096

_NAMES = frozenset({
    "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONUSERBASE", "VIRTUAL_ENV",
    "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_DISABLE_REQUIRE", "NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "MAX_JOBS", "HF_HOME",
    "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_HUB_ENABLE_HF_TRANSFER", "HF_ENDPOINT", "HUGGINGFACE_HUB_CACHE",
    "TRANSFORMERS_CACHE", "TRANSFORMERS_OFFLINE", "BNB_CUDA_VERSION", "GLOO_SOCKET_IFNAME", "CC", "CXX",
    "UV_TORCH_BACKEND", "DISABLE_EXLLAMA", "GPTQMODEL_USE_MODELSCOPE",
})  # fmt: skip
_PREFIXES = (
    "CUDA_", "CUBLAS", "CUDNN_", "PYTORCH_", "TORCH_", "TORCHINDUCTOR_", "NCCL_", "VLLM_", "SGLANG_", "SGL_",
    "LMDEPLOY_", "TM_", "TRITON_", "FLASHINFER_", "FLASH_ATTENTION_", "XFORMERS_", "RAY_CUDA", "AUTOAWQ_", "GPTQMODEL_",
)  # fmt: skip
#: parts of a name that make its value a secret, whatever the prefix
_SECRET = lazy(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE|SIGNATURE|PRIVATE|ACCOUNT", re.IGNORECASE)
#: parts of a name in which a token is a piece of text
_NOT_SECRET = lazy(r"NUM_TOKENS|BATCHED_TOKENS|TOKENIZER|TOKENS_PER", re.IGNORECASE)
_USER_INFO = lazy(r"(?<=://)[^/\s?#]*@")


def without_user_info(text: str) -> str:
    """The text with user and password taken out of every URL in it."""
    return _USER_INFO.sub("", text)


def environment(environ: Mapping[str, str]) -> tuple[EnvironmentVariable, ...]:
    """The variables of the allow-list, by name; values without URL credentials, at most 4096 characters each."""
    return tuple(
        EnvironmentVariable(name=name, value=printable(without_user_info(value)[:_VALUE_LIMIT]), source=SOURCE)
        for name, value in sorted(environ.items())
        if is_allowed(name)
    )


def is_allowed(name: str) -> bool:
    """The variable may be shown: it is on the list and its name speaks of no secret."""
    if name not in _NAMES and not name.startswith(_PREFIXES):
        return False
    return _SECRET.search(_NOT_SECRET.sub("", name)) is None
