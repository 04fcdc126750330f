"""Everything that is known of one machine, one target environment and one attempt."""

from __future__ import annotations

from envdoctor.facts.checkpoint import Checkpoint
from envdoctor.facts.extensions import ExtensionFact
from envdoctor.facts.gpu import Cuda, Driver, Gpu
from envdoctor.facts.host import Host
from envdoctor.facts.known import NOT_STATED, Fact
from envdoctor.facts.smoke import SmokeReport
from envdoctor.facts.target import Distributions, EnvironmentVariable, Target, Torch
from envdoctor.facts.workload import LogLine, Workload
from envdoctor.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known. Every section is always there; what was not seen is unknown inside it."""

    host: Host = Host()
    driver: Driver = Driver()
    gpus: Fact[tuple[Gpu, ...]] = NOT_STATED  #: an empty tuple: known that there is none
    cuda: Cuda = Cuda()
    target: Target = Target()
    distributions: Distributions = Distributions()
    torch: Torch = Torch()
    extensions: Fact[tuple[ExtensionFact, ...]] = NOT_STATED  #: compiled extensions, judged from their files
    smoke: Fact[SmokeReport] = NOT_STATED  #: what the ladder of tiny programs showed, where it was run
    environment: tuple[EnvironmentVariable, ...] = ()
    checkpoint: Checkpoint = Checkpoint()
    workload: Workload = Workload()
    log: tuple[LogLine, ...] = ()
