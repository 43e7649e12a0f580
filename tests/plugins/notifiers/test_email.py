"""Mail over real servers: what is written, over which connection, and what each failure means (channels 2, 8.2)."""

import asyncio
import base64
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from mail_server import (
    PASSWORD,
    TOKEN,
    USER,
    Mailbox,
    OAuthMailbox,
    certificates,
    free_port,
    password_is_right,
    raw_server,
    smtp_server,
    talk,
)
from messages import CONTEXT, a_message, an_item
from pmo_watch_plugins.notifiers.email import EMAIL, Mailer
from pmo_watch_plugins.notifiers.email.settings import Settings
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from ruamel.yaml import YAML
from werkzeug import Request, Response

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


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    with secure_server(tmp_path) as server:
        yield server


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(box: Mailbox) -> Iterator[int]:
    with smtp_server(box) as number:
        yield number


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


# --- the mail -----------------------------------------------------------------------------------------------------


async def test_mail_is_taken_over_starttls_after_sign_in(secure: Secure) -> None:
    async with mailer(secure.port, secure.folder, **secure.keys) as notifier:
        answer = await notifier.send(row())

    assert answer == "250 2.0.0 queued as 42"
    (session,) = secure.box.sessions
    assert session.ssl
    assert session.authenticated


async def test_mail_is_taken_over_implicit_tls(tmp_path: Path, box: Mailbox) -> None:
    ca, context = certificates()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    options: dict[str, Any] = {"authenticator": password_is_right, "auth_require_tls": False}
    keys: dict[str, Any] = {
        "starttls": None,
        "tls": "implicit",
        "ca_file": "ca.pem",
        "username": USER,
        "password": PASSWORD,
    }

    with smtp_server(box, implicit=context, **options) as port:
        async with mailer(port, tmp_path, **keys) as notifier:
            await notifier.send(row())

    assert len(box.mails) == 1


async def test_headers_are_those_of_the_specification(port: int, box: Mailbox) -> None:
    async with mailer(port, envelope_from="bounces@pmo.test") as notifier:
        await notifier.send(row())

    (mail,) = box.mails
    headers = dict(mail.items())
    root = "<t.00112233aabbccdd@pmo.test>"
    assert headers.pop("Date")
    assert headers.pop("Content-Type").startswith("multipart/alternative;")
    assert headers == {
        "From": "PMO watch <pmo-watch@pmo.test>",
        "To": "Maria Rossi <m.rossi@pmo.test>",
        "Message-ID": "<m.0123456789abcdef0123@pmo.test>",
        "Subject": 'PRJ-042 Key milestone "Go-live" slips',
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": '"PMO alerts" <alerts.pmo.test>',
        "Content-Language": "en",
        "X-PMO-Watch-Level": "red",
        "X-PMO-Watch-Reason": "opened",
        "X-PMO-Watch-Rule": "key-milestone-slip",
        "X-PMO-Watch-Project": "PRJ-042",
        "Importance": "high",
        "X-Priority": "1",
        "In-Reply-To": root,
        "References": root,
        "MIME-Version": "1.0",
    }
    assert box.envelopes[0].mail_from == "bounces@pmo.test"
    assert box.envelopes[0].rcpt_tos == ["m.rossi@pmo.test"]


async def test_date_is_now_and_has_a_zone(port: int, box: Mailbox) -> None:
    async with mailer(port) as notifier:
        await notifier.send(row())

    sent = parsedate_to_datetime(str(box.mails[0]["Date"]))
    assert sent.tzinfo is not None
    assert abs((datetime.now(sent.tzinfo) - sent).total_seconds()) < 60


async def test_both_parts_come_as_rendered(port: int, box: Mailbox) -> None:
    rendered, _ = render(a_message(an_item(), language="fr"), CONTEXT)

    async with mailer(port) as notifier:
        await notifier.send(row(rendered=rendered))

    text, html = box.mails[0].iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().replace("\r\n", "\n") == rendered.text
    assert html.get_content().replace("\r\n", "\n").rstrip("\n") == rendered.html.rstrip("\n")


