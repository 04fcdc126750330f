"""Compiled extensions judged from their files: ELF, shared libraries, torch ABI, GPU code. Nothing is imported or run."""
