"""`nvidia-smi --query-gpu` as a witness. Never its banner: driver 610 renamed the fields there.

Fields that a driver does not know end the whole query ("Field "compute_cap" is not a valid field to query", driver
470: https://github.com/huggingface/candle/issues/733); then the fields that every driver knows are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envdoctor.facts import Fact, Gpu, known, unknown
from envdoctor.patterns import lazy
from envdoctor.probe.driver.account import Account
from envdoctor.probe.ports import Outcome, Pending, Runner
from envdoctor.text import Text, same

SOURCE = "nvidia-smi --query-gpu"
FIELDS = ("index", "name", "uuid", "driver_version", "memory.total", "memory.free")
MORE_FIELDS = ("compute_cap", "mig.mode.current", "ecc.errors.uncorrected.volatile.total")

_INVALID_FIELD = lazy(r"is not a valid field to query", re.IGNORECASE)
_MISMATCH = lazy(r"driver/library version mismatch", re.IGNORECASE)
_LIBRARY = lazy(r"NVML library version:\s*(\d{3,4}(?:\.\d{1,4}){1,2})")
_NO_DEVICES = lazy(r"no devices were found", re.IGNORECASE)
_VERSION = lazy(r"\d{2,4}(?:\.\d{1,4}){1,2}")
_NUMBER = lazy(r"\d{1,12}")
_CAPABILITY = lazy(r"\d{1,2}\.\d")
_MIB = 1 << 20
_MOST_GPUS = 256


def start(runner: Runner, program: str, environ: Mapping[str, str]) -> Pending:
    """Ask for everything."""
    return _start(runner, "nvidia-smi", program, FIELDS + MORE_FIELDS, environ)


def start_again(runner: Runner, program: str, environ: Mapping[str, str], outcome: Outcome) -> Pending | None:
    """Ask for less, where the driver did not know a field; None where that was not the trouble."""
    if outcome.status == "exited" and not outcome.ok and _INVALID_FIELD.search(outcome.stdout + outcome.stderr):
        return _start(runner, "nvidia-smi-basic", program, FIELDS, environ)
    return None


def _start(runner: Runner, label: str, program: str, fields: tuple[str, ...], environ: Mapping[str, str]) -> Pending:
    command = [program, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    return runner.start(label, command, environ)


def account(outcome: Outcome | None) -> Account:
    """What nvidia-smi said. The columns count from the left, so both queries are read alike."""
    if outcome is None or outcome.status == "not-found":
        return Account(source=SOURCE, state="absent", says=Text(en="there is no nvidia-smi", zh="没有 nvidia-smi"))
    if outcome.status == "no-answer":
        return Account(
            source=SOURCE, state="no-answer", says=Text(en="nvidia-smi does not answer", zh="nvidia-smi 没有响应")
        )
    text = f"{outcome.stdout}\n{outcome.stderr}"
    if _MISMATCH.search(text):
        library = _LIBRARY.search(text)
        return Account(
            source=SOURCE,
            state="mismatch",
            says=same(outcome.says),
            library=library[1] if library is not None else None,
        )
    if _NO_DEVICES.search(text):
        return Account(source=SOURCE, state="answered", says=same(outcome.says), gpus=())
    rows = [[cell.strip() for cell in row] for row in _rows(outcome.stdout)]
    gpus = tuple(gpu for row in rows[:_MOST_GPUS] if (gpu := _gpu(row)) is not None)
    if not gpus:
        crash = (
            Text(en=f"nvidia-smi crashed (signal {-outcome.code})", zh=f"nvidia-smi 崩溃（信号 {-outcome.code}）")
            if outcome.code is not None and outcome.code < 0
            else ""
        )
        says = (
            crash
            or outcome.says
            or outcome.reason
            or Text(
                en=f"nvidia-smi printed nothing (exit status {outcome.code})",
                zh=f"nvidia-smi 没有输出（退出码 {outcome.code}）",
            )
        )
        return Account(source=SOURCE, state="failed", says=same(says))
    version = next((row[3] for row in rows if len(row) > 3 and _VERSION.fullmatch(row[3])), None)
    return Account(source=SOURCE, state="answered", version=version, gpus=gpus)


def _rows(text: str) -> list[list[str]]:
    import csv

    try:
        return list(csv.reader(text.splitlines()[: _MOST_GPUS * 2], skipinitialspace=True))
    except csv.Error:
        return []


def _gpu(row: list[str]) -> Gpu | None:
    """One row, or None where it is none (a warning line of some driver)."""
    if len(row) < len(FIELDS) or not _NUMBER.fullmatch(row[0]):
        return None
    index, name, uuid, _, total, free = row[: len(FIELDS)]
    capability, mig, ecc = (*row[len(FIELDS) :], "", "", "")[:3]
    return Gpu(
        index=int(index),
        name=_stated(name),
        compute_capability=known(capability, SOURCE) if _CAPABILITY.fullmatch(capability) else _not_stated(capability),
        memory_bytes=_mib(total),
        memory_free_bytes=_mib(free),
        uuid=_stated(uuid),
        mig=known(mig == "Enabled", SOURCE) if mig else _not_stated(mig),
        ecc_errors=known(int(ecc), SOURCE) if _NUMBER.fullmatch(ecc) else _not_stated(ecc),
        vendor=known("nvidia", SOURCE),
    )


def _stated(text: str) -> Fact[str]:
    return known(text, SOURCE) if text and not text.startswith("[") and text != "N/A" else _not_stated(text)


def _mib(text: str) -> Fact[int]:
    return known(int(text) * _MIB, SOURCE) if _NUMBER.fullmatch(text) else _not_stated(text)


def _not_stated(text: str) -> Fact[Any]:
    return unknown(
        Text(en=f"nvidia-smi says {text[:60]}", zh=f"nvidia-smi 显示 {text[:60]}")
        if text
        else Text(en="this nvidia-smi does not know the field", zh="此版本的 nvidia-smi 没有该字段")
    )
