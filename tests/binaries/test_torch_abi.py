"""What torch symbols mean, on names out of published wheels."""

from __future__ import annotations

import pytest

from envdoctor.binaries.torch_abi import built_for, cxx11_abi, demangle, is_torch_symbol, meaning_of, missing_symbols
from envdoctor.facts.extensions import SymbolMeaning

OLD_FAIL = "_ZN3c106detail23torchInternalAssertFailEPKcS2_jS2_RKSs"
NEW_CTOR = "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_ZN3c104cuda9SetDeviceEi", "torch<2.3"),
        ("_ZN3c104cuda14ExchangeDeviceEi", "torch<2.3"),
        ("_ZN3c104cuda9SetDeviceEa", "torch>=2.3,<2.8"),
        ("_ZN3c104cuda9SetDeviceEab", "torch>=2.8"),
        (OLD_FAIL, "old-libstdcxx-abi"),
        ("_ZN3c106detail14torchCheckFailEPKcS2_jRKSs", "old-libstdcxx-abi"),
        (NEW_CTOR, "new-libstdcxx-abi"),
        ("_ZN3c1021throwNullDataPtrErrorEv", "unknown"),
    ],
)
def test_the_meaning_of_a_missing_symbol(name: str, expected: str) -> None:
    assert meaning_of(name).value == expected


def test_built_for_and_string_abi() -> None:
    assert built_for(["_ZN3c104cuda9SetDeviceEa", "printf"]) == ">=2.3,<2.8"
    assert built_for(["_ZN3c104cuda14ExchangeDeviceEa"]) == ">=2.3"
    assert built_for(["printf"]) is None
    assert cxx11_abi([OLD_FAIL]) is False
    assert cxx11_abi([OLD_FAIL, NEW_CTOR]) is True
    assert cxx11_abi(["_ZN3c104cuda9SetDeviceEa", "_ZNSsC1ERKSs"]) is None  # std's own, not torch's


@pytest.mark.parametrize(
    ("name", "torch"),
    [
        ("_ZN3c104cuda9SetDeviceEa", True),
        ("_ZNK2at10TensorBase8data_ptrIfEEPT_v", True),
        ("_ZN5torch8autograd4NodeD2Ev", True),
        ("_ZTIN3c105ErrorE", True),
        ("_Z16THPVariable_WrapN2at10TensorBaseE", True),
        ("aoti_torch_empty_strided", True),
        ("PyObject_Call", False),
        ("cudaLaunchKernel", False),
        ("_ZNSt6vectorIiSaIiEE9push_backERKi", False),
        ("_ZN12format2atomsE", False),
        ("_ZTVN5torch3jit6ModuleE", True),
        ("_ZGVN3c104impl1xE", True),
        ("_ZThn16_N5torch8autograd4NodeD0Ev", True),
        ("_ZN8facebook10torchcodec12TensorReadIOC1EN5torch6stable6TensorE", False),
        ("_ZNSt6vectorIN2at6TensorESaIS1_EED1Ev", False),
    ],
)
def test_which_symbols_are_torchs(name: str, torch: bool) -> None:
    assert is_torch_symbol(name) is torch


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_ZN3c104cuda9SetDeviceEab", "c10::cuda::SetDevice(signed char, bool)"),
        ("_ZN3c105ErrorD1Ev", "c10::Error::~Error()"),
        (
            OLD_FAIL,
            "c10::detail::torchInternalAssertFail(char const*, char const*, unsigned int, char const*, std::string const&)",
        ),
        ("cudaMalloc", "cudaMalloc"),
        ("_Z", "_Z"),
        ("_ZN", "_ZN"),
        ("_ZN3c1", "_ZN3c1"),
        ("_Z" + "N3c10" * 5000, "_Z" + "N3c10" * 5000),
        ("_Z1f" + "P" * 3000 + "v", "_Z1f" + "P" * 3000 + "v"),
        ("_ZN99999999999999999999c10E", "_ZN99999999999999999999c10E"),
    ],
)
def test_demangling(name: str, expected: str) -> None:
    assert demangle(name) == expected


def test_symbols_with_a_meaning_come_first() -> None:
    found = missing_symbols(["_ZN3c1021throwNullDataPtrErrorEv", "_ZN3c104cuda9SetDeviceEi"])
    assert [one.says for one in found] == [SymbolMeaning.TORCH_UP_TO_2_2, SymbolMeaning.UNKNOWN]
