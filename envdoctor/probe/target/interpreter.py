"""What the target's interpreter says of itself, and what its folder says where it cannot be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from envdoctor.errors import UsageError
from envdoctor.patterns import lazy
from envdoctor.probe.ports import Outcome, Pending, Runner, View
from envdoctor.probe.target.choice import Choice
from envdoctor.text import NOTHING, Text, in_zh
from envdoctor.values import dataclass

INSIDE = str(Path(__file__).with_name("inside.py"))
MARK = "envdoctor-target"
OLDEST = (3, 4)  # `-I` exists from there on

_VERSION = lazy(r"\d+\.\d+(\.\d+\w*)?")
_LIB_FOLDER = lazy(r"(?:python|pypy)3\.\d+t?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """The target's Python. `fields` is what `inside.py` printed; empty where it could not be asked, for `reason`.

    `site` lists the folders of installed distributions in the order of sys.path, user site and PYTHONPATH left out.
    """

    executable: str
    source: str
    prefix: str
    fields: Mapping[str, str]
    site: tuple[str, ...]
    version: str | None = None  #: "3.11.7"
    version_source: str = ""
    reason: Text = NOTHING

    @property
    def feature(self) -> str:
        """`3.11`; empty where the version is not known."""
        return ".".join((self.version or "").split(".")[:2])


def start(choice: Choice, runner: Runner, environ: Mapping[str, str]) -> Pending | None:
    """Ask the interpreter; None where there is none to ask."""
    if choice.missing:
        return None
    # -I: no PYTHON* variables, no user site, no working directory; -S: no .pth files, no sitecustomize.
    return runner.start("target", [choice.executable, "-I", "-S", INSIDE], environ)


def answer(choice: Choice, outcome: Outcome | None, view: View) -> Interpreter:
    """The interpreter as it answered, or as its folder says.

    Raises UsageError where `--python` named something that ran and is no Python 3.4 or newer.
    """
    fields = _fields(outcome.stdout) if outcome is not None and outcome.ok else {}
    reason = NOTHING
    if not fields:
        reason = choice.missing or _why(choice, outcome)
    base = fields.get("prefix") or (choice.config or {}).get("home", "").removesuffix("/bin")
    prefix = choice.folder or base
    version, source = fields.get("python"), choice.executable
    if version is None and choice.folder is not None:
        version, source = _version_of_folder(choice, view)
    found = Interpreter(
        executable=choice.executable, source=choice.source, prefix=prefix, fields=fields, site=(),
        version=version, version_source=source, reason=reason,
    )  # fmt: skip
    return replace(found, site=tuple(_site_folders(choice, found, view)))


def _fields(text: str) -> dict[str, str]:
    mark, *rest = text.split("\0")
    if not mark.endswith(MARK):
        return {}
    return {key: value for key, _, value in (field.partition("=") for field in rest)}


def _why(choice: Choice, outcome: Outcome | None) -> Text:
    name = choice.executable
    if outcome is None or outcome.status != "exited":
        says = outcome.says or outcome.reason if outcome is not None else ""
        if outcome is not None and outcome.status == "no-answer":
            return Text(en=f"{name} does not answer", zh=f"{name} 没有响应")
        return Text(en=f"{name} cannot be run: {says}", zh=f"{name} 无法运行：{in_zh(says)}")
    if choice.source == "--python" and choice.folder is None:
        said = outcome.says or Text(en="it printed nothing", zh="没有输出")
        raise UsageError(
            Text(
                en=f"--python {name}: this is no Python 3.4 or newer: {said}",
                zh=f"--python {name}：不是 Python 3.4 及以上版本：{in_zh(said)}",
            ),
            advice=Text(
                en="Give the interpreter of the environment that you want diagnosed", zh="请给出要诊断的环境的解释器"
            ),
        )
    return Text(
        en=f"{name} fails (exit status {outcome.code}): {outcome.says}",
        zh=f"{name} 运行失败（退出码 {outcome.code}）：{in_zh(outcome.says)}",
    )


def _version_of_folder(choice: Choice, view: View) -> tuple[str | None, str]:
    for key in ("version_info", "version"):
        if match := _VERSION.match((choice.config or {}).get(key, "")):
            return match.group(), f"{choice.folder}/pyvenv.cfg"
    for name in _library_folders(view, f"{choice.folder}/lib"):
        return name.removeprefix("python").removeprefix("pypy").rstrip("t"), f"{choice.folder}/lib/{name}"
    return None, ""


def _library_folders(view: View, folder: str) -> list[str]:
    try:
        return [name for name in view.names(folder) if _LIB_FOLDER.match(name)]
    except OSError:
        return []


def _site_folders(choice: Choice, found: Interpreter, view: View) -> list[str]:
    """The folders of the environment itself, then those of its base where it shows them."""
    folders: list[str] = []
    isolated = choice.config is not None
    if choice.folder is not None and (isolated or not found.fields):
        folders += _folders_of_venv(choice.folder, found, view)
    shows_base = (choice.config or {}).get("include-system-site-packages", "").lower() == "true"
    if not isolated or shows_base:
        folders += found.fields.get("site", "").split("\n") if found.fields.get("site") else []
    seen: dict[str, str] = {}
    for folder in folders:
        if view.kind(folder) == "folder":
            seen.setdefault(view.real(folder), folder)
    return list(seen.values())


def _folders_of_venv(folder: str, found: Interpreter, view: View) -> list[str]:
    named = [f"python{found.feature}", f"pypy{found.feature}"] if found.feature else []
    if found.fields.get("abiflags") == "t":
        named.insert(0, f"python{found.feature}t")
    if not found.fields:  # the version that pyvenv.cfg states may be newer than the folder that is there
        named = _library_folders(view, f"{folder}/lib") or named
    places = [f"{folder}/{lib}/{name}/site-packages" for lib in ("lib", "lib64") for name in named]
    return [*places, f"{folder}/Lib/site-packages"]


def externally_managed(found: Interpreter, choice: Choice, view: View) -> bool | None:
    """The marker file of PEP 668 is there; a virtual environment is never externally managed."""
    if choice.config is not None:
        return False
    stdlib = found.fields.get("stdlib")
    return view.kind(f"{stdlib}/EXTERNALLY-MANAGED") == "file" if stdlib else None


def kind_of(found: Interpreter, choice: Choice, environ: Mapping[str, str]) -> tuple[str, str]:
    """How the environment was made, and what shows it."""
    if choice.config is not None:
        maker = next((name for name in ("uv", "virtualenv") if name in choice.config), "venv")
        return maker, f"{choice.folder}/pyvenv.cfg"
    if choice.conda:
        return "conda", f"{choice.folder}/conda-meta"
    roots = (environ.get("PYENV_ROOT", ""), f"{environ.get('HOME', '')}/.pyenv")
    if "/.pyenv/versions/" in found.prefix or any(root and found.prefix.startswith(f"{root}/") for root in roots):
        return "pyenv", found.prefix
    return "system", found.prefix
