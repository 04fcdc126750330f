"""The checkpoint probe: what a model folder, a cached snapshot or a well-known model name says, from headers alone."""

from __future__ import annotations

from envdoctor.probe.checkpoint.front import read_checkpoint

__all__ = ["read_checkpoint"]
