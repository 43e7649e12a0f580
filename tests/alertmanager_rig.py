"""Members of an Alertmanager cluster as real HTTP servers: each answers as it is told and keeps what it was sent."""

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Member:
    """A running member. `status`: what it answers; 0: it hangs up. `prefix`: where its API is. `slow`: it waits."""

    port: int = 0
    status: int = 200
    prefix: str = ""
    slow: bool = False
    scheme: str = "http"
    posts: list[list[dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address in the settings."""
        return f"{self.scheme}://localhost:{self.port}{self.prefix}"

    @property
    def alerts(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """The last push of each alert, by name, level and entity."""
        return {key_of(one): one for post in self.posts for one in post}


def key_of(alert: dict[str, Any]) -> tuple[str, str, str]:
    """Return name, level and entity."""
    labels = alert["labels"]
    return labels["alertname"], labels.get("level", ""), labels.get("entity", "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    member: Member

    def do_POST(self) -> None:  # http.server calls it by this name
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        member = self.member
        if member.slow:
            member.released.wait(30)
        if member.status == 0:
            self.close_connection = True
            return
        status = member.status if self.path == f"{member.prefix}/api/v2/alerts" else 404
        if status == 200:
            member.posts.append(json.loads(body))
            member.headers.append(dict(self.headers))
        answer = json.dumps(f"what is wrong at {self.path}").encode() if status >= 400 else b""
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{member.url}/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as http.server names it
        """Say nothing."""


@contextlib.contextmanager
def member(context: ssl.SSLContext | None = None, port: int = 0, **parts: Any) -> Iterator[Member]:
    """Run a member on a free port, or that one."""
    running = Member(**parts, scheme="https" if context else "http")
    handler = type("Handler", (_Handler,), {"member": running})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    running.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def basic(username: str, password: str) -> str:
    """Return the header that signs in."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
