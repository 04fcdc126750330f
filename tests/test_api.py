"""The Python API: five functions, loaded when they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import envdoctor


def test_importing_loads_nothing_heavy():
    program = "import sys, envdoctor; print(sorted(m for m in sys.modules if m.startswith('envdoctor')))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "['envdoctor', 'envdoctor.version']"


def test_the_functions_keep_their_names_whatever_was_imported_before():
    program = (
        "import envdoctor, envdoctor.probe.live, envdoctor.diagnose.match, envdoctor.smoke, envdoctor.ticket\n"
        "facts = envdoctor.probe()\n"
        "print(envdoctor.diagnose(facts).coverage is not None, envdoctor.smoke.__name__, envdoctor.ticket.__module__)\n"
        "from envdoctor.diagnose import Finding\n"
        "print(envdoctor.diagnose.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["True smoke envdoctor.api", "envdoctor.api"], done.stderr


def test_a_pasted_text_is_diagnosed():
    found = envdoctor.diagnose("torch==2.2.1\nnumpy==2.0.0\n").findings
    assert [f.id for f in found if f.verdict == "match"] == ["EC-numpy-2"]


def test_this_machine_can_be_probed_and_put_into_a_ticket(tmp_path: Path):
    written = envdoctor.ticket(envdoctor.probe(), tmp_path / "t.zip")
    assert written.read_bytes()[:2] == b"PK"


def test_there_is_nothing_else():
    with pytest.raises(AttributeError):
        envdoctor.cure  # noqa: B018
    assert sorted(envdoctor.__all__) == ["__version__", "diagnose", "lock", "probe", "smoke", "ticket"]