async def test_digest_is_bulk_and_in_no_thread(port: int, box: Mailbox) -> None:
    rendered, _ = render(a_message(an_item(), kind="digest", digest="daily", thread=""), CONTEXT)

    async with mailer(port, message_id_domain="ids.pmo.test", subject_prefix="PMO:") as notifier:
        await notifier.send(row(rendered=rendered, kind="digest"))

    (mail,) = box.mails
    assert mail["List-Id"] == "<digest.ids.pmo.test>"
    assert mail["Precedence"] == "bulk"
    assert mail["In-Reply-To"] is None
    assert mail["Subject"] == "PMO: Daily overview 2026-05-12"
    assert mail["Message-ID"] == "<m.0123456789abcdef0123@ids.pmo.test>"


async def test_subject_says_the_state_where_that_is_set(port: int, box: Mailbox) -> None:
    rendered, _ = render(a_message(an_item(), language="fr"), CONTEXT)

    async with mailer(port, subjects="state") as notifier:
        await notifier.send(row(rendered=rendered))

    assert box.mails[0]["Subject"] == (
        "[ROUGE] PRJ-042 Jalon clé «\u00a0Go-live\u00a0»\u00a0: glissement de 12 jours ouvrés"
    )


async def test_name_with_special_signs_stays_a_name(port: int, box: Mailbox) -> None:
    async with mailer(port) as notifier:
        await notifier.send(row(recipient_name='Rossi, "Maria" <x@evil.test>\r\nBcc: y@evil.test é'))

    (mail,) = box.mails
    (address,) = mail["To"].addresses
    assert address.addr_spec == "m.rossi@pmo.test"
    assert address.display_name.startswith('Rossi, "Maria" <x@evil.test> Bcc: y@evil.test')
    assert mail["Bcc"] is None
    assert box.envelopes[0].rcpt_tos == ["m.rossi@pmo.test"]


async def test_longest_message_ids_are_not_encoded(port: int, box: Mailbox) -> None:
    domain = "a" * 45 + ".test"

    async with mailer(port, message_id_domain=domain) as notifier:
        await notifier.send(row())

    raw = box.envelopes[0].content
    assert isinstance(raw, bytes)
    ids = re.findall(rb"^(Message-ID|In-Reply-To|References):\s+(<[^>]+>)", raw, re.MULTILINE)
    assert [name for name, _ in ids] == [b"Message-ID", b"In-Reply-To", b"References"]
    assert all(len(one) <= 77 and one.endswith(f"@{domain}>".encode()) for _, one in ids)


# --- connections --------------------------------------------------------------------------------------------------


async def test_one_connection_carries_up_to_a_hundred_mails(port: int, box: Mailbox) -> None:
    async with mailer(port) as notifier:
        for number in range(101):
            await notifier.send(row(id=f"{number:032x}"))

    assert len(box.mails) == 101
    assert len(box.sessions) == 2


async def test_refused_recipient_closes_the_connection_and_not_the_next_mail(port: int, box: Mailbox) -> None:
    async with mailer(port) as notifier:
        await notifier.send(row("ann@pmo.test"))
        with pytest.raises(DeliveryRejected):
            await notifier.send(row("perm@pmo.test"))
        await notifier.send(row("bob@pmo.test"))

    assert [mail["To"].addresses[0].addr_spec for mail in box.mails] == ["ann@pmo.test", "bob@pmo.test"]
    assert len(box.sessions) == 2


async def test_two_mails_at_a_time_take_two_connections(port: int, box: Mailbox) -> None:
    async with mailer(port) as notifier:
        await asyncio.gather(*(notifier.send(row(id=f"{number:032x}")) for number in range(2)))

    assert len(box.sessions) == 2
    assert EMAIL.in_flight == 2
    assert EMAIL.deadline_seconds(settings(25)) == 4


async def test_deadline_strikes_while_the_server_answers_steadily_but_slowly() -> None:
    async def tarpit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        while await reader.readline():
            await asyncio.sleep(0.3)
            writer.write(b"250 ok\r\n")

    async with raw_server(tarpit) as port:
        error = await failure(port, timeout_seconds=1, total_timeout_seconds=0.8)

    assert shown(error) == ("deferred", "timeout", False)


