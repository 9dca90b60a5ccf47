"""A release server on loopback, with the addresses that GitHub has for a project's releases."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "9.8.7"


@dataclass
class Release:
    """Paths and what is served there; what is asked for is noted."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    truncated: set[str] = field(default_factory=set)
    """Paths that are promised whole and end in the middle."""
    held: set[str] = field(default_factory=set)
    """Paths that never end."""
    asked: list[str] = field(default_factory=list)
    base: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def publish(self, contents: bytes, platform: str, version: str = VERSION) -> str:
        """Put a single file and its SHA256SUMS there, as the newest release; -> the file's path."""
        name = f"cco-{version}-{platform}"
        folder = f"/download/v{version}"
        self.files[f"{folder}/{name}"] = contents
        line = f"{hashlib.sha256(contents).hexdigest()}  {name}\n"
        others = "".join(
            f"{hashlib.sha256(other.encode()).hexdigest()}  {other}\n"
            for other in (f"{name}.tar.gz", f"{name}.cdx.json", f"cco-{version}-plan9-mips")
        )
        self.files[f"{folder}/SHA256SUMS"] = self.sums = (others + line).encode()
        self.redirects["/latest/download/SHA256SUMS"] = f"{folder}/SHA256SUMS"
        return f"{folder}/{name}"


@contextmanager
def serve() -> Iterator[Release]:
    """Serve a release until the end of the block."""
    release = Release()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            release.asked.append(self.path)
            if self.path in release.redirects:
                self.send_response(302)
                self.send_header("Location", release.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = release.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            part = self.path in release.truncated or self.path in release.held
            self.wfile.write(body[: len(body) // 2] if part else body)
            if self.path in release.held:
                self.wfile.flush()
                release.closing.wait()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    release.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield release
    finally:
        release.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
