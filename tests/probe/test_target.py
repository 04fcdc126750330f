"""Targets made by hand, in every state that users bring them in; and real interpreters where the machine has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envdoctor.errors import UsageError
from envdoctor.facts import Facts, value_of
from envdoctor.probe import probe

from .replay import reason, value

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def add(site: Path, name: str, version: str, *requires: str, folder: str | None = None) -> Path:
    """Install the metadata of a distribution."""
    info = site / (folder or f"{name}-{version}.dist-info")
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {text}" for text in requires]
    (info / "METADATA").write_text("\n".join([*lines, "", "A description", "Name: not-a-header"]) + "\n")
    (info / "INSTALLER").write_text("pip\n")
    return info


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A virtual environment without pip: a link to this interpreter, pyvenv.cfg, site-packages."""
    return make_venv(tmp_path / "env")


def make_venv(folder: Path, extra: str = "") -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(Path(sys.executable).resolve())
    home = Path(sys.executable).resolve().parent
    (folder / "pyvenv.cfg").write_text(
        f"home = {home}\nversion = {MINOR}.0\ninclude-system-site-packages = false\n{extra}"
    )
    site_of(folder).mkdir(parents=True)
    return folder


def site_of(folder: Path) -> Path:
    return folder / f"lib/python{MINOR}/site-packages"


def look(python: Path | str | None, cwd: Path | None = None, **environ: str) -> Facts:
    return probe(python=python, environ={"PATH": "", "HOME": "/nonexistent", **environ}, cwd=cwd or "/")


def names(facts: Facts) -> list[str]:
    return [item.name for item in facts.distributions.installed]


def test_environment_without_pip(venv: Path) -> None:
    add(site_of(venv), "Flash_Attn", "2.6.3")
    facts = look(venv / "bin/python")
    assert value(facts.target.python) == ".".join(map(str, sys.version_info[:3]))
    assert value(facts.target.prefix) == str(venv)
    assert value(facts.target.kind) == "venv"
    assert value(facts.target.has_pip) is False
    assert value(facts.target.abi_tag) == f"cp{MINOR.replace('.', '')}"
    assert value(facts.target.site_packages) == (str(site_of(venv)),)
    assert value(facts.target.externally_managed) is False
    assert value(facts.distributions.complete) is True
    (found,) = facts.distributions.installed
    assert (found.name, found.version, found.installer) == ("flash-attn", "2.6.3", "pip")
    assert reason(facts.torch.version) == "torch is not installed in the target"


def test_folder_of_the_environment_means_its_interpreter(venv: Path) -> None:
    assert value(look(venv).target.executable) == str(venv / "bin/python")
    assert value(look("env", cwd=venv.parent).target.executable) == str(venv / "bin/python")


@pytest.mark.parametrize(("key", "kind"), [("uv = 0.9.1", "uv"), ("virtualenv = 20.26.0", "virtualenv"), ("", "venv")])
def test_who_made_it(tmp_path: Path, key: str, kind: str) -> None:
    assert value(look(make_venv(tmp_path / "env", key)).target.kind) == kind


