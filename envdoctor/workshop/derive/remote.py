"""A published file as a seekable stream: only what is read is fetched, where the server can do ranges."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from envdoctor.errors import EnvdoctorError, UndeterminedError
from envdoctor.text import Text

if TYPE_CHECKING:
    from concurrent.futures import Future

    import requests

__all__ = ["BudgetSpentError", "Fetcher", "RangeStream"]

_FIRST_WINDOW = 64 << 10
_LARGEST_WINDOW = 8 << 20
_TAIL = 256 << 10
_ATTEMPTS = 6
_TIMEOUT = (20.0, 60.0)
_MAX_SIZE = 8 << 30

T = TypeVar("T")


class BudgetSpentError(UndeterminedError):
    """As many bytes were read as the caller allowed."""


class Fetcher:
    """One session with a byte budget. `received` counts what came over the network (bodies only).

    Network and server failures are tried again (`pause_s`, then twice as long, six times in all): a window at a time.
    """

    def __init__(self, *, budget: int = 60 * 10**9, pause_s: float = 1.0) -> None:
        self._local = threading.local()  # a requests session belongs to one thread
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []
        self._pause_s = pause_s
        self.on_bytes: Callable[[int], None] = lambda _: None
        self.budget = budget
        self.received = 0

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions:
            session.close()

    @property
    def _session(self) -> requests.Session:
        import requests

        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            with self._lock:
                self._sessions.append(session)
        return session

    def open(self, url: str, *, sha256: str, spare: Path) -> tuple[BinaryIO, int, bool]:
        """The file at `url` as (seekable stream, size in bytes, was it fetched in ranges?).

        Where the server cannot do ranges, the whole file is fetched to `spare` and held against `sha256`; the caller
        removes it. A stream read in ranges is not held against the digest of the whole: the zip's own checksums and
        the digests of its RECORD are what its members can be held against.
        """
        parts = urlsplit(url)
        if parts.scheme == "file":
            path = Path(url2pathname(parts.path))
            return path.open("rb"), path.stat().st_size, False
        if parts.scheme not in {"http", "https"}:
            raise EnvdoctorError(
                Text(
                    en=f"{parts.scheme!r} addresses cannot be read: {parts.path.rpartition('/')[2]}",
                    zh=f"无法读取 {parts.scheme!r} 类型的地址：{parts.path.rpartition('/')[2]}",
                )
            )
        size = self._size_if_ranges(url)
        if size is not None:
            ranges = RangeStream(lambda first, last: self._range(url, first, last), size)
            return io.BufferedReader(ranges, _FIRST_WINDOW), size, True
        self._whole(url, sha256, spare)
        return spare.open("rb"), spare.stat().st_size, False

    def _size_if_ranges(self, url: str) -> int | None:
        def ask() -> int | None:
            with self._session.get(url, headers=_headers(0, 0), stream=True, timeout=_TIMEOUT) as answer:
                answer.raise_for_status()
                found = re.fullmatch(r"bytes 0-0/(\d{1,12})", answer.headers.get("Content-Range", ""))
                if answer.status_code != 206 or not found:
                    return None
                return int(found[1])

        size = self._patiently(ask, url)
        if size is not None and size > _MAX_SIZE:
            raise EnvdoctorError(
                Text(
                    en=f"{_name(url)} says that it has {size} bytes: not read",
                    zh=f"{_name(url)} 声称大小为 {size} 字节，未读取",
                )
            )
        return size

    def _range(self, url: str, first: int, last: int) -> bytes:
        def ask() -> bytes:
            with self._session.get(url, headers=_headers(first, last), stream=True, timeout=_TIMEOUT) as answer:
                answer.raise_for_status()
                if answer.status_code != 206 or not answer.headers.get("Content-Range", "").startswith(
                    f"bytes {first}-"
                ):
                    raise UndeterminedError(
                        Text(
                            en=f"{_name(url)}: the server stopped answering in ranges",
                            zh=f"{_name(url)}：服务器不再支持分段读取",
                        )
                    )
                parts: list[bytes] = []
                wanted = last - first + 1
                for part in answer.iter_content(1 << 20):
                    self._count(len(part))
                    parts.append(part)
                    wanted -= len(part)
                    if wanted < 0:
                        raise UndeterminedError(
                            Text(
                                en=f"{_name(url)}: more came than was asked for",
                                zh=f"{_name(url)}：返回的数据多于请求的范围",
                            )
                        )
                if wanted:
                    raise _CutShortError
                return b"".join(parts)

        return self._patiently(ask, url)

    def _whole(self, url: str, sha256: str, spare: Path) -> None:
        def ask() -> None:
            digest = hashlib.sha256()
            with self._session.get(url, stream=True, timeout=_TIMEOUT) as answer, spare.open("wb") as out:
                answer.raise_for_status()
                for part in answer.iter_content(1 << 20):
                    self._count(len(part))
                    digest.update(part)
                    if out.write(part) and out.tell() > _MAX_SIZE:
                        raise EnvdoctorError(
                            Text(
                                en=f"{_name(url)} is larger than {_MAX_SIZE} bytes: not read",
                                zh=f"{_name(url)} 超过 {_MAX_SIZE} 字节，未读取",
                            )
                        )
            if digest.hexdigest() != sha256:
                raise _CutShortError

        self._patiently(ask, url)

    def _count(self, received: int) -> None:
        with self._lock:
            self.received += received
            self.on_bytes(received)
            spent = self.received > self.budget
        if spent:
            raise BudgetSpentError(
                Text(
                    en=f"{self.budget} bytes were read, which is all that was allowed. Run it again to go on.",
                    zh=f"已读取 {self.budget} 字节，达到上限。再次运行可继续。",
                )
            )

    def _patiently(self, ask: Callable[[], T], url: str) -> T:
        """`ask` again, after a growing pause, when the network or the server fails; what the server refuses is final."""
        import requests

        attempt = 0
        while True:
            try:
                return ask()
            except (requests.ConnectionError, requests.Timeout, requests.HTTPError, _CutShortError) as error:
                attempt += 1
                if attempt == _ATTEMPTS or _refused(error):
                    raise UndeterminedError(
                        Text(
                            en=f"{_name(url)} could not be fetched ({type(error).__name__}). "
                            "Run it again: what was read is kept.",
                            zh=f"{_name(url)} 无法下载（{type(error).__name__}）。已读取的部分会保留，请再次运行。",
                        )
                    ) from error
            time.sleep(self._pause_s * 2 ** (attempt - 1))


class _CutShortError(Exception):
    """The body ended early, or is not the one that the index speaks of."""


class RangeStream(io.RawIOBase):
    """Random access by ranges: small reads cost small ranges, reading on makes them grow (64 KiB to 8 MiB).

    Whoever reads on for long gets the next windows fetched ahead, several at a time: an index that answers each request
    slowly, or each connection, is otherwise the whole cost. The end of the file, where a zip archive has its directory, is
    fetched once and kept. `fetch(first, last)` gives the bytes of a closed range; it is called from several threads.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, *, ahead: int = 6) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._fetch = fetch
        self._size = size
        self._at = 0
        self._window = (0, b"")
        self._step = _FIRST_WINDOW
        self._tail: tuple[int, bytes] | None = None
        self._ahead = ahead
        self._coming: deque[tuple[int, Future[bytes]]] = deque()
        self._pool = ThreadPoolExecutor(max_workers=max(1, ahead))

    def close(self) -> None:
        """Stops the fetching ahead. Closing twice is harmless."""
        if not self.closed:
            self._pool.shutdown(wait=True, cancel_futures=True)
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        got = self._piece(len(view))
        view[: len(got)] = got
        self._at += len(got)
        return len(got)

    def _piece(self, count: int) -> bytes | memoryview:
        """At most `count` bytes from the present position; shorter at the edge of what one request brought."""
        if count == 0 or self._at >= self._size:
            return b""
        for start, held in (self._window, self._tail or (0, b"")):
            if start <= self._at < start + len(held):
                return memoryview(held)[self._at - start : self._at - start + count]
        if self._at >= self._size - _TAIL and self._tail is None:
            first = max(0, self._size - _TAIL)
            self._tail = (first, self._fetch(first, self._size - 1))
        else:
            self._next_window(count)
        return self._piece(count)

    def _next_window(self, count: int) -> None:
        start, held = self._window
        reading_on = bool(held) and self._at == start + len(held)
        if not (reading_on and self._coming and self._coming[0][0] == self._at):
            for _, late in self._coming:
                late.cancel()
            self._coming.clear()
            self._step = min(self._step * 4, _LARGEST_WINDOW) if reading_on else _FIRST_WINDOW
            last = min(self._size, self._at + max(self._step, min(count, _LARGEST_WINDOW))) - 1
            self._window = (self._at, self._fetch(self._at, last))
        else:
            self._window = (self._at, self._coming.popleft()[1].result())
        if reading_on and self._step == _LARGEST_WINDOW:
            self._fetch_ahead()

    def _fetch_ahead(self) -> None:
        start = self._window[0] + len(self._window[1]) + len(self._coming) * _LARGEST_WINDOW
        while len(self._coming) < self._ahead and start < self._size:
            last = min(self._size, start + _LARGEST_WINDOW) - 1
            self._coming.append((start, self._pool.submit(self._fetch, start, last)))
            start = last + 1


def _headers(first: int, last: int) -> dict[str, str]:
    # Without "identity" a proxy may compress, and ranges would count other bytes.
    return {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"}


def _refused(error: Exception) -> bool:
    response: requests.Response | None = getattr(error, "response", None)
    return response is not None and 400 <= response.status_code < 500 and response.status_code not in {408, 429}


def _name(url: str) -> str:
    """The file's name: addresses may hold credentials, so they are not shown."""
    return urlsplit(url).path.rpartition("/")[2]
