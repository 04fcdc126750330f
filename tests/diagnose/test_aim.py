"""Commands that can be pasted reach the environment that was diagnosed."""

from __future__ import annotations

import pytest

from envdoctor.diagnose.aim import aimed
from envdoctor.facts import Target, known

BOTH = {"uv": "uv pip install 'numpy<2'", "pip": "python -m pip install 'numpy<2'"}


def target(path: str, source: str, *, pip: bool = True, kind: str = "venv") -> Target:
    return Target(executable=known(path, source), has_pip=known(pip, path), kind=known(kind, path))


def test_a_target_that_is_not_active_is_named():
    found = aimed(BOTH, target("/srv/my env/bin/python", "--python"))
    assert found["pip"] == "'/srv/my env/bin/python' -m pip install 'numpy<2'"
    assert found["uv"] == "uv pip install -p '/srv/my env/bin/python' 'numpy<2'"
    several = {"shell": "pip uninstall -y triton && pip install torch; python -c 1"}
    assert aimed(several, target("/e/bin/python", "./.venv"))["shell"] == (
        "/e/bin/python -m pip uninstall -y triton && /e/bin/python -m pip install torch; python -c 1"
    )


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/env/bin/python", "VIRTUAL_ENV"),
        ("/env/bin/python", "CONDA_PREFIX"),
        ("/usr/bin/python3", "line 12"),
        ("<home-1>/env/bin/python", "--python"),
        ("/env\n/bin/python", "--python"),
    ],
)
def test_what_is_active_or_not_here_keeps_the_plain_command(path: str, source: str):
    assert dict(aimed(BOTH, target(path, source))) == BOTH


def test_the_command_that_works_there_comes_first():
    assert list(aimed(BOTH, target("/e/bin/python", "VIRTUAL_ENV"))) == ["pip", "uv"]
    assert list(aimed(BOTH, target("/e/bin/python", "VIRTUAL_ENV", kind="uv"))) == ["uv", "pip"]
    assert list(aimed(BOTH, target("/e/bin/python", "VIRTUAL_ENV", pip=False))) == ["uv"]
    assert list(aimed(BOTH, Target())) == ["uv", "pip"]


def test_a_target_without_pip_is_served_by_uv():
    without = target("/e/bin/python", "--python", pip=False)
    said = aimed({"shell": "pip uninstall -y triton && pip install torch"}, without)["shell"]
    assert said == "uv pip uninstall -p /e/bin/python -y triton && uv pip install -p /e/bin/python torch"
