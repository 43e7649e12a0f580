"""What the demo's messages reach: a mail server and a channel on this machine, which write down what they take."""

import base64
import email
import email.policy
import html
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class _Keeper:
    """Takes every mail and writes it as `.eml` and as the page that the reader sees."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd names it
        del server, session
        self._number += 1
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        name = f"{self._number:03}-{_plain(envelope.rcpt_tos[0])}"
        (self._folder / f"{name}.eml").write_bytes(envelope.content)
        (self._folder / f"{name}.html").write_text(page_of(mail), encoding="utf-8")
        return "250 2.0.0 written down"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.partition("@")[0].lower()).strip("-")


def page_of(mail: EmailMessage) -> str:
    """Return the mail's own page with its pictures in it, or its text as a page: what a browser can show."""
    body = mail.get_body(("html", "plain"))
    text = str(body.get_content()) if body is not None else ""
    if body is None or body.get_content_type() != "text/html":
        return f"<title>{html.escape(mail['Subject'] or '')}</title><pre>{html.escape(text)}</pre>"
    for part in mail.walk():
        if isinstance(part, EmailMessage) and part.get_content_type() == "image/png":
            picture = base64.b64encode(part.get_content()).decode()
            text = text.replace(f"cid:{part['Content-ID'].strip('<>')}", f"data:image/png;base64,{picture}")
    return text


@contextmanager
def mail_server(folder: Path) -> Iterator[int]:
    """Take mail on a free port of this machine and write it into the folder; give the port."""
    folder.mkdir(parents=True, exist_ok=True)
    controller = Controller(_Keeper(folder), hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    import socket  # noqa: PLC0415  # needed here alone

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def channel(folder: Path) -> Iterator[int]:
    """Take cards as a Workflows flow does, on a free port; write them into the folder; give the port."""
    folder.mkdir(parents=True, exist_ok=True)

    class Trigger(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server names it
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            number = len(list(folder.glob("*.json"))) + 1
            text = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
            (folder / f"{number:03}.json").write_text(text, encoding="utf-8")
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing: the URL would hold the key."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trigger)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
