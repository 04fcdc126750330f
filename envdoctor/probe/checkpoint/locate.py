"""Where a checkpoint is: a folder, a snapshot in a local download cache, or only a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envdoctor.errors import UsageError
from envdoctor.files import read_regular
from envdoctor.patterns import lazy
from envdoctor.text import Text
from envdoctor.values import dataclass

_NAME = lazy(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$")
_REVISION = lazy(r"^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$")
_MAX_SNAPSHOTS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A folder with the file that was meant (a single GGUF file), or only a name."""

    name: str
    folder: Path | None = None
    only_file: str | None = None
    from_cache: bool = False


def locate(where: str, cache_homes: Sequence[Path]) -> Place:
    """Finds the checkpoint. Raises UsageError for a path that does not exist, or that holds no checkpoint."""
    if not where or "\0" in where or len(where) > 4096:
        raise UsageError(
            Text(en="--model is empty or not a usable name", zh="--model 为空，或不是可用的名称"),
            advice=Text(
                en="give a model folder or a name such as org/name", zh="请给出模型目录，或形如 org/name 的名称"
            ),
        )
    try:
        path = Path(where).expanduser()
        if path.is_dir():
            return Place(name=_name_of(path), folder=path)
        if path.is_file():
            return _file(path)
        if path.exists():
            raise UsageError(Text(en=f"{where} is neither a folder nor a file", zh=f"{where} 既不是目录也不是文件"))
    except (OSError, RuntimeError) as error:
        raise UsageError(
            Text(
                en=f"{where:.200} cannot be looked at: {error.__class__.__name__}",
                zh=f"{where:.200} 无法访问：{error.__class__.__name__}",
            )
        ) from None
    if _NAME.match(where):
        snapshot = _cached(where, cache_homes)
        if snapshot is not None:
            return Place(name=where, folder=snapshot, from_cache=True)
        if _may_be_name(where):
            return Place(name=where)
    raise UsageError(
        Text(
            en=f"there is no model folder {where:.200}, and no such model in the local cache",
            zh=f"没有模型目录 {where:.200}，本地缓存中也没有这个模型",
        ),
        advice=Text(
            en="give the folder that holds config.json and the weights, or a name such as Qwen/Qwen2-72B-Instruct-AWQ",
            zh="请给出包含 config.json 与权重的目录，或形如 Qwen/Qwen2-72B-Instruct-AWQ 的名称",
        ),
    )


def _file(path: Path) -> Place:
    if path.suffix == ".gguf":
        return Place(name=path.name, folder=path.parent, only_file=path.name)
    if path.suffix in (".safetensors", ".bin", ".json"):
        return Place(name=_name_of(path.parent), folder=path.parent)
    raise UsageError(
        Text(en=f"{path} is a file", zh=f"{path} 是文件"),
        advice=Text(
            en="give the folder that holds config.json and the weights", zh="请给出包含 config.json 与权重的目录"
        ),
    )


def _may_be_name(where: str) -> bool:
    """`org/name` whose first half is no folder here; a single word may be a well-known model without its owner."""
    owner, slash, _ = where.partition("/")
    return not (slash and Path(owner).is_dir())


def _name_of(path: Path) -> str:
    """The model name that a cache folder encodes, else the folder's own name."""
    real = path.resolve()
    repository = real.parent.parent.name if real.parent.name == "snapshots" else ""
    if repository.startswith("models--"):
        return repository.removeprefix("models--").replace("--", "/", 1)
    return real.name


def _cached(name: str, cache_homes: Sequence[Path]) -> Path | None:
    """The snapshot that `refs/main` names, else the newest one that has a config.json."""
    repository = "models--" + name.replace("/", "--")
    for home in cache_homes:
        for hub in (home, home / "hub"):
            snapshot = _snapshot(hub / repository)
            if snapshot is not None:
                return snapshot
    return None


def _snapshot(repository: Path) -> Path | None:
    snapshots = repository / "snapshots"
    try:
        if not snapshots.is_dir():
            return None
        revision = read_regular(repository / "refs" / "main", 200).decode("utf-8", "replace").strip()
        if _REVISION.match(revision) and (snapshots / revision).is_dir():
            return snapshots / revision
    except OSError:
        pass
    try:
        found = [item for _, item in zip(range(_MAX_SNAPSHOTS), snapshots.iterdir(), strict=False) if item.is_dir()]
        return max(found, key=lambda item: (item.stat().st_mtime_ns, item.name), default=None)
    except OSError:
        return None
