"""envdoctor: why a quantized LLM does not run on this machine, and what makes it run."""

__version__ = "0.1.0"
