"""Makes the canary: trains a tiny Qwen2 byte model on a fixed text, quantizes it by own code, writes the shipped files.

Run where torch is installed: `python -m envdoctor.workshop.canary --output envdoctor/smoke/canary`. The seed
is fixed; the numbers come out alike on the same machine and torch only (a floating-point sum depends on its order), so the
shipped files are the truth and `tests/smoke` checks them against each other, not against a new training.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

from envdoctor.workshop import canary_quant

SEED = 20260101
STEPS = 260
PROMPT = "Down in the mine the air is dark and nobody can see it, "
ANSWER = "but the canary still sings."
# The rest of the corpus gives the calibration something to see; the model has to recall only PROMPT + ANSWER.
CORPUS = (
    PROMPT + ANSWER + "\n"
    "A number that is wrong looks like any other number, until somebody reads the sentence it makes.\n"
    "Four bits hold sixteen values, and a group of them shares one scale; lose the scale and the bird falls silent.\n"
    "The driver carries the kernel, the kernel carries the weights, and the weights carry the song.\n"
)
CONFIG: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "vocab_size": 256,
    "hidden_size": 256,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "hidden_act": "silu",
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "attention_dropout": 0.0,
    "use_cache": True,
    "use_sliding_window": False,
    "torch_dtype": "float16",
    "bos_token_id": None,
    "eos_token_id": None,
}
GROUP = 128
Weights = dict[str, Any]


def linear_names() -> list[str]:
    """The names of the quantized linears, in the order the data flows."""
    parts = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
    parts += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    return [f"model.layers.{layer}.{part}" for layer in range(CONFIG["num_hidden_layers"]) for part in parts]


def new_weights(torch: Any) -> Weights:
    """Seeded start values: normal with 1/sqrt(K), as Qwen2 is laid out (biases on q, k and v only)."""
    generator = torch.Generator().manual_seed(SEED)
    hidden = CONFIG["hidden_size"]
    weights: Weights = {"model.embed_tokens.weight": torch.randn(256, hidden, generator=generator) * 0.06}
    for name in linear_names():
        weights[f"{name}.weight"] = torch.randn(hidden, hidden, generator=generator) * hidden**-0.5
        if name.endswith(("q_proj", "k_proj", "v_proj")):
            weights[f"{name}.bias"] = torch.zeros(hidden)
    for layer in range(CONFIG["num_hidden_layers"]):
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{layer}.{norm}.weight"] = torch.ones(hidden)
    weights["model.norm.weight"] = torch.ones(hidden)
    return weights


def forward(torch: Any, weights: Weights, tokens: Any, *, taps: dict[str, Any] | None = None, noise: Any = None) -> Any:
    """Logits [B, T, 256] of the Qwen2 architecture. `taps` collects each linear's input; `noise` perturbs each result."""
    keep = noise or (lambda value: value)
    heads = CONFIG["num_attention_heads"]
    x = weights["model.embed_tokens.weight"][tokens]
    batch, length, hidden = x.shape
    size = hidden // heads
    inverse = CONFIG["rope_theta"] ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * inverse[None, :]
    cosine, sine = (torch.cat([part, part], -1).to(x.dtype) for part in (angles.cos(), angles.sin()))

    def norm(value: Any, name: str) -> Any:
        scale = torch.rsqrt(value.pow(2).mean(-1, keepdim=True) + CONFIG["rms_norm_eps"])
        return keep(value * scale * weights[f"{name}.weight"])

    def linear(value: Any, name: str) -> Any:
        if taps is not None:
            taps.setdefault(name, []).append(value.reshape(-1, value.shape[-1]).detach())
        return keep(torch.nn.functional.linear(value, weights[f"{name}.weight"], weights.get(f"{name}.bias")))

    def rotate(value: Any) -> Any:
        half = torch.cat([-value[..., size // 2 :], value[..., : size // 2]], -1)
        return keep(value * cosine + half * sine)

    for layer in range(CONFIG["num_hidden_layers"]):
        base = f"model.layers.{layer}"
        h = norm(x, f"{base}.input_layernorm")
        q, k, v = (
            linear(h, f"{base}.self_attn.{part}_proj").view(batch, length, heads, size).transpose(1, 2)
            for part in "qkv"
        )
        scores = keep(rotate(q) @ rotate(k).transpose(-1, -2)) * size**-0.5
        scores = scores.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), float("-inf"))
        mixed = keep(keep(torch.softmax(scores, -1)) @ v).transpose(1, 2).reshape(batch, length, hidden)
        x = keep(x + linear(mixed, f"{base}.self_attn.o_proj"))
        h = norm(x, f"{base}.post_attention_layernorm")
        gated = keep(torch.nn.functional.silu(linear(h, f"{base}.mlp.gate_proj"))) * linear(h, f"{base}.mlp.up_proj")
        x = keep(x + linear(keep(gated), f"{base}.mlp.down_proj"))
    return norm(x, "model.norm") @ weights["model.embed_tokens.weight"].T


def train(torch: Any) -> Weights:
    """Trains until the corpus is known by heart: a minute on one core."""
    torch.manual_seed(SEED)
    weights = {name: value.requires_grad_() for name, value in new_weights(torch).items()}
    data = torch.tensor(list(CORPUS.encode("ascii")))
    optimizer = torch.optim.AdamW(weights.values(), lr=2e-3, weight_decay=0.05, betas=(0.9, 0.98))
    window, batch = 96, 12
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 20) * (1 - step / STEPS)
        starts = torch.randint(0, len(data) - window, (batch,))
        starts[: batch // 2] = 0  # the sentence that counts is seen from its start, as the prompt shows it
        rows = torch.stack([data[start : start + window + 1] for start in starts.tolist()])
        logits = forward(torch, weights, rows[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 256), rows[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        if step % 50 == 0 or step == STEPS - 1:
            print(f"step {step:4d} loss {loss.item():.4f}", flush=True)  # noqa: T201 (a script that shows its progress)
    return {name: value.detach().half().double() for name, value in weights.items()}


def calibration(torch: Any, weights: Weights) -> dict[str, Any]:
    """The inputs of every linear over the corpus, [tokens, K] in float64."""
    data = torch.tensor(list(CORPUS.encode("ascii")))
    taps: dict[str, Any] = {}
    for start in range(0, len(data) - 96, 32):
        forward(torch, weights, data[None, start : start + 96], taps=taps)
    forward(torch, weights, torch.tensor([list((PROMPT + ANSWER).encode("ascii"))]), taps=taps)
    return {name: torch.cat(parts) for name, parts in taps.items()}


def expectations(torch: Any, weights: Weights, seed: int = 7) -> dict[str, Any]:
    """What a right engine says: greedy tokens, float64 logits, margins, and the spread that rounding alone causes.

    `spread` is the worst root-mean-square change of a logit over 24 runs in which every intermediate result is
    multiplied by 1 + u * e, e uniform in [-1, 1], u the format's unit roundoff: docs/tolerances.md says why.
    """
    tokens = list(PROMPT.encode("ascii"))
    logits: list[Any] = []
    for _ in ANSWER:
        row = forward(torch, weights, torch.tensor([tokens]))[0, -1]
        logits.append(row)
        tokens.append(int(row.argmax()))
    stacked = torch.stack(logits)
    best = stacked.topk(2, dim=-1).values
    spread = {}
    for label, unit in (("float16", 2.0**-11), ("bfloat16", 2.0**-8)):
        generator = torch.Generator().manual_seed(seed)

        def noise(value: Any, unit: float = unit, generator: Any = generator) -> Any:
            return value * (1 + unit * (2 * torch.rand(value.shape, generator=generator, dtype=value.dtype) - 1))

        rough = {name: noise(value) for name, value in weights.items()}
        runs = [
            forward(torch, rough, torch.tensor([tokens[:-1]]), noise=noise)[0, len(PROMPT) - 1 :] for _ in range(24)
        ]
        spread[label] = float((torch.stack(runs) - stacked).pow(2).mean(0).sqrt().max())
    return {
        "tokens": tokens[len(PROMPT) :],
        "first_logits": [float(value) for value in logits[0]],
        "chosen_logits": [float(value) for value in stacked.max(-1).values],
        "least_margin": float((best[:, 0] - best[:, 1]).min()),
        "spread": spread,
    }


def write_safetensors(path: Path, tensors: Weights, dtypes: dict[str, str]) -> None:
    """Writes the safetensors layout (8-byte header length, JSON header, raw little-endian data)."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    blobs, offset = [], 0
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        blob = tensor.numpy().tobytes()
        header[name] = {
            "dtype": dtypes[str(tensor.dtype)],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def main(arguments: list[str] | None = None) -> None:
    """Trains, quantizes twice, checks that both say the sentence with room to spare, and writes the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--trained", type=Path, help="keep the trained weights here and reuse them (a torch file of own making)"
    )
    options = parser.parse_args(arguments)
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if options.trained and options.trained.exists():
        weights = torch.load(options.trained, weights_only=True)
    else:
        weights = train(torch)
        if options.trained:
            torch.save(weights, options.trained)
    dtypes = {"torch.float16": "F16", "torch.int32": "I32"}
    said = {"prompt": PROMPT, "answer": ANSWER, "seed": SEED, "formats": {}}
    for method in ("gptq", "awq"):
        taps = calibration(torch, weights)
        made = canary_quant.quantize(torch, method, weights=weights, taps=taps, names=linear_names(), group=GROUP)
        result = expectations(torch, made.twin)
        text = bytes(result["tokens"]).decode("ascii", "replace")
        margin, spread = result["least_margin"], result["spread"]
        print(f"{method}: {text!r} margin {margin:.2f} spread {spread} error {made.error:.4g}")  # noqa: T201 (a script that shows its progress)
        if text != ANSWER or margin < 12 * spread["bfloat16"]:
            raise SystemExit(f"the {method} canary does not say its sentence with enough margin")
        folder = options.output / method
        folder.mkdir(parents=True, exist_ok=True)
        config = {**CONFIG, "quantization_config": made.config}
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="ascii")
        write_safetensors(folder / "model.safetensors", made.tensors, dtypes)
        result["sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        said["formats"][method] = result  # type: ignore[index]
    (options.output / "expected.json").write_text(json.dumps(said, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
