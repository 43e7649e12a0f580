"""A Jira of our own on loopback: Cloud or Data Center, and bad days on demand."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pmo_watch.demo.jira_answers import CLOUD_ID, SCOPED, TOKEN, USER, FakeJira, Fault, No
from pmo_watch.demo.jira_site import Json

__all__ = ["CLOUD_ID", "SCOPED", "TOKEN", "USER", "FakeJira", "Fault", "serving"]

PAGE = "<!doctype html><title>Sign in</title><p>Please sign in."


class _Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    jira: FakeJira

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        given = {**dict(parse_qsl(parts.query)), **(json.loads(body) if body else {})}
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.jira.lock:
            self.jira.requests.append(f"{self.command} {self.path}")
            fault = self.jira.strike(parts.path)
            self._send(*self._said(parts.path, given, headers, fault), fault.kind if fault else "")
            self.jira.happen(parts.path)

    do_POST = do_GET  # noqa: N815  # the library names it

    def _said(self, path: str, given: Json, headers: Mapping[str, str], fault: Fault | None) -> tuple[int, Any, Any]:
        if fault is not None and fault.kind in {"status", "html"}:
            wrong = {"errorMessages": ["It went wrong on purpose."], "errors": {}}
            return fault.status, PAGE if fault.kind == "html" else wrong, fault.headers
        try:
            return 200, self.jira.answer(self.command, path, given, headers, fault.kind if fault else ""), {}
        except No as no:
            return no.status, no.body, no.headers

    def _send(self, status: int, said: Any, headers: Mapping[str, str], kind: str) -> None:
        body = said.encode() if isinstance(said, str) else json.dumps(said, ensure_ascii=False).encode()
        if kind == "half":  # a whole answer around half a text
            body = body[: len(body) // 2]
        self.close_connection = self.close_connection or kind in {"cut", "drop"}
        if kind == "drop":
            return
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(said, str) else "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body[: len(body) // 2] if kind == "cut" else body)

    def log_message(self, *_: Any) -> None:
        """Stay silent: `requests` has it."""


@contextlib.contextmanager
def serving(jira: FakeJira) -> Iterator[FakeJira]:
    """Serve a site on a free port of this machine until the block ends; `url` says where."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"jira": jira}))
    jira.url = f"http://127.0.0.1:{server.server_address[1]}{jira.context}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield jira
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
