"""The generated pages: complete, the same each time, and linked without a gap."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envdoctor.errors import EnvdoctorError
from envdoctor.knowledge.build import entry_files
from envdoctor.workshop.docs import generated_pages, stage
from envdoctor.workshop.docs.markdown import block, code, table, text
from envdoctor.workshop.docs.site import turned
from tests.docs.shown import COMMAND, ROOT

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<to>[^)#\s]*)(?:#(?P<anchor>[^)\s]*))?\)")
_FENCE = re.compile(r"^(```+).*?^\1`*$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy: whoever edits the matrix while the tests run does not disturb them."""
    return shutil.copytree(ROOT / "matrix", tmp_path_factory.mktemp("source") / "matrix")


@pytest.fixture(scope="module")
def pages(matrix: Path) -> dict[str, str]:
    return generated_pages(source=matrix, command=COMMAND)


@pytest.fixture(scope="module")
def site(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(root=ROOT, pages=pages, output=tmp_path_factory.mktemp("docs") / "out").parent


def test_the_same_sources_give_the_same_pages(matrix: Path, pages: dict[str, str]):
    assert generated_pages(source=matrix, command=COMMAND) == pages


def test_every_command_has_a_page_with_every_option(pages: dict[str, str]):
    found = {}
    for name, command in COMMAND.commands.items():
        inner = getattr(command, "commands", None)
        found.update({f"{name}-{n}": c for n, c in inner.items()} if inner else {name: command})
    assert len(found) >= 12
    for name, command in found.items():
        page = pages[f"commands/{name}.md"]
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("-") or f"`{option}`" in page
        assert re.search(r"^\| 0 \| \w+", page, re.MULTILINE)
        assert re.search(r"^\| 2 \| .*call", page, re.MULTILINE)


def test_statuses_are_those_of_the_help_text(pages: dict[str, str]):
    lock = pages["commands/lock.md"]
    assert "| 0 | locked |" in lock
    assert "| 1 | proven impossible or the proof failed |" in lock
    assert "| 1 | the findings differ |" in pages["commands/diff.md"]


def test_every_entry_has_a_page_in_both_languages(matrix: Path, pages: dict[str, str]):
    files = entry_files(matrix)
    for path in files:
        page = pages[f"entries/{path.stem}.md"]
        assert page.startswith(f"# {path.stem}: ")
        assert re.search(r"[\u4e00-\u9fff]", page)
        assert f"({path.stem}.md)" in pages["entries/index.md"]
        assert f"({path.stem}.md)" in pages["entries/by-class.md"]
    assert len([name for name in pages if re.match(r"entries/E[DC]-", name)]) == len(files)


def test_every_stack_and_every_known_package_is_listed(pages: dict[str, str]):
    for path in (ROOT / "matrix" / "stacks").glob("*.toml"):
        assert f"## {path.stem}\n" in pages["stacks.md"]
    assert "| `vllm` |" in pages["coverage.md"]


def slug(heading: str) -> str:
    plain = re.sub(r"[`*\\]", "", heading)
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def test_no_link_is_dead(site: Path):
    folder = site / "pages"
    for path in folder.rglob("*.md"):
        content = _FENCE.sub("", path.read_text("utf-8"))
        for found in _LINK.finditer(content):
            if "://" in found["to"]:
                continue
            target = (path.parent / found["to"]).resolve() if found["to"] else path
            assert target.exists(), f"{path.relative_to(folder)}: {found.group()}"
            if found["anchor"] and target.suffix == ".md":
                headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", target.read_text("utf-8")), re.MULTILINE)
                assert found["anchor"] in {slug(heading) for heading in headings}, f"{path.name}: {found.group()}"


def test_every_page_is_reached_from_the_navigation(site: Path):
    folder = site / "pages"
    config = (site / "zensical.toml").read_text("utf-8")
    seen, todo = set(), re.findall(r'"([\w/-]+\.md)"', config)
    assert len(todo) > 20
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        path = folder / name
        assert path.exists(), name
        for found in _LINK.finditer(path.read_text("utf-8")):
            target = (path.parent / found["to"]).resolve()
            if found["to"].endswith(".md") and target.is_relative_to(folder.resolve()):
                todo.append(target.relative_to(folder.resolve()).as_posix())
    lost = {p.relative_to(folder).as_posix() for p in folder.rglob("*.md")} - seen
    assert lost == set(), "add them to nav in docs/zensical.toml, or link to them"


def test_a_generated_page_never_hides_a_written_one(tmp_path: Path):
    with pytest.raises(EnvdoctorError, match=r"report\.md"):
        stage(root=ROOT, pages={"report.md": "x"}, output=tmp_path / "out")


@pytest.mark.parametrize(
    ("place", "content", "wanted"),
    [
        ("docs/a.md", "[x](../matrix/README.md#y)", "[x](matrix-format.md#y)"),
        ("docs/a.md", "[x](b.md) [y](https://a.b/c)", "[x](b.md) [y](https://a.b/c)"),
        ("CONTRIBUTING.md", "[x](docs/report.md)", "[x](report.md)"),
        ("matrix/README.md", "[x](../docs/facts.md)", "[x](facts.md)"),
        ("docs/a.md", "```\n[x](../matrix/README.md)\n```", "```\n[x](../matrix/README.md)\n```"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(place: str, content: str, wanted: str):
    assert turned(content, place=Path(place)) == wanted


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("a_b * [c] | d", r"a\_b \* \[c\] \| d"),
        ("x <y> & `a_b|c`", "x &lt;y&gt; &amp; `a_b|c`"),
        ("torch {version}", "torch ‹version›"),
        ("==2.4.0 ~=1 ^x^ $y$", "==2.4.0 ~=1 ^x^ $y$"),
    ],
)
def test_words_are_shown_as_they_are(words: str, shown: str):
    assert text(words) == shown


def test_code_may_hold_backticks():
    assert code("a`b") == "`` a`b ``"
    assert block(["```", "x"]).startswith("````text\n")
    assert table(("a",), []) == ""


@pytest.mark.skipif(importlib.util.find_spec("zensical") is None, reason="the dependency group `docs` is not installed")
def test_the_site_builds_strictly(site: Path):
    command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", str(site / "zensical.toml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (site / "site" / "entries" / "EC-numpy-2.html").exists()
