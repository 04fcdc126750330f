"""Texts that the target's interpreter runs: standard library and what they test, Python 3.8. Never imported by envdoctor."""
