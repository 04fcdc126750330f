"""What may leave, field by field: the allow-list of the report. A field that stands in no row does not leave.

`public`  numbers, versions, closed words, names of packages: left as they are where they look like that, else treated as text.
`text`    free text, paths, URLs: leaves redacted.
`pair`    a value that its name explains (`HF_TOKEN`, `--api-key`): redacted as `name=value`.
`identity` the value is a secret as a whole: only its mask leaves.
"""

from __future__ import annotations

import re
from enum import Enum

from envdoctor.ticket.redact.span import KINDS


class Sensitivity(str, Enum):
    """How a field leaves."""

    PUBLIC = "public"
    TEXT = "text"
    PAIR = "pair"
    IDENTITY = "identity"
    DENIED = "denied"


# One row a section: the path, then its fields. `[]` stands for any index.
_PUBLIC = """
schema_version
lang
smoke
tool: name version
matrix: date entries digest
facts.host: os distribution_version architecture glibc glibcxx cpu_count cpu_flags[] ram_bytes shm_bytes
facts.host: container wsl2
facts.host.wsl: dxg lib_folder libcuda_shadowed memory_cap_bytes linux_driver_packages[]
facts.driver: status version platform cuda kernel_module
facts.gpus[]: index compute_capability memory_bytes memory_free_bytes mig ecc_errors vendor
facts.cuda: nvcc cudnn gcc ninja stated
facts.cuda.toolkits[]: version
facts.target: python implementation abi_tag platform_tag kind has_pip externally_managed
facts.distributions: complete
facts.distributions.installed[]: name version installer editable duplicates[]
facts.distributions.unmet[]: distribution requirement found
facts.torch: version cuda hip cxx11_abi archs[] cuda_available
facts.environment[]: name
facts.checkpoint: origin model_type architecture quant_method quant_key quant_format bits group_size desc_act
facts.checkpoint: sym use_exllama dtype hidden_size
facts.checkpoint: intermediate_size moe_intermediate_size num_attention_heads num_key_value_heads head_dim
facts.checkpoint: num_hidden_layers vocab_size tensor_bytes
facts.checkpoint: missing_biases[] scale_suffixes[] weight_block[]
facts.checkpoint.layers[]: family parallel inputs outputs count quantized
facts.checkpoint.damage[]: kind
facts.workload: engine task quantization backend dtype tensor_parallel pipeline_parallel max_model_len
facts.workload: gpu_memory_utilization
facts.workload.flags[]: name
facts.log[]: number
facts.extensions[]: distribution distribution_version loading python_tag python_fit links_torch cuda_major
facts.extensions[]: cxx11_abi built_for_torch needs_torch_first
facts.extensions[]: glibc_needed glibcxx_needed cxxabi_needed
facts.extensions[].missing_symbols[]: mangled demangled says
facts.extensions[].missing_libraries[]: name kind
facts.extensions[].shadowed_libraries[]: name
facts.extensions[].unmet_versions[]: library version has
facts.extensions[].gpu_code[]: count
facts.extensions[].gpu_code[].code[]: kind sm suffix ptx_isa
facts.extensions[].gpu_verdicts[]: capability match
facts.distribution_gpus[]: distribution version capability match
facts.driver_library: stub outside_wsl
findings[]: id verdict severity effect status
findings[].cause: class packages[]
findings[].because[]: fact
findings[].missing[]: fact
findings[].fix.pins: *
findings[].fix.options[]: cost
findings[].fix.options[].pins: *
findings[].evidence[]: type date
smoke: python_version device seconds
smoke.results[]: rung name outcome device seconds reference
smoke.results[].numbers[]: name value limit unit
unknown[]: fact
coverage: not_covered undecided_entries newer_than_checked[]
coverage.known: *
"""
_TEXT = """
facts.host: distribution kernel cpu jetson image
facts.host.wsl: libcuda
facts.driver: says
facts.gpus[]: name
facts.cuda: loader_path[]
facts.cuda.toolkits[]: path
facts.target: executable prefix site_packages[] user_site_leaks[] pythonpath[] shadowed_modules[]
facts.distributions.installed[]: source direct_url
facts.distributions.unreadable[]: path reason
facts.environment[]: source
facts.checkpoint: name path
facts.checkpoint.damage[]: file says
facts.workload: model
facts.log[]: text source
facts.extensions[]: path found_elsewhere[] gpu_unreadable unreadable
facts.extensions[].missing_libraries[]: needed_by
facts.extensions[].shadowed_libraries[]: used hidden
facts.extensions[].unmet_versions[]: path
facts.distribution_gpus[]: files[]
facts.driver_library: path
findings[]: title explanation note url
findings[].because[]: value source
findings[].missing[]: how
findings[].fix.options[]: text flags[]
findings[].fix.options[].commands: *
findings[].evidence[]: url says command
smoke: python
smoke.results[]: detail said unexpected[] stderr_tail
unknown[]: reason
"""
_PAIR = """
facts.environment[]: value
facts.workload.flags[]: value
findings[].fix.options[].env: *
"""
_IDENTITY = {"facts.gpus[].uuid": "gpu"}

_INDEX = re.compile(r"\[[0-9]+\]")
_PLAIN = re.compile(r"[\w .,+\-:/()<>=!~@\[\]*#;'|$^&]{0,400}$")


def _rows(table: str, sensitivity: Sensitivity) -> dict[str, Sensitivity]:
    out: dict[str, Sensitivity] = {}
    for line in table.strip().splitlines():
        section, colon, fields = line.partition(":")
        names = [f"{section}.{field}" for field in fields.split()] if colon else [section]
        out.update(dict.fromkeys(names, sensitivity))
    return out


TABLE: dict[str, Sensitivity] = {
    **_rows(_PUBLIC, Sensitivity.PUBLIC),
    **_rows(_TEXT, Sensitivity.TEXT),
    **_rows(_PAIR, Sensitivity.PAIR),
    **dict.fromkeys(_IDENTITY, Sensitivity.IDENTITY),
}
if not set(_IDENTITY.values()) <= set(KINDS):  # pragma: no cover - a mistake in this file
    raise AssertionError("a kind that no mask carries")


def pattern_of(path: str) -> str:
    """A path with its indices taken out: `gpus[0].uuid` becomes `gpus[].uuid`."""
    return _INDEX.sub("[]", path)


def sensitivity_of(path: str) -> Sensitivity:
    """How the field at a path of the report leaves; `denied` where no row speaks of it."""
    pattern = pattern_of(path)
    found = TABLE.get(pattern)
    if found is None:
        found = TABLE.get(pattern.rpartition(".")[0] + ".*", Sensitivity.DENIED)
    return found


def identity_kind(path: str) -> str:
    """The kind of mask of an identity field."""
    return _IDENTITY[pattern_of(path)]


def looks_public(value: str) -> bool:
    """Whether a string has the looks of a version, a name or a closed word: one line, no odd characters."""
    return bool(_PLAIN.match(value)) and "://" not in value
