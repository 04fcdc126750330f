"""A package index of made-up wheels on loopback: JSON with upload times, or bare HTML as plain mirrors serve it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Release:
    name: str
    version: str
    uploaded: str = "2024-01-01"
    needs: Sequence[str] = ()
    tag: str = "py3-none-any"
    source: bool = False
    yanked: str = ""

    @property
    def filename(self) -> str:
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        return f"{stem}.tar.gz" if self.source else f"{stem}-{self.tag}.whl"

    @property
    def metadata(self) -> str:
        rows = "".join(f"Requires-Dist: {need}\n" for need in self.needs)
        return f"Metadata-Version: 2.2\nName: {self.name}\nVersion: {self.version}\n{rows}"

    def content(self) -> bytes:
        return self._tar() if self.source else self._wheel()

    def _wheel(self) -> bytes:
        info = f"{self.name.replace('-', '_')}-{self.version}.dist-info"
        module = self.name.replace("-", "_")
        files = {
            f"{module}/__init__.py": f"__version__ = {self.version!r}\n",
            f"{info}/METADATA": self.metadata,
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {self.tag}\n",
        }
        files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), text)
        return out.getvalue()

    def _tar(self) -> bytes:
        root = f"{self.name.replace('-', '_')}-{self.version}"
        files = {
            "PKG-INFO": self.metadata,
            "pyproject.toml": f'[project]\nname = "{self.name}"\nversion = "{self.version}"\ndependencies = {json.dumps(list(self.needs))}\n'
            '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
            "setup.py": "raise SystemExit('the setup.py of a source ran')\n",
        }
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for name, text in files.items():
                data = text.encode()
                member = tarfile.TarInfo(f"{root}/{name}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return out.getvalue()


@dataclass
class Index:
    releases: list[Release]
    timeless: bool = False
    auth: str | None = None  #: "user:password" that it asks for
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Index:
        self._contents = {r.filename: r.content() for r in self.releases}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.base = (
            f"http://127.0.0.1:{self._server.server_port}/{uuid.uuid4().hex}"  # tests share uv's cache, not its pages
        )
        self.url = f"{self.base}/simple"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        self.asked.append(path)
        if "/files/" in path:
            name = path.rsplit("/", 1)[-1]
            if name.endswith(".metadata"):
                found = next((r for r in self.releases if r.filename == name[:-9]), None)
                return ("text/plain", found.metadata.encode()) if found else None
            return ("application/octet-stream", self._contents[name]) if name in self._contents else None
        name = path.strip("/").rpartition("/")[2]
        mine = [r for r in self.releases if r.name == name]
        if not mine:
            return None
        return self._html(mine) if self.timeless else self._json(name, mine)

    def _json(self, name: str, releases: list[Release]) -> tuple[str, bytes]:
        files = [
            {
                "filename": r.filename,
                "url": f"{self.base}/files/{r.filename}",
                "hashes": {"sha256": hashlib.sha256(self._contents[r.filename]).hexdigest()},
                "upload-time": f"{r.uploaded}T12:00:00Z",
                "size": len(self._contents[r.filename]),
                "core-metadata": not r.source,
                "yanked": r.yanked or False,
            }
            for r in releases
        ]
        body = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "files": files,
            "versions": sorted({r.version for r in releases}),
        }
        return "application/vnd.pypi.simple.v1+json", json.dumps(body).encode()

    def _html(self, releases: list[Release]) -> tuple[str, bytes]:
        rows = "".join(
            f'<a href="{self.base}/files/{r.filename}#sha256={hashlib.sha256(self._contents[r.filename]).hexdigest()}">{r.filename}</a>\n'
            for r in releases
        )
        return "text/html", f"<!DOCTYPE html><html><body>{rows}</body></html>".encode()


def _handler(index: Index) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            import base64

            wanted = None if index.auth is None else "Basic " + base64.b64encode(index.auth.encode()).decode()
            found = index.answer(self.path.partition("?")[0])
            status = 401 if wanted and self.headers.get("Authorization") != wanted else 200 if found else 404
            kind, data = found if found and status == 200 else ("text/plain", b"no")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    return Handler
