"""Whether a checkpoint can be split over several GPUs: five rules, each with its arithmetic.

For a linear layer with K inputs and N outputs, split over `tp` ranks:

    R1  row parallel: K % tp == 0; column parallel: N % tp == 0
    R2  row parallel, quantized in groups: (K / tp) % group_size == 0
    R3  row parallel, Marlin kernels before they padded: (K / tp) % 128 == 0
    R4  column parallel, the same kernels: (N / tp) % 64 == 0, N of layers that the engine merges taken together
    R5  attention heads % tp == 0, and key/value heads divide tp or tp divides them
    R6  block-wise FP8: (K / tp) and (N / tp) are whole blocks (usually 128), experts included

Pure functions over facts. Where a fact is missing the effect is `unknown`, never a guess.
Sources: vLLM's `marlin_utils.py`, `awq.py` and `gptq.py` of each release (GPTQ_MARLIN_MIN_THREAD_K = 128, ..._N = 64),
https://github.com/vllm-project/vllm/pull/6612 (AWQ-Marlin), /pull/13119 (fallback), /issues/13640 (a report), and
https://github.com/InternLM/lmdeploy/pull/2740 (TurboMind pads); R6: https://github.com/vllm-project/vllm/issues/12256,
/issues/17569, /issues/25292 and /issues/45784 (reports from 0.6.6 to 0.23.0).
"""

from __future__ import annotations

from collections.abc import Iterable

from envdoctor.facts.checkpoint import Checkpoint, LayerWidth
from envdoctor.facts.known import value_of
from envdoctor.facts.truth import Truth, all_of, any_of
from envdoctor.values import dataclass
from envdoctor.versions import Interval, Scheme, at_least, within

OK, DEGRADES, BLOCKS, UNKNOWN = "ok", "degrades", "blocks", "unknown"
MARLIN_K, MARLIN_N = 128, 64
LARGEST = 64
#: engines that split layers in the way the rules describe
ENGINES = ("vllm", "sglang", "lmdeploy")
_GROUPED = ("awq", "gptq")
_EXPERTS = ".experts"
#: releases of vLLM for which R6 was reported; before and after them it is not known
_BLOCKWISE = Interval(introduced="0.6.6", fixed="0.24.0")
#: quantized, but with one scale a row or tensor: no group can be cut
_UNGROUPED_FORMATS = ("int-quantized", "float-quantized", "naive-quantized")


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """What is to be run: the engine, its version, and the machine. None: not known.

    `quantization` is the launch flag where one was given (`awq` forces the plain kernel), `backend` LMDeploy's.
    `expert_parallel`: whole experts are spread over the ranks, so their layers are not split.
    """

    engine: str
    version: str | None = None
    backend: str | None = None
    capability: str | None = None
    quantization: str | None = None
    expert_parallel: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleVerdict:
    """One rule on one layer family. `per_rank` is what each rank would get, in the shortest exact form."""

    rule: str
    effect: str  #: ok, degrades, blocks, unknown
    family: str  #: e.g. mlp.down_proj; attention for R5
    whole: int
    per_rank: str
    divisor: int
    arithmetic: str  #: "29568 / 2 = 14784 = 115.5 x 128"
    missing: tuple[str, ...] = ()  #: paths of the facts that would decide an unknown one


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule looks at: `whole` is split over the ranks, and each share must be a multiple of `divisor`."""

    rule: str
    family: str
    whole: int
    divisor: int = 1


def judge_split(checkpoint: Checkpoint, split: Split, tensor_parallel: int) -> tuple[RuleVerdict, ...]:
    """Every rule that applies, worst first. An empty tuple: nothing is known of the checkpoint, or tp is 1."""
    tp = tensor_parallel
    if tp <= 1 or split.engine not in ENGINES:
        return ()
    found = list(_heads(checkpoint, tp))
    for layer in widths(checkpoint):
        if not (split.expert_parallel and _EXPERTS in layer.family):
            found += _judge_layer(checkpoint, split, layer, tp)
            found += _blocks(checkpoint, split, layer, tp)
    found += _judge_merged(checkpoint, split, tp)
    order = {BLOCKS: 0, UNKNOWN: 1, DEGRADES: 2, OK: 3}
    return tuple(sorted(found, key=lambda item: (order[item.effect], item.rule, item.family)))


def blocked(verdicts: Iterable[RuleVerdict]) -> Truth:
    """True: some rule refuses it. None: nothing refuses it, and a rule is undecided. False: it would load."""
    return any_of(None if item.effect == UNKNOWN else item.effect == BLOCKS for item in verdicts)


def working_tensor_parallel(checkpoint: Checkpoint, split: Split, largest: int = LARGEST) -> tuple[int, ...]:
    """The values from 1 to `largest` that every rule allows. Empty where the checkpoint's numbers are not known."""
    if value_of(checkpoint.num_attention_heads) is None or not widths(checkpoint):
        return ()
    return tuple(tp for tp in range(1, largest + 1) if blocked(judge_split(checkpoint, split, tp)) is False)


