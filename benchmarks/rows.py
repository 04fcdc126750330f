"""What is measured: the commands of the speed table and their peers."""

from __future__ import annotations

from pathlib import Path

from benchmarks.environments import Environments
from benchmarks.timing import Command, fresh

REPORT = b"PyTorch version: 2.4.0+cu121\n[pip3] vllm==0.6.3\n[pip3] numpy==1.26.4\nRuntimeError: CUDA out of memory\n"
#: pins that the matrix has nothing against, so that both solve once
LOCKED = ("torch==2.5.1", "transformers==4.46.3", "numpy==1.26.4")
_LOCK_PYTHON = "3.11"

DIAGNOSE = "envdoctor diagnose --format json"
DIAGNOSE_EXTENDED = f"{DIAGNOSE} (five extension packages)"
TERMINAL = "envdoctor diagnose (terminal)"
PASTED = "envdoctor diagnose --from - (pasted report)"
COLLECT = "python -m torch.utils.collect_env"
COLLECT_EXTENDED = f"{COLLECT} (five extension packages)"
IMPORT = "python -c 'import torch'"
SMOKE = "envdoctor smoke --device cpu"
IMPORT_BARE, SMOKE_BARE = f"{IMPORT} (torch alone)", f"{SMOKE} (torch alone)"
LOCK, LOCK_FREE, COMPILE = "envdoctor lock", "envdoctor lock --no-era", "uv pip compile"
HANG = "envdoctor diagnose | cat, nvidia-smi never answers"


def whole(there: Environments) -> list[Command]:
    """The commands that somebody would use to say what is on a machine; envdoctor's other commands after them."""
    plain, extended = str(there.plain / "bin/python"), str(there.extended / "bin/python")
    own, json = there.envdoctor, ("--format", "json")
    vllm = {"PYTHONPATH": str(there.vllm)}
    return [
        Command(name=DIAGNOSE, arguments=[own, "diagnose", "--python", plain, *json]),
        Command(name=DIAGNOSE_EXTENDED, arguments=[own, "diagnose", "--python", extended, *json]),
        Command(name=TERMINAL, arguments=[own, "diagnose", "--python", plain]),
        Command(name=PASTED, arguments=[own, "diagnose", "--from", "-", *json], stdin=REPORT),
        Command(name=COLLECT, arguments=[plain, "-m", "torch.utils.collect_env"]),
        Command(name=COLLECT_EXTENDED, arguments=[extended, "-m", "torch.utils.collect_env"]),
        Command(
            name="python -m vllm.collect_env (its engine not imported)",
            arguments=[plain, "-m", "vllm.collect_env"],
            environment=vllm,
        ),
        Command(name=IMPORT, arguments=[plain, "-c", "import torch"]),
        Command(name="env-doctor check --json", arguments=[_script(there, "env-doctor"), "check", "--json"]),
        Command(name="cuda-doctor", arguments=[_script(there, "cuda-doctor")]),
        Command(name="pip check", arguments=[plain, "-m", "pip", "check"]),
        Command(name="uv pip check", arguments=[there.uv, "pip", "check", "--python", plain]),
        Command(name="envdoctor --help", arguments=[own, "--help"]),
        Command(name="envdoctor explain ED-2026-0001", arguments=[own, "explain", "ED-2026-0001"]),
        Command(name="envdoctor matrix list", arguments=[own, "matrix", "list"]),
    ]


def _script(there: Environments, peer: str) -> str:
    return str(there.peers[peer] / "bin" / peer)


def tickets(there: Environments, folder: Path) -> list[Command]:
    """Writing a ticket, and comparing two."""
    made, other = folder / "ticket.zip", folder / "other.zip"
    ticket = [there.envdoctor, "ticket", "--python", str(there.plain / "bin/python"), "--output"]
    return [
        Command(name="envdoctor ticket", arguments=[*ticket, str(made)], before=fresh(made), statuses=(0,)),
        Command(name="(a second ticket)", arguments=[*ticket, str(other)], before=fresh(other), statuses=(0,)),
        Command(name="envdoctor diff", arguments=[there.envdoctor, "diff", str(made), str(other)]),
    ]


def locks(there: Environments, folder: Path) -> list[Command]:
    """`lock` beside plain `uv pip compile` of the same requirements, with hashes, out of the same warm cache."""
    wanted, plain, own = folder / "wanted.in", folder / "uv.txt", folder / "own.txt"
    wanted.write_text("".join(f"{line}\n" for line in LOCKED), "utf-8")
    ours = [there.envdoctor, "lock", *LOCKED, "--python-version", _LOCK_PYTHON, "--output", str(own)]
    compiled = [
        there.uv, "pip", "compile", "-q", "--generate-hashes", "--python-version", _LOCK_PYTHON, "--python-platform",
        "linux", "-o", str(plain), str(wanted),
    ]  # fmt: skip
    return [
        # an existing file would be taken as preferences
        Command(name=COMPILE, arguments=compiled, before=fresh(plain), statuses=(0,)),
        Command(name=LOCK, arguments=ours, before=fresh(own), statuses=(0,)),
        Command(name=LOCK_FREE, arguments=[*ours, "--no-era"], before=fresh(own), statuses=(0,)),
    ]


def smokes(there: Environments) -> list[Command]:
    """The ladder on a processor beside the import of torch that it cannot do without.

    Where torch is alone, and among its companions, where the ladder also loads models with transformers.
    """
    found = []
    for folder, imports, climbs in ((there.bare, IMPORT_BARE, SMOKE_BARE), (there.plain, IMPORT, SMOKE)):
        python = str(folder / "bin/python")
        found += [
            Command(name=imports, arguments=[python, "-c", "import torch"]),
            Command(name=climbs, arguments=[there.envdoctor, "smoke", "--python", python, "--device", "cpu"]),
        ]
    return found


def hang(there: Environments, folder: Path) -> Command:
    """A driver program that never answers and ignores signals, and a reader that waits for the end of the pipe."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    fake = programs / "nvidia-smi"
    fake.write_text("#!/bin/sh\ntrap '' TERM INT HUP PIPE\nwhile :; do sleep 1; done\n", "utf-8")
    fake.chmod(0o755)
    python = there.plain / "bin/python"
    line = f'PATH="{programs}:$PATH"; export PATH; "{there.envdoctor}" diagnose --python "{python}" | cat'
    return Command(name=HANG, arguments=["sh", "-c", line])
