"""Made-up wheels, and an index on loopback that serves them, with range requests or without."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"


def wheel(
    name: str,
    version: str,
    members: Mapping[str, str | bytes],
    *,
    requires: tuple[str, ...] = (),
    stored: bool = False,
) -> bytes:
    """A wheel's bytes. A member's value is the name of a fixture, or its bytes."""
    out = io.BytesIO()
    dist_info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Requires-Python: >=3.8"]
    lines += [f"Requires-Dist: {line}" for line in requires]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for path, content in members.items():
            archive.writestr(path, content if isinstance(content, bytes) else (FIXTURES / content).read_bytes())
        archive.writestr(f"{dist_info}/METADATA", "\n".join(lines) + "\n\nRequires-Dist: not-a-field-but-text\n")
        archive.writestr(f"{dist_info}/WHEEL", "Wheel-Version: 1.0\nTag: cp310-cp310-manylinux2014_x86_64\n")
        archive.writestr(f"{dist_info}/RECORD", "")
    return out.getvalue()


def torch_wheel(version: str, libc10: str, cuda: str) -> bytes:
    return wheel(
        "torch",
        version,
        {
            "torch/version.py": f"__version__ = '{version}'\ncuda = '{cuda}'\n".encode(),
            "torch/lib/libc10.so": libc10,
            "torch/lib/libnever_read.so": b"not an ELF file",
        },
        requires=("filelock",),
    )


@dataclass
class Server:
    """What is served, what was asked, and how it misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    failures: int = 0  # so many requests for files end with 503 first
    cut: int = 0  # so many answers end early
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def url(self, filename: str) -> str:
        return f"{self.address}/files/{filename}"

    def sha256(self, filename: str) -> str:
        return hashlib.sha256(self.files[filename]).hexdigest()

    def page(self, project: str) -> bytes:
        links = [
            f'<a href="/files/{name}#sha256={self.sha256(name)}">{name}</a>'
            for name in self.files
            if name.partition("-")[0].replace("_", "-") == project
        ]
        return b"<!doctype html>" + "\n".join(links).encode()


@contextmanager
def serving() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            kind, _, name = self.path.lstrip("/").partition("/")
            if kind == "simple":
                self.send(200, state.page(name.rstrip("/")), body=body, kind="text/html")
                return
            if name not in state.files:
                self.send(404, b"", body=body)
                return
            state.asked.append(self.headers.get("Range", "whole"))
            if state.failures:
                state.failures -= 1
                self.send(503, b"busy", body=body)
                return
            content = state.files[name]
            wanted = self.headers.get("Range", "")
            if not state.ranges or not wanted.startswith("bytes="):
                self.send(200, content, body=body)
                return
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            if first == "":
                start, stop = max(0, len(content) - int(last)), len(content)
            else:
                start, stop = int(first), min(int(last or len(content) - 1) + 1, len(content))
            self.send(206, content[start:stop], body=body, span=f"bytes {start}-{stop - 1}/{len(content)}")

        def send(
            self, status: int, content: bytes, *, body: bool, kind: str = "application/zip", span: str = ""
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            if span:
                self.send_header("Content-Range", span)
            self.end_headers()
            if body and state.cut and len(content) > 1:
                state.cut -= 1
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
                return
            if body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