def widths(checkpoint: Checkpoint) -> tuple[LayerWidth, ...]:
    """The layer families of a checkpoint; where only numbers are known, the two row-parallel ones they imply."""
    layers = value_of(checkpoint.layers)
    if layers:
        return layers
    quantized = value_of(checkpoint.quant_method) not in (None, "none")
    hidden, count = value_of(checkpoint.hidden_size), value_of(checkpoint.num_hidden_layers) or 0
    heads, dim = value_of(checkpoint.num_attention_heads), value_of(checkpoint.head_dim)
    inner = value_of(checkpoint.intermediate_size)
    found = []
    if inner and value_of(checkpoint.moe_intermediate_size) is None:
        found.append(("mlp.down_proj", inner))
    if heads and dim:
        found.append(("self_attn.o_proj", heads * dim))
    return tuple(
        LayerWidth(
            family=family, parallel="row", inputs=inputs, outputs=hidden or 0, count=count, quantized=quantized
        )
        for family, inputs in found
    )  # fmt: skip


def _heads(checkpoint: Checkpoint, tp: int) -> list[RuleVerdict]:
    heads, groups = value_of(checkpoint.num_attention_heads), value_of(checkpoint.num_key_value_heads)
    if heads is None:
        missing = ("checkpoint.num_attention_heads",)
        return [_verdict(Part("R5", "attention", 0), UNKNOWN, tp, missing=missing)]
    found = [_verdict(Part("R5", "attention", heads), OK if heads % tp == 0 else BLOCKS, tp)]
    if groups is not None and groups % tp and tp % groups:
        found.append(_verdict(Part("R5", "key/value heads", groups), BLOCKS, tp))
    return found


def _judge_layer(checkpoint: Checkpoint, split: Split, layer: LayerWidth, tp: int) -> list[RuleVerdict]:
    leaf = layer.family.rpartition(".")[2]
    if layer.parallel == "column":
        # key and value heads are copied, not split, where there are fewer of them than ranks: R5 judges those
        if leaf in ("k_proj", "v_proj", "qkv_proj", "W_pack", "wqkv", "c_attn", "query_key_value"):
            return []
        part = Part("R1", layer.family, layer.outputs)
        return [_verdict(part, OK if layer.outputs % tp == 0 else BLOCKS, tp)]
    part = Part("R1", layer.family, layer.inputs)
    if layer.inputs % tp:
        return [_verdict(part, BLOCKS, tp)]
    found = [_verdict(part, OK, tp)]
    if layer.quantized:
        found += _groups(checkpoint, split, layer, tp)
        found += _marlin(checkpoint, split, Part("R3", layer.family, layer.inputs, MARLIN_K), tp)
    return found


