"""Whole locks, made by the real uv against made-up wheels on loopback. No other network."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.errors import EnvdoctorError
from envdoctor.facts import Driver, Facts, Gpu, Host, known
from envdoctor.knowledge import Matrix
from envdoctor.resolve import Lock, lock, parse_era, text_of
from envdoctor.resolve.errors import BudgetError, ImpossibleError, SolverError
from tests.resolve.local_index import Index, Release

MakeIndex = Callable[..., Index]
MakeMatrix = Callable[..., Matrix]
MACHINE = Facts(host=Host(os=known("linux", "t"), architecture=known("x86_64", "t"), glibc=known("2.35", "t")))

TORCH = [
    Release("torch", "2.2.2", "2024-03-27", ["numpy"]),
    Release("torch", "2.3.0", "2024-04-24", ["numpy"]),
    Release("torch", "2.6.0", "2025-01-29", ["numpy"]),
]
NUMPY = [
    Release("numpy", "1.26.4", "2024-02-05"),
    Release("numpy", "2.0.0", "2024-04-10"),
    Release("numpy", "2.4.0", "2026-01-01"),
]

NUMPY_ENTRY = """
id = "ED-2026-9001"
published = 2026-01-01
modified = 2026-01-01
effect = "blocks"
[title]
en = "torch before 2.3 cannot use NumPy 2"
zh = "torch 2.3 之前的版本不能使用 NumPy 2"
[explanation]
en = "e"
zh = "e"
[cause]
class = "numpy-abi"
packages = ["numpy", "torch"]
[[when.all]]
package = "torch"
versions = [{ fixed = "2.3.0" }]
[[when.all]]
package = "numpy"
versions = [{ introduced = "2.0.0" }]
[checked]
numpy = "2.5.0"
[[fix]]
pins = { numpy = "<2" }
[fix.text]
en = "pin numpy<2"
zh = "固定 numpy<2"
[[evidence]]
type = "measured"
date = "2026-01"
says = "x"
command = "y"
"""


def pins(made: Lock) -> dict[str, str]:
    return {pin.package.name: pin.package.version for pin in made.pins}


def reasons(made: Lock, name: str) -> str:
    return " | ".join(next(pin.reasons for pin in made.pins if pin.package.name == name))


def test_floating_companions_come_from_the_time_of_the_pinned_anchor(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(*TORCH, *NUMPY, Release("peft", "0.10.0", "2024-04-01"), Release("peft", "0.18.0", "2026-01-01"))
    made = lock(["torch==2.3.0", "peft"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=matrix())
    assert pins(made) == {"torch": "2.3.0", "numpy": "2.0.0", "peft": "0.10.0"}
    assert made.header.era == "2024-05-16 (torch 2.3.0 of 2024-04-24 and 21 days)"
    assert made.solves == 1
    free = lock(
        ["torch==2.3.0", "peft"],
        facts=MACHINE,
        python="3.11",
        indexes=[there.url],
        matrix=matrix(),
        era=parse_era(None, off=True),
    )
    assert pins(free) == {"torch": "2.3.0", "numpy": "2.4.0", "peft": "0.18.0"}
    assert free.header.era == "off"


def test_the_day_of_a_pinned_release_is_asked_once_the_solution_always(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(*TORCH, *NUMPY)

    def asked_by_a_lock() -> list[str]:
        there.asked.clear()
        made = lock(["torch==2.3.0"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=matrix())
        assert made.header.era == "2024-05-16 (torch 2.3.0 of 2024-04-24 and 21 days)"
        return [path.strip("/").rpartition("/")[2] for path in there.asked if "/simple/" in path]

    assert asked_by_a_lock().count("torch") == 2
    assert sorted(asked_by_a_lock()) == ["numpy", "torch"]


def test_a_veto_becomes_a_range_and_stands_in_the_lock(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(*TORCH, *NUMPY)
    said: list[str] = []
    made = lock(
        ["torch==2.2.2", "numpy"], facts=MACHINE, python="3.11", indexes=[there.url],
        matrix=matrix({"entries/numpy/ED-2026-9001.toml": NUMPY_ENTRY}), say=said.append,
    )  # fmt: skip
    assert pins(made)["numpy"] == "1.26.4"
    assert "ED-2026-9001: numpy<2" in reasons(made, "numpy")
    assert any("ED-2026-9001" in line for line in said)
    assert made.solves == 2


def test_a_veto_on_what_the_user_pinned_is_refused_in_three_sentences(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(*TORCH, *NUMPY)
    with pytest.raises(ImpossibleError) as caught:
        lock(
            ["torch==2.2.2", "numpy==2.0.0"], facts=MACHINE, python="3.11", indexes=[there.url],
            matrix=matrix({"entries/numpy/ED-2026-9001.toml": NUMPY_ENTRY}),
        )  # fmt: skip
    assert caught.value.exit_status == 1
    assert (
        caught.value.conflict == "torch before 2.3 cannot use NumPy 2; the request says torch==2.2.2 and numpy==2.0.0"
    )
    assert caught.value.authority.startswith("ED-2026-9001")
    assert caught.value.change == "pin numpy<2"


def test_a_fix_outranks_the_era_for_that_package_alone(index: MakeIndex, matrix: MakeMatrix) -> None:
    entry = NUMPY_ENTRY.replace("numpy", "optimum").replace("NumPy", "Optimum")
    entry = entry.replace('{ introduced = "2.0.0" }', '{ fixed = "1.20.0" }').replace('"<2"', '">=1.20.0"')
    optimum = [
        Release("optimum", "1.17.1", "2024-02-18"),
        Release("optimum", "1.20.0", "2024-05-29"),
        Release("optimum", "2.0.0", "2025-10-01"),
    ]
    there = index(
        *TORCH, *NUMPY, *optimum, Release("peft", "0.10.0", "2024-04-01"), Release("peft", "0.18.0", "2026-01-01")
    )
    made = lock(
        ["torch==2.2.2", "optimum", "peft"], facts=MACHINE, python="3.11", indexes=[there.url],
        matrix=matrix({"entries/optimum/ED-2026-9001.toml": entry.replace("optimum-abi", "numpy-abi")}),
    )  # fmt: skip
    assert pins(made)["optimum"] == "1.20.0"
    assert pins(made)["peft"] == "0.10.0"
    assert "let in after the era" in reasons(made, "optimum")


def test_what_a_late_package_fixes_to_one_version_comes_with_it(index: MakeIndex, matrix: MakeMatrix) -> None:
    parts = [
        Release(f"part-{i}", v, day) for i in range(12) for v, day in (("1.0", "2024-01-02"), ("2.0", "2025-01-02"))
    ]
    there = index(
        Release("engine", "1.0", "2024-02-01"), *parts,
        Release("torch", "2.2.2", "2024-01-20", [f"part-{i}==1.0" for i in range(12)]),
        Release("torch", "2.6.0", "2025-01-29", [f"part-{i}==2.0" for i in range(12)]),
    )  # fmt: skip
    made = lock(
        ["engine==1.0", "torch>=2.6"],
        facts=MACHINE,
        python="3.11",
        indexes=[there.url],
        matrix=matrix(),
        era=parse_era("2024-03-01"),
    )
    assert pins(made)["torch"] == "2.6.0"
    assert pins(made)["part-11"] == "2.0"
    assert made.solves == 2


def test_a_torch_that_is_held_back_dates_what_nobody_pinned(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(
        *TORCH, *NUMPY, Release("old-kernels", "1.0", "2024-04-20", ["torch<2.3"]), Release("peft", "0.10.0", "2024-04-01", ["torch"]),
        Release("peft", "0.18.0", "2026-01-01", ["torch"]),
    )  # fmt: skip
    call = {"facts": MACHINE, "python": "3.11", "indexes": [there.url], "matrix": matrix()}
    made = lock(["old-kernels", "peft"], **call)
    assert pins(made) == {"old-kernels": "1.0", "torch": "2.2.2", "peft": "0.10.0", "numpy": "2.0.0"}
    assert "old-kernels 1.0 of 2024-04-20" in made.header.era
    assert pins(lock(["torch", "peft"], **call))["peft"] == "0.18.0"


def test_a_lower_bound_moves_the_era(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(
        Release("awq", "0.2.7", "2024-12-01", ["transformers"]), Release("transformers", "4.47.0", "2024-12-05"),
        Release("transformers", "5.0.0", "2026-01-26"), Release("transformers", "5.20.0", "2026-10-01"),
    )  # fmt: skip
    call = {"facts": MACHINE, "python": "3.11", "indexes": [there.url], "matrix": matrix()}
    assert pins(lock(["awq==0.2.7", "transformers"], **call))["transformers"] == "4.47.0"
    assert pins(lock(["awq==0.2.7", "transformers>=5"], **call))["transformers"] == "5.0.0"


def test_a_release_that_does_not_start_without_what_is_left_out(index: MakeIndex, matrix: MakeMatrix) -> None:
    table = (
        '[[name]]\nname = "pyairports"\nwhy = "it holds something else"\n'
        '[[name.breaks]]\npackage = "vllm"\nversions = ">=0.5.4,<0.6.0"\nwhy = "it imports it"\n'
    )
    there = index(
        Release("vllm", "0.5.4", "2024-08-05", ["pyairports"]), Release("vllm", "0.6.0", "2024-09-05", ["pyairports"]),
        Release("pyairports", "0.0.1", "2025-09-25"),
    )  # fmt: skip
    call = {
        "facts": MACHINE,
        "python": "3.11",
        "indexes": [there.url],
        "matrix": matrix({"tables/left-out-names.toml": table}),
    }
    with pytest.raises(ImpossibleError, match=r"vllm 0\.5\.4 does not start without pyairports"):
        lock(["vllm==0.5.4"], **call)
    assert pins(lock(["vllm<=0.6.0"], **call)) == {"vllm": "0.6.0"}


def test_metadata_that_contradicts_is_refused_with_what_helps(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(
        Release("triton", "3.0.0"), Release("triton", "3.1.0"), Release("lmdeploy", "0.6.5", needs=["torch", "triton==3.0.0"]),
        Release("torch", "2.4.1", needs=["triton==3.0.0"]), Release("torch", "2.5.1", needs=["triton==3.1.0"]),
    )  # fmt: skip
    with pytest.raises(ImpossibleError) as caught:
        lock(["lmdeploy==0.6.5", "torch==2.5.1"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=matrix())
    assert (
        caught.value.conflict == "torch>=2.5.1 needs triton==3.1.0, but every version of lmdeploy needs triton==3.0.0"
    )
    assert caught.value.change == "take torch==2.4.1 in the place of torch==2.5.1"


def test_a_name_that_nobody_has_is_named(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(*NUMPY)
    with pytest.raises(ImpossibleError, match="no index has numpi"):
        lock(["numpi"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=matrix())


def test_a_name_registered_long_after_those_who_need_it_is_never_let_in_by_itself(
    index: MakeIndex, matrix: MakeMatrix
) -> None:
    there = index(
        Release("outlines", "0.0.46", "2024-06-20", ["pyairports"]), Release("pyairports", "0.0.1", "2025-09-25")
    )
    call = {"facts": MACHINE, "python": "3.11", "indexes": [there.url]}
    with pytest.raises(ImpossibleError, match=r"pyairports was first uploaded on 2025-09-25.*re-registered"):
        lock(["outlines==0.0.46"], matrix=matrix(), **call)
    table = '[[name]]\nname = "pyairports"\nwhy = "it holds something else"\n'
    made = lock(["outlines==0.0.46"], matrix=matrix({"tables/left-out-names.toml": table}), **call)
    assert pins(made) == {"outlines": "0.0.46"}
    assert made.header.notes == ("pyairports is left out: it holds something else",)


def test_releases_that_were_all_withdrawn_let_a_later_one_in(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(
        Release("quantizer", "0.4", "2024-12-16", ["backend"]),
        Release("backend", "1.0", "2024-01-01", yanked="for security"),
        Release("backend", "1.1", "2024-10-01", yanked="for security"),
        Release("backend", "2.0", "2025-09-01"),
    )
    made = lock(["quantizer==0.4"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=matrix())
    assert pins(made) == {"quantizer": "0.4", "backend": "2.0"}


def test_a_source_is_taken_only_where_somebody_named_it(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(Release("engine", "1.0", needs=["odd"]), Release("odd", "0.1", source=True))
    call = {"facts": MACHINE, "python": "3.11", "indexes": [there.url]}
    with pytest.raises(ImpossibleError, match="odd exists only as a source"):
        lock(["engine"], matrix=matrix(), **call)
    asked = lock(["engine", "odd"], matrix=matrix(), **call)
    assert pins(asked) == {"engine": "1.0", "odd": "0.1"}
    assert "built from its source" in reasons(asked, "odd")
    vouched = lock(
        ["engine"], matrix=matrix({"tables/source-only.toml": '[[source]]\nname = "odd"\nwhy = "read"\n'}), **call
    )
    assert pins(vouched) == {"engine": "1.0", "odd": "0.1"}


def test_a_vouched_source_does_not_push_those_who_need_it_back_in_time(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(
        Release("engine", "1.0", "2022-01-01"), Release("engine", "7.0", needs=["odd"]), Release("odd", "0.1", source=True)
    )  # fmt: skip
    call = {"facts": MACHINE, "python": "3.11", "indexes": [there.url]}
    table = '[[source]]\nname = "odd"\nnever_a_wheel = true\nwhy = "read"\n'
    made = lock(["engine"], matrix=matrix({"tables/source-only.toml": table}), **call)
    assert pins(made) == {"engine": "7.0", "odd": "0.1"}
    assert "built from its source" in reasons(made, "odd")


def test_a_dependency_that_got_wheels_later_is_dated_by_them(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(
        Release("engine", "1.0", "2024-10-01", ["fire"]), Release("fire", "0.6.0", "2024-03-01", source=True),
        Release("fire", "0.7.1", "2025-08-16"), Release("fire", "0.9.0", "2026-08-16"),
    )  # fmt: skip
    made = lock(["engine==1.0"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=matrix())
    assert pins(made) == {"engine": "1.0", "fire": "0.7.1"}


def test_a_companion_without_a_build_for_this_python_in_the_era_is_dated_by_its_first_one(
    index: MakeIndex, matrix: MakeMatrix
) -> None:
    there = index(
        Release("engine", "4.36.2", "2023-12-18"),
        Release("torch", "2.1.2", "2023-12-14", tag="cp311-cp311-manylinux_2_17_x86_64"),
        Release("torch", "2.2.0", "2024-01-30", ["triton"], tag="cp312-cp312-manylinux_2_17_x86_64"),
        Release("torch", "2.6.0", "2025-01-29", ["triton"], tag="cp312-cp312-manylinux_2_17_x86_64"),
        Release("triton", "2.2.0", "2024-01-10", tag="cp312-cp312-manylinux_2_17_x86_64"),
    )  # fmt: skip
    call = {"facts": MACHINE, "python": "3.12", "indexes": [there.url], "matrix": matrix()}
    assert pins(lock(["engine==4.36.2", "torch"], **call)) == {"engine": "4.36.2", "torch": "2.2.0", "triton": "2.2.0"}
    with pytest.raises(ImpossibleError, match=r"torch"):
        lock(["engine==4.36.2", "torch==2.1.2"], **call)


def test_compiled_for_other_pythons_only_is_impossible_and_its_setup_never_runs(
    index: MakeIndex, matrix: MakeMatrix
) -> None:
    there = index(
        Release("auto-gptq", "0.7.1", tag="cp311-cp311-manylinux_2_17_x86_64"),
        Release("auto-gptq", "0.7.1", source=True),
    )
    with pytest.raises(ImpossibleError, match=r"compiled wheels for Python 3\.11, but none for 3\.12"):
        lock(["auto-gptq"], facts=MACHINE, python="3.12", indexes=[there.url], matrix=matrix())


def test_undeclared_needs_come_in_and_idle_ones_go_out_again(index: MakeIndex, matrix: MakeMatrix) -> None:
    table = '[[need]]\npackage = "triton"\nversions = "<3.3"\nneeds = "setuptools"\nleaf = true\nwhy = "its launcher imports it"\n'
    there = index(
        Release("setuptools", "80.0"), Release("triton", "3.0.0"), Release("triton", "3.8.0"), Release("torch", "2.4.0", needs=["triton==3.0.0"]),
        Release("torch", "2.13.0", needs=["triton==3.8.0"]),
    )  # fmt: skip
    known_needs = matrix({"tables/undeclared-needs.toml": table})
    old = lock(["torch==2.4.0"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=known_needs)
    assert pins(old)["setuptools"] == "80.0"
    assert "needed by triton, which does not say so: its launcher imports it" in reasons(old, "setuptools")
    assert old.solves == 1
    new = lock(["torch==2.13.0"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=known_needs)
    assert "setuptools" not in pins(new)


def _derived(name: str, rows: list[dict[str, object]]) -> str:
    return json.dumps(
        {
            "schema": 1,
            "distribution": name,
            "measured": ["2.2.2", "2.3.0", "2.6.0"],
            "symbols": {},
            "requires": [[]],
            "rows": rows,
        }
    )


def _row(version: str, torch: str) -> dict[str, object]:
    return {
        "version": version, "file": f"k-{version}.whl", "size": 1, "sha256": "0", "uploaded": None, "python": "cp311",
        "requires_python": None, "requires": 0, "floors": {}, "torch": torch, "libraries": [],
    }  # fmt: skip


KERNELS = _derived("autoawq-kernels", [_row("0.0.6", "2.2.2"), _row("0.0.7", "2.3.0..2.6.0")])


def test_torch_follows_the_extension_that_the_request_brings(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(
        *TORCH, *NUMPY, Release("autoawq", "0.2.5", "2024-05-02", ["torch>=2.0.1", "autoawq-kernels"]),
        Release("autoawq-kernels", "0.0.6", "2024-03-01", ["torch>=2.0.1"]), Release("autoawq-kernels", "0.0.7", "2024-07-23", ["torch>=2.0.1"]),
    )  # fmt: skip
    tables = matrix({"derived/autoawq-kernels.json": KERNELS})
    made = lock(["autoawq==0.2.5"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=tables)
    assert (pins(made)["torch"], pins(made)["autoawq-kernels"]) == ("2.2.2", "0.0.6")
    pinned = lock(["autoawq==0.2.5", "torch==2.3.0"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=tables)
    assert (pins(pinned)["torch"], pins(pinned)["autoawq-kernels"]) == ("2.3.0", "0.0.7")
    with pytest.raises(ImpossibleError, match=r"autoawq-kernels 0\.0\.6 loads on torch 2\.2\.2, not on 2\.3\.0"):
        lock(
            ["autoawq-kernels==0.0.6", "torch==2.3.0"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=tables
        )


BUILDS = """rows = [
  { version = "2.3.0", cuda = "12.1", archs = ["7.0", "8.0"] },
  { version = "2.6.0", cuda = "13.0", archs = ["7.5", "8.0"] },
]
"""
DRIVERS = 'majors = [{ cuda = "11", linux = "450.80.02" }, { cuda = "12", linux = "525.60.13" }, { cuda = "13", linux = "580" }]\n'


@pytest.mark.parametrize(
    ("driver", "capability", "torch"),
    [("580.95.05", "8.0", "2.6.0"), ("550.54.14", "8.0", "2.3.0"), ("580.95.05", "7.0", "2.3.0")],
)
def test_driver_and_gpu_choose_the_build(
    index: MakeIndex, matrix: MakeMatrix, driver: str, capability: str, torch: str
) -> None:
    there = index(*TORCH, *NUMPY)
    facts = Facts(
        host=MACHINE.host, driver=Driver(version=known(driver, "t"), platform=known("linux", "t")),
        gpus=known((Gpu(index=0, compute_capability=known(capability, "t")),), "t"),
    )  # fmt: skip
    tables = matrix({"tables/torch-builds.toml": BUILDS, "tables/cuda-driver.toml": DRIVERS})
    made = lock(["torch>=2.3"], facts=facts, python="3.11", indexes=[there.url], matrix=tables)
    assert pins(made)["torch"] == torch
    assert f"NVIDIA driver {driver}" in made.header.machine


def test_a_driver_that_no_allowed_build_runs_on_is_a_proof(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(*TORCH, *NUMPY, Release("vllm", "0.6.3", needs=["torch==2.3.0"]))
    facts = Facts(host=MACHINE.host, driver=Driver(version=known("470.82.01", "t"), platform=known("linux", "t")))
    tables = matrix({"tables/torch-builds.toml": BUILDS, "tables/cuda-driver.toml": DRIVERS})
    with pytest.raises(ImpossibleError) as caught:
        lock(["vllm==0.6.3"], facts=facts, python="3.11", indexes=[there.url], matrix=tables)
    assert "CUDA 12.1, which driver 470.82.01 does not run; the request says vllm==0.6.3" in caught.value.conflict
    assert "525.60.13" in caught.value.authority


def test_a_cuda_build_of_an_extra_index_is_taken(index: MakeIndex, matrix: MakeMatrix) -> None:
    main = index(*NUMPY, Release("torch", "2.6.0", "2025-01-29"))
    extra = index(
        Release("torch", "2.6.0+cu118", "2025-01-29"), Release("torch", "2.6.0+cu126", "2025-01-29"), timeless=True
    )
    facts = Facts(host=MACHINE.host, driver=Driver(version=known("470.82.01", "t"), platform=known("linux", "t")))
    tables = matrix({"tables/cuda-driver.toml": DRIVERS})
    made = lock(["torch==2.6.0"], facts=facts, python="3.11", indexes=[main.url, extra.url], matrix=tables)
    assert pins(made) == {"torch": "2.6.0+cu118"}


def test_an_index_without_upload_times_is_not_bound_by_the_era_and_the_lock_says_so(
    index: MakeIndex, matrix: MakeMatrix
) -> None:
    there = index(*TORCH, *NUMPY, timeless=True)
    made = lock(
        ["torch==2.3.0"],
        facts=MACHINE,
        python="3.11",
        indexes=[there.url],
        matrix=matrix(),
        era=parse_era("2024-05-01"),
    )
    assert pins(made) == {"torch": "2.3.0", "numpy": "2.4.0"}
    assert "not bound by the era" in reasons(made, "numpy")


def test_no_index_is_status_3(matrix: MakeMatrix) -> None:
    with pytest.raises(SolverError) as caught:
        lock(["numpy"], facts=MACHINE, python="3.11", indexes=["http://127.0.0.1:9/simple"], matrix=matrix())
    assert caught.value.exit_status == 3
    assert "network" in (caught.value.advice or "")


def test_credentials_reach_the_index_and_never_the_lock(
    index: MakeIndex, matrix: MakeMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = index(*TORCH, *NUMPY, auth="alice:s3cr3t-token")
    secret = there.url.replace("http://", "http://alice:s3cr3t-token@")
    made = lock(["torch==2.3.0"], facts=MACHINE, python="3.11", indexes=[secret], matrix=matrix())
    monkeypatch.delenv("PIP_CONFIG_FILE")
    monkeypatch.setenv("PIP_INDEX_URL", secret)
    translated = lock(["torch==2.3.0"], facts=MACHINE, python="3.11", matrix=matrix())
    for text in (text_of(m, f) for m in (made, translated) for f in ("requirements", "pylock")):
        assert "s3cr3t" not in text
        assert "alice" not in text
    assert pins(translated) == pins(made)
    with pytest.raises(EnvdoctorError) as caught:
        lock(
            ["torch==2.3.0"],
            facts=MACHINE,
            python="3.11",
            indexes=[secret.replace("s3cr3t", "wr0ng-s3cr3t")],
            matrix=matrix(),
        )
    assert "s3cr3t" not in str(caught.value) + (caught.value.advice or "")


def test_the_same_request_gives_the_same_bytes(index: MakeIndex, matrix: MakeMatrix) -> None:
    there = index(*TORCH, *NUMPY)
    made = [
        lock(["torch==2.2.2"], facts=MACHINE, python="3.11", indexes=[there.url], matrix=matrix()) for _ in range(2)
    ]
    for format_ in ("requirements", "pylock"):
        assert text_of(made[0], format_) == text_of(made[1], format_)


def test_what_was_locked_installs_with_required_hashes(index: MakeIndex, matrix: MakeMatrix, tmp_path: Path) -> None:
    from uv import find_uv_bin

    there = index(*TORCH, *NUMPY)
    made = lock(
        ["torch==2.3.0"], facts=MACHINE, python=f"3.{sys.version_info[1]}", indexes=[there.url], matrix=matrix()
    )
    file = tmp_path / "requirements.txt"
    file.write_text(text_of(made, "requirements"))
    for words in (["venv", "-q", "--python", sys.executable, str(tmp_path / "v")],
                  ["pip", "sync", "-q", "--require-hashes", "--default-index", there.url, "--python", str(tmp_path / "v/bin/python"), str(file)]):  # fmt: skip
        run = subprocess.run([find_uv_bin(), *words], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
    said = subprocess.run(
        [tmp_path / "v/bin/python", "-c", "import torch; print(torch.__version__)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout == "2.3.0\n"


def test_the_budget_is_neither_a_lock_nor_a_proof(index: MakeIndex, matrix: MakeMatrix) -> None:
    from dataclasses import replace

    from envdoctor.resolve.maker import make_lock
    from envdoctor.resolve.request import LockRequest, parse_asked

    there = index(*TORCH, *NUMPY)
    request = LockRequest(
        asked=parse_asked(["torch==2.2.2", "numpy"]), facts=MACHINE, python="3.11", indexes=(there.url,)
    )
    with pytest.raises(BudgetError) as caught:
        make_lock(replace(request, max_solves=1), matrix=matrix({"entries/numpy/ED-2026-9001.toml": NUMPY_ENTRY}))
    assert caught.value.exit_status == 3


def test_an_interrupted_run_leaves_no_child_and_no_file(tmp_path: Path) -> None:
    from envdoctor.resolve.uv import UvRunner

    slow = tmp_path / "uv"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    start = time.monotonic()
    with pytest.raises(SolverError, match="no answer in 0 s"):
        UvRunner(executable=str(slow))(["pip"], timeout_s=0.2)
    assert time.monotonic() - start < 5
