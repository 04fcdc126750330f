"""Which names, attributes and arguments each release of a distribution has, and at which release they came and went.

    wheels = [(version, {"transformers/cache_utils.py": source, ...}), ...]     ascending versions
    table = names_table("transformers", [(version, read_api(files)) for version, files in wheels])

Sources are parsed, never imported or run. Only what changed between the first and the last release that were read is kept:
`+4.51.0-4.57.0` means that 4.51.0 is the first release with it and 4.57.0 the first without it again.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import PurePosixPath
from typing import Any

from envdoctor.values import dataclass

__all__ = ["Api", "ModuleApi", "as_text", "module_of", "names_table", "read_api", "read_module"]

#: parts of a path that nobody imports from
_LEFT_OUT = frozenset(
    {"tests", "test", "testing", "testing_utils", "examples", "benchmarks", "csrc", "third_party", "templates", "commands",
     "prototype", "cli", "eval_mm", "serve"}
)  # fmt: skip
#: classes and functions of these parts have too many arguments that nobody passes by hand
_NO_SIGNATURES = re.compile(r"^transformers\.models\.(?!auto|llama|qwen|mistral|mixtral|gemma|phi|deepseek|glm)")


_UNASKED = re.compile(
    r"(?:^|\.)(?:convert_\w+|conftest|setup|\w*_test|test_\w+|dummy_\w+_objects)(?:\.|$)|\._|models\.deprecated"
)
#: every release adds some hundred models
_OF_A_MODEL = re.compile(r"transformers\.models(?:\.(\w+))?")
_TENSORFLOW = re.compile(r"TF|Flax|load_tf_")
_HELPERS = frozenset(
    {"rotate_half", "apply_rotary_pos_emb", "repeat_kv", "eager_attention_forward", "_make_causal_mask", "_expand_mask"}
)
#: private names that model code and trainers ask for all the same
_PRIVATE_BUT_USED = frozenset(
    {"_expand_mask", "_make_causal_mask", "_prepare_4d_causal_attention_mask", "_flash_supports_window_size", "_get_unpad_data",
     "_init_weights", "_pad", "_tied_weights_keys", "_supports_sdpa", "_supports_flash_attn_2", "_supports_cache_class",
     "_seen_tokens", "_prepare_decoder_attention_mask", "_extract_past_from_model_output", "_update_causal_mask",
     "_validate_model_class", "_setup_cache", "_reorder_cache", "_load_pretrained_model", "_load_state_dict_into_meta_model",
     "_get_backward_hooks", "_is_quantized_training_enabled", "_add_variant", "_no_split_modules", "_compute_yarn_parameters"}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleApi:
    """What one file defines: names, `from package import *` of its own distribution, attributes and arguments."""

    names: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()
    stars: tuple[str, ...] = ()
    defers: bool = False
    attributes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    arguments: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """One release: module -> names, and `Class.attribute` and `function(argument)` as flat sets."""

    modules: Mapping[str, frozenset[str]]
    attributes: frozenset[tuple[str, str]]
    arguments: frozenset[tuple[str, str]]


def module_of(path: str) -> str | None:
    """`transformers/models/llama/__init__.py` -> `transformers.models.llama`; None for what is no module to import."""
    pure = PurePosixPath(path)
    if pure.suffix not in (".py", ".pyi") or _LEFT_OUT & set(pure.parts) or ".dist-info" in path or ".data" in path:
        return None
    parts = list(pure.with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None


def read_module(source: str, *, module: str, package: bool) -> ModuleApi:
    """Parses one file. A file that is no Python of today gives an empty reading."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ModuleApi()
    reader = _Reader(module=module, package=package)
    reader.walk(tree.body)
    return ModuleApi(
        names=frozenset(reader.names),
        public=frozenset(reader.public),
        stars=tuple(reader.stars),
        defers="define_import_structure" in source,
        attributes={name: frozenset(found) for name, found in reader.attributes.items()},
        arguments={name: frozenset(found) for name, found in reader.arguments.items()},
    )


