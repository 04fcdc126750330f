"""Compiles `matrix/` into `envdoctor/data/matrix.json` whenever a wheel is built (also an editable one)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MatrixBuildHook(BuildHookInterface[Any]):
    """Runs the matrix compiler of the source tree that is being built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compiles before anything is collected: the built file is an artifact of the wheel."""
        root = Path(self.root)
        sys.path.insert(0, str(root))
        try:
            from envdoctor.knowledge.build import write_matrix  # noqa: PLC0415 - only importable from here on
        finally:
            sys.path.remove(str(root))
        write_matrix(source=root / "matrix", target=root / "envdoctor" / "data" / "matrix.json")
