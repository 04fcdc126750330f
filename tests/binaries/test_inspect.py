"""The front door: each check has a file that trips it and one that does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.binaries import SystemLibraries, by_distribution, inspect_extensions
from envdoctor.facts.codec import decode, encode
from envdoctor.facts.extensions import (
    ExtensionFact,
    GpuMatch,
    LibraryKind,
    Loading,
    PythonFit,
    SymbolMeaning,
)

from .conftest import FIXTURES, SITE, Target, fixture_system, module

Inspected = Callable[[str], ExtensionFact]


def test_an_extension_for_this_torch_is_healthy(inspected: Inspected) -> None:
    fact = inspected("for_torch_2_6")
    assert fact.loading is Loading.MODULE
    assert fact.python_fit is PythonFit.MATCH
    assert (fact.missing_symbols, fact.missing_libraries, fact.unmet_versions) == ((), (), ())
    assert fact.built_for_torch == ">=2.3,<2.8"
    assert fact.cxx11_abi is False
    assert fact.needs_torch_first
    assert (fact.distribution, fact.distribution_version) == ("some-kernels", "1.0")


def test_an_extension_for_an_older_torch_misses_symbols(inspected: Inspected) -> None:
    fact = inspected("for_torch_2_2")
    assert [(s.demangled, s.says) for s in fact.missing_symbols] == [
        ("c10::cuda::SetDevice(int)", SymbolMeaning.TORCH_UP_TO_2_2)
    ]
    assert fact.built_for_torch == "<2.3"


def test_an_extension_for_a_newer_torch_misses_symbols_and_the_string_abi(inspected: Inspected) -> None:
    fact = inspected("for_torch_2_8")
    assert {s.says for s in fact.missing_symbols} == {SymbolMeaning.TORCH_FROM_2_8, SymbolMeaning.NEW_CXX_ABI}
    assert fact.built_for_torch == ">=2.8"
    assert fact.cxx11_abi is True


def test_weak_symbols_do_not_count(inspected: Inspected) -> None:
    assert inspected("weak_only").missing_symbols == ()


def test_symbols_of_the_extensions_own_libraries_count_as_found(target: Target) -> None:
    target.add("own", module("brings_its_own"), "bundled/libown.so")
    fact = target.inspect()[module("brings_its_own")]
    assert (fact.missing_symbols, fact.missing_libraries) == ((), ())


def test_a_library_in_the_environment_but_off_the_path_is_not_called_missing(target: Target) -> None:
    target.add("own", module("loses_its_own"), "bundled/libown.so")
    fact = target.inspect()[module("loses_its_own")]
    assert fact.found_elsewhere == ("libown.so",)
    assert fact.missing_libraries == ()


def test_a_library_that_is_nowhere_is_missing(inspected: Inspected) -> None:
    fact = inspected("for_cuda_11")
    (lost,) = fact.missing_libraries
    assert (lost.name, lost.kind, lost.needed_by) == ("libcudart.so.11.0", LibraryKind.CUDA, module("for_cuda_11"))
    assert fact.cuda_major == 11


def test_without_torch_its_libraries_are_missing_and_no_symbol_is_accused(tmp_path: Path) -> None:
    target = Target(site=tmp_path)
    target.add("some-kernels", module("for_torch_2_2"))
    fact = target.inspect(torch=False)[module("for_torch_2_2")]
    assert {lost.name for lost in fact.missing_libraries} == {"libc10.so", "libc10_cuda.so"}
    assert {lost.kind for lost in fact.missing_libraries} == {LibraryKind.TORCH}
    assert fact.missing_symbols == ()


def test_a_plugin_for_an_engine_that_is_not_here_is_only_a_plugin(target: Target) -> None:
    target.add("engines", "engines/libtrt_plugin.so")
    fact = target.inspect()["engines/libtrt_plugin.so"]
    assert fact.loading is Loading.PLUGIN
    assert [(lost.name, lost.kind) for lost in fact.missing_libraries] == [("libnvinfer.so.10", LibraryKind.OPTIONAL)]


def test_an_operator_library_is_told_from_a_plugin(target: Target) -> None:
    target.add("ops", "ops/_C.so")
    assert target.inspect()["ops/_C.so"].loading is Loading.OPERATORS


@pytest.mark.parametrize(
    ("name", "library", "needs", "has"),
    [
        ("new_libstdcxx", "libstdc++.so.6", "GLIBCXX_3.4.32", "GLIBCXX_3.4.25"),
        ("new_glibc", "libc.so.6", "GLIBC_2.38", "GLIBC_2.28"),
    ],
)
def test_a_system_that_is_too_old(inspected: Inspected, name: str, library: str, needs: str, has: str) -> None:
    (unmet,) = inspected(name).unmet_versions
    assert (unmet.library, unmet.version, unmet.has) == (library, needs, has)
    assert unmet.path == str(FIXTURES / "system" / library)


def test_a_system_that_is_new_enough(inspected: Inspected) -> None:
    fact = inspected("old_glibc")
    assert fact.unmet_versions == ()
    assert fact.glibc_needed == "2.2.5"


def test_a_module_for_another_python(target: Target) -> None:
    target.add("other", "other_python.cpython-310-x86_64-linux-gnu.so")
    fact = target.inspect()["other_python.cpython-310-x86_64-linux-gnu.so"]
    assert (fact.loading, fact.python_tag, fact.python_fit) == (Loading.NEVER, "cp310", PythonFit.MISMATCH)


def test_a_module_for_another_python_beside_one_for_this_is_no_fault(target: Target) -> None:
    target.add("both", "other_python.cpython-310-x86_64-linux-gnu.so", "stable.abi3.so")
    facts = target.inspect()
    assert "other_python.cpython-310-x86_64-linux-gnu.so" not in facts
    assert facts["stable.abi3.so"].python_fit is PythonFit.STABLE


def test_a_free_threaded_python_takes_no_abi3(target: Target) -> None:
    target.add("stable", "stable.abi3.so")
    assert target.inspect(python_tag="cp313t")["stable.abi3.so"].python_fit is PythonFit.MISMATCH


def test_variants_of_one_library_are_plugins(target: Target) -> None:
    names = ("addon/libaddon_torch24-cuda.so", "addon/libaddon_torch28-cuda.so", "addon/libsingle.so")
    target.add("addon", empty=names)
    for name in names:
        shutil.copy(SITE / module("for_torch_2_8"), target.site / name)
    facts = target.inspect()
    assert [facts[name].loading for name in names] == [Loading.PLUGIN, Loading.PLUGIN, Loading.OPERATORS]


def test_bitsandbytes_is_judged_by_the_library_that_it_picks(target: Target) -> None:
    names = [f"bitsandbytes/libbitsandbytes_{one}.so" for one in ("cuda118", "cuda124", "rocm62", "cpu")]
    for name in names:
        (target.site / name).parent.mkdir(exist_ok=True)
        shutil.copy(SITE / module("for_cuda_11"), target.site / name)
    target.add("bitsandbytes", empty=(), version="0.46.1")
    (target.site / "bitsandbytes-0.46.1.dist-info/RECORD").write_text("".join(f"{name},,\n" for name in names))
    facts = target.inspect(torch_cuda="12.4")
    assert [path for path in facts if path.startswith("bitsandbytes")] == [names[1]]
    assert facts[names[1]].loading is Loading.SELECTED


def test_a_system_library_before_the_wheels_is_shadowing(target: Target, tmp_path: Path) -> None:
    target.add("some-kernels", module("for_torch_2_6"))
    folder = tmp_path / "cuda/lib64"
    folder.mkdir(parents=True)
    shutil.copy(SITE / "nvidia/cuda_runtime/lib/libcudart.so.12", folder)
    quiet = target.inspect(system=fixture_system(library_path=(str(folder),)))
    # torch has an RPATH: LD_LIBRARY_PATH comes after it
    assert quiet[module("for_torch_2_6")].shadowed_libraries == ()
    (target.site / "torch/lib/libtorch_global_deps.so").unlink()
    for file in ("libc10_cuda.so", "libc10.so"):
        (target.site / "torch/lib" / file).unlink()
    shutil.copy(SITE / "torch/lib/libc10.so", target.site / "torch/lib")
    no_rpath = (
        (SITE / "torch/lib/libc10_cuda.so").read_bytes().replace(b"$ORIGIN/../../nvidia", b"$ORIGIN/../../nowhere"[:20])
    )
    (target.site / "torch/lib/libc10_cuda.so").write_bytes(no_rpath)
    (shadow,) = target.inspect(system=fixture_system(library_path=(str(folder),)))[
        module("for_torch_2_6")
    ].shadowed_libraries
    assert (shadow.name, shadow.used) == ("libcudart.so.12", f"{folder}/libcudart.so.12")
    assert shadow.hidden == "nvidia/cuda_runtime/lib/libcudart.so.12"


def test_gpu_code_is_judged_for_each_gpu(target: Target) -> None:
    target.add("kernels", module("gpu_wide"), module("gpu_partial"), module("gpu_hopper"), module("gpu_ptx"))
    facts = target.inspect(gpus=["8.0", "8.9", "9.0", "12.0", "7.5", "8.9"], driver_cuda="12.4")

    def verdicts(name: str) -> dict[str, str]:
        return {v.capability: v.match.value for v in facts[module(name)].gpu_verdicts}

    assert verdicts("gpu_wide") == {"8.0": "ptx", "8.9": "native", "9.0": "partial", "12.0": "partial", "7.5": "native"}
    assert verdicts("gpu_partial") == {
        "8.0": "native",
        "8.9": "native",
        "9.0": "none",
        "12.0": "none",
        "7.5": "partial",
    }
    assert verdicts("gpu_hopper") == {"8.0": "none", "8.9": "none", "9.0": "native", "12.0": "none", "7.5": "none"}
    assert verdicts("gpu_ptx") == {"8.0": "ptx", "8.9": "ptx", "9.0": "ptx", "12.0": "ptx", "7.5": "none"}


def test_a_distribution_has_no_kernel_image_only_where_no_file_of_it_fits(target: Target) -> None:
    target.add("wide-kernels", module("gpu_wide"), module("gpu_hopper"))
    target.add("narrow-kernels", module("gpu_partial"))
    facts = target.inspect(gpus=["9.0", "12.0"]).values()
    matches = {(d.distribution, d.capability): d.match for d in by_distribution(facts)}
    assert matches["narrow-kernels", "12.0"] is GpuMatch.NONE
    assert matches["wide-kernels", "9.0"] is not GpuMatch.NONE


def test_a_distribution_of_extras_for_one_chip_is_not_accused_elsewhere(target: Target) -> None:
    target.add("hopper-extras", module("gpu_hopper"))
    assert by_distribution(target.inspect(gpus=["8.9"]).values()) == ()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", "empty file"),
        (lambda data: b"!<arch>\n" + data[8:], "not an ELF file"),
        (lambda data: data[:40], "truncated"),
        (lambda data: data[:600], "truncated"),
        (lambda data: data[:5] + b"\x02" + data[6:], "big-endian"),
        (lambda data: data[:4] + b"\x01" + data[5:], "32-bit"),
        (lambda data: data[:18] + b"\xb7\x00" + data[20:], "built for aarch64"),
        (lambda data: data[:56] + b"\xff\xff" + data[58:], "implausible program headers"),
    ],
)
def test_damaged_files_are_said_to_be_unreadable(target: Target, damage: Callable[[bytes], bytes], reason: str) -> None:
    data = (SITE / module("for_torch_2_6")).read_bytes()
    target.add("broken", empty=(module("broken"),))
    (target.site / module("broken")).write_bytes(damage(data))
    fact = target.inspect()[module("broken")]
    assert fact.unreadable is not None
    assert reason in fact.unreadable
    assert fact.loading is Loading.MODULE


def test_a_file_whose_section_headers_are_stripped_is_still_judged(target: Target) -> None:
    data = bytearray((SITE / module("for_torch_2_2")).read_bytes())
    data[40:48] = bytes(8)  # e_shoff
    data[58:64] = bytes(6)  # e_shentsize, e_shnum, e_shstrndx
    target.add("stripped", empty=(module("stripped"),))
    (target.site / module("stripped")).write_bytes(data)
    fact = target.inspect(gpus=["8.9"])[module("stripped")]
    assert [s.says for s in fact.missing_symbols] == [SymbolMeaning.TORCH_UP_TO_2_2]
    assert fact.gpu_verdicts == ()
    assert fact.gpu_unreadable is not None


def test_copies_of_nvidias_libraries_say_nothing_about_the_package_around_them(target: Target) -> None:
    target.add("kernels", module("gpu_partial"), empty=("kernels/libcusparseLt-f80c68d1.so.0",))
    shutil.copy(SITE / module("gpu_ptx"), target.site / "kernels/libcusparseLt-f80c68d1.so.0")
    facts = target.inspect(gpus=["12.0"], driver_cuda="13.0")
    assert "kernels/libcusparseLt-f80c68d1.so.0" not in facts
    assert [found.match for found in by_distribution(facts.values())] == [GpuMatch.NONE]


def test_nvidias_own_files_and_torch_itself_are_quiet(target: Target) -> None:
    facts = target.inspect(gpus=["8.9"])
    assert not [path for path in facts if path.startswith("nvidia/")]
    for fact in facts.values():
        assert (fact.missing_symbols, fact.missing_libraries, fact.unmet_versions) == ((), (), ())


def test_facts_round_trip_through_json(target: Target) -> None:
    target.add("kernels", module("gpu_wide"), module("for_torch_2_2"), module("for_cuda_11"), module("new_glibc"))
    for fact in target.inspect(gpus=["8.9", "12.0"], driver_cuda="12.4").values():
        assert decode(ExtensionFact, encode(fact)) == fact


def test_an_empty_or_absent_environment_has_no_extensions(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        found = inspect_extensions(
            site_packages=[folder],
            torch_dir=None,
            python_tag="cp311",
            gpu_capabilities=["8.9"],
            driver_cuda=None,
            system=SystemLibraries(),
        )
        assert found == ()


def test_a_record_cannot_lead_out_of_its_folder(target: Target, tmp_path: Path) -> None:
    shutil.copy(SITE / module("for_torch_2_2"), tmp_path / "outside.so")
    target.add("sly", empty=())
    (target.site / "sly-1.0.dist-info/RECORD").write_text("../outside.so,,\n/etc/passwd.so,,\n")
    assert not [path for path in target.inspect() if "outside" in path]
