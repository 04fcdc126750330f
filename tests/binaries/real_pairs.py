"""Static verdict beside what really happens: loads every extension of an environment and compares.

    python tests/binaries/real_pairs.py ENVIRONMENT... [--only DISTRIBUTION]

prints rows of the table in docs/compiled-extensions.md.

An ENVIRONMENT is a folder with `bin/python` that has torch. Each file is loaded in a process of its own, after torch.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envdoctor.binaries import inspect_extensions, read_system
from envdoctor.facts.extensions import ExtensionFact, LibraryKind, Loading

LOADED = (Loading.MODULE, Loading.OPERATORS, Loading.SELECTED)
JUDGED = (LibraryKind.TORCH, LibraryKind.CUDA, LibraryKind.DRIVER, LibraryKind.RUNTIME)

LOAD = """
import sys, torch, importlib.machinery, importlib.util
way, name, path = sys.argv[1:4]
if way == "module":
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, path, loader=loader))
    loader.exec_module(module)
else:
    import ctypes
    ctypes.CDLL(path)
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One file: what was said of it, and what came of loading it."""

    fact: ExtensionFact
    torch: str
    says_loads: bool
    loads: bool
    text: str

    @property
    def agree(self) -> bool:
        return self.says_loads == self.loads


def says_loads(fact: ExtensionFact) -> bool:
    """Whether the static verdict is that the file loads."""
    missing = any(library.kind in JUDGED for library in fact.missing_libraries)
    return not (fact.missing_symbols or fact.unmet_versions or fact.unreadable or missing)


def facts_of(environment: Path, environ: Mapping[str, str] = os.environ) -> tuple[Path, str, tuple[ExtensionFact, ...]]:
    """The site-packages of an environment, its torch version, and the facts about its extensions."""
    site = next(environment.glob("lib/python3*/site-packages"))
    text = (site / "torch/version.py").read_text()
    version = re.search(r"__version__ = '([^']+)'", text)
    cuda = re.search(r"cuda[^=]*= '([\d.]+)'", text)
    assert version is not None
    tag = "cp" + site.parent.name.removeprefix("python").replace(".", "")
    facts = inspect_extensions(
        site_packages=[site],
        torch_dir=site / "torch",
        python_tag=tag,
        gpu_capabilities=["7.5", "8.9"],
        driver_cuda=None,
        system=read_system(machine=platform.machine(), environ=environ),
        torch_cuda=cuda[1] if cuda else None,
        executable=environment / "bin/python",
    )
    return site, version[1], facts


def outcomes(environment: Path, only: str | None = None) -> Iterator[Outcome]:
    """Loads every extension of an environment that something would load, torch's own aside."""
    site, torch, facts = facts_of(environment)
    for fact in facts:
        if fact.loading not in LOADED or fact.distribution == "torch" or (only and fact.distribution != only):
            continue
        name = fact.path.rpartition("/")[2].partition(".")[0]
        way = "module" if fact.loading is Loading.MODULE and exports_init(site / fact.path, name) else "library"
        run = subprocess.run(
            [environment / "bin/python", "-W", "ignore", "-c", LOAD, way, name, site / fact.path],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        last = (run.stderr.strip().splitlines() or [f"exit status {run.returncode}"])[-1]
        yield Outcome(
            fact=fact,
            torch=torch,
            says_loads=says_loads(fact),
            loads=run.returncode == 0,
            text="" if run.returncode == 0 else last,
        )


def exports_init(path: Path, name: str) -> bool:
    from envdoctor.binaries.elf import ElfFile

    with ElfFile(path) as elf:
        return bool(elf.exports([f"PyInit_{name}"]))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="static verdicts beside what loading really does")
    parser.add_argument("environments", nargs="+")
    parser.add_argument("--only", metavar="DISTRIBUTION")
    given = parser.parse_args(arguments)
    wrong = 0
    for environment in given.environments:
        for one in outcomes(Path(environment), given.only):
            wrong += not one.agree
            said = "loads" if one.says_loads else _why(one.fact)
            real = "loads" if one.loads else one.text.partition("packages/")[2] or one.text
            owner = f"{one.fact.distribution} {one.fact.distribution_version}"
            agree = "yes" if one.agree else "**NO**"
            print(f"| {owner} | {one.torch} | `{one.fact.path.split('.')[0]}` | {said} | {real[:120]} | {agree} |")
    return 1 if wrong else 0


def _why(fact: ExtensionFact) -> str:
    if fact.unreadable:
        return fact.unreadable
    lost = [library.name for library in fact.missing_libraries if library.kind in JUDGED]
    parts = [f"no {name}" for name in lost]
    if fact.missing_symbols:
        meanings = sorted({symbol.says.value for symbol in fact.missing_symbols if symbol.says.value != "unknown"})
        parts.append(f"{len(fact.missing_symbols)} symbols missing ({', '.join(meanings) or 'no known meaning'})")
    parts += [f"no {unmet.version} in {unmet.library}" for unmet in fact.unmet_versions]
    return "; ".join(parts)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
