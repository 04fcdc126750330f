"""Names that ingest knows: distributions that people write beside a bare version, import names, engines, variables."""

from __future__ import annotations

from envdoctor.ingest.values import normalized

#: distributions that may stand as `name: version` or "name 1.2.3" in a sentence; others need `==` or a list
_PACKAGES = """
torch torchvision torchaudio torchao pytorch-triton triton triton-windows xformers flash-attn flash-attn-3
flashinfer flashinfer-python flashinfer-cubin flashinfer-jit-cache transformers tokenizers accelerate peft trl
datasets safetensors huggingface-hub optimum auto-gptq gptqmodel autoawq autoawq-kernels llmcompressor
compressed-tensors bitsandbytes deepspeed vllm vllm-flash-attn sglang sgl-kernel lmdeploy tensorrt tensorrt-llm
text-generation exllamav2 exllamav3 llama-cpp-python ctranslate2 onnxruntime onnxruntime-gpu diffusers unsloth
unsloth-zoo llamafactory ms-swift modelscope ray numpy scipy pandas pydantic pydantic-core fastapi starlette
uvicorn openai outlines outlines-core xgrammar lm-format-enforcer llguidance tiktoken sentencepiece protobuf
gradio einops timm opencv-python opencv-python-headless pillow setuptools wheel pip uv ninja packaging
cupy-cuda12x cupy-cuda11x pynvml nvidia-ml-py mistral-common gguf hqq eetq quanto optimum-quanto aqlm auto-round
decord qwen-vl-utils depyf numba llvmlite cuda-python nvidia-nccl-cu12 nvidia-nccl-cu11 nvidia-cudnn-cu12
nvidia-cublas-cu12 nvidia-cuda-runtime-cu12 nvidia-nvjitlink-cu12 nvidia-cutlass-dsl fastchat fschat tilelang
apache-tvm-ffi hf-transfer hf-xet orjson pyzmq uvloop aiohttp psutil interegular litellm anthropic urllib3
requests mkl tvm megatron-core apex causal-conv1d mamba-ssm deep-gemm deep-ep mooncake-transfer-engine
intel-extension-for-pytorch vllm-ascend torch-npu keras tensorflow jax jaxlib paddlepaddle gptq-for-llama
"""
PACKAGES = frozenset(_PACKAGES.split())

#: what people and import statements call a distribution, to the distribution's name
ALIASES = {
    "pytorch": "torch", "huggingface-hub": "huggingface-hub", "hub": "huggingface-hub", "auto-awq": "autoawq",
    "awq": "autoawq", "autogptq": "auto-gptq", "flash-attention": "flash-attn", "flash-attn-2": "flash-attn",
    "flashattention": "flash-attn", "flashattention2": "flash-attn", "flash-attention-2": "flash-attn",
    "flashattn": "flash-attn", "llm-compressor": "llmcompressor", "llama-factory": "llamafactory", "bnb": "bitsandbytes",
    "sglang-kernel": "sgl-kernel", "deepspeed": "deepspeed", "swift": "ms-swift", "gptq-model": "gptqmodel",
    "tensorrt-llm": "tensorrt-llm", "trt-llm": "tensorrt-llm", "tensorrtllm": "tensorrt-llm", "hugging-face-hub":
    "huggingface-hub", "x-formers": "xformers", "flashinfer": "flashinfer-python",
    "opencv": "opencv-python", "cutlass-dsl": "nvidia-cutlass-dsl",
    "llamacpp-python": "llama-cpp-python", "exllama-v2": "exllamav2", "nccl": "", "torch-version": "torch",
    "text-generation-inference": "text-generation-inference",
}  # fmt: skip

#: module folders under site-packages, to the engine that they belong to; the first that a traceback shows wins
ENGINE_MODULES = {
    "sglang": "sglang", "lmdeploy": "lmdeploy", "tensorrt_llm": "tensorrt-llm", "text_generation_server": "tgi",
    "vllm": "vllm", "llmcompressor": "llm-compressor", "gptqmodel": "gptqmodel", "auto_gptq": "auto-gptq",
    "awq": "autoawq", "exllamav2": "exllamav2", "llama_cpp": "llama-cpp", "transformers": "transformers",
}  # fmt: skip

