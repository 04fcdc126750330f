"""The allow-list of environment variables: what helps is shown, what is secret never."""

from __future__ import annotations

import pytest

from envdoctor.probe.environment import environment, is_allowed, without_user_info


@pytest.mark.parametrize(
    "name",
    [
        "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "PYTHONPATH", "OMP_NUM_THREADS",
        "PYTORCH_CUDA_ALLOC_CONF", "TORCH_CUDA_ARCH_LIST", "NCCL_P2P_DISABLE", "VLLM_ATTENTION_BACKEND",
        "VLLM_MAX_NUM_BATCHED_TOKENS", "HF_HUB_OFFLINE", "HF_HOME", "SGLANG_USE_MODELSCOPE", "LMDEPLOY_LOG_LEVEL",
        "TRITON_CACHE_DIR", "BNB_CUDA_VERSION",
    ],
)  # fmt: skip
def test_allowed(name: str) -> None:
    assert is_allowed(name)


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN", "VLLM_API_KEY", "NVIDIA_NGC_KEY", "CUDA_PASSWD", "TORCH_AUTH", "SGLANG_SECRET", "VLLM_ADMIN_TOKEN",
        "vllm_api_key", "HOME", "USER", "PATH", "AWS_SECRET_ACCESS_KEY", "http_proxy", "HF_TOKEN_PATH", "NCCL_TOKENS",
    ],
)  # fmt: skip
def test_never(name: str) -> None:
    assert not is_allowed(name)
    assert environment({name: "value"}) == ()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://user:pw@host/simple", "https://host/simple"),
        ("https://token@host", "https://host"),
        ("https://user:p@ss@host/x@y", "https://host/x@y"),
        ("git+ssh://git@host/a.git", "git+ssh://host/a.git"),
        ("a https://u:p@h b ftp://u:p@h2/", "a https://h b ftp://h2/"),
        ("/plain/path@1", "/plain/path@1"),
        ("https://host/path?q=a@b", "https://host/path?q=a@b"),
    ],
)
def test_url_credentials_are_taken_out(text: str, clean: str) -> None:
    assert without_user_info(text) == clean
    (variable,) = environment({"TORCH_MIRROR_URL": text})
    assert variable.value == clean


def test_values_are_cut_and_sorted_by_name() -> None:
    found = environment({"VLLM_B": "x" * 100_000, "CUDA_A": "1"})
    assert [(v.name, len(v.value)) for v in found] == [("CUDA_A", 1), ("VLLM_B", 4096)]


def test_bytes_that_are_no_text_can_be_printed() -> None:
    (variable,) = environment({"CUDA_HOME": "/opt/cud\udcff"})
    assert variable.value == "/opt/cud\ufffd"
    variable.value.encode()
