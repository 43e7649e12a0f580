"""A mail notifier against a server of the test: settings, rows, and what a failure came to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from mail_server import (
    PASSWORD,
    USER,
    Mailbox,
    certificates,
    password_is_right,
    smtp_server,
)
from messages import CONTEXT, a_message, an_item
from pmo_watch_plugins.notifiers.email import EMAIL, Mailer
from pmo_watch_plugins.notifiers.email.settings import Settings

from pmo_watch.alerts import OutboxRow
from pmo_watch.api import DeliveryDeferred, DeliveryRejected, NotifierContext
from pmo_watch.render import render

ID = "0123456789abcdef0123456789abcdef"


def row(address: str = "m.rossi@pmo.test", **parts: Any) -> OutboxRow:
    rendered, _ = render(a_message(an_item()), CONTEXT)
    usual = OutboxRow(ID, "mail", "person:m.rossi", "Maria Rossi", address, "en", rendered)
    return replace(usual, **parts)


def settings(port: int, **parts: Any) -> Settings:
    usual = {"host": "localhost", "port": port, "from": "PMO watch <pmo-watch@pmo.test>", "starttls": "off"}
    usual |= {"timeout_seconds": 2, "total_timeout_seconds": 4, "local_hostname": "daemon.pmo.test"}
    return Settings.model_validate({name: value for name, value in (usual | parts).items() if value is not None})


@asynccontextmanager
async def mailer(port: int, folder: Path = Path(), **parts: Any) -> AsyncIterator[Mailer]:
    notifier = EMAIL.open(settings(port, **parts), NotifierContext("mail", folder, "pmo-watch/1"))
    try:
        assert isinstance(notifier, Mailer)
        yield notifier
    finally:
        await notifier.close()


@dataclass(frozen=True)
class Secure:
    """A server that offers STARTTLS and wants a password, and the file with its authority."""

    port: int
    folder: Path
    box: Mailbox

    @property
    def keys(self) -> dict[str, Any]:
        return {"starttls": "required", "username": USER, "password": PASSWORD, "ca_file": "ca.pem"}


@contextmanager
def secure_server(folder: Path, *, name: str = "localhost", box: Mailbox | None = None) -> Iterator[Secure]:
    ca, context = certificates(name)
    ca.cert_pem.write_to_path(folder / "ca.pem")
    box = box or Mailbox()
    options: dict[str, Any] = {"tls_context": context, "authenticator": password_is_right, "auth_require_tls": True}
    with smtp_server(box, **options) as port:
        yield Secure(port, folder, box)


async def failure(
    port: int, address: str = "ann@pmo.test", folder: Path = Path(), **parts: Any
) -> DeliveryDeferred | DeliveryRejected:
    async with mailer(port, folder, **parts) as notifier:
        try:
            await notifier.send(row(address))
        except (DeliveryDeferred, DeliveryRejected) as error:
            return error
    pytest.fail("the server took the mail")


def shown(error: DeliveryDeferred | DeliveryRejected) -> tuple[str, str, bool]:
    kind = "rejected" if isinstance(error, DeliveryRejected) else "deferred"
    return kind, error.reason, error.channel_fault


@asynccontextmanager
async def tls_server(
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any], context: ssl.SSLContext
) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)