class TestChoice:
    def test_active_environment_then_the_one_here(self, venv: Path, tmp_path: Path) -> None:
        here = make_venv(tmp_path / "project/.venv")
        assert value(look(None, tmp_path / "project", VIRTUAL_ENV=str(venv)).target.prefix) == str(venv)
        assert value(look(None, tmp_path / "project").target.prefix) == str(here)

    def test_conda_base_says_less_than_the_environment_here(self, tmp_path: Path) -> None:
        here, conda = make_venv(tmp_path / "project/.venv"), make_conda(tmp_path / "conda")
        environ = {"CONDA_PREFIX": str(conda)}
        assert value(look(None, here.parent, CONDA_DEFAULT_ENV="base", **environ).target.prefix) == str(here)
        assert value(look(None, here.parent, CONDA_DEFAULT_ENV="llm", **environ).target.prefix) == str(conda)
        assert value(look(None, tmp_path, CONDA_DEFAULT_ENV="base", **environ).target.prefix) == str(conda)

    def test_stale_variable_is_passed_over(self, venv: Path, tmp_path: Path) -> None:
        facts = look(None, tmp_path, VIRTUAL_ENV=str(tmp_path / "deleted"))
        assert value(facts.target.executable) == sys.executable

    def test_name_on_path(self, venv: Path) -> None:
        facts = look("python", PATH=str(venv / "bin"))
        assert value(facts.target.executable) == str(venv / "bin/python")

    @pytest.mark.parametrize(
        ("python", "says"),
        [
            ("/nowhere/at/all", "no such path"),
            ("/bin/ls", "not a Python interpreter"),
            ("/proc", "holds no Python environment"),
            ("nonexistent-python", "no such path"),
        ],
    )
    def test_wrong_calls_are_refused(self, python: str, says: str) -> None:
        with pytest.raises(UsageError, match=says) as refusal:
            look(python)
        assert "\n" not in str(refusal.value)
        assert refusal.value.advice

    def test_a_program_that_only_claims_to_be_python(self, tmp_path: Path) -> None:
        liar = tmp_path / "python3"
        liar.write_text("#!/bin/sh\necho hello\n")
        liar.chmod(0o755)
        with pytest.raises(UsageError, match=r"no Python 3\.4 or newer: hello"):
            look(liar)

    def test_a_file_that_may_not_be_executed(self, tmp_path: Path) -> None:
        (tmp_path / "python3").write_text("")
        with pytest.raises(UsageError, match="may not be executed"):
            look(tmp_path / "python3")


class TestGoneInterpreter:
    @pytest.fixture
    def gone(self, venv: Path) -> Path:
        add(site_of(venv), "torch", "2.3.1", "missing-thing")
        (venv / "bin/python").unlink()
        (venv / "bin/python").symlink_to("/opt/python-that-was-removed/bin/python3")
        return venv

    @pytest.mark.parametrize("given", ["", "bin/python"])
    def test_it_is_facts_and_the_packages_are_still_read(self, gone: Path, given: str) -> None:
        facts = look(gone / given)
        assert "the interpreter is gone" in reason(facts.target.abi_tag)
        assert "/opt/python-that-was-removed" in reason(facts.target.implementation)
        assert value(facts.target.python) == f"{MINOR}.0"  # as pyvenv.cfg states it
        assert facts.target.python.source == str(gone / "pyvenv.cfg")
        assert names(facts) == ["torch"]
        assert value(facts.distributions.complete) is True
        assert facts.distributions.unmet == ()  # markers cannot be judged: nothing is claimed

    def test_active(self, gone: Path, tmp_path: Path) -> None:
        assert names(look(None, tmp_path, VIRTUAL_ENV=str(gone))) == ["torch"]

    def test_interpreter_that_fails(self, venv: Path) -> None:
        add(site_of(venv), "torch", "2.3.1")
        (venv / "bin/python").unlink()
        (venv / "bin/python").write_text("#!/bin/sh\necho 'error while loading shared libraries' >&2\nexit 127\n")
        (venv / "bin/python").chmod(0o755)
        facts = look(venv)
        assert "error while loading shared libraries" in reason(facts.target.abi_tag)
        assert names(facts) == ["torch"]

    def test_interpreter_that_hangs(self, venv: Path) -> None:
        add(site_of(venv), "torch", "2.3.1")
        (venv / "bin/python").unlink()
        (venv / "bin/python").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
        (venv / "bin/python").chmod(0o755)
        facts = probe(python=venv, environ={}, cwd="/", deadline_s=0.5)
        assert "does not answer" in reason(facts.target.abi_tag)
        assert names(facts) == ["torch"]


def make_conda(folder: Path) -> Path:
    """A prefix as conda makes it: everything in one folder, and a record of each package."""
    (folder / "conda-meta").mkdir(parents=True)
    (folder / "conda-meta/history").write_text("")
    (folder / "bin").mkdir()
    script = folder / "bin/python"
    answer = Path(__file__).parent.parent.parent / "envdoctor/probe/target/inside.py"
    script.write_text(
        f"#!/bin/sh\nexec {sys.executable} -I -S -c '\n"
        f'import sys; sys.prefix = sys.base_prefix = sys.exec_prefix = sys.base_exec_prefix = "{folder}"\n'
        # conda's Python keeps the plain layout; a distribution that runs these tests may have changed its own
        f'import site; site.getsitepackages = lambda _: ["{site_of(folder)}"]\n'
        f'exec(compile(open("{answer}").read(), "inside", "exec"))\'\n'
    )
    script.chmod(0o755)
    site_of(folder).mkdir(parents=True)
    return folder


