"""Facts about compiled extensions become findings with texts, reasons and pins (verdicts: cases in matrix/checks)."""

from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.diagnose import diagnose
from envdoctor.diagnose.finding import Finding
from envdoctor.facts import Distribution, Distributions, Facts, known
from envdoctor.facts.extensions import (
    CodeKind,
    ExtensionFact,
    GpuCode,
    GpuContainer,
    GpuMatch,
    GpuVerdict,
    Loading,
    MissingSymbol,
    SymbolMeaning,
)
from envdoctor.knowledge import Matrix, matrix_from

MATRIX = Path(__file__).parents[2] / "matrix"


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return matrix_from(MATRIX)


def findings(matrix: Matrix, *extensions: ExtensionFact, torch: str = "2.4.1") -> dict[str, Finding]:
    installed = (Distribution(name="torch", version=torch, source="test"),)
    facts = Facts(distributions=Distributions(installed=installed), extensions=known(extensions, "site-packages"))
    return {one.id: one for one in diagnose(facts, matrix).findings if one.id.startswith("EC-")}


def extension(path: str, owner: str | None, **more: object) -> ExtensionFact:
    version = "1.0" if owner else None
    return ExtensionFact(
        path=path, distribution=owner, distribution_version=version, **{"loading": Loading.MODULE, **more}
    )  # type: ignore[arg-type]


OLD = MissingSymbol(
    mangled="_ZN3c104cuda9SetDeviceEi", demangled="c10::cuda::SetDevice(int)", says=SymbolMeaning.TORCH_UP_TO_2_2
)


def test_files_of_one_distribution_are_one_finding_with_the_torch_that_fits(matrix: Matrix) -> None:
    files = [extension(f"{name}.so", "some-kernels", missing_symbols=(OLD,)) for name in "abcd"]
    found = findings(matrix, *files)
    assert set(found) == {"EC-extension-abi"}
    one = found["EC-extension-abi"]
    assert one.verdict == "match"
    assert "some-kernels 1.0 was built" in one.title.en
    assert "c10::cuda::SetDevice(int)" in one.title.zh
    assert [reason.source for reason in one.because] == ["a.so", "b.so", "c.so"]
    assert {"torch": "<2.3"} in [dict(option.pins) for option in one.options]
    assert "{" not in one.explanation.en.replace("{package}", "")


def test_a_file_without_owner_is_named_by_its_path(matrix: Matrix) -> None:
    one = findings(matrix, extension("built/here.so", None, missing_symbols=(OLD,)))["EC-extension-abi"]
    assert one.title.en.startswith("built/here.so was built")
    assert one.packages == ("torch",)


def test_an_optional_extension_only_degrades(matrix: Matrix) -> None:
    one = findings(matrix, extension("torchao/_C.abi3.so", "torchao", missing_symbols=(OLD,)))["EC-extension-abi"]
    assert one.effect == "degrades"
    assert one.severity == "warning"


def test_no_kernel_image_names_the_targets_that_are_there(matrix: Matrix) -> None:
    code = (GpuCode(kind=CodeKind.SASS, sm=75), GpuCode(kind=CodeKind.PTX, sm=80, ptx_isa="8.4"))
    fact = extension(
        "k.so",
        "some-kernels",
        gpu_code=(GpuContainer(code=code, count=3),),
        gpu_verdicts=(GpuVerdict(capability="12.0", match=GpuMatch.NONE),),
    )
    one = findings(matrix, fact)["EC-extension-gpu"]
    assert one.cause == "no-kernel-image"
    assert "sm_75, compute_80" in one.explanation.en
    assert "12.0" in one.title.en


def test_healthy_extensions_give_nothing(matrix: Matrix) -> None:
    assert findings(matrix, extension("k.so", "some-kernels", links_torch=True)) == {}
    assert findings(matrix) == {}
