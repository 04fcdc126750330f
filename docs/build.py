"""Builds the documentation: generates pages, gathers them with the hand-written ones, and runs the site generator strictly.

    python docs/build.py                    build/docs/site (needs the dependency group `docs`)
    python docs/build.py --pages-only       build/docs/pages (needs nothing but envdoctor)

A link to a page or heading that does not exist ends the build with status 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import typer

from envdoctor.cli.commands import application
from envdoctor.workshop.docs import generated_pages, stage

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Returns the status of the site generator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "docs", help="made anew (default: build/docs)")
    parser.add_argument("--pages-only", action="store_true", help="generate and gather, do not run the site generator")
    options = parser.parse_args(arguments)
    pages = generated_pages(source=ROOT / "matrix", command=typer.main.get_command(application()))
    config = stage(root=ROOT, pages=pages, output=options.output)
    if options.pages_only:
        return 0
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(config)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
