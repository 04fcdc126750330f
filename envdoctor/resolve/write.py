"""Locks as text: requirements.txt with hashes, or pylock.toml (PEP 751). Same lock, same bytes; no credentials, no clock."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from envdoctor.errors import UsageError, system_says
from envdoctor.resolve.errors import SolverError
from envdoctor.resolve.made import Header, Lock, Pin
from envdoctor.resolve.problem import without_credentials
from envdoctor.resolve.solution import Artifact
from envdoctor.text import Text, said

FORMATS = ("requirements", "pylock")


def text_of(lock: Lock, format_: str, *, lang: str = "en") -> str:
    """The lock in one of FORMATS, its reasons in `lang`. Raises UsageError on another, SolverError where a pin has no hash."""
    if format_ == "requirements":
        return "".join(f"{line}\n" for line in _requirements(lock, lang))
    if format_ == "pylock":
        return _pylock(lock, lang)
    raise UsageError(
        Text(
            en=f"--format {format_!r}: a lock is written as {' or '.join(FORMATS)}",
            zh=f"--format {format_!r}：锁定文件的格式为 {' 或 '.join(FORMATS)}",
        )
    )


def header_lines(header: Header, lang: str = "en") -> list[str]:
    """What the lock says of itself, one statement a line."""
    rows = [
        (Text(en="made by", zh="生成工具"), (header.tool,)),
        (Text(en="asked for", zh="需求"), (", ".join(header.request),)),
        (Text(en="python", zh="Python"), (_on(header),)),
        (Text(en="machine", zh="机器"), header.machine),
        (Text(en="needs", zh="要求"), header.needs),
        (Text(en="era", zh="时间截点"), (header.era,)),
        (Text(en="matrix", zh="知识库"), (header.matrix,)),
        (Text(en="index", zh="索引"), (header.index,)),
        (Text(en="note", zh="说明"), header.notes),
        (Text(en="proof", zh="验证"), header.proof),
    ]
    colon = "：" if lang == "zh" else ": "
    return [_shown(f"{said(label, lang)}{colon}{said(v, lang)}", lang) for label, values in rows for v in values if v]


def _on(header: Header) -> Text:
    return Text(en=f"{header.python} on {header.platform}", zh=f"{header.python}，平台 {header.platform}")


def _shown(text: str, lang: str) -> str:
    return without_credentials(said(text, lang))


def _requirements(lock: Lock, lang: str) -> Iterator[str]:
    for line in header_lines(lock.header, lang):
        yield f"# {line}"
    commands = ("uv pip sync --require-hashes FILE", "pip install --require-hashes -r FILE")
    install = Text(
        en=f"install: {commands[0]}   (or: {commands[1]})", zh=f"安装：{commands[0]}   （或：{commands[1]}）"
    )
    yield f"# {said(install, lang)}"
    for pin in lock.pins:
        yield ""
        for reason in pin.reasons:
            yield f"# {_shown(reason, lang)}"
        yield from _hashed(pin)


def _hashed(pin: Pin) -> Iterator[str]:
    hashes = sorted({f"sha256:{value}" for a in usable(pin) for kind, value in a.hashes if kind == "sha256"})
    if not hashes:
        raise SolverError(
            Text(
                en=f"the index gives no sha256 for {pin.package.name} {pin.package.version}",
                zh=f"索引没有给出 {pin.package.name} {pin.package.version} 的 sha256",
            ),
            advice=Text(
                en="a lock needs hashes: use an index that states them", zh="锁定文件需要哈希值：请换用提供哈希的索引"
            ),
        )
    yield f"{pin.package.name}=={pin.package.version} \\"
    for place, value in enumerate(hashes):
        yield f"    --hash={value}" + (" \\" if place < len(hashes) - 1 else "")


def usable(pin: Pin) -> tuple[Artifact, ...]:
    """The files that may be installed: wheels; a source only where it is meant to be built."""
    return tuple(a for a in pin.package.artifacts if a.wheel or pin.built)


def _pylock(lock: Lock, lang: str) -> str:
    from packaging.pylock import Pylock, PylockValidationError

    from envdoctor.toml import tomllib

    text = "".join(f"{line}\n" for line in _pylock_lines(lock, lang))
    try:
        Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:  # a bug of ours must not become a broken file
        raise SolverError(
            Text(
                en=f"the lock would be no valid pylock.toml: {error}",
                zh=f"生成的锁定文件不是有效的 pylock.toml：{error}",
            )
        ) from None
    return text


def _pylock_lines(lock: Lock, lang: str) -> Iterator[str]:
    header = lock.header
    for line in header_lines(header, lang):
        yield f"# {line}"
    yield 'lock-version = "1.0"'
    yield 'created-by = "envdoctor"'
    yield f"requires-python = {_string(f'>={header.python}')}"
    for pin in lock.pins:
        yield ""
        yield "[[packages]]"
        yield f"name = {_string(pin.package.name)}"
        yield f"version = {_string(pin.package.version)}"
        if pin.package.index:
            yield f"index = {_string(_bare(pin.package.index))}"
        wheels = [a for a in usable(pin) if a.wheel]
        for artifact in usable(pin):
            if not artifact.wheel:
                yield f"sdist = {_artifact(artifact)}"
        if wheels:
            yield "wheels = ["
            for artifact in wheels:
                yield f"    {_artifact(artifact)},"
            yield "]"
        yield "[packages.tool.envdoctor]"
        yield f"reasons = {_strings(without_credentials(said(r, lang)) for r in pin.reasons)}"
        if pin.built:
            yield "built = true"
    yield ""
    yield "[tool.envdoctor]"
    yield f"request = {_strings(header.request)}"
    yield f"platform = {_string(header.platform)}"
    yield f"machine = {_strings(header.machine, lang)}"
    yield f"needs = {_strings(header.needs, lang)}"
    yield f"era = {_string(said(header.era, lang))}"
    yield f"matrix = {_string(said(header.matrix, lang))}"
    yield f"notes = {_strings(header.notes, lang)}"
    if header.proof:
        yield f"proof = {_strings(header.proof, lang)}"


def _artifact(artifact: Artifact) -> str:
    local = urlsplit(artifact.url).scheme in ("", "file")
    parts = [f"name = {_string(artifact.filename)}"]
    parts.append(f"path = {_string(_path(artifact.url))}" if local else f"url = {_string(_bare(artifact.url))}")
    if artifact.uploaded is not None:
        parts.append(f"upload-time = {artifact.uploaded:%Y-%m-%dT%H:%M:%SZ}")
    if artifact.size is not None:
        parts.append(f"size = {artifact.size}")
    hashes = ", ".join(f"{kind} = {_string(value)}" for kind, value in artifact.hashes)
    return "{ " + ", ".join(parts) + f", hashes = {{ {hashes} }} }}"


def _path(url: str) -> str:
    from urllib.parse import unquote

    return unquote(urlsplit(url).path) if url.startswith("file:") else url


def _bare(url: str) -> str:
    """The address without user, password, query and fragment: what is needed to find the file, and no secret."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string (U+007F aside, which none holds)


def _strings(texts: Iterable[str], lang: str = "en") -> str:
    return "[" + ", ".join(_string(said(text, lang)) for text in texts) + "]"


def write_text(path: Path, text: str) -> None:
    """Beside its place under a temporary name, then renamed: a reader sees the old file or the whole new one.

    Raises UsageError where the folder cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _refused(path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _refused(path, error) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _refused(path: Path, error: OSError) -> UsageError:
    why = system_says(error)
    return UsageError(Text(en=f"{path} cannot be written: {why}", zh=f"{path} 无法写入：{why.zh}"))