class _Reader:
    def __init__(self, *, module: str, package: bool) -> None:
        self._module, self._package = module, package
        self._root = module.split(".", maxsplit=1)[0]
        self.names: set[str] = set()
        self.public: set[str] = set()
        self.stars: list[str] = []
        self.attributes: dict[str, set[str]] = {}
        self.arguments: dict[str, set[str]] = {}

    def walk(self, body: Iterable[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.names.add(node.name)
                self._signature(node.name, node)
            elif isinstance(node, ast.ClassDef):
                self.names.add(node.name)
                self._class(node)
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                self._assigned(node)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                self._structure(node.value)
            elif isinstance(node, ast.ImportFrom):
                self._import(node)
            elif isinstance(node, ast.Import):
                self.names.update(alias.asname for alias in node.names if alias.asname)
            for part in ("body", "orelse", "finalbody"):
                if isinstance(node, (ast.If, ast.Try, ast.With)):
                    self.walk(getattr(node, part, ()))
            if isinstance(node, ast.Try):
                for handler in node.handlers:
                    self.walk(handler.body)

    def _assigned(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Name):
                    self.names.add(part.id)
                    if part.id == "__all__" and node.value is not None:
                        self.public.update(_strings(node.value))
                    if part.id in ("_import_structure", "import_structure") and node.value is not None:
                        self.names.update(_strings(node.value))
                if isinstance(part, ast.Subscript) and _is_structure(part.value) and node.value is not None:
                    self.names.update(_strings(node.value))

    def _structure(self, call: ast.Call) -> None:
        if isinstance(call.func, ast.Attribute) and _is_structure(call.func.value):
            for argument in call.args:
                self.names.update(_strings(argument))

    def _import(self, node: ast.ImportFrom) -> None:
        base = self._module.split(".")
        if node.level:
            up = node.level - 1 if self._package else node.level
            base = base[: len(base) - up] if up else base
            place = ".".join([*base, *([node.module] if node.module else [])])
        else:
            place = node.module or ""
        if place.split(".")[0] != self._root and self._root not in ("numpy", "torch"):
            return
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(place)
            else:
                self.names.add(alias.asname or alias.name)

    def _class(self, node: ast.ClassDef) -> None:
        found = self.attributes.setdefault(node.name, set())
        for item in node.body:
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.add(item.name)
                self._signature(f"{node.name}.{item.name}", item)
                found.update(_set_on_self(item))
            elif isinstance(item, ast.Assign):
                found.update(target.id for target in item.targets if isinstance(target, ast.Name))
            elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                found.add(item.target.id)
                if _is_dataclass(node):
                    self.arguments.setdefault(f"{node.name}.__init__", set()).add(item.target.id)

    def _signature(self, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if (name.startswith("_") and "." not in name) or (
            name.rpartition(".")[2].startswith("_") and "__init__" not in name
        ):
            return
        spec = node.args
        self.arguments.setdefault(name, set()).update(
            argument.arg for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs) if argument.arg != "self"
        )
        if spec.kwarg:
            self.arguments[name].add("**")


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def _strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
            yield part.value


def _is_structure(node: ast.AST) -> bool:
    return "import_structure" in ast.unparse(node)


def _set_on_self(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        match part:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def read_api(modules: Mapping[str, ModuleApi]) -> Api:
    """One release out of its files: star imports and lazy tables of names are filled in."""
    names = {module: set(api.names) for module, api in modules.items()}
    for module, api in modules.items():
        for star in api.stars:
            source = modules.get(star)
            if source is not None:
                names[module] |= source.public or {name for name in source.names if not name.startswith("_")}
        if api.defers:  # transformers and diffusers: whatever a file below names in __all__ can be had from here
            for other, inner in modules.items():
                if other.startswith(module + "."):
                    names[module] |= inner.public
    for module in modules:  # a submodule is a name of its package
        package, _, last = module.rpartition(".")
        if package in names:
            names[package].add(last)
    attributes, arguments = set(), set()
    for module, api in modules.items():
        if _NO_SIGNATURES.match(module):
            continue
        attributes |= {(owner, name) for owner, found in api.attributes.items() for name in found}
        arguments |= {(owner, name) for owner, found in api.arguments.items() for name in found}
    return Api(
        modules={module: frozenset(found) for module, found in names.items()},
        attributes=frozenset(attributes),
        arguments=frozenset(arguments),
    )


def names_table(distribution: str, releases: Sequence[tuple[str, Api]], *, made: str) -> dict[str, Any]:
    """The table of one distribution. `releases` ascend. Keys of `names`, `attributes`, `arguments` are the changes."""
    versions = [version for version, _ in releases]
    releases = [(version, _told(api)) for version, api in releases]
    modules = _changes(versions, [set(api.modules) for _, api in releases])
    names: dict[str, dict[str, list[str]]] = {}
    pairs = [{(m, n) for m, found in api.modules.items() for n in found} for _, api in releases]
    for (module, name), change in _changes(versions, pairs).items():
        if modules.get(module) != change and not name.startswith("__") and _is_asked_for(module, name, change):
            names.setdefault(change, {}).setdefault(module, []).append(name)
    return {
        "distribution": distribution,
        "made": made,
        "versions": [versions[0], versions[-1]],
        "read": len(versions),
        "modules": _by_change(
            (module, change) for module, change in modules.items() if modules.get(module.rpartition(".")[0]) != change
        ),
        "names": {change: {m: sorted(n) for m, n in sorted(found.items())} for change, found in sorted(names.items())},
        "attributes": _owned(versions, [set(api.attributes) for _, api in releases]),
        "arguments": _owned(versions, [set(api.arguments) for _, api in releases]),
    }


def _is_asked_for(module: str, name: str, change: str) -> bool:
    """Of the many models only what went away, and only what is the model's own: its classes and well-known helpers."""
    model = _OF_A_MODEL.match(module)
    if model is None:
        return True
    own = (model.group(1) or "?").replace("_", "")
    return "-" in change and (own in name.lower().replace("_", "") or name in _HELPERS) and not _TENSORFLOW.match(name)


def _told(api: Api) -> Api:
    """Without what nobody imports by name: scripts that convert checkpoints, private names and owners, tests."""
    return Api(
        modules={
            module: frozenset(name for name in found if not name.startswith("_") or name in _PRIVATE_BUT_USED)
            for module, found in api.modules.items()
            if not _UNASKED.search(module) and not _LEFT_OUT & set(module.split("."))
        },
        attributes=frozenset(pair for pair in api.attributes if _is_public(pair)),
        arguments=frozenset(pair for pair in api.arguments if _is_public(pair) and pair[1] not in ("**", "cls")),
    )


def _is_public(pair: tuple[str, str]) -> bool:
    owner, name = pair
    return not owner.startswith("_") and (not name.startswith("_") or name in _PRIVATE_BUT_USED)


def _changes(versions: Sequence[str], sets: Sequence[set[Any]]) -> dict[Any, str]:
    """What is not in all: as `+first-without...`, in the order of the releases."""
    always = set.intersection(*sets)
    found: dict[Any, str] = {}
    for item in set.union(*sets) - always:
        here, text = item in sets[0], ""
        for version, present in zip(versions[1:], sets[1:], strict=True):
            if (item in present) is not here:
                here = not here
                text += ("+" if here else "-") + version
        found[item] = text
    return found


def _by_change(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, change in sorted(pairs):
        found.setdefault(change, []).append(name)
    return dict(sorted(found.items()))


def _owned(versions: Sequence[str], sets: Sequence[set[tuple[str, str]]]) -> dict[str, dict[str, list[str]]]:
    """Only members whose owner is older or lives longer than they do: a new class is no news of its members."""
    owners = _changes(versions, [{owner for owner, _ in pairs} for pairs in sets])
    found: dict[str, dict[str, list[str]]] = {}
    for (owner, name), change in _changes(versions, sets).items():
        if owners.get(owner) != change and not name.startswith("__"):
            found.setdefault(change, {}).setdefault(owner, []).append(name)
    return {change: {o: sorted(n) for o, n in sorted(rows.items())} for change, rows in sorted(found.items())}


def as_text(table: Mapping[str, Any]) -> str:
    """A table as its file has it: small, and the same for the same content."""
    return json.dumps(table, separators=(",", ":"), sort_keys=True) + "\n"
