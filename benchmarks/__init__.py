"""The speed table of envdoctor, measured beside its peers by one command: `python -m benchmarks`."""
