from __future__ import annotations

import pytest

from envdoctor.errors import EnvdoctorError
from envdoctor.ingest import GpuTable
from tests.ingest.test_cases import TABLE

GIB = 1 << 30


@pytest.mark.parametrize(
    ("name", "capability", "gib"),
    [
        ("NVIDIA GeForce RTX 4090", "8.9", 24),
        ("RTX4090", "8.9", 24),
        ("4090", None, None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "8.9", 16),
        ("NVIDIA GeForce RTX 3060 Laptop GPU 6GB", "8.6", 6),
        ("GeForce GTX 1080 Ti", "6.1", 11),
        ("gtx1080ti", "6.1", 11),
        ("NVIDIA GeForce GTX 1080 with Max-Q Design", "6.1", 8),
        ("NVIDIA GeForce GTX 960M", "5.0", None),
        ("NVIDIA GeForce GTX 960", "5.2", None),
        ("NVIDIA A100-SXM4-80GB", "8.0", 80),
        ("NVIDIA A100 80GB PCIe", "8.0", 80),
        ("NVIDIA A100", "8.0", None),
        ("NVIDIA A800-40G", "8.0", 40),
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", "8.0", 20),
        ("NVIDIA H100 80GB HBM3", "9.0", 80),
        ("NVIDIA H100 NVL", "9.0", 94),
        ("NVIDIA GH200 480GB", "9.0", None),
        ("Tesla V100-SXM2-32GB", "7.0", 32),
        ("Tesla T4", "7.5", 16),
        ("Quadro RTX 4000", "7.5", 8),
        ("NVIDIA RTX 4000 Ada Generation", "8.9", 20),
        ("NVIDIA RTX A4000", "8.6", 16),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "12.0", 96),
        ("NVIDIA DGX Spark GB10", "12.1", 128),
        ("NVIDIA Jetson AGX Thor Developer Kit", "11.0", 128),
        ("Jetson Orin Nano Super", "8.7", 8),
        ("NVIDIA Blackwell GPU (sm_120)", "12.0", None),
        ("NVIDIA RTX 6000", None, None),
        ("NVIDIA GeForce", None, None),
        ("NVIDIA GeForce RTX 9990", None, None),
    ],
)
def test_a_name_tells_capability_and_memory(name: str, capability: str | None, gib: int | None) -> None:
    model = TABLE.lookup(name)
    assert (model.compute_capability if model else None) == capability
    assert (model.memory if model else None) == (gib * GIB if gib else None)


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("AMD Instinct MI300X", "amd"),
        ("AMD Radeon RX 7900 XTX", "amd"),
        ("Intel Arc A770", "intel"),
        ("Ascend 910B3", "huawei"),
        ("NVIDIA GeForce RTX 9990", "nvidia"),
        ("Matrox G400", None),
    ],
)
def test_other_makers_are_recorded_and_nothing_is_invented(name: str, vendor: str | None) -> None:
    model = TABLE.lookup(name)
    assert (model.vendor if model else None) == vendor
    assert model is None or model.compute_capability is None


def test_a_damaged_table_is_refused() -> None:
    with pytest.raises(EnvdoctorError, match="GPU table is damaged"):
        GpuTable({"block": [{"gpus": {"rtx 4090": [24]}}]})