async def test_answer_to_a_mail_that_timed_out_is_not_taken_for_the_next_ones(box: Mailbox) -> None:
    late: list[str] = []

    async def late_after_the_dot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, "220 mx", "250 mx", "250 ok", "250 ok", "354 go")
        while (await reader.readline()) != b".\r\n":
            pass
        if not late:
            late.append("x")
            await asyncio.sleep(1)
            writer.write(b"250 2.0.0 first mail taken late\r\n")
        else:
            writer.write(b"250 2.0.0 second mail\r\n")
            await reader.readline()

    async with raw_server(late_after_the_dot) as port, mailer(port, timeout_seconds=0.4) as notifier:
        with pytest.raises(DeliveryDeferred) as caught:
            await notifier.send(row())
        answer = await notifier.send(row())

    assert shown(caught.value) == ("deferred", "timeout", False)
    assert answer == "250 2.0.0 second mail"


async def test_reports_of_failure_are_asked_for_where_the_server_gives_them() -> None:
    said: list[str] = []

    async def with_dsn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        for answer in ("250-mx\r\n250 DSN", "250 ok", "250 ok", "354 go"):
            said.append((await reader.readline()).decode())
            writer.write(f"{answer}\r\n".encode())
        while (await reader.readline()) != b".\r\n":
            pass
        writer.write(b"250 ok\r\n")

    async with raw_server(with_dsn) as port, mailer(port) as notifier:
        await notifier.send(row())

    assert "RET=HDRS ENVID=0123456789abcdef0123" in said[1]
    assert "NOTIFY=FAILURE,DELAY" in said[2]


async def test_rate_lets_the_first_pass_and_the_next_wait() -> None:
    async with mailer(1, rate="1/min") as notifier, mailer(1) as unlimited:
        await notifier.turn()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await notifier.turn()
        for _ in range(50):
            await unlimited.turn()


# --- answers (2.7) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "result", "answer"),
    [
        ("perm@pmo.test", ("rejected", "rejected", False), "550 5.1.1 no such user"),
        ("gone@pmo.test", ("rejected", "rejected", False), "552 5.2.2 mailbox over quota"),
        ("grey@pmo.test", ("deferred", "throttled", False), "451 4.7.1 try again later"),
        ("full@pmo.test", ("deferred", "throttled", False), "452 4.2.2 mailbox full"),
        ("busy@pmo.test", ("deferred", "throttled", False), "421 4.7.0 too many connections"),
        ("spam@pmo.test", ("rejected", "rejected", False), "554 5.7.1 refused by policy"),
        ("later@pmo.test", ("deferred", "server_error", False), "451 4.3.0 try later"),
        ("big@pmo.test", ("rejected", "too_large", False), "552 5.3.4 too big"),
        ("shut@pmo.test", ("deferred", "throttled", False), "421 4.3.2 closing"),
    ],
)
async def test_answer_to_recipient_or_content(
    port: int, address: str, result: tuple[str, str, bool], answer: str
) -> None:
    error = await failure(port, address)

    assert shown(error) == result
    assert error.answer == answer


@pytest.mark.parametrize(
    ("sender", "result"),
    [
        ("bad-sender@pmo.test", ("deferred", "config", True)),
        ("slow-sender@pmo.test", ("deferred", "throttled", False)),
        ("big-sender@pmo.test", ("rejected", "too_large", False)),
    ],
)
async def test_answer_to_the_sender(port: int, sender: str, result: tuple[str, str, bool]) -> None:
    assert shown(await failure(port, envelope_from=sender)) == result


@pytest.mark.parametrize(
    ("banner", "result"),
    [
        ("554 5.3.2 no service", ("deferred", "config", True)),
        ("421 4.3.2 too busy", ("deferred", "throttled", False)),
        ("HTTP/1.1 400 Bad Request", ("deferred", "server_error", False)),
    ],
)
async def test_answer_to_connecting(banner: str, result: tuple[str, str, bool]) -> None:
    async with raw_server(lambda reader, writer: talk(reader, writer, banner)) as port:
        assert shown(await failure(port)) == result


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        (("220 mx", "550 5.5.0 not you"), ("deferred", "config", True)),
        (("220 mx", "451 4.3.0 not now"), ("deferred", "throttled", False)),
        (("220 mx",), ("deferred", "disconnected", False)),
        (("220 mx", "250 mx", "250 ok"), ("deferred", "disconnected", False)),
        (("220 mx", "250 mx", "nonsense"), ("deferred", "server_error", False)),
        ((), ("deferred", "connect", False)),
    ],
)
async def test_server_that_refuses_or_hangs_up_midway(answers: tuple[str, ...], result: tuple[str, str, bool]) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, *answers)
        if answers:
            await reader.readline()

    async with raw_server(script) as port:
        assert shown(await failure(port)) == result


