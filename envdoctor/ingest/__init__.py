"""Pasted text (collect_env dumps, nvidia-smi, package lists, commands, tracebacks, prose) to Facts. Pure, bounded, linear."""

from envdoctor.ingest.gpus import GpuTable, Model
from envdoctor.ingest.merge import merge
from envdoctor.ingest.pasted import ingest

__all__ = ["GpuTable", "Model", "ingest", "merge"]