def test_conda_prefix(tmp_path: Path) -> None:
    conda = make_conda(tmp_path / "conda")
    info = add(site_of(conda), "numpy", "1.26.4")
    (info / "INSTALLER").write_text("conda")
    egg = site_of(conda) / "torch-2.3.0-py3.11.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.3.0\n")
    facts = look(conda)
    assert value(facts.target.kind) == "conda"
    assert value(facts.target.prefix) == str(conda)
    assert [(d.name, d.version, d.installer) for d in facts.distributions.installed] == [
        ("numpy", "1.26.4", "conda"), ("torch", "2.3.0", None),
    ]  # fmt: skip


class TestSearchPath:
    def test_user_site_leaks_into_conda_but_not_into_a_venv(self, tmp_path: Path, venv: Path) -> None:
        conda = make_conda(tmp_path / "conda")
        add(site_of(conda), "numpy", "1.26.4")
        user = tmp_path / f"home/.local/lib/python{MINOR}/site-packages"
        add(user, "numpy", "2.1.0")
        add(user, "torch", "2.0.0")
        facts = look(conda, HOME=str(tmp_path / "home"))
        assert value(facts.target.user_site_leaks) == ("numpy", "torch")
        numpy = facts.distributions.installed[0]
        assert (numpy.version, numpy.duplicates) == ("2.1.0", ("1.26.4",))  # the user site comes first
        assert value(look(conda, HOME=str(tmp_path / "home"), PYTHONNOUSERSITE="1").target.user_site_leaks) == ()
        assert value(look(venv, HOME=str(tmp_path / "home")).target.user_site_leaks) == ()

    def test_pythonpath_comes_first(self, venv: Path, tmp_path: Path) -> None:
        add(site_of(venv), "transformers", "4.44.0")
        add(tmp_path / "extra", "transformers", "4.30.0")
        facts = look(venv, tmp_path, PYTHONPATH="extra:/nowhere")
        assert value(facts.target.pythonpath) == ("extra", "/nowhere")
        assert [(d.version, d.duplicates) for d in facts.distributions.installed] == [("4.30.0", ("4.44.0",))]

    def test_pth_files_are_read_and_never_run(self, venv: Path, tmp_path: Path) -> None:
        add(tmp_path / "linked", "vllm", "0.6.0")
        mark = tmp_path / "ran"
        (site_of(venv) / "a.pth").write_text(
            f"# comment\nimport os; open({str(mark)!r}, 'w')\n{tmp_path}/linked\n/nowhere\n"
        )
        assert names(look(venv)) == ["vllm"]
        assert not mark.exists()

    def test_sitecustomize_of_the_target_is_not_run(self, venv: Path, tmp_path: Path) -> None:
        (site_of(venv) / "sitecustomize.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
        value(look(venv).target.python)
        assert not (tmp_path / "ran").exists()

    def test_system_packages_show_through_where_the_venv_says_so(self, tmp_path: Path) -> None:
        folder = make_venv(tmp_path / "env")
        config = (folder / "pyvenv.cfg").read_text()
        alone = len(value(look(folder).target.site_packages))
        (folder / "pyvenv.cfg").write_text(config.replace("= false", "= true"))
        assert len(value(look(folder).target.site_packages)) > alone

    def test_files_that_hide_a_distribution(self, venv: Path, tmp_path: Path) -> None:
        add(site_of(venv), "torch", "2.4.0")
        (site_of(venv) / "torch").mkdir()
        (tmp_path / "torch.py").write_text("")
        (tmp_path / "vllm.py").write_text("")  # vllm is not installed: it hides nothing
        assert value(look(venv, tmp_path).target.shadowed_modules) == ("torch.py",)


class TestDamage:
    def test_metadata_in_every_state(self, venv: Path) -> None:
        site = site_of(venv)
        add(site, "good", "1.0")
        (add(site, "empty", "1.0") / "METADATA").write_bytes(b"")
        (add(site, "binary", "2.0") / "METADATA").write_bytes(os.urandom(4096).replace(b"\n", b""))
        (add(site, "missing", "1.0") / "METADATA").unlink()
        (add(site, "folder", "3.0") / "METADATA").unlink()
        (site / "folder-3.0.dist-info/METADATA").mkdir()
        add(site, "~orch", "2.3.0")
        (site / "gone.egg-link").write_text("/nowhere\n.")
        facts = look(venv)
        reasons = {Path(item.path).name: item.reason for item in facts.distributions.unreadable}
        assert set(reasons) == {
            "empty-1.0.dist-info", "binary-2.0.dist-info", "missing-1.0.dist-info", "folder-3.0.dist-info",
            "~orch-2.3.0.dist-info", "gone.egg-link",
        }  # fmt: skip
        assert reasons["empty-1.0.dist-info"] == "METADATA has no Name"
        assert "interrupted" in reasons["missing-1.0.dist-info"]
        assert "interrupted" in reasons["~orch-2.3.0.dist-info"]
        # METADATA that says nothing: the folder's name still does. No METADATA: nothing is claimed to be there.
        assert names(facts) == ["binary", "empty", "folder", "good"]

    def test_names_that_are_no_text_can_be_printed(self, venv: Path) -> None:
        folder = os.fsencode(site_of(venv)) + b"/caf\xe9-1.0.dist-info"
        Path(os.fsdecode(folder)).mkdir()
        Path(os.fsdecode(folder + b"/METADATA")).write_text("Name: caf\nVersion: 1.0\n\n")
        Path(os.fsdecode(folder.replace(b"caf", b"gone"))).mkdir()
        facts = look(venv)
        assert names(facts) == ["caf"]
        facts.distributions.installed[0].source.encode()
        facts.distributions.unreadable[0].path.encode()

    def test_two_versions_in_one_folder(self, venv: Path) -> None:
        for version in ("4.9.0", "4.44.0"):
            add(site_of(venv), "transformers", version)
        (found,) = look(venv).distributions.installed
        assert (found.version, found.duplicates) == ("4.44.0", ("4.9.0",))

    def test_headers_without_a_description_and_with_a_long_one(self, venv: Path) -> None:
        info = add(site_of(venv), "long", "1.0")
        requires = "".join(f"Requires-Dist: name-{i}; extra == 'all'\r\n" for i in range(2000))
        text = f"Metadata-Version: 2.1\r\n{requires}Name: long\r\nVersion: 1.0\r\n\r\nRequires-Dist: not-a-header\r\n"
        (info / "METADATA").write_bytes(text.encode())
        facts = look(venv)
        assert names(facts) == ["long"]
        assert facts.distributions.unmet == ()


class TestOrigin:
    def test_editable_and_direct_url(self, venv: Path) -> None:
        info = add(site_of(venv), "vllm", "0.6.0")
        (info / "direct_url.json").write_text(
            '{"url": "https://user:s3cret@example.org/vllm.git", "dir_info": {"editable": true}}'
        )
        (found,) = look(venv).distributions.installed
        assert found.editable
        assert found.direct_url == "https://example.org/vllm.git"

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"url": 3, "dir_info": 4}', "[" * 100_000])
    def test_damaged_direct_url(self, venv: Path, text: str) -> None:
        (add(site_of(venv), "vllm", "0.6.0") / "direct_url.json").write_text(text)
        (found,) = look(venv).distributions.installed
        assert not found.editable

    def test_develop_install(self, venv: Path, tmp_path: Path) -> None:
        source = tmp_path / "src"
        (source / "awq.egg-info").mkdir(parents=True)
        (source / "awq.egg-info/PKG-INFO").write_text("Name: autoawq\nVersion: 0.2.5+cu121\n")
        (site_of(venv) / "autoawq.egg-link").write_text(f"{source}\n.")
        (site_of(venv) / "easy-install.pth").write_text(f"{source}\n")
        (found,) = look(venv).distributions.installed
        assert (found.name, found.version, found.editable, found.duplicates) == ("autoawq", "0.2.5+cu121", True, ())


