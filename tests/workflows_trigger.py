"""A Workflows trigger as a real HTTP server: the last part of the path chooses the answer (spec channels 8.5)."""

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ERRORS = {
    "off": (404, "WorkflowTriggerIsNotEnabled"),
    "gone": (410, "Gone"),
    "schema": (400, "TriggerInputSchemaMismatch"),
    "media": (415, "UnsupportedMediaType"),
    "teapot": (418, "Teapot"),
    "unsigned": (401, "DirectApiAuthorizationRequired"),
    "forbidden": (403, "Forbidden"),
    "throttle": (429, "TooManyRequests"),
    "until": (429, "TooManyRequests"),
    "patience": (429, "TooManyRequests"),
    "late": (408, "RequestTimeout"),
    "broken": (502, "BadGateway"),
    "small": (413, "RequestEntityTooLarge"),
}
LIMIT = 28 * 1024
NOW = datetime(2026, 5, 12, 8, 30, tzinfo=UTC)


@dataclass
class Trigger:
    """The running server: where it is, and what it was sent."""

    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    limit: int = LIMIT
    hold: threading.Event = field(default_factory=threading.Event)

    def url(self, mode: str, *, scheme: str = "http", sig: str = "canary-sig-42") -> str:
        """Return the URL of a flow that answers in that way."""
        return f"{scheme}://localhost:{self.port}/workflows/{mode}?api-version=2016-06-01&sig={sig}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    trigger: Trigger

    def do_POST(self) -> None:  # http.server calls it by this name
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mode = self.path.partition("?")[0].rpartition("/")[2]
        self.trigger.requests.append({"mode": mode, "body": body, "headers": dict(self.headers)})
        if mode == "cut":
            self.close_connection = True
            return
        if mode == "slow":
            self.trigger.hold.wait(30)
        self._answer(mode, *self._status(mode, body))

    def _status(self, mode: str, body: bytes) -> tuple[int, str]:
        if len(body) > self.trigger.limit:
            return 413, "RequestEntityTooLarge"
        return (302, "") if mode == "moved" else ERRORS.get(mode, (202, ""))

    def _answer(self, mode: str, status: int, code: str) -> None:
        message = f"{code} at {self.path}"  # a server may repeat the URL
        answer = json.dumps({"error": {"code": code, "message": message}}).encode() if code else b""
        if mode == "huge":
            answer = b"x" * 1_000_000
        self.send_response(status)
        waits = {
            "throttle": "2",
            "patience": "86400",
            "until": format_datetime(NOW + timedelta(seconds=90), usegmt=True),
        }
        if mode in waits:
            self.send_header("Retry-After", waits[mode])
        if status == 302:
            self.send_header("Location", self.trigger.url("ok"))
        self.send_header("Set-Cookie", "tracking=1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(answer)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date header: the trigger's clock stands still."""
        return format_datetime(NOW, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as http.server names it
        """Say nothing."""


@contextlib.contextmanager
def workflows_trigger(context: ssl.SSLContext | None = None) -> Iterator[Trigger]:
    """Run a trigger on a free port."""
    trigger = Trigger()
    handler = type("Handler", (_Handler,), {"trigger": trigger})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    trigger.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield trigger
    finally:
        trigger.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