def _judge_merged(checkpoint: Checkpoint, split: Split, tp: int) -> list[RuleVerdict]:
    """R4. vLLM runs q, k and v as one layer, and gate and up as one: their N count together."""
    merged: dict[str, int] = {}
    for layer in widths(checkpoint):
        stem, _, leaf = layer.family.rpartition(".")
        if layer.parallel != "column" or not layer.quantized or layer.outputs % tp:
            continue
        name = {"q_proj": "qkv_proj", "k_proj": "qkv_proj", "v_proj": "qkv_proj"}.get(leaf, leaf)
        name = "gate_up_proj" if name in ("gate_proj", "up_proj") else name
        merged[f"{stem}.{name}"] = merged.get(f"{stem}.{name}", 0) + layer.outputs
    found = []
    for family, outputs in merged.items():
        found += _marlin(checkpoint, split, Part("R4", family, outputs, MARLIN_N), tp)
    return found


def _groups(checkpoint: Checkpoint, split: Split, layer: LayerWidth, tp: int) -> list[RuleVerdict]:
    """R2: a group that would be cut between two ranks."""
    method, group = value_of(checkpoint.quant_method), value_of(checkpoint.group_size)
    form = value_of(checkpoint.quant_format)
    if method == "smooth_quant" or (form is not None and form in _UNGROUPED_FORMATS):
        return []
    if value_of(checkpoint.weight_block) is not None:  # R6 judges blocks
        return []
    if group is not None and group <= 0:
        return []  # one scale for all of K: nothing to cut
    if group is None:
        return [_verdict(Part("R2", layer.family, layer.inputs), UNKNOWN, tp, missing=("checkpoint.group_size",))]
    part = Part("R2", layer.family, layer.inputs, group)
    if (layer.inputs // tp) % group == 0:
        return [_verdict(part, OK, tp)]
    effect, missing = _cut_group(checkpoint, split, layer, method)
    return [_verdict(part, effect, tp, missing=missing)]


def _blocks(checkpoint: Checkpoint, split: Split, layer: LayerWidth, tp: int) -> list[RuleVerdict]:
    """R6, vLLM only: a block that shares one scale and would be cut between two ranks."""
    block = value_of(checkpoint.weight_block)
    if split.engine != "vllm" or block is None or len(block) != 2 or not layer.quantized:
        return []
    row = layer.parallel == "row"
    whole, divisor = (layer.inputs, block[1]) if row else (layer.outputs, block[0])
    leaf = layer.family.rpartition(".")[2]
    if whole % tp or (not row and leaf not in ("gate_proj", "up_proj", "w1", "w3")):
        return []  # R1 says it; attention's columns are cut by whole heads, some of them copied
    part = Part("R6", layer.family, whole, divisor)
    if (whole // tp) % divisor == 0:
        return [_verdict(part, OK, tp)]
    if split.version is None:
        return [_verdict(part, UNKNOWN, tp, missing=("package.vllm",))]
    return [_verdict(part, BLOCKS if within(Scheme.PEP440, split.version, [_BLOCKWISE]) else UNKNOWN, tp)]


def _cut_group(
    checkpoint: Checkpoint, split: Split, layer: LayerWidth, method: str | None
) -> tuple[str, tuple[str, ...]]:
    """What an engine does where a group would be cut."""
    if split.engine == "lmdeploy":
        return _turbomind(split)
    if split.engine != "vllm" or method not in _GROUPED or _EXPERTS in layer.family:
        return UNKNOWN, ()  # fused experts and other engines have rules of their own, not read here
    if method == "gptq":
        reordered = value_of(checkpoint.desc_act)
        if reordered is None:
            return UNKNOWN, ("checkpoint.desc_act",)
        if reordered:
            return UNKNOWN, ()
    return BLOCKS, ()


def _turbomind(split: Split) -> tuple[str, tuple[str, ...]]:
    if split.backend == "pytorch":
        return UNKNOWN, ()
    if split.backend is None:
        return UNKNOWN, ("workload.backend",)
    if split.version is None:
        return UNKNOWN, ("package.lmdeploy",)
    # 0.6.0 pads the feed-forward width to whole groups; 0.6.3 repaired it for widths that tp does not divide evenly
    return (OK, ()) if at_least(Scheme.PEP440, split.version, "0.6.3") else (UNKNOWN, ())


def _marlin(checkpoint: Checkpoint, split: Split, part: Part, tp: int) -> list[RuleVerdict]:
    """R3 and R4: the tile sizes of Marlin kernels, vLLM only."""
    method = value_of(checkpoint.quant_method)
    if split.engine != "vllm" or method is None or method not in _GROUPED or _EXPERTS in part.family:
        return []
    if (part.whole // tp) % part.divisor == 0:
        return [_verdict(part, OK, tp)]
    effect = _tile_effect(checkpoint, split)
    chosen, missing = marlin_chosen(checkpoint, split)
    if chosen is False or effect == OK:
        return []
    if chosen is None and effect == BLOCKS:
        effect = UNKNOWN
    return [_verdict(part, effect, tp, missing=missing if effect == UNKNOWN else ())]


def _tile_effect(checkpoint: Checkpoint, split: Split) -> str:
    """What a tile that does not fit does, where Marlin was chosen, by vLLM version."""
    if split.version is None:
        return UNKNOWN
    pads = at_least(Scheme.PEP440, split.version, "0.24.0")
    falls_back = at_least(Scheme.PEP440, split.version, "0.7.3")
    if pads is True:
        return OK
    if falls_back is True:
        return DEGRADES if pads is False else UNKNOWN
    # from 0.6.3 GPTQ asks a list of kernels in turn; which of them takes such a shape before 0.7.3 was not read
    if value_of(checkpoint.quant_method) == "gptq" and at_least(Scheme.PEP440, split.version, "0.6.3") is not False:
        return UNKNOWN
    return BLOCKS if falls_back is False else UNKNOWN


def marlin_chosen(checkpoint: Checkpoint, split: Split) -> tuple[Truth, tuple[str, ...]]:
    """Whether vLLM takes a Marlin kernel for this checkpoint here, and the facts that would decide it."""
    method = value_of(checkpoint.quant_method)
    if split.quantization in ("awq", "gptq"):  # asked for the plain kernel by name
        return False, ()
    missing: list[str] = []
    bits, group, sym = value_of(checkpoint.bits), value_of(checkpoint.group_size), value_of(checkpoint.sym)
    conditions: list[Truth] = [
        None if bits is None else bits == 4 or (bits == 8 and method == "gptq"),
        None if group is None else group in (-1, 32, 64, 128),
    ]
    if method == "gptq":
        conditions.append(sym)
        missing += [] if sym is not None else ["checkpoint.sym"]
    if split.version is None:
        conditions.append(None)
        missing.append("package.vllm")
    else:
        first = "0.5.3" if method == "awq" else "0.4.2"
        conditions.append(at_least(Scheme.PEP440, split.version, first))
    conditions.append(_capable(split, missing))
    return all_of(conditions), tuple(missing)


def _capable(split: Split, missing: list[str]) -> Truth:
    if split.capability is None:
        missing.append("gpu.compute_capability")
        return None
    if at_least(Scheme.CAPABILITY, split.capability, "8.0"):
        return True
    turing = at_least(Scheme.CAPABILITY, split.capability, "7.5")
    if turing is not True or split.version is None:
        return False if turing is False else None
    # https://github.com/vllm-project/vllm/pull/29901
    return within(Scheme.PEP440, split.version, [Interval(introduced="0.14.0")])


def _verdict(part: Part, effect: str, tp: int, *, missing: tuple[str, ...] = ()) -> RuleVerdict:
    per_rank = _short(part.whole, tp)
    arithmetic = f"{part.whole} / {tp} = {per_rank}"
    if part.divisor > 1 and part.whole % tp == 0:
        arithmetic += f" = {_short(part.whole // tp, part.divisor)} x {part.divisor}"
    return RuleVerdict(
        rule=part.rule,
        effect=effect,
        family=part.family,
        whole=part.whole,
        per_rank=per_rank,
        divisor=part.divisor,
        arithmetic=arithmetic,
        missing=missing,
    )


def _short(value: int, divisor: int) -> str:
    """value / divisor, without digits that say nothing."""
    if value % divisor == 0:
        return str(value // divisor)
    return f"{value / divisor:.3f}".rstrip("0").rstrip(".")