class TestTorch:
    VERSION = "__version__ = '2.6.0+cu124'\ncuda: Optional[str] = '12.4'\nhip: Optional[str] = None\n"

    def test_text_is_read_and_not_run(self, venv: Path, tmp_path: Path) -> None:
        folder = site_of(venv) / "torch"
        folder.mkdir()
        (folder / "__init__.py").write_text("raise SystemExit('imported')")
        (folder / "version.py").write_text(f"{self.VERSION}\nopen({str(tmp_path / 'ran')!r}, 'w')\n")
        add(site_of(venv), "torch", "2.6.0")
        torch = look(venv).torch
        assert (value(torch.version), value(torch.cuda), value(torch.hip)) == ("2.6.0+cu124", "12.4", "none")
        assert torch.version.also == ()
        assert "libc10" in reason(torch.cxx11_abi)
        assert not (tmp_path / "ran").exists()

    def test_metadata_that_disagrees_is_shown(self, venv: Path) -> None:
        (site_of(venv) / "torch").mkdir()
        (site_of(venv) / "torch/version.py").write_text(self.VERSION)
        add(site_of(venv), "torch", "2.5.1")
        version = look(venv).torch.version
        assert value(version) == "2.6.0+cu124"
        assert [w.value for w in version.also] == ["2.5.1"]

    def test_cpu_build_and_old_spelling(self, venv: Path) -> None:
        (site_of(venv) / "torch").mkdir()
        (site_of(venv) / "torch/version.py").write_text("__version__ = '1.13.1+cpu'\ncuda = None\nhip = None\n")
        torch = look(venv).torch
        assert (value(torch.version), value(torch.cuda)) == ("1.13.1+cpu", "none")

    def test_listed_but_empty(self, venv: Path) -> None:
        add(site_of(venv), "torch", "2.6.0")
        torch = look(venv).torch
        assert value(torch.version) == "2.6.0"
        assert "no version.py" in reason(torch.cuda)