async def test_server_that_hangs_up_after_the_final_dot_is_tried_again_with_the_same_id() -> None:
    ids: list[str] = []

    async def closes_after_the_dot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, "220 mx", "250 mx", "250 ok", "250 ok", "354 go")
        while (line := await reader.readline()) not in {b".\r\n", b""}:
            if line.startswith(b"Message-ID"):
                ids.append(line.decode())

    async with raw_server(closes_after_the_dot) as port:
        first, second = await failure(port), await failure(port)

    assert shown(first) == shown(second) == ("deferred", "disconnected", False)
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_black_hole_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        assert shown(await failure(port, timeout_seconds=0.1)) == ("deferred", "timeout", False)


async def test_nobody_listens() -> None:
    error = await failure(free_port())

    assert shown(error) == ("deferred", "connect", False)
    assert "Error connecting to localhost" in error.answer


async def test_host_that_cannot_be_a_name_is_the_settings_fault() -> None:
    assert shown(await failure(1, host="a..b")) == ("deferred", "config", True)


async def test_rest_of_the_batch_waits_after_421(port: int, box: Mailbox) -> None:
    async with mailer(port) as notifier:
        with pytest.raises(DeliveryDeferred):
            await notifier.send(row("busy@pmo.test"))
        with pytest.raises(DeliveryDeferred) as caught:
            await notifier.send(row("ann@pmo.test"))

    assert caught.value.reason == "throttled"
    assert caught.value.retry_after == pytest.approx(30, abs=1)
    assert not box.mails


async def test_policy_refusals_of_three_recipients_running_are_a_fault_of_the_channel(port: int) -> None:
    faults = []

    async with mailer(port) as notifier:
        for name in (
            "policy1",
            "policy1",
            "policy2",
            "ann",
            "policy1",
            "policy2",
            "perm",
            "policy3",
            "policy1",
            "policy2",
        ):
            try:
                await notifier.send(row(f"{name}@pmo.test"))
            except DeliveryRejected as error:
                faults.append(error.channel_fault)

    assert faults == [False] * 8 + [True]


@pytest.mark.parametrize("address", ["", "no-address", "a@b@c", "x y@pmo.test", "a@pmo.test\r\nRCPT TO:<b@pmo.test>"])
async def test_what_is_no_address_is_rejected(port: int, box: Mailbox, address: str) -> None:
    assert shown(await failure(port, address)) == ("rejected", "bad_request", False)
    assert not box.mails


async def test_address_beyond_ascii_needs_a_server_that_takes_it(port: int) -> None:
    assert shown(await failure(port, "jürgen@pmo.test")) == ("rejected", "bad_request", False)


# --- TLS and sign-in ----------------------------------------------------------------------------------------------


async def test_server_without_starttls_gets_nothing(port: int, box: Mailbox) -> None:
    error = await failure(port, starttls="required")

    assert shown(error) == ("deferred", "tls", True)
    assert error.answer == "the server offers no STARTTLS"
    assert not box.sessions


async def test_certificate_that_nobody_vouches_for(secure: Secure) -> None:
    error = await failure(secure.port, starttls="required")

    assert shown(error) == ("deferred", "tls", True)
    assert "unable to get local issuer certificate" in error.answer


async def test_certificate_for_another_name(tmp_path: Path) -> None:
    with secure_server(tmp_path, name="other.pmo.test") as server:
        error = await failure(server.port, folder=tmp_path, **server.keys)

    assert shown(error) == ("deferred", "tls", True)
    assert "localhost" in error.answer


async def test_implicit_tls_against_a_plain_port(port: int) -> None:
    assert shown(await failure(port, starttls=None, tls="implicit")) == ("deferred", "tls", True)


