"""Text that looks like addresses, tokens or secrets and is none: every line must come through as it is."""

from __future__ import annotations

LINES: tuple[str, ...] = tuple(
    line
    for line in r"""
torch 2.4.0+cu121
torch==2.5.0a0+872d972e41.nv24.08
vllm 0.6.3.post1
vllm 0.6.4.dev87+g49628fe1.d20241108
flash_attn-2.7.4.post1+cu12torch2.5cxx11abiFALSE-cp310-cp310-linux_x86_64.whl
nvidia-cublas-cu12                12.4.5.8
nvidia-cuda-cupti-cu12==12.4.127
nvidia-cudnn-cu12 9.1.0.70
nvidia-cufft-cu12        11.2.1.3
nvidia-curand-cu12       10.3.5.147
nvidia-curand-cu12==10.3.5.147
"nvidia-curand-cu12": "10.3.5.147",
nvidia-curand-cu12-10.3.5.147
nvidia_curand_cu12-10.3.5.147.dist-info
nvidia-cusolver-cu12 11.6.1.9
nvidia-cusparse-cu12 12.3.1.170
nvidia-cusparselt-cu12 0.6.2
nvidia-nccl-cu12 2.21.5
nvidia-npp-cu12 12.2.5.30
nvidia-curand 10.4.0.35
| nvidia-curand-cu12 | 10.3.5.147 |
[pip3] nvidia-curand-cu12==10.3.5.147
[conda] libcurand                 10.3.5.147                    0    nvidia
libcurand 10.3.5.147 h0_0 nvidia
curand 10.3.5.147
tensorrt 10.3.0.26
TensorRT 10.3.0.26
TensorRT version: 10.3.0.26
tensorrt-cu12 10.3.0.post1
libcurand.so.10.3.5.147
/usr/lib/x86_64-linux-gnu/libcudnn.so.8.9.7.29
/usr/local/cuda-12.4/targets/x86_64-linux/lib/libcurand.so.10.3.5.147
libnvinfer.so.10.3.0.26 => not found
Windows driver 32.0.15.6094
DriverVersion 31.0.15.3742
driver 30.0.14.7514
Driver Version: 550.54.14
NVIDIA-SMI 610.43.02
nvidia-driver-550 550.54.14-0ubuntu1
vbios 94.02.71.00.92
VBIOS Version : 96.00.74.00.01
cuDNN version: Probably one of the following: /usr/lib/libcudnn.so.9.1.0
CUDA runtime version: 12.4.131
Cuda compilation tools, release 12.4, V12.4.131
Build cuda_12.4.r12.4/compiler.34097967_0
onnxruntime-gpu 1.18.0.1
version 10.3.5.147 is installed
requires curand>=10.3.5.147,<11.0.0.0
opencv-python-headless 4.10.0.84
opencv-python==4.10.0.84
triton 3.0.0
tokenizers 0.20.3
types-requests 2.32.0.20241016
glibc 2.35
ldd (Ubuntu GLIBC 2.35-0ubuntu3.8) 2.35
GLIBCXX_3.4.32 not found
GLIBC_2.38
kernel 5.15.153.1-microsoft-standard-WSL2
Linux-5.15.153.1-microsoft-standard-WSL2-x86_64-with-glibc2.35
Linux version 6.8.0-45-generic (buildd@lcy02-amd64-075) x86_64
NGC 24.08
py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64
cp310-cp310-manylinux1_x86_64
sm_86
sm_90a
compute_90
sm_120
sm89 sm90 sm100f
TORCH_CUDA_ARCH_LIST=8.0;8.6;9.0+PTX
CUDA_ARCH=86
arch list: ['sm_50', 'sm_60', 'sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90']
undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE
undefined symbol: _ZN2at4_ops5zeros4callEN3c108ArrayRefINS2_6SymIntEEESt8optionalINS2_10ScalarTypeEES6_INS2_6LayoutEES6_INS2_6DeviceEES6_IbE
undefined symbol: _ZNK3c1010TensorImpl36is_contiguous_nondefault_policy_implENS_12MemoryFormatE
undefined symbol: cublasLtGetStatusString, version libcublasLt.so.12
undefined symbol: ncclCommRegister
undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12
undefined symbol: iJIT_NotifyEvent
c10::cuda::CUDACachingAllocator::raw_alloc
c10::d
at::native::add
ad::be
std::vector<c10::IValue>::push_back
void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<c10::Half>, at::detail::Array<char*, 1> >
torch::autograd::Engine::evaluate_function
cutlass::gemm::kernel::GemmUniversal
a1b2::c3d4
0000:3b:00.0
00000000:01:00.0
GPU 00000000:65:00.0 Off
01:00.0 VGA compatible controller
NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus.
12:34:56
2024-11-21 12:34:56,789
2024-11-21T12:34:56.789Z
2024-11-21T12:34:56.123456+08:00
11-21 02:10:11
elapsed 1:02:03
00:01:02:03
[00:12<00:03, 1.23it/s]
10:11:12:13:14
2024:11:21:10
100%|##########| 8/8 [00:12<00:00,  1.53s/it]
commit 5f0ec3935d1b7a1e1f4f3a1f6a5e3c7f4c1c8b2d
HEAD is now at 49628fe1
git+https://github.com/vllm-project/vllm.git@5f0ec3935d1b7a1e1f4f3a1f6a5e3c7f4c1c8b2d
git+https://github.com/huggingface/transformers.git@main
git+https://github.com/huggingface/transformers@v4.45.0
pip install git+https://github.com/AutoGPTQ/AutoGPTQ.git@v0.7.1
git@github.com:vllm-project/vllm.git
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
--hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
vllm/vllm-openai@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
md5 d41d8cd98f00b204e9800998ecf8427e
snapshots/4b7d2c0b1f6f5a3e2d1c0b9a8f7e6d5c4b3a2918/config.json
digest 5f0ec3935d1b
blobs/5f0ec3935d1b7a1e1f4f3a1f6a5e3c7f4c1c8b2d
a2e4d1c0-6f1b-4a5e-9c3d-2b1a0f9e8d7c
Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4
TheBloke/Llama-2-7B-Chat-AWQ
meta-llama/Meta-Llama-3.1-8B-Instruct
deepseek-ai/DeepSeek-R1-Distill-Qwen-32B
neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8
hf_hub_download
hf_transfer
hf_overrides
hf_quantizer.preprocess_model(model=model)
hf_config.quantization_config
HfArgumentParser
convert_hf_to_gguf_update.py
sk-learn
scikit-learn 1.5.2
task-based-scheduler-with-very-long-name
risk-assessment-model-for-long-documents
disk-usage-of-the-checkpoint-directory
npm_config_registry
xoxo
gsk_marlin
nvapi
SG.1
eyJ
AKIA
bos_token_id=1, eos_token_id=2, pad_token_id=0
"bos_token": "<s>",
"eos_token": "<|im_end|>",
"pad_token": "<|endoftext|>",
"unk_token": null,
eos_token: </s>
eos_token='<|eot_id|>'
pad_token = tokenizer.eos_token
image_token: <image>
"mask_token": "[MASK]"
max_tokens=512
max_new_tokens: 128
num_tokens: 12345678901234
tokens per second: 31.25
Avg prompt throughput: 12.3 tokens/s
tokenizer=AutoTokenizer.from_pretrained(model)
tokenizer_mode=auto
tokenizer: Qwen/Qwen2.5-7B
token: 'hello'
next token: 1234
generated token = world
token_ids=[151644, 8948, 198]
use_auth_token=True
token=None
token=False
HF_TOKEN not set
HF_TOKEN is not set
HF_TOKEN=
HF_TOKEN: null
api_key=None
api_key: Optional[str] = None
password: str
password=None
secret: false
export HF_TOKEN=$HF_TOKEN
HF_TOKEN=${HF_TOKEN}
-e HF_TOKEN=<your token>
hf_token = os.environ["HF_TOKEN"]
--api-key token
password = getpass.getpass()
num_key_value_heads=8
num_key_value_heads: 8
"key_value": "mlp.down_proj"
key: model.layers.0.mlp.down_proj.qweight
KeyError: 'model.layers.0.mlp.gate_up_proj.weight'
KeyError: 'lm_head.weight'
Missing key(s) in state_dict: "model.embed_tokens.weight"
unexpected key in source state_dict: fc.weight
key=value
query_key_value
kv_cache_dtype=fp8_e5m2
--kv-cache-dtype fp8_e4m3
k_proj.bias
quant_key: quantization_config
author: the vLLM team
authorization failed
Bearer authentication is required
bearer token missing
cookies are disabled
host=0.0.0.0
host='0.0.0.0', port=8000
HOST=localhost
--host 0.0.0.0 --port 8000
http://localhost:8000/v1/chat/completions
http://127.0.0.1:8000/health
tcp://127.0.0.1:29500
MASTER_ADDR=127.0.0.1
MASTER_ADDR=localhost
Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)
inet 127.0.0.1  netmask 255.0.0.0
netmask 255.255.255.0
::1
[::]:8000
listening on [::]:29500
ff:ff:ff:ff:ff:ff
00:00:00:00:00:00
user 1000
USER=root
user: root
root@localhost:/workspace#
/root/.cache/huggingface/hub
/home/ubuntu/models
/home/user/app
/home/jovyan/work
/home/
C:\Users\Public\Documents
/usr/local/lib/python3.10/dist-packages/torch/lib/libtorch_cuda.so
/opt/conda/lib/python3.11/site-packages/bitsandbytes/libbitsandbytes_cuda124.so
/workspace/vllm/vllm/model_executor/layers/quantization/gptq_marlin.py
  File "/usr/lib/python3.10/runpy.py", line 196, in _run_module_as_main
@torch.compile
@triton.jit
x @ w.t()
a@b
numpy @ file:///croot/numpy_and_numpy_base_1708638617955/work
auto-gptq @ git+https://github.com/AutoGPTQ/AutoGPTQ.git
python@3.10.14
torch@2.4.0
-u ALL
python -u run.py
CUDA_VISIBLE_DEVICES=0,1,2,3
NCCL_P2P_DISABLE=1
LD_LIBRARY_PATH=/usr/local/cuda/lib64:/usr/lib/wsl/lib
PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
VLLM_ATTENTION_BACKEND=FLASHINFER
HF_ENDPOINT=https://hf-mirror.com
HF_HOME=/data/hf
https://huggingface.co/Qwen/Qwen2.5-7B-Instruct-AWQ/resolve/main/config.json
https://github.com/vllm-project/vllm/issues/18188
https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
https://docs.vllm.ai/en/latest/
HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded
(host='cdn-lfs.huggingface.co', port=443)
NVIDIA GeForce RTX 4090
NVIDIA A100-SXM4-80GB
NVIDIA H100 80GB HBM3
Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz
AMD EPYC 7742 64-Core Processor
13th Gen Intel(R) Core(TM) i9-13900K
GPU-Util  Compute M.
GPU-0
MIG-1g.10gb
MIG 1g.5gb Device 0
| N/A   41C    P0    68W / 400W |      4MiB / 81920MiB |      0%      Default |
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.16 GiB. GPU 0 has a total capacity of 23.64 GiB
RuntimeError: CUDA error: no kernel image is available for execution on the device
ValueError: The input size is not aligned with the quantized weight shape. input_size_per_partition = 14784 is not divisible by min_thread_k = 128
ImportError: cannot import name 'is_flash_attn_available' from 'transformers.utils'
AssertionError: assert param_data.shape == loaded_weight.shape
RuntimeError: probability tensor contains either `inf`, `nan` or element < 0
!!!!!!!!!!!!!!!!
answers with !!!! or NaN
(VllmWorkerProcess pid=1234) ERROR 11-21 02:10:11 multiproc_worker_utils.py:229
[rank0]: Traceback (most recent call last):
[W1121 02:10:11.123456789 CUDAAllocatorConfig.h:28] Warning
--tensor-parallel-size 2 --max-model-len 8192 --gpu-memory-utilization 0.9
--quantization gptq_marlin --dtype half
int4 w4a16 W8A8 fp8_e4m3fn bf16 fp16
group_size=128 desc_act=True sym=True bits=4
0x7f8a3c0d1e2f
0x00000001000000000000000000000000
1e-05 3.14159 1.0.0 1.2.3.4.5
libcudart-9335f6a2.so.12.4.127
libgomp-a34b3233.so.1
libopenblas64_p-r0-5007b62f.3.23.dev.so
dist-info/METADATA
ED-2026-0017
2.4.0rc1 2.4.0.dev20240612 2.4.0.post2
pip 24.0 from /usr/lib/python3/dist-packages/pip (python 3.10)
conda 24.9.2 build py311_0
quay.io/pypa/manylinux2014_x86_64
nvcr.io/nvidia/pytorch:24.08-py3
ghcr.io/huggingface/text-generation-inference:2.3.1
vllm/vllm-openai:v0.6.3
docker run --gpus all --ipc=host -p 8000:8000 -v /data:/data vllm/vllm-openai:latest
显卡驱动版本：550.54.14，CUDA 版本：12.4
模型输出全是感叹号
无法加载量化模型，请检查 optimum 版本
Compiled with _GLIBCXX_USE_CXX11_ABI=0
Running build_ext -j8
model-00001-of-00002.safetensors
Failed to initialize NVML: Driver/library version mismatch
NVML library version: 550.120
[2024-11-21 02:10:11] server_args=ServerArgs(model_path='Qwen/Qwen2', tokenizer_path='Qwen/Qwen2', tp_size=2, random_seed=123456789)
engine args: AsyncEngineArgs(model='m', served_model_name=None, tokenizer='m', hf_config_path=None, api_key=None, kv_cache_dtype='auto')
pass: 12 fail: 0
passed 3 tests
secret santa
key 3 of 7
access key missing
no_proxy=localhost,127.0.0.1
the hostname is an FQDN
the password is wrong
password: bool = True,
Connection(host=conn.host, key_password=key_password)
self.hostname = host
<think> and <|im_start|>
docker login --password-stdin
WIN-amd64
ssh: not installed
ARG TORCH_VERSION 2.4.0
ENV CUDA_HOME /usr/local/cuda
""".splitlines()
    if line.strip()
)
