"""nvidia-smi: the table of old drivers and of R610, `-L`, `-q`, `--query-gpu ... csv`, and its failures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envdoctor.ingest import values
from envdoctor.ingest.found import CLAIM, OUTPUT, Found, Page, Sighting
from envdoctor.ingest.text import Line
from envdoctor.patterns import lazy
from envdoctor.text import Text

_BANNER = lazy(r"(?:Driver|KMD) Version:\s*([\d.]+)")
_BANNER_CUDA = lazy(r"CUDA (?:UMD )?Version:\s*(\d+\.\d+)")
_ROW = lazy(r"\|\s{0,4}(\d{1,3})\s+(\S.{2,40}?)\s{2,}(?:On|Off|N/A|WDDM|TCC|MCDM)\s*\|")
_ROW_TIGHT = lazy(r"\|\s{0,4}(\d{1,3})\s+(\S.{2,40}?)\s+(?:On|Off|N/A|WDDM|TCC|MCDM)\s*\|")
_MEMORY = lazy(r"(\d+)\s?MiB\s*/\s*(\d+)\s?MiB")
_LISTED = lazy(r"GPU (\d{1,3}): (.+?) \(UUID: ([\w-]+)\)")
_QUERY = lazy(r"--query-gpu[= ](\S+)")
_FAILURES = (
    ("Driver/library version mismatch", "library-mismatch"),
    ("couldn't communicate with the NVIDIA driver", "failed"),
    ("NVIDIA driver is not loaded", "failed"),
    ("Failed to initialize NVML", "failed"),
    ("Unable to determine the device handle", "failed"),
)
_FRAME = ("Fan  Temp", "GPU  Name", "MIG M.", "MiB /", "GPU   GI", "Processes:")
_HEAD_FIELDS = ("Driver Version", "CUDA Version", "KMD Version", "CUDA UMD Version")


def recognize(page: Page) -> Iterator[Found]:
    """Driver, CUDA of the driver, GPUs with their memory, and what a failing nvidia-smi said."""
    if not page.mentions("nvidia", "driver version", "kmd version", "memory.total", "nvml", "mib"):
        return
    lines = page.lines
    for at, line in enumerate(lines):
        text = line.text
        if "NVIDIA-SMI" in text or "Driver Version" in text or "KMD Version" in text:
            yield from _banner(line)
        if "|" in text and (match := _ROW.search(text) or _ROW_TIGHT.search(text)):
            yield from _table_row(match, line, lines[at + 1 : at + 3])
        elif "(UUID: " in text and (match := _LISTED.search(text)):
            yield Found("gpu", Sighting(match[2], int(match[1]), uuid=match[3]), line.number)
            yield Found(CLAIM, None, line.number)
        elif (
            (text[:1] == "+" and text.startswith("+--"))
            or text.startswith(("|==", "|--"))
            or (text[:1] == "|" and (any(mark in text for mark in _FRAME) or not text.strip("| ")))
        ):
            yield Found(CLAIM, None, line.number)
        elif (
            "name" in text and "," in text and ("driver_version" in text or "memory." in text or "compute_cap" in text)
        ):
            yield from _query(line, lines[at + 1 : at + 65])
        for words, status in _FAILURES:
            if words in text:
                yield Found("driver.status", status, line.number)
                yield Found("driver.says", text.strip()[:300], line.number)
    if page.mentions("attached gpus"):
        yield from _detail(lines)


def _banner(line: Line) -> Iterator[Found]:
    if match := _BANNER.search(line.text):
        if version := values.driver_version(match.group(1)):
            yield Found("driver.version", version, line.number)
            yield Found("driver.status", "working", line.number)
        if match := _BANNER_CUDA.search(line.text):
            yield Found("driver.cuda", match.group(1), line.number)
        yield Found(CLAIM, None, line.number)


def _table_row(match: re.Match[str], line: Line, below: Sequence[Line]) -> Iterator[Found]:
    name = match.group(2).strip()
    if not re.search(r"[A-Za-z]{2}", name) or "/" in name:
        return
    if "WDDM" in line.text or "MCDM" in line.text:
        yield Found(
            "host.os", "windows", line.number, OUTPUT, Text(en="the driver model of Windows", zh="Windows 的驱动模型")
        )
    memory = free = None
    for other in below:
        if found := _MEMORY.search(other.text):
            used, total = int(found[1]), int(found[2])
            memory, free = total << 20, max(total - used, 0) << 20
            break
    yield Found("gpu", Sighting(name, int(match.group(1)), memory=memory, free=free), line.number)
    yield Found(CLAIM, None, line.number)


def _query(line: Line, below: Sequence[Line]) -> Iterator[Found]:
    """CSV: the columns come from the header line, or from the command where `noheader` was asked for."""
    if match := _QUERY.search(line.text):
        if "noheader" not in line.text:
            return  # the header line follows and says it again
        columns = match.group(1).split(",")
    else:
        columns = [column.split("[")[0].strip() for column in line.text.split(",")]
        yield Found(CLAIM, None, line.number)
    keys = [column.strip().lower() for column in columns]
    if "name" not in keys:
        return
    for index, row in enumerate(below):
        cells = [cell.strip() for cell in row.text.split(",")]
        if len(cells) != len(keys) or row.text.lstrip().startswith(("$", "`", "#")):
            return
        yield from _csv_row(dict(zip(keys, cells, strict=True)), index, row.number)


def _csv_row(row: dict[str, str], position: int, number: int) -> Iterator[Found]:
    index = row.get("index", "")
    capability = values.dotted(row.get("compute_cap", ""), at_most=2)
    yield Found(
        "gpu",
        Sighting(
            row["name"],
            int(index) if index.isdigit() else position,
            memory=_mebibytes(row.get("memory.total", "")),
            free=_mebibytes(row.get("memory.free", "")),
            compute_capability=capability,
            uuid=row.get("uuid") or row.get("gpu_uuid") or None,
        ),
        number,
        OUTPUT,
    )
    if version := values.driver_version(row.get("driver_version", "")):
        yield Found("driver.version", version, number)
        yield Found("driver.status", "working", number)
    yield Found(CLAIM, None, number)


def _mebibytes(text: str) -> int | None:
    match = re.match(r"(\d{2,8})(?:\s*MiB)?$", text)
    return int(match.group(1)) << 20 if match else None


def _detail(lines: Sequence[Line]) -> Iterator[Found]:
    """`nvidia-smi -q`: blocks of `Name : value`, one block a GPU."""
    index, section = -1, ""
    for line in lines:
        key, colon, value = line.text.partition(":")
        key, value = key.strip(), value.strip()
        if re.match(r"GPU [0-9A-Fa-f]{8}:", line.text.strip()):
            index += 1
            continue
        if (
            not colon
            or not key
            or (index < 0 and key not in ("Driver Version", "CUDA Version", "KMD Version", "CUDA UMD Version"))
        ):
            section = line.text.strip() if not colon else section
            continue
        if key in ("CUDA Version", "CUDA UMD Version") and (version := values.dotted(value)):
            yield Found("driver.cuda", version, line.number)
        elif key == "Product Name":
            yield Found("gpu", Sighting(value, index), line.number)
        elif key == "GPU UUID":
            yield Found("gpu", Sighting(None, index, uuid=value), line.number)
        elif section == "FB Memory Usage" and key in ("Total", "Free") and (size := _mebibytes(value)):
            sighting = Sighting(None, index, memory=size) if key == "Total" else Sighting(None, index, free=size)
            yield Found("gpu", sighting, line.number)
        elif (
            section == "Volatile" and "Uncorrectable" in key and value.isdigit() and key != "SRAM Uncorrectable Parity"
        ):
            yield Found("gpu", Sighting(None, index, ecc_errors=int(value)), line.number)
        elif key in ("Driver Version", "KMD Version"):
            continue
        yield Found(CLAIM, None, line.number)