async def test_starttls_that_is_refused() -> None:
    answers = ("220 mx", "250-mx\r\n250 STARTTLS", "454 4.7.0 TLS not available")

    async with raw_server(lambda reader, writer: talk(reader, writer, *answers)) as port:
        assert shown(await failure(port, starttls="required")) == ("deferred", "throttled", False)


async def test_wrong_password(secure: Secure) -> None:
    error = await failure(secure.port, folder=secure.folder, **secure.keys | {"password": "wrong-canary"})

    assert shown(error) == ("deferred", "auth", True)
    assert error.answer == "535 5.7.8 wrong name or password"


@pytest.mark.parametrize(
    ("offer", "answers", "result"),
    [
        ("AUTH PLAIN", ("454 4.7.0 not now",), ("deferred", "throttled", False)),
        ("AUTH PLAIN", ("530 5.7.0 first do this",), ("deferred", "auth", True)),
        ("AUTH PLAIN", ("534 5.7.9 something stronger",), ("deferred", "auth", True)),
        ("AUTH PLAIN", ("550 5.7.30 Basic authentication is not supported",), ("deferred", "auth", True)),
        ("AUTH PLAIN", ("421 4.7.0 too many",), ("deferred", "throttled", False)),
        ("AUTH NTLM", (), ("deferred", "auth", True)),
        ("SIZE 1000", (), ("deferred", "auth", True)),
    ],
)
async def test_answer_to_signing_in(
    tmp_path: Path, offer: str, answers: tuple[str, ...], result: tuple[str, str, bool]
) -> None:
    ca, context = certificates()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, "220 mx", f"250-mx\r\n250 {offer}", *answers)
        await reader.readline()

    keys: dict[str, Any] = {
        "starttls": None,
        "tls": "implicit",
        "username": USER,
        "password": PASSWORD,
        "ca_file": "ca.pem",
    }
    async with tls_server(script, context) as port:
        assert shown(await failure(port, folder=tmp_path, **keys)) == result


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


async def test_server_that_repeats_the_line_it_did_not_like_tells_no_password(tmp_path: Path) -> None:
    ca, context = certificates()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def parrot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, "220 mx", "250-mx\r\n250 AUTH PLAIN")
        line = (await reader.readline()).decode().strip()
        writer.write(f"535 5.7.8 I did not like: {line}\r\n".encode())
        await reader.readline()

    keys: dict[str, Any] = {
        "starttls": None,
        "tls": "implicit",
        "username": USER,
        "password": PASSWORD,
        "ca_file": "ca.pem",
    }
    async with tls_server(parrot, context) as port:
        error = await failure(port, folder=tmp_path, **keys)

    encoded = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    assert shown(error) == ("deferred", "auth", True)
    assert error.answer == "535 5.7.8 I did not like: AUTH PLAIN ***"
    assert encoded not in str(error)


# --- XOAUTH2 (2.6) ------------------------------------------------------------------------------------------------


