"""Bytes of a file by position: how this package touches binaries, with every read checked and capped."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from envdoctor.errors import system_says
from envdoctor.text import Text

_BLOCK = 1 << 12
_MAX_BLOCKS = 1024  # 4 MiB kept at most for one file
MAX_READ = 256 << 20  # no table of an honest file is larger than this; a lying header may claim anything


class UnreadableBinaryError(Exception):
    """The file is not what it has to be to be judged. `says` is the reason, for a person, without the path."""

    def __init__(self, says: Text) -> None:
        super().__init__(says)
        self.says = says


def reason_of(error: OSError | UnreadableBinaryError) -> Text:
    """Why a binary cannot be read."""
    return error.says if isinstance(error, UnreadableBinaryError) else system_says(error)


class ByteSource:
    """Random access to a file or a seekable binary stream.

    Every read is exact: a position or a length that lies outside of the file raises `UnreadableBinaryError`, so that no
    header can make the caller read elsewhere or allocate what the file does not hold.
    """

    def __init__(self, source: Path | str | BinaryIO) -> None:
        """Opens `source` when it is a path (then `close` closes it); a stream stays the caller's own.

        Raises `UnreadableBinaryError` when the path cannot be opened or is not a regular file.
        """
        self._stream: BinaryIO | None = None
        self._descriptor = -1
        self._blocks: dict[int, bytes] = {}
        if isinstance(source, (str, Path)):
            self._open(source)
        else:
            self._stream = source
            self.size = source.seek(0, io.SEEK_END)

    def _open(self, path: Path | str) -> None:
        try:
            # O_NONBLOCK: a FIFO in place of a library must not hold the report up
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            status = os.fstat(self._descriptor)
        except OSError as error:
            raise UnreadableBinaryError(system_says(error)) from error
        if status.st_mode & 0o170000 != 0o100000:
            self.close()
            raise UnreadableBinaryError(Text(en="not a regular file", zh="不是普通文件"))
        self.size = status.st_size

    def close(self) -> None:
        """Closes the file, where this object opened it. Closing twice is harmless."""
        self._blocks.clear()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> ByteSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`, read from the file itself (no cache)."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise UnreadableBinaryError(
                Text(
                    en=f"truncated: {length} bytes at offset {offset} lie outside of its {self.size} bytes",
                    zh=f"文件不完整：偏移 {offset} 处的 {length} 字节超出文件的 {self.size} 字节",
                )
            )
        if length > MAX_READ:
            raise UnreadableBinaryError(
                Text(en=f"a table of {length} bytes is larger than any real one", zh=f"表有 {length} 字节，大得不合理")
            )
        return self._raw(offset, length)

    def peek(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` (fewer at the end of the file), out of a block cache."""
        kept = self._blocks.get(offset // _BLOCK)
        if kept is not None:
            start = offset % _BLOCK
            if start + length <= len(kept):
                return kept[start : start + length]
        if offset < 0 or offset >= self.size:
            return b""
        length = min(length, self.size - offset)
        first, last = offset // _BLOCK, (offset + length - 1) // _BLOCK
        if first == last:
            start = offset - first * _BLOCK
            return self._block(first)[start : start + length]
        data = b"".join(self._block(number) for number in range(first, last + 1))
        start = offset - first * _BLOCK
        return data[start : start + length]

    def small(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`, out of the block cache."""
        data = self.peek(offset, length)
        if len(data) != length:
            raise UnreadableBinaryError(
                Text(
                    en=f"truncated: {length} bytes at offset {offset} lie outside of its {self.size} bytes",
                    zh=f"文件不完整：偏移 {offset} 处的 {length} 字节超出文件的 {self.size} 字节",
                )
            )
        return data

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= _MAX_BLOCKS:
                self._blocks.clear()
            start = number * _BLOCK
            block = self._blocks[number] = self._raw(start, min(_BLOCK, self.size - start))
        return block

    def _raw(self, offset: int, length: int) -> bytes:
        try:
            if self._stream is not None:
                self._stream.seek(offset)
                data = self._stream.read(length)
            else:
                data = os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise UnreadableBinaryError(system_says(error)) from error
        if len(data) != length:  # it shrank while it was read
            raise UnreadableBinaryError(
                Text(
                    en=f"truncated: {len(data)} of {length} bytes at offset {offset}",
                    zh=f"文件不完整：偏移 {offset} 处应有 {length} 字节，只有 {len(data)} 字节",
                )
            )
        return data