#: distributions that make an engine by being there, for the case that nothing else names it
ENGINE_PACKAGES = {
    "vllm": "vllm", "sglang": "sglang", "lmdeploy": "lmdeploy", "tensorrt-llm": "tensorrt-llm",
    "text-generation-server": "tgi", "gptqmodel": "gptqmodel", "auto-gptq": "auto-gptq", "autoawq": "autoawq",
    "llmcompressor": "llm-compressor", "exllamav2": "exllamav2", "llama-cpp-python": "llama-cpp",
}  # fmt: skip

_ENGINE_WORDS = {
    "vllm": "vllm", "v-llm": "vllm", "vllm-openai": "vllm", "sglang": "sglang", "lmdeploy": "lmdeploy", "turbomind":
    "lmdeploy", "transformers": "transformers", "hf": "transformers", "huggingface": "transformers", "hf-transformers":
    "transformers", "huggingface-transformers": "transformers", "autoawq": "autoawq", "auto-awq": "autoawq",
    "gptqmodel": "gptqmodel", "auto-gptq": "auto-gptq", "autogptq": "auto-gptq", "tgi": "tgi",
    "text-generation-inference": "tgi", "llama-cpp": "llama-cpp", "llamacpp": "llama-cpp", "llama-cpp-python": "llama-cpp",
    "exllamav2": "exllamav2", "exllama": "exllamav2", "llm-compressor": "llm-compressor", "llmcompressor": "llm-compressor",
    "tensorrt-llm": "tensorrt-llm", "trt-llm": "tensorrt-llm", "trtllm": "tensorrt-llm", "torch": "torch",
    "pytorch": "torch",
}  # fmt: skip

_VARIABLE_PREFIXES = (
    "CUDA_", "CUDNN_", "NCCL_", "VLLM_", "SGLANG_", "SGL_", "TORCH_", "PYTORCH_", "TRITON_", "FLASHINFER_", "HF_",
    "HUGGINGFACE_", "TRANSFORMERS_", "LMDEPLOY_", "TM_", "BNB_", "XFORMERS_", "NVIDIA_", "HIP_", "ROCR_", "ROCM_", "HSA_",
    "OMP_", "MKL_", "GLOO_", "UCX_", "DS_", "RAY_", "TOKENIZERS_", "LD_", "XLA_", "NVCC_", "FLASH_ATTENTION_", "NVSHMEM_",
    "CUBLAS_", "LLAMA_", "GGML_", "GPTQMODEL_", "AWQ_",
)  # fmt: skip
_VARIABLE_NAMES = frozenset(
    ("PYTHONPATH", "MAX_JOBS", "CC", "CXX", "CUDAHOSTCXX", "CONDA_PREFIX", "VIRTUAL_ENV", "TMPDIR")
)
_SECRET = ("TOKEN", "KEY", "SECRET", "PASS", "CRED", "AUTH", "COOKIE")


def package(name: str) -> str | None:
    """The distribution that a word means, or None for words that are no package ingest knows."""
    name = normalized(name)
    name = ALIASES.get(name, name)
    return name if name in PACKAGES or (name in ALIASES.values() and name) else None


def engine(text: str) -> str | None:
    """The engine that a statement names: one of `facts.ENGINES`, or the user's own word for one outside that list."""
    word = normalized(text.strip().strip("\"'").split("==")[0].replace(" ", "-"))
    if word in _ENGINE_WORDS:
        return _ENGINE_WORDS[word]
    head = normalized(text.strip().split(" ")[0].split("==")[0])
    if head in _ENGINE_WORDS:
        return _ENGINE_WORDS[head]
    return head if 1 < len(head) <= 40 and head.replace("-", "").isalnum() else None


def is_variable(name: str) -> bool:
    """Whether an environment variable is one that the project looks at, and its name does not smell of a secret."""
    return not is_secret(name) and (name in _VARIABLE_NAMES or name.startswith(_VARIABLE_PREFIXES))


def is_secret(name: str) -> bool:
    """Whether a variable's name smells of a secret."""
    name = name.replace("TOKENIZERS", "")
    return any(word in name for word in _SECRET)