class TokenEndpoint:
    """Answers with the given status and tokens, and keeps what was asked."""

    def __init__(
        self, server: HTTPServer, *tokens: str, status: int = 200, answer: dict[str, Any] | None = None
    ) -> None:
        self.asked: list[dict[str, str]] = []
        self._tokens, self._status, self._answer = list(tokens), status, answer
        server.expect_request("/token", method="POST").respond_with_handler(self._serve)
        self.url = server.url_for("/token")

    def _serve(self, request: Request) -> Response:
        self.asked.append(request.form.to_dict())
        token = self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]
        answer = self._answer or {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
        return Response(json.dumps(answer), self._status, content_type="application/json")


@contextmanager
def oauth_server(folder: Path) -> Iterator[tuple[int, OAuthMailbox]]:
    ca, context = certificates()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    box = OAuthMailbox()
    with smtp_server(box, tls_context=context, auth_require_tls=True) as port:
        yield port, box


def oauth_keys(url: str) -> dict[str, Any]:
    oauth = {"client_id": "app", "client_secret": "oauth-canary-42", "token_url": url}
    return {"starttls": "required", "username": "pmo@pmo.test", "oauth": oauth, "ca_file": "ca.pem"}


async def test_token_is_asked_for_once_and_used_for_every_connection(tmp_path: Path, httpserver: HTTPServer) -> None:
    endpoint = TokenEndpoint(httpserver, TOKEN)

    with oauth_server(tmp_path) as (port, box):
        async with mailer(port, tmp_path, **oauth_keys(endpoint.url)) as notifier:
            await asyncio.gather(*(notifier.send(row(id=f"{number:032x}")) for number in range(3)))

    assert len(box.mails) == 3
    assert endpoint.asked == [
        {
            "grant_type": "client_credentials",
            "client_id": "app",
            "client_secret": "oauth-canary-42",
            "scope": "https://outlook.office365.com/.default",
        }
    ]


async def test_token_that_is_refused_is_asked_for_once_more(tmp_path: Path, httpserver: HTTPServer) -> None:
    endpoint = TokenEndpoint(httpserver, "withdrawn", TOKEN)

    with oauth_server(tmp_path) as (port, box):
        async with mailer(port, tmp_path, **oauth_keys(endpoint.url)) as notifier:
            await notifier.send(row())

    assert len(box.mails) == 1
    assert len(endpoint.asked) == 2


async def test_second_refusal_of_a_token_is_a_fault_of_the_channel(tmp_path: Path, httpserver: HTTPServer) -> None:
    endpoint = TokenEndpoint(httpserver, "wrong-canary")

    with oauth_server(tmp_path) as (port, _):
        error = await failure(port, folder=tmp_path, **oauth_keys(endpoint.url))

    assert shown(error) == ("deferred", "auth", True)
    assert error.answer == "535 5.7.3 Authentication unsuccessful"
    assert len(endpoint.asked) == 2


async def test_server_that_offers_no_xoauth2(secure: Secure, httpserver: HTTPServer) -> None:
    keys = oauth_keys(TokenEndpoint(httpserver, TOKEN).url)

    assert shown(await failure(secure.port, folder=secure.folder, **keys)) == ("deferred", "auth", True)


@pytest.mark.parametrize(
    ("status", "answer", "result"),
    [
        (401, {"error": "invalid_client", "error_codes": [7000215], "error_description": "canary"}, ("auth", True)),
        (400, {"error": "unauthorized_client"}, ("auth", True)),
        (403, {}, ("config", True)),
        (302, {}, ("config", True)),
        (429, {}, ("throttled", False)),
        (503, {}, ("server_error", False)),
        (200, {"token_type": "Bearer"}, ("server_error", False)),
        (200, {"access_token": TOKEN, "expires_in": "soon"}, ("server_error", False)),
    ],
)
async def test_answer_of_the_token_endpoint(
    tmp_path: Path, httpserver: HTTPServer, status: int, answer: dict[str, Any], result: tuple[str, bool]
) -> None:
    endpoint = TokenEndpoint(httpserver, TOKEN, status=status, answer=answer or {"x": 1})

    with oauth_server(tmp_path) as (port, _):
        error = await failure(port, folder=tmp_path, **oauth_keys(endpoint.url))

    assert (error.reason, error.channel_fault) == result
    assert isinstance(error, DeliveryDeferred)
    assert "canary" not in error.answer
    if status == 401:
        assert error.answer == "no access token: 401 invalid_client 7000215"


async def test_token_endpoint_that_does_not_answer_or_is_not_there(tmp_path: Path) -> None:
    with oauth_server(tmp_path) as (port, _):
        error = await failure(port, folder=tmp_path, **oauth_keys(f"http://127.0.0.1:{free_port()}/token"))

    assert shown(error) == ("deferred", "connect", False)


# --- secrets (1.5) ------------------------------------------------------------------------------------------------


async def test_no_secret_leaves_by_errors_or_logs(
    tmp_path: Path, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for chatty in ("httpx2", "httpcore2"):
        caplog.set_level(logging.WARNING, logger=chatty)  # as log.py sets them, whatever the level
    caplog.set_level(logging.WARNING, logger="mail.log")  # the test server's own log writes what it reads
    errors: list[Exception] = []

    with secure_server(tmp_path) as server:
        for keys in (server.keys, server.keys | {"password": "wrong-canary-42"}, server.keys | {"ca_file": None}):
            for address in ("ann@pmo.test", "perm@pmo.test", "busy@pmo.test", "spam@pmo.test"):
                async with mailer(server.port, tmp_path, **keys) as notifier:
                    try:
                        await notifier.send(row(address))
                    except (DeliveryDeferred, DeliveryRejected) as error:
                        errors.append(error)
    endpoint = TokenEndpoint(httpserver, "wrong-token-canary-42")
    with oauth_server(tmp_path) as (port, _):
        errors.append(await failure(port, folder=tmp_path, **oauth_keys(endpoint.url)))

    everything = (
        caplog.text + "".join(capfd.readouterr()) + "".join(f"{error!r} {error} {vars(error)}" for error in errors)
    )
    assert len(errors) == 12
    for secret in (PASSWORD, "canary", "c2VjcmV0", "Y2FuYXJ5"):
        assert secret not in everything


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"starttls": "off", "username": "pmo", "password": "x"}, "starttls: off would send the password of username"),
        ({"starttls": "required", "tls": "implicit"}, "tls and starttls exclude each other"),
        ({"starttls": "required", "username": "pmo"}, "username needs password or oauth"),
        ({"starttls": "required", "password": "x"}, "username is missing"),
        (
            {
                "starttls": "required",
                "username": "pmo",
                "password": "x",
                "oauth": {"tenant": "t", "client_id": "c", "client_secret": "s"},
            },
            "password and oauth exclude each other",
        ),
        ({"from": "nobody"}, "'nobody' is no sender"),
        ({"envelope_from": "nobody"}, "'nobody' is no address"),
        ({"message_id_domain": "x" * 51}, "at most 50 characters"),
        ({"from": f"pmo@{'x' * 60}.test"}, "message_id_domain should be"),
        ({"rate": "25"}, "write messages per minute, such as 25/min"),
        ({"local_hostname": "a b"}, "is no host name"),
        ({"oauth": {"client_id": "c", "client_secret": "s"}}, "tenant is missing"),
        (
            {"oauth": {"client_id": "c", "client_secret": "s", "token_url": "http://a.test/"}},
            "should begin with https://",
        ),
    ],
)
def test_faulty_setting_is_named_with_its_remedy(parts: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(text)):
        settings(25, **parts)


