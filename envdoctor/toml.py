"""The TOML reader: the standard library's where there is one (Python 3.11), its ancestor otherwise."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["tomllib"]
