"""E-mail: one mail per person over SMTP, with TLS and sign-in."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
from aiolimiter import AsyncLimiter
from pmo_watch_plugins.notifiers.email.answers import FAILURES, Stage, answer_of, judge
from pmo_watch_plugins.notifiers.email.settings import Settings
from pmo_watch_plugins.notifiers.email.tokens import Tokens

from pmo_watch.api import (
    DeliveryDeferred,
    DeliveryRejected,
    NotifierContext,
    NotifierType,
    OutboxRow,
    hookimpl,
    mail,
    short_id,
)

CONNECT_SECONDS = 15
MOST_ON_ONE_CONNECTION = 100
IDLE_SECONDS = 5  # a connection nobody needs for so long is given back
PAUSE_SECONDS = 30  # after 421: the rest of the batch waits
POLICY_REFUSALS = 3  # so many recipients running refused by policy: it is us that the server does not want
AT_A_TIME = 2  # connections


@dataclass(slots=True, eq=False)
class Connection:
    """An SMTP connection, signed in, and how many mails it has carried."""

    client: aiosmtplib.SMTP
    carried: int = 0
    idle: asyncio.TimerHandle | None = None


class Mailer:
    """Sends mails over a few connections; each carries one mail at a time and up to a hundred in all."""

    def __init__(self, settings: Settings, context: NotifierContext) -> None:
        self._settings = settings
        self._tls = _tls_context(settings, context.folder)
        self._tokens = Tokens(settings.oauth, context) if settings.oauth else None
        self._limiter = AsyncLimiter(settings.per_minute, 60) if settings.per_minute else None
        self._free: list[Connection] = []
        self._partings: set[asyncio.Task[None]] = set()
        self._resume_at = 0.0
        self._refused_by_policy: set[str] = set()

    async def turn(self) -> None:
        """Wait until the rate allows one more mail."""
        if self._limiter is not None:
            await self._limiter.acquire()

    async def send(self, row: OutboxRow) -> str:
        """Send one mail and return what the server answered.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        pause = self._resume_at - asyncio.get_running_loop().time()
        if pause > 0:
            raise DeliveryDeferred("throttled", "the server asked us to wait", retry_after=pause)
        stage = [Stage.BUILD]
        try:
            message = await asyncio.to_thread(mail, row, self._settings)
            async with asyncio.timeout(self._settings.total_timeout_seconds), self._connection(stage) as connection:
                answer = await self._transfer(connection.client, message, row)
        except FAILURES as error:
            raise self._judged(error, stage[0], row.address) from None
        self._refused_by_policy.clear()
        return answer

    async def probe(self) -> None:
        """Connect, start TLS and sign in as for a mail, and take leave again.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        stage = [Stage.CONNECT]
        try:
            async with asyncio.timeout(self._settings.total_timeout_seconds), self._connection(stage):
                pass
        except FAILURES as error:
            raise judge(error, stage[0]) from None

    async def close(self) -> None:
        """Take leave of the server on every connection."""
        while self._free:
            self._part(self._free.pop())
        if self._partings:
            await asyncio.wait(self._partings)
        if self._tokens is not None:
            await self._tokens.close()

    @contextlib.asynccontextmanager
    async def _connection(self, stage: list[Stage]) -> AsyncIterator[Connection]:
        """Lend a connection; after any exception it is closed: what it would answer next is unknown."""
        connection = self._reuse() or Connection(self._client())
        try:
            if not connection.client.is_connected:
                await self._open(connection.client, stage)
            stage[0] = Stage.SEND
            yield connection
        except BaseException:
            _drop(connection.client)  # never quit(): the stream may be out of step
            raise
        connection.carried += 1
        if connection.carried >= MOST_ON_ONE_CONNECTION:
            self._part(connection)
        else:
            connection.idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._give_back, connection)
            self._free.append(connection)

    def _reuse(self) -> Connection | None:
        while self._free:
            connection = self._free.pop()
            if connection.idle is not None:
                connection.idle.cancel()
            if connection.client.is_connected:
                return connection
        return None

    def _give_back(self, connection: Connection) -> None:
        self._free.remove(connection)
        self._part(connection)

    def _part(self, connection: Connection) -> None:
        if connection.idle is not None:
            connection.idle.cancel()
        parting = asyncio.get_running_loop().create_task(_quit(connection.client))
        self._partings.add(parting)
        parting.add_done_callback(self._partings.discard)

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.server_port,
            use_tls=bool(settings.tls),
            start_tls=False,  # stage by stage in `_open`; None would send in clear text where it is not offered
            timeout=settings.timeout_seconds,
            tls_context=self._tls,
            local_hostname=settings.local_hostname or None,
        )

    async def _open(self, client: aiosmtplib.SMTP, stage: list[Stage]) -> None:
        stage[0] = Stage.CONNECT
        await client.connect(timeout=min(CONNECT_SECONDS, self._settings.timeout_seconds))
        stage[0] = Stage.HELLO
        await client.ehlo()
        if not self._settings.tls and self._settings.starttls == "required":
            stage[0] = Stage.TLS
            if not client.supports_extension("starttls"):
                raise DeliveryDeferred("tls", "the server offers no STARTTLS", channel_fault=True)
            await client.starttls()
            await client.ehlo()  # what it offered before TLS is void
        if self._settings.username:
            stage[0] = Stage.AUTH
            await self._sign_in(client)

    async def _sign_in(self, client: aiosmtplib.SMTP) -> None:
        if self._tokens is None:
            password = self._settings.password
            await client.login(self._settings.username, password.get_secret_value() if password else "")
            return
        if "xoauth2" not in client.server_auth_methods:
            raise DeliveryDeferred("auth", "the server offers no XOAUTH2", channel_fault=True)
        try:
            await client.auth_xoauth2(self._settings.username, await self._tokens.token())
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code != 535:
                raise
            self._tokens.drop()  # it may have been withdrawn: once more with a fresh one
            await client.auth_xoauth2(self._settings.username, await self._tokens.token())

    async def _transfer(self, client: aiosmtplib.SMTP, message: EmailMessage, row: OutboxRow) -> str:
        reports = client.supports_extension("dsn")
        refused, answer = await client.send_message(
            message,
            sender=self._settings.bounces,
            recipients=[row.address],
            mail_options=["RET=HDRS", f"ENVID={short_id(row)}"] if reports else [],
            rcpt_options=["NOTIFY=FAILURE,DELAY"] if reports else [],
        )
        for response in refused.values():
            raise aiosmtplib.SMTPRecipientRefused(response.code, response.message, row.address)
        accepted: str = answer_of(250, answer)
        return accepted

    def _judged(self, error: BaseException, stage: Stage, address: str) -> DeliveryDeferred | DeliveryRejected:
        result: DeliveryDeferred | DeliveryRejected = judge(error, stage)
        if result.answer.startswith("421"):
            self._resume_at = asyncio.get_running_loop().time() + PAUSE_SECONDS
        if not isinstance(error, aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPRecipientRefused):
            return result
        by_policy = isinstance(result, DeliveryRejected) and " 5.7." in result.answer
        self._refused_by_policy = {*self._refused_by_policy, address} if by_policy else set()
        if by_policy and len(self._refused_by_policy) >= POLICY_REFUSALS:
            return DeliveryRejected(result.reason, result.answer, channel_fault=True)
        return result


async def _quit(client: aiosmtplib.SMTP) -> None:
    transport = client.transport  # the client forgets it when it has said goodbye
    with contextlib.suppress(*FAILURES):
        await client.quit(timeout=1)
    client.close()
    _abort(transport)


def _drop(client: aiosmtplib.SMTP) -> None:
    transport = client.transport
    client.close()
    _abort(transport)


def _abort(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection at once: over TLS a mere close would wait for the other side's goodbye."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def _tls_context(settings: Settings, folder: Path) -> ssl.SSLContext:
    path = folder / settings.ca_file if settings.ca_file else None
    try:
        context = ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        said = f"ca_file {path}: {error.strerror or 'holds no certificates'}"
        raise DeliveryDeferred("config", said, channel_fault=True) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _warnings(settings: Settings) -> Sequence[str]:
    clear = settings.starttls == "off" and not settings.tls
    return ["starttls: off sends every mail in clear text"] if clear else []


EMAIL = NotifierType(
    "email",
    Settings,
    open=Mailer,
    check=_warnings,
    in_flight=AT_A_TIME,
    deadline_seconds=lambda settings: settings.total_timeout_seconds,
)


@hookimpl
def pmo_watch_notifiers() -> Iterable[NotifierType[Any]]:
    """Return the kind `email`."""
    return [EMAIL]
