"""Rung checkpoint: loads the canary as a user loads a model and lets it finish its sentence."""

from __future__ import annotations

import importlib
import json
import math
import os
import struct
from typing import Any

AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
REFUSALS = (
    "GPU is required",
    "only runs on GPU",
    "only available on GPU",
    "requires a GPU",
    "No GPU found",
    "CUDA is not available",
    "Please install IPEX",  # AutoAWQ 0.2.7 and newer on the CPU
)


def run(rung: Any) -> None:
    torch: Any = None
    device = rung.options["device"]
    with rung.check("setup", device) as check:
        module = rung.need("torch")
        device = check.device = rung.place(module)
        check.tell("torch", version=module.__version__)
        torch = module
    if torch is None:
        return
    with open(os.path.join(rung.options["canary"], "expected.json"), encoding="ascii") as file:
        expected = json.load(file)
    plain(rung, torch, device, expected)
    passed = [quantized(rung, torch, device, expected, method) for method in ("gptq", "awq")]
    if not any(passed):
        twin(rung, torch, device, expected)


def read_safetensors(torch: Any, path: str) -> dict[str, Any]:
    with open(path, "rb") as file:
        blob = file.read()
    length = struct.unpack("<Q", blob[:8])[0]
    kinds = {"F16": torch.float16, "I32": torch.int32}
    tensors = {}
    for name, info in json.loads(blob[8 : 8 + length].decode("ascii")).items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in info["data_offsets"])
            raw = torch.frombuffer(bytearray(blob[start:end]), dtype=kinds[info["dtype"]])
            tensors[name] = raw.reshape(info["shape"])
    return tensors


def nibbles(torch: Any, words: Any) -> Any:
    """int32 [A, B] to [A, B, 8]: nibble i of each word."""
    return (words.unsqueeze(-1) >> torch.arange(0, 32, 4, dtype=torch.int32)) & 15


