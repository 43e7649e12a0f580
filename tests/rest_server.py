"""A server that answers as it is told, one reply per request, and remembers what it was asked."""

import contextlib
import gzip
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What one request gets.

    `announced`: the Content-Length where it is not the body's. `drop`: hang up without a word. `hold`: wait for this
    before answering. `drip`: send the body byte by byte, so many seconds apart. `busy`: how long it
    takes.
    """

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None
    drop: bool = False
    hold: threading.Event | None = None
    drip: float = 0
    busy: float = 0


@dataclass(frozen=True)
class Asked:
    """What one request was."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def packed(body: bytes) -> Reply:
    """Return a reply that is compressed on the wire."""
    return Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: "ScriptedServer"

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        reply = self.script.next(Asked(self.command, self.path, dict(self.headers), self.rfile.read(length)))
        if reply.hold:
            reply.hold.wait(20)
        time.sleep(reply.busy)
        self.script.done()
        self.close_connection = reply.drop
        if not reply.drop:
            with contextlib.suppress(OSError):
                self._send(reply)

    def _send(self, reply: Reply) -> None:
        answer = self.send_response_only if "Date" in reply.headers else self.send_response
        answer(reply.status)
        announced = len(reply.body) if reply.announced is None else reply.announced
        length = {"Content-Length": str(announced)} if announced >= 0 else {}
        for name, value in {**reply.headers, **length}.items():
            self.send_header(name, value)
        self.end_headers()
        step = 1 if reply.drip else max(len(reply.body), 1)
        for at in range(0, len(reply.body), step):
            self.wfile.write(reply.body[at : at + step])
            time.sleep(reply.drip)
        self.close_connection = announced != len(reply.body)

    do_GET = do_POST = do_CONNECT = _answer  # noqa: N815  # the library's names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class ScriptedServer:
    """Answers with the replies in order, the last one for ever."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.replies = list(replies) or [Reply()]
        self.asked: list[Asked] = []
        self.was_asked = threading.Event()
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": self}))
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def base(self) -> str:
        """The address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def next(self, asked: Asked) -> Reply:
        """Note a request and return what it gets."""
        with self._lock:
            self.asked.append(asked)
            self.was_asked.set()
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def done(self) -> None:
        """Note that a request is about to be answered."""
        with self._lock:
            self._now -= 1


@contextmanager
def scripted(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Give a server with these replies."""
    server = ScriptedServer(*replies, tls=tls)
    try:
        yield server
    finally:
        server.close()