def test_four_hundred_distributions(venv: Path) -> None:
    for i in range(400):
        add(site_of(venv), f"dist-{i}", f"1.{i}", f"dist-{(i + 1) % 400}>=1.0,!=1.5", "dist-7==2.0; python_version<'3'")
    facts = look(venv)
    assert len(facts.distributions.installed) == 400
    assert [(u.distribution, u.requirement, u.found) for u in facts.distributions.unmet] == [
        ("dist-4", "dist-5>=1.0,!=1.5", "1.5")
    ]


PYENV = Path.home() / ".pyenv/versions"


@pytest.mark.parametrize("minor", ["3.8", "3.9", "3.12", "3.13"])
def test_real_interpreters(minor: str, tmp_path: Path) -> None:
    found = sorted(PYENV.glob(f"{minor}.*/bin/python")) if PYENV.is_dir() else []
    if not found:
        pytest.skip(f"no Python {minor} of pyenv here")
    facts = look(found[-1], HOME=str(Path.home()))
    assert value(facts.target.python) == found[-1].parent.parent.name
    assert value(facts.target.kind) == "pyenv"
    assert value(facts.target.abi_tag) == f"cp{minor.replace('.', '')}"
    assert value(facts.target.externally_managed) is False
    assert value(facts.target.has_pip) is True
    folder = tmp_path / "env"
    subprocess.run([found[-1], "-m", "venv", "--without-pip", folder], check=True)
    facts = look(folder)
    assert value(facts.target.prefix) == str(folder)
    assert value(facts.target.kind) == "venv"
    assert names(facts) == []


def test_python_2_is_refused_in_one_line() -> None:
    found = sorted(PYENV.glob("2.7.*/bin/python")) if PYENV.is_dir() else []
    if not found:
        pytest.skip("no Python 2.7 of pyenv here")
    with pytest.raises(UsageError, match=r"no Python 3\.4 or newer"):
        look(found[-1])


def test_the_running_interpreter_is_the_last_resort(tmp_path: Path) -> None:
    facts = look(None, tmp_path)
    assert value(facts.target.executable) == sys.executable
    assert "packaging" in names(facts)


def test_debian_python_finds_dist_packages() -> None:
    python = shutil.which("python3", path="/usr/bin")
    if python is None or not Path("/usr/lib/python3/dist-packages").is_dir():
        pytest.skip("no Debian-like system Python here")
    folders = value_of(look(python).target.site_packages)
    assert folders is not None
    assert "/usr/lib/python3/dist-packages" in folders