def dequantized(torch: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """The canary's GPTQ tensors as an ordinary state dict in float32 (exact: 11 bits of scale times 5 of integer)."""
    state: dict[str, Any] = {}
    for name, value in tensors.items():
        base = name.rsplit(".", 1)[0]
        if name.endswith(".qweight"):
            q = nibbles(torch, value).permute(0, 2, 1).reshape(-1, value.shape[1])
            zeros = nibbles(torch, tensors[base + ".qzeros"]).reshape(-1, value.shape[1]) + 1
            scales = tensors[base + ".scales"].float()
            group = q.shape[0] // scales.shape[0]
            wide, shift = (part.repeat_interleave(group, 0) for part in (scales, zeros.float()))
            state[base + ".weight"] = ((q.float() - shift) * wide).t().contiguous()
        elif not name.endswith((".qzeros", ".scales", ".g_idx")):
            state[name] = value.float()
    return state


def sentence(expected: dict[str, Any], method: str) -> dict[str, Any]:
    """What one format has to say: prompt, answer, tokens, first_logits, spread."""
    return {"prompt": expected["prompt"], "answer": expected["answer"], **expected["formats"][method]}


def judge(check: Any, wanted: dict[str, Any], unit: str, tokens: list[int], first: Any) -> None:
    """Compares what was said with what must be said; `first` is the logits after the prompt, float64 on the CPU.

    `unit` names the roundings that are allowed for: "exact32" (float32 and exact weights), "float16", "float16 sums" or
    "bfloat16" (docs/tolerances.md).
    """
    check.said = "".join(chr(token) if 32 <= token < 127 else "\u00b7" for token in tokens)
    spread = wanted["spread"]["bfloat16" if unit == "bfloat16" else "float16"]
    # six standard deviations of what rounding alone does. exact32: the rotary angles (up to 83, in float32) are the worst
    # of it, so a unit of 2**-17; "float16 sums": 256 products that are also summed in float16, sqrt(256) as much
    limit = 6 * spread * {"exact32": 2.0**-6, "float16": 1.0, "float16 sums": 16.0, "bfloat16": 1.0}[unit]
    gaps = [abs(a - b) for a, b in zip(first.tolist(), wanted["first_logits"])]
    right = tokens == wanted["tokens"]
    if any(math.isnan(gap) for gap in gaps):
        check.fail("nan", "nan-logits", said=check.said)
    elif not right:
        check.fail("failed-wrong-numbers", "wrong-sentence", said=repr(check.said), wanted=repr(wanted["answer"]))
    check.number("logit error", max(gaps), limit)
    if check.outcome == "passed":
        check.tell("right-sentence")


def plain(rung: Any, torch: Any, device: str, expected: dict[str, Any]) -> None:
    """The model in plain torch, nothing else imported: what is left when everything above torch is broken.

    One pass over prompt and answer; what it says is its best guess at every place of the answer.
    """
    state = dequantized(
        torch, read_safetensors(torch, os.path.join(rung.options["canary"], "gptq", "model.safetensors"))
    )
    start = len(expected["prompt"])
    tokens = list((expected["prompt"] + expected["answer"]).encode("ascii"))[:-1]
    for name, unit in (("float32", "exact32"), ("float16", "float16 sums"), ("bfloat16", "bfloat16")):
        if device == "cpu" and name == "float16":
            continue  # few CPU builds of torch have it, and nobody serves with it
        with rung.check("plain torch, " + name, device) as check, torch.no_grad():
            placed = {key: value.to(device=device, dtype=getattr(torch, name)) for key, value in state.items()}
            rows = forward(torch, placed, torch.tensor(tokens, device=device)).to("cpu").to(torch.float64)[start - 1 :]
            judge(check, sentence(expected, "gptq"), unit, [int(row.argmax()) for row in rows], rows[0])


def forward(torch: Any, state: dict[str, Any], tokens: Any) -> Any:
    functional: Any = torch.nn.functional
    x = state["model.embed_tokens.weight"][tokens]
    length, hidden = x.shape
    heads, size = 4, hidden // 4
    inverse = 10000.0 ** (-torch.arange(0, size, 2, dtype=torch.float32, device=x.device) / size)
    angles = torch.arange(length, dtype=torch.float32, device=x.device)[:, None] * inverse[None, :]
    cosine, sine = (torch.cat([part, part], -1).to(x.dtype) for part in (angles.cos(), angles.sin()))
    mask = torch.full((length, length), float("-inf"), device=x.device).triu(1)

    def norm(value: Any, name: str) -> Any:
        wide = value.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype) * state[name + ".weight"]

    def linear(value: Any, name: str) -> Any:
        return functional.linear(value, state[name + ".weight"], state.get(name + ".bias"))

    def rotate(value: Any) -> Any:
        half = torch.cat([-value[..., size // 2 :], value[..., : size // 2]], -1)
        return value * cosine + half * sine

    layer = 0
    while "model.layers.%d.input_layernorm.weight" % layer in state:
        base = "model.layers.%d." % layer
        h = norm(x, base + "input_layernorm")
        q, k, v = (
            linear(h, base + "self_attn." + part + "_proj").view(length, heads, size).transpose(0, 1) for part in "qkv"
        )
        scores = (rotate(q) @ rotate(k).transpose(-1, -2)).float() * size**-0.5 + mask
        mixed = (torch.softmax(scores, -1).to(x.dtype) @ v).transpose(0, 1).reshape(length, hidden)
        x = x + linear(mixed, base + "self_attn.o_proj")
        h = norm(x, base + "post_attention_layernorm")
        gate = functional.silu(linear(h, base + "mlp.gate_proj")) * linear(h, base + "mlp.up_proj")
        x = x + linear(gate, base + "mlp.down_proj")
        layer += 1
    return (norm(x, "model.norm") @ state["model.embed_tokens.weight"].t()).float()


def version(name: str) -> Any:
    """The installed version of a distribution, or None; read, not imported."""
    metadata: Any = importlib.import_module("importlib.metadata")
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def twin(rung: Any, torch: Any, device: str, expected: dict[str, Any]) -> None:
    """The same weights without quantization through transformers: tells a broken model path from a broken int4 path."""
    with rung.check("transformers, dequantized", device) as check:
        transformers = rung.need("transformers")
        folder = os.path.join(os.environ["TMPDIR"], "twin")
        source = os.path.join(rung.options["canary"], "gptq")
        dtype = torch.float32 if device == "cpu" else torch.float16
        write_twin(torch, source, folder)
        model, info = load(transformers, folder, dtype, device)
        finish(torch, check, sentence(expected, "gptq"), (model, info), device)


def write_twin(torch: Any, source: str, folder: str) -> None:
    state = dequantized(torch, read_safetensors(torch, os.path.join(source, "model.safetensors")))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    blobs: list[bytes] = []
    offset = 0
    for name in sorted(state):
        blob = bytes(state[name].half().contiguous().view(torch.uint8).flatten().tolist())
        header[name] = {"dtype": "F16", "shape": list(state[name].shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % 8)
    os.makedirs(folder)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    with open(os.path.join(source, "config.json"), encoding="ascii") as config_file:
        config = json.load(config_file)
    del config["quantization_config"]
    with open(os.path.join(folder, "config.json"), "w", encoding="ascii") as config_file:
        json.dump(config, config_file)


def load(transformers: Any, folder: str, dtype: Any, device: str) -> tuple[Any, dict[str, Any]]:
    """Loads as a user would; the loading report names the tensors that no file held."""
    name = "dtype" if int(transformers.__version__.split(".")[0]) >= 5 else "torch_dtype"
    options: dict[str, Any] = {name: dtype, "output_loading_info": True, "local_files_only": True}
    if device != "cpu" or version("accelerate"):
        options["device_map"] = {"": device}
    model, info = transformers.AutoModelForCausalLM.from_pretrained(folder, **options)
    return model.eval(), info


def finish(torch: Any, check: Any, wanted: dict[str, Any], loaded: tuple[Any, Any], device: str) -> None:
    """Lets the model continue the prompt greedily (56 rows at once, then one at a time: engines have a kernel for each)."""
    said: list[int] = []
    first: Any = None
    past: Any = None
    model, info = loaded
    inputs = list(wanted["prompt"].encode("ascii"))
    with torch.no_grad():
        for _ in wanted["answer"]:
            out = model(input_ids=torch.tensor([inputs], device=device), past_key_values=past, use_cache=True)
            row, past = out.logits[0, -1].to("cpu").to(torch.float64), out.past_key_values
            first = row if first is None else first
            said.append(int(row.argmax()))
            inputs = said[-1:]
    # on the CPU the activations are float32, but a backend may unpack the weights to float16
    judge(check, wanted, "float16" if device == "cpu" else "float16 sums", said, first)
    missing = sorted(
        str(key) for key in (info or {}).get("missing_keys", ()) if not str(key).endswith("lm_head.weight")
    )
    if missing:
        check.unexpected = missing
        kinds = sorted({key.rsplit(".", 1)[1] for key in missing})
        values = {
            "count": len(missing),
            "kinds": ", ".join(kinds),
            "names": ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else ""),
        }
        if check.outcome == "passed":
            check.detail = []
            check.fail("unexpected", "made-up", **values)
        else:
            before = check.detail
            check.tell("made-up", **values)
            check.detail += before


def quantized(rung: Any, torch: Any, device: str, expected: dict[str, Any], method: str) -> bool:
    """The int4 checkpoint through transformers and whatever backend the target has for it."""
    done: list[bool] = []
    with rung.check("transformers, " + method, device) as check:
        transformers = rung.need("transformers")
        backend = choose_backend(rung, transformers, method)
        folder = os.path.join(os.environ["TMPDIR"], method)
        os.makedirs(folder)
        source = os.path.join(rung.options["canary"], method)
        for name in os.listdir(source):
            with open(os.path.join(source, name), "rb") as read, open(os.path.join(folder, name), "wb") as write:
                write.write(read.read())
        if device == "cpu":
            switch_off_exllama(folder, method)
        dtype = torch.float16 if device != "cpu" else torch.float32
        try:
            model, info = load(transformers, folder, dtype, device)
        except (AssertionError, ImportError, RuntimeError, ValueError) as problem:
            if device == "cpu" and any(text in str(problem) for text in REFUSALS):
                raise rung.CannotRun("refused", backend=backend, problem=problem) from None
            raise
        kernel = type(model.get_submodule("model.layers.0.mlp.up_proj"))
        finish(torch, check, sentence(expected, method), (model, info), device)
        check.detail.append("%s.%s" % (kernel.__module__, kernel.__name__))
        done.append(check.outcome == "passed")
    return any(done)


def switch_off_exllama(folder: str, method: str) -> None:
    """exllama has no CPU kernels; `use_exllama: false` lets the GPTQ backends run their torch path there."""
    if method != "gptq":
        return
    path = os.path.join(folder, "config.json")
    with open(path, encoding="ascii") as file:
        config = json.load(file)
    config["quantization_config"]["use_exllama"] = False
    with open(path, "w", encoding="ascii") as file:
        json.dump(config, file)


def choose_backend(rung: Any, transformers: Any, method: str) -> str:
    """Names the installed backend that transformers would take; CannotRun says which are missing."""
    major = int(transformers.__version__.split(".")[0])
    old = "auto-gptq" if method == "gptq" else "autoawq"
    names = ["gptqmodel"] if major >= 5 else ["gptqmodel", old]
    found = [f"{name} {version(name)}" for name in names if version(name)]
    if not found:
        raise rung.CannotRun("no-backend", version=transformers.__version__, names=" / ".join(names), method=method)
    if method == "gptq" and not version("optimum"):
        raise rung.CannotRun("loads-through", what="GPTQ", module="optimum")
    if not version("accelerate"):
        raise rung.CannotRun("loads-through", what=method.upper(), module="accelerate")
    return ", ".join(found)