def test_ports_and_senders_have_defaults() -> None:
    plain = Settings.model_validate({"host": "h", "from": "PMO watch <pmo@a.test>"})
    implicit = Settings.model_validate({"host": "h", "from": "pmo@a.test", "tls": "implicit", "port": 0})

    assert (plain.server_port, implicit.server_port) == (587, 465)
    assert (plain.bounces, plain.domain) == ("pmo@a.test", "a.test")


def test_clear_text_is_warned_of() -> None:
    assert EMAIL.check(settings(25)) == ["starttls: off sends every mail in clear text"]
    assert not EMAIL.check(settings(25, starttls="required"))


def test_certificate_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeliveryDeferred) as caught:
        EMAIL.open(settings(25, ca_file="none.pem"), NotifierContext("mail", tmp_path, "pmo-watch/1"))

    assert shown(caught.value) == ("deferred", "config", True)
    assert caught.value.answer == f"ca_file {tmp_path / 'none.pem'}: No such file or directory"


FOLDER = Path(__file__).parents[3] / "plugins" / "notifiers" / "email"


def test_sample_is_valid_and_shown_as_it_is() -> None:
    text = (FOLDER / "sample.yaml").read_text()
    given = YAML(typ="safe").load(text)["notifiers"]["mail"]
    commented = {
        name: YAML(typ="safe").load(value)
        for name, value in re.findall(r"^    # ([a-z_]+): (.*?)(?:  #.*)?$", text, re.M)
    }
    commented.pop("oauth")

    del given["type"]
    given["password"] = given["password"]["secret"]
    checked = Settings.model_validate(given)

    assert {name: getattr(checked, name) for name in commented} == commented
    assert set(given) | set(commented) | {"oauth"} == {
        field.alias or name for name, field in Settings.model_fields.items()
    }
    assert f"```yaml\n{text}```" in (FOLDER / "README.md").read_text()
