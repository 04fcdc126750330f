from __future__ import annotations

import io
from pathlib import Path

import pytest

from envdoctor.errors import EnvdoctorError
from envdoctor.workshop.derive.exports import defined_symbols
from envdoctor.workshop.derive.reading import read_wheel, speaks_of_torch

from .served import FIXTURES, torch_wheel, wheel


def test_an_extension_wheel(tmp_path: Path) -> None:
    content = wheel(
        "ext",
        "1.0",
        {
            "ext.cpython-310-x86_64-linux-gnu.so": "ext-old.so",
            "ext/broken.so": b"\x7fELF\x02\x01",
            "ext.libs/libpng.so.16": "plain.so",
            "ext/code.py": b"import torch",
        },
        requires=("torch >=2.0", 'pytest ; extra == "dev"'),
    )
    reading = read_wheel(io.BytesIO(content), spare=tmp_path)
    assert reading.requires_dist == ("torch >=2.0", 'pytest ; extra == "dev"')
    assert reading.requires_python == ">=3.8"
    broken, good = sorted(reading.libraries, key=lambda library: library.problem is None)
    assert [library.path for library in reading.libraries] == ["ext.cpython-310-x86_64-linux-gnu.so", "ext/broken.so"]
    assert broken.problem == "truncated: shorter than an ELF header"
    # The weak `_ZN3c106nobodyEv` is left out: the loader leaves it null.
    assert good.imports == ("_ZN3c104cuda9SetDeviceEi", "_ZN3c105errorEv")
    assert good.needed == ("libc10.so", "libcudart.so.12")
    assert good.gpu == {"sm_80": 1, "compute_80": 1}
    assert good.containers == 1
    assert list(tmp_path.iterdir()) == []


def test_a_torch_wheel_gives_its_exports_and_cuda_version(tmp_path: Path) -> None:
    reading = read_wheel(io.BytesIO(torch_wheel("2.3.1", "libc10-new.so", "12.1")), spare=tmp_path)
    assert reading.cuda_version == "12.1"
    assert [library.path for library in reading.libraries] == ["torch/lib/libc10.so"]
    assert reading.libraries[0].exports == ("_ZN3c104cuda3newEv", "_ZN3c104cuda9SetDeviceEa", "_ZN3c105errorEv")


@pytest.mark.parametrize("form", ["cuda = '12.4'", "cuda: Optional[str] = '12.4'"])
def test_both_forms_of_version_py(tmp_path: Path, form: str) -> None:
    content = wheel("torch", "2", {"torch/version.py": f"debug = False\n{form}\nhip: Optional[str] = None\n".encode()})
    assert read_wheel(io.BytesIO(content), spare=tmp_path).cuda_version == "12.4"


def test_what_is_no_wheel_is_said(tmp_path: Path) -> None:
    with pytest.raises(EnvdoctorError, match="not a readable wheel"):
        read_wheel(io.BytesIO(b"<html>"), spare=tmp_path)
    with pytest.raises(EnvdoctorError, match="no METADATA"):
        read_wheel(io.BytesIO(wheel("x", "1", {}).replace(b"METADATA", b"METADATB")), spare=tmp_path)


def test_a_damaged_member_is_said(tmp_path: Path) -> None:
    content = bytearray(wheel("ext", "1", {"ext.so": "ext-new.so"}, stored=True))
    content[2000] ^= 0xFF  # inside the stored library: its checksum no longer holds
    with pytest.raises(EnvdoctorError, match="CRC"):
        read_wheel(io.BytesIO(bytes(content)), spare=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "symbol",
    [
        "_ZN3c104cuda9SetDeviceEa",
        "_ZNK2at10TensorBase8data_ptrIfEEPT_v",
        "_ZNR5torch7Library5_implEPKcONS_11CppFunctionENS_17_RegisterOrVerifyE",
        "_ZTIN5torch8autograd4NodeE",
        "_ZlsRSoRKN3c106DeviceE",
        "_Z16THPVariable_WrapRKN2at10TensorBaseE",
        "THPVariableClass",
        "aoti_torch_empty_strided",
        "torch_library_impl",
    ],
)
def test_symbols_of_torch(symbol: str) -> None:
    assert speaks_of_torch(symbol)


@pytest.mark.parametrize(
    "symbol",
    ["PyList_New", "cudaGetDevice", "_ZNSt6vectorIiSaIiEE4backEv", "_ZN12atomic_thing3runEv", "_ZNKSt6vectorIiE2atEm"],
)
def test_symbols_of_others(symbol: str) -> None:
    assert not speaks_of_torch(symbol)


def test_defined_symbols_leaves_out_what_is_undefined() -> None:
    assert defined_symbols(FIXTURES / "ext-pair.so") == {"PyInit_pair"}
    assert defined_symbols(FIXTURES / "plain.so") == {"PyInit_plain"}
