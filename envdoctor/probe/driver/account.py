"""What one witness says of the driver and its GPUs."""

from __future__ import annotations

from typing import Literal

from envdoctor.facts import Gpu
from envdoctor.text import NOTHING, Text
from envdoctor.values import dataclass

State = Literal["answered", "no-answer", "absent", "mismatch", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """`gpus` is None where the witness did not come to list them; `version` and `cuda` likewise."""

    source: str
    state: State
    says: Text = NOTHING
    version: str | None = None
    cuda: str | None = None
    gpus: tuple[Gpu, ...] | None = None
    library: str | None = None  #: version of the user-space library, where a mismatch states it
