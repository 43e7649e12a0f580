"""A server that answers as it is told, one reply per request, and remembers what it was asked."""

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
    before answering. `drip`: send the body byte by byte, so many seconds apart. `together`: how long to stay busy.
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


class ScriptedServer:
    """Answers with the replies in order, the last one for ever."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.replies = list(replies) or [Reply()]
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
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

    def _next(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def _left(self) -> None:
        with self._lock:
            self._now -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
                reply = outer._next(asked)
                try:
                    self._send(reply)
                except OSError:
                    self.close_connection = True
                finally:
                    outer._left()

            def _send(self, reply: Reply) -> None:
                if reply.hold:
                    reply.hold.wait(20)
                if reply.busy:
                    time.sleep(reply.busy)
                if reply.drop:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                announced = len(reply.body) if reply.announced is None else reply.announced
                if announced >= 0:
                    self.send_header("Content-Length", str(announced))
                self.end_headers()
                for piece in (reply.body[n : n + 1] for n in range(len(reply.body))) if reply.drip else [reply.body]:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(reply.drip)
                self.close_connection = announced != len(reply.body)

            do_GET = do_POST = do_CONNECT = _answer  # noqa: N815  # the library's names

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def scripted(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Give a server with these replies."""
    server = ScriptedServer(*replies, tls=tls)
    try:
        yield server
    finally:
        server.close()
