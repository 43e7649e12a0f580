"""Real SMTP servers for tests: aiosmtpd with TLS, sign-in and answers by local part, and raw ones that misbehave."""

import asyncio
import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD, TOKEN = "pmo", "s3cret-canary-42", "token-canary-42"
RCPT_ANSWERS = {
    "perm": "550 5.1.1 no such user",
    "policy": "550 5.7.1 blocked by policy",
    "grey": "451 4.7.1 try again later",
    "full": "452 4.2.2 mailbox full",
    "busy": "421 4.7.0 too many connections",
    "gone": "552 5.2.2 mailbox over quota",
}
DATA_ANSWERS = {
    "spam": "554 5.7.1 refused by policy",
    "later": "451 4.3.0 try later",
    "big": "552 5.3.4 too big",
    "shut": "421 4.3.2 closing",
}
MAIL_ANSWERS = {
    "bad-sender@pmo.test": "550 5.7.60 may not send as this sender",
    "slow-sender@pmo.test": "452 4.3.1 no room",
    "big-sender@pmo.test": "552 5.3.4 message too big",
    "busy-sender@pmo.test": "421 4.7.0 too many connections",
    "odd-sender@pmo.test": "553 5.1.7 no such sender",
}


class Mailbox:
    """Answers by local part and keeps what it took; also says how many connections there were."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.sessions: list[Session] = []

    async def handle_MAIL(  # noqa: N802  # aiosmtpd calls it by this name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if session not in self.sessions:
            self.sessions.append(session)
        envelope.mail_from, envelope.mail_options = address, options
        return MAIL_ANSWERS.get(address, "250 2.1.0 ok")

    async def handle_RCPT(  # noqa: N802  # aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        name = address.partition("@")[0].rstrip("0123456789")
        if name in RCPT_ANSWERS:
            return RCPT_ANSWERS[name]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        name = envelope.rcpt_tos[0].partition("@")[0]
        if name in DATA_ANSWERS:
            return DATA_ANSWERS[name]
        self.envelopes.append(envelope)
        self.mails.append(message_from_bytes(cast(bytes, envelope.content), policy=default))
        return "250 2.0.0 queued as 42"


class OAuthMailbox(Mailbox):
    """Takes XOAUTH2 with the right token; refuses by challenge, as Exchange does."""

    token = TOKEN

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802  # aiosmtpd calls it by this name
        said = base64.b64decode(args[1]).decode()
        if f"auth=Bearer {self.token}\x01" in said:
            return AuthResult(success=True, auth_data=LoginPassword(b"x", b"x"))
        await server.push("334 eyJzdGF0dXMiOiI0MDEifQ==")
        await cast(Any, server)._reader.readline()
        return AuthResult(success=False, handled=False, message="535 5.7.3 Authentication unsuccessful")


def password_is_right(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False, message=None if good else "535 5.7.8 wrong name or password")


def certificates(name: str = "localhost") -> tuple[trustme.CA, ssl.SSLContext]:
    """Return a certificate authority, and a server's context with a certificate of it for that name."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return ca, context


def free_port() -> int:
    """Return a port that nobody listens on; aiosmtpd cannot tell which one it got."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def smtp_server(
    handler: Mailbox, *, implicit: ssl.SSLContext | None = None, port: int = 0, **options: Any
) -> Iterator[int]:
    """Run an SMTP server in a thread and give its port."""
    port = port or free_port()
    controller = Controller(
        handler, hostname="127.0.0.1", port=port, ssl_context=implicit, server_hostname="mx.pmo.test", **options
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def raw_server(script: Script) -> AsyncIterator[int]:
    """Run a server that does what the script says with each connection, and give its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await script(reader, writer)
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *answers: str) -> None:
    """Say the first text, then one text for each line that is read."""
    for number, answer in enumerate(answers):
        if number and not await reader.readline():
            return
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()


@contextlib.contextmanager
def silent_server() -> Iterator[tuple[int, threading.Event]]:
    """Run a server that takes connections and never says a word; give its port, and what is set once there is one."""
    connected, over = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def listen() -> None:
            held = []
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    held.append(server.accept()[0])
                    connected.set()
            for one in held:
                one.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], connected
        finally:
            over.set()
            thread.join()
