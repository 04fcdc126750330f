"""The live machine, the target environment and the checkpoint on disk, as Facts. Everything through ports."""

from envdoctor.probe.machine import probe

__all__ = ["probe"]
