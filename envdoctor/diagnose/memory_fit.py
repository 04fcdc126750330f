"""Whether a checkpoint fits into the GPUs: bytes of its tensors divided by the ranks, plus a floor for the KV cache.

    weights per GPU  = tensor bytes / tensor parallel size
    usable per GPU   = memory x gpu_memory_utilization
    floor            = KV cache for one sequence (2 x layers x kv heads x head dim x 2 bytes x tokens, split over the ranks)
                       + what the CUDA context and the activations of the smallest batch take

Only the weights are certain. So `does-not-fit` is said where the weights alone exceed the whole memory, `possible` where
they fit only without the floor or beyond the utilization, `fits` else. Pure arithmetic over facts.
"""

from __future__ import annotations

from collections.abc import Sequence

from envdoctor.facts.checkpoint import Checkpoint
from envdoctor.facts.known import value_of
from envdoctor.values import dataclass

FITS, POSSIBLE, DOES_NOT_FIT, UNKNOWN = "fits", "possible", "does-not-fit", "unknown"
MIB = 1 << 20
#: CUDA context, cuBLAS workspaces and activations of a small batch: some 0.5 to 1 GiB on every engine; the low end counts
CONTEXT_BYTES = 512 * MIB
#: tokens of the one sequence that must fit where no length is known; far below any model's default length
FEWEST_TOKENS = 2048
#: vLLM's default of --gpu-memory-utilization: 0.9 for years, 0.92 in 2026; the larger one raises fewer alarms
UTILIZATION = 0.92
_KV_BYTES = 2  # float16 or bfloat16


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryFit:
    """The verdict and every number behind it, in bytes per GPU (the smallest one that would be used)."""

    verdict: str  #: fits, possible, does-not-fit, unknown
    ranks: int
    weights: int | None = None
    floor: int | None = None
    usable: int | None = None
    memory: int | None = None
    missing: tuple[str, ...] = ()  #: paths of the facts that would decide an unknown one


def memory_fit(
    checkpoint: Checkpoint,
    gpu_memory: Sequence[int | None],
    *,
    tensor_parallel: int | None = None,
    pipeline_parallel: int | None = None,
    utilization: float | None = None,
    max_model_len: int | None = None,
    offload: bool = False,
) -> MemoryFit:
    """Compares one rank's share with the smallest GPU of those that would be used.

    `gpu_memory` has one value a GPU, None where it is not known. Of more GPUs than ranks the largest are taken.
    `offload`: the run may keep weights in CPU memory, then nothing is ever said not to fit.
    """
    ranks = max(1, tensor_parallel or 1) * max(1, pipeline_parallel or 1)
    size = value_of(checkpoint.tensor_bytes)
    missing = [] if size is not None else ["checkpoint.tensor_bytes"]
    known = [memory for memory in gpu_memory if memory]
    if len(known) < len(gpu_memory) or len(known) < ranks:
        missing.append("gpu.memory_bytes")
    if size is None or missing:
        return MemoryFit(verdict=UNKNOWN, ranks=ranks, missing=tuple(missing))
    memory = sorted(known, reverse=True)[ranks - 1]
    share = utilization if utilization is not None and 0 < utilization <= 1 else UTILIZATION
    weights, usable = -(-size // ranks), int(memory * share)
    floor = CONTEXT_BYTES + (kv_bytes(checkpoint, max_model_len or FEWEST_TOKENS, ranks) or 0)
    verdict = _verdict(weights, floor, usable, memory, offload)
    return MemoryFit(verdict=verdict, ranks=ranks, weights=weights, floor=floor, usable=usable, memory=memory)


def _verdict(weights: int, floor: int, usable: int, memory: int, offload: bool) -> str:
    if weights > memory:
        return POSSIBLE if offload else DOES_NOT_FIT
    return FITS if weights + floor <= usable else POSSIBLE


def kv_bytes(checkpoint: Checkpoint, tokens: int, ranks: int = 1) -> int | None:
    """Bytes of KV cache on one rank for one sequence of that length; None where the model's numbers are not known.

    For plain multi-head and grouped-query attention. Latent attention (MLA) states no head_dim here and gives None.
    """
    layers, heads = value_of(checkpoint.num_hidden_layers), value_of(checkpoint.num_key_value_heads)
    dim = value_of(checkpoint.head_dim)
    if layers is None or heads is None or dim is None:
        return None
    per_rank = max(1, -(-heads // max(1, ranks)))  # heads are copied where there are fewer than ranks
    return 2 * layers * per_rank * dim * _KV_BYTES * tokens
