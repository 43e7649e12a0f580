"""TLS, signing in by password or access token, and where secrets must not go (channels 1.5, 2.6)."""

import asyncio
import base64
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mail_bench import Secure, failure, mailer, row, secure_server, shown, tls_server
from mail_server import (
    PASSWORD,
    TOKEN,
    USER,
    Mailbox,
    OAuthMailbox,
    certificates,
    free_port,
    raw_server,
    smtp_server,
    talk,
)
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pmo_watch.api import DeliveryDeferred, DeliveryRejected


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


async def test_goodbye_in_clear_text_on_an_encrypted_connection_is_no_fault_of_the_channel(tmp_path: Path) -> None:
    ca, context = certificates()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def stopped_while_idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, "220 mx", "250 mx", "250 ok")
        connection = writer.get_extra_info("socket")
        os.write(connection.fileno(), b"421 mx lost input connection\r\n")  # past TLS
        await reader.read()

    keys: dict[str, Any] = {"starttls": None, "tls": "implicit", "ca_file": "ca.pem"}
    async with tls_server(stopped_while_idle, context) as port:
        assert shown(await failure(port, folder=tmp_path, **keys)) == ("deferred", "disconnected", False)


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


async def test_probe_signs_in_and_sends_nothing(secure: Secure) -> None:
    async with mailer(secure.port, secure.folder, **secure.keys) as notifier:
        await notifier.probe()

    assert secure.box.mails == []


async def test_probe_says_what_a_mail_would_meet(secure: Secure) -> None:
    async with mailer(secure.port, secure.folder, **secure.keys | {"password": "wrong"}) as notifier:
        with pytest.raises(DeliveryDeferred) as caught:
            await notifier.probe()

    assert shown(caught.value) == ("deferred", "auth", True)
