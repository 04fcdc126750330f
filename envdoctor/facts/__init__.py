"""What is known: frozen, typed values with their sources, and their JSON. Imports nothing else of the project."""

from envdoctor.facts.checkpoint import Checkpoint, Damage, LayerWidth
from envdoctor.facts.codec import DecodeError, decode, encode
from envdoctor.facts.facts import Facts
from envdoctor.facts.gpu import Cuda, Driver, Gpu, Toolkit
from envdoctor.facts.host import Host, Wsl
from envdoctor.facts.known import NOT_STATED, Fact, Known, Unknown, Witness, known, map_fact, unknown, value_of
from envdoctor.facts.target import (
    Distribution,
    Distributions,
    EnvironmentVariable,
    Target,
    Torch,
    UnmetRequirement,
    UnreadableMetadata,
)
from envdoctor.facts.truth import Truth, all_of, any_of, negate
from envdoctor.facts.workload import ENGINES, TASKS, Flag, LogLine, Workload

__all__ = [
    "ENGINES", "NOT_STATED", "TASKS", "Checkpoint", "Cuda", "Damage", "DecodeError", "Distribution", "Distributions",
    "Driver", "EnvironmentVariable", "Fact", "Facts", "Flag", "Gpu", "Host", "Known", "LayerWidth", "LogLine",
    "Target", "Toolkit", "Torch", "Truth", "Unknown", "UnmetRequirement", "UnreadableMetadata", "Witness", "Workload",
    "Wsl", "all_of", "any_of", "decode", "encode", "known", "map_fact", "negate", "unknown", "value_of",
]  # fmt: skip
