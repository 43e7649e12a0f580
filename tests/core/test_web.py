"""The server: health, readiness, reload, errors in words, limits, headers, counting, TLS."""

import asyncio
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
import trustme
from served import Daemon, http, served, three_alerts
from structlog.testing import capture_logs

from pmo_watch.errors import SettingsError, StoreError
from pmo_watch.log import set_up_logging
from pmo_watch.store import open_store
from pmo_watch.web import Reloaded, Site, listening, server
from pmo_watch.web_answers import STYLESHEET
from pmo_watch.web_forms import Tokens
from pmo_watch.web_openapi import document


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    store = open_store(sqlite_url)
    yield Daemon(store)
    store.close()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(daemon) as one:
        yield one


def told(answer: httpx2.Response) -> tuple[int, str, str]:
    """Return status, code and message of an error of the API."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


# --- health and reload ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "text"), [("GET", "ok\n"), ("HEAD", "")])
async def test_process_that_answers_is_healthy(client: httpx2.AsyncClient, method: str, text: str) -> None:
    answer = await client.request(method, "/-/healthy")

    assert (answer.status_code, answer.text) == (200, text)


async def test_ready_says_what_is_waited_for(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.waiting_for = lambda: ["store", "first_cycle"]
    before = await client.get("/-/ready")
    daemon.waiting_for = list
    after = await client.get("/-/ready")

    assert (before.status_code, before.json()) == (503, {"ready": False, "waiting_for": ["store", "first_cycle"]})
    assert (after.status_code, after.json()) == (200, {"ready": True})


async def test_store_that_hangs_is_not_ready_and_holds_one_thread_only(
    client: httpx2.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmo_watch.web.READY_SECONDS", 0.05)
    goes_on, asked = threading.Event(), []

    def hangs() -> list[str]:
        asked.append("once")
        goes_on.wait(10)
        return []

    daemon.waiting_for = hangs
    answers = [await client.get("/-/ready") for _ in range(3)]
    times = len(asked)
    monkeypatch.setattr("pmo_watch.web.READY_SECONDS", 10)
    goes_on.set()
    after = await client.get("/-/ready")

    assert [one.json() for one in answers] == [{"ready": False, "waiting_for": ["store"]}] * 3
    assert times == 1
    assert after.json() == {"ready": True}


@pytest.mark.parametrize(
    ("reloaded", "status", "answer"),
    [
        (Reloaded(200, "in force", {"rules": 12}), 200, {"message": "in force", "rules": 12}),
        (Reloaded(202, "would open 80 alerts"), 202, {"message": "would open 80 alerts"}),
        (Reloaded(409, "a reload is running"), 409, {"error": {"code": "conflict", "message": "a reload is running"}}),
        (
            Reloaded(422, "rules.d/a.yaml:3:1: 'x'"),
            422,
            {"error": {"code": "invalid", "message": "rules.d/a.yaml:3:1: 'x'"}},
        ),
    ],
    ids=["in force", "waits", "running", "faulty"],
)
async def test_reload_says_how_it_ended(
    client: httpx2.AsyncClient, daemon: Daemon, reloaded: Reloaded, status: int, answer: dict[str, Any]
) -> None:
    daemon.reloaded = reloaded

    got = await client.post("/-/reload")

    assert (got.status_code, got.json()) == (status, answer)


async def test_reload_is_a_post(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/-/reload")

    assert told(answer) == (405, "method_not_allowed", "this method is not served here")
    assert answer.headers["allow"] == "POST"


# --- errors ---------------------------------------------------------------------------------------------------------


async def test_errors_are_json_for_programs_and_a_page_elsewhere(client: httpx2.AsyncClient) -> None:
    for_a_program, for_a_person = await client.get("/api/v1/nothing"), await client.get("/nothing")

    assert told(for_a_program) == (404, "not_found", "there is nothing here")
    assert for_a_person.status_code == 404
    assert for_a_person.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is nothing at this address." in for_a_person.text


@pytest.mark.parametrize(
    "path", ["/metrics/", "/-/healthy/", "/api/v1/alerts/", "/alerts//", "/status/", "/api/v1/%2e%2e/x", "/-/%00"]
)
async def test_nearly_a_route_is_none(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_store_that_does_not_answer_is_said_in_words(
    client: httpx2.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise StoreError("pmo.db: the disk is full")

    monkeypatch.setattr(daemon.store, "sources", fails)

    answer = await client.get("/api/v1/sources")

    assert told(answer) == (503, "unavailable", "the store does not answer: pmo.db: the disk is full")


async def test_defect_of_ours_shows_no_traceback(
    client: httpx2.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr(daemon.store, "sources", fails)

    answer = await client.get("/api/v1/sources")

    assert told(answer) == (500, "error", "this is a defect of pmo-watch; its log says more")
    assert "ZeroDivisionError" in caplog.text
    assert daemon.counted("pmo_watch_http_requests_total", handler="/api/v1/sources", code="5xx") == 1


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_headers_are_limited(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/alerts", headers={"x-long": "x" * 16 * 1024})

    assert told(answer) == (431, "too_large", "the headers are larger than 16 KiB")


async def test_body_is_limited_by_what_is_announced(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/silences", content=b"x" * (64 * 1024 + 1))

    assert told(answer) == (413, "too_large", "the body is larger than 64 KiB")


async def test_body_is_limited_by_what_comes(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b"x" * 1024

    answer = await client.post("/api/v1/silences", content=endless())

    assert told(answer) == (413, "too_large", "the body is larger than 64 KiB")


async def test_body_may_have_64_kib(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/silences", content=b" " * 64 * 1024)

    assert told(answer) == (400, "bad_request", "the body is not JSON")


async def test_what_is_no_request_gets_an_answer_without_a_traceback(client: httpx2.AsyncClient) -> None:
    assert client.base_url.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(b"\x16\x03\x01 not HTTP at all\r\n\r\n")

    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Traceback" not in answer


# --- headers, counting, the log ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/-/healthy", "/nothing", "/api/v1/alerts", "/ack/x"])
async def test_every_answer_has_the_headers_of_a_page(client: httpx2.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers
    assert "server" not in headers


async def test_style_of_pages_may_be_kept(client: httpx2.AsyncClient) -> None:
    answer = await client.get(STYLESHEET)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_requests_are_counted_by_route_and_never_by_path(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    for path in ("/-/healthy", "/-/healthy", "/wp-admin", "/ack/v1.k1.secret.mac"):
        await client.get(path)
    await client.post("/api/v1/alerts/0123/ack", json={})

    assert daemon.counted("pmo_watch_http_requests_total", handler="/-/healthy", code="2xx") == 2
    assert daemon.counted("pmo_watch_http_requests_total", handler="other", code="4xx") == 1
    assert daemon.counted("pmo_watch_http_requests_total", handler="/ack/{token}", code="4xx") == 1
    assert daemon.counted("pmo_watch_http_requests_total", handler="/api/v1/alerts/{id}/ack", code="4xx") == 1
    assert daemon.counted("pmo_watch_http_requests_total", handler="/-/ready", code="5xx") == 0
    assert daemon.counted("pmo_watch_http_request_duration_seconds_count", handler="/-/healthy") == 2
    assert "secret" not in daemon.telemetry.render(openmetrics=False).decode()


async def test_log_names_route_and_caller_and_never_the_path(client: httpx2.AsyncClient) -> None:
    with capture_logs() as lines:
        await client.get("/ack/v1.k1.secret.mac?token=secret")
        await client.post("/-/reload")

    assert [{**line, "peer": "?"} for line in lines if line["event"] == "request"] == [
        {"event": "request", "log_level": "debug", "handler": "/ack/{token}", "method": "GET", "status": 404,
         "peer": "?", "user": ""},
        {"event": "request", "log_level": "info", "handler": "/-/reload", "method": "POST", "status": 200,
         "peer": "?", "user": ""},
    ]  # fmt: skip


async def test_nothing_that_is_logged_at_debug_holds_a_token(daemon: Daemon, capfd: pytest.CaptureFixture[str]) -> None:
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        set_up_logging("debug")
        async with served(daemon) as client:
            daemon.told(*three_alerts())
            token = daemon.link().removeprefix("/ack/")
            await client.get(f"/ack/{token}")
            await client.post(f"/ack/{token}", data={"confirm": "x"})
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()

    written = capfd.readouterr().err
    assert written.count('"handler": "/ack/***"') == 2
    assert token.rsplit(".", 1)[1] not in written


# --- OpenAPI ----------------------------------------------------------------------------------------------------------


async def test_description_is_of_the_routes_that_there_are(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    described = {
        (path, method.upper())
        for path, methods in document()["paths"].items()
        for method in methods
        if method != "head"
    }
    routes = {
        (route.path, method)
        for route in Site(daemon.backend(http()), Tokens()).routes()
        for method in route.methods or ()
        if route.path.startswith(("/api/", "/-/")) and method != "HEAD"
    }

    assert described == routes
    assert (await client.get("/api/openapi.json")).json() == document()


async def test_description_names_every_answer_that_a_route_gives(client: httpx2.AsyncClient) -> None:
    paths = document()["paths"]

    for path, methods in paths.items():
        for method, operation in methods.items():
            answer = await client.request(method, path.replace("{id}", "0123"))
            assert str(answer.status_code) in operation["responses"], (method, path)


# --- the socket -------------------------------------------------------------------------------------------------------


async def test_address_that_is_taken_is_said_in_words() -> None:
    async with listening(http()) as bound:
        taken = f"127.0.0.1:{bound.getsockname()[1]}"

        with pytest.raises(SettingsError) as fault:
            async with listening(http(listen=taken)):
                pass

    assert str(fault.value) == (
        f"http.listen: {taken} cannot be bound: Address already in use: is another one running?"
    )


async def test_open_server_is_said_at_start(daemon: Daemon) -> None:
    with capture_logs() as lines:
        server(daemon.backend(http(listen="0.0.0.0:9464", insecure=True)))
        server(daemon.backend(http()))

    assert lines == [
        {
            "event": "open to other machines without a login",
            "log_level": "warning",
            "listen": "0.0.0.0:9464",
            "setting": "http.insecure",
        }
    ]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    issued.private_key_pem.write_to_path(tmp_path / "server.key")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return {"cert": str(tmp_path / "server.pem"), "key": str(tmp_path / "server.key")}


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_tls_is_served_and_insisted_on(
    daemon: Daemon, certificate: dict[str, str], authority: trustme.CA
) -> None:
    async with served(daemon, http(tls=certificate), verify=trusting(authority)) as client:
        answer = await client.get("/-/healthy")

    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_client_without_a_certificate_does_not_connect(
    daemon: Daemon, certificate: dict[str, str], authority: trustme.CA, tmp_path: Path
) -> None:
    settings = http(tls={**certificate, "client_ca": str(tmp_path / "ca.pem")})
    ours = trusting(authority)
    authority.issue_cert("grafana").configure_cert(ours)

    async with served(daemon, settings, verify=trusting(authority)) as client:
        with pytest.raises(httpx2.TransportError):
            await client.get("/-/healthy")
        async with httpx2.AsyncClient(base_url=client.base_url, verify=ours) as known:
            answer = await known.get("/-/healthy")

    assert answer.status_code == 200


def test_certificate_that_is_none_is_said_in_words(daemon: Daemon, certificate: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("no certificate")
    settings = http(tls=certificate)

    with pytest.raises(SettingsError) as fault:
        server(daemon.backend(settings))

    assert str(fault.value).startswith(f"http.tls: {certificate['cert']}, {certificate['key']}: ")
    assert str(fault.value).endswith(": certificate and key in PEM, which belong together")


def test_without_keys_there_are_no_acknowledge_links(daemon: Daemon) -> None:
    with_keys, without = (Site(daemon.backend(settings), Tokens()).routes() for settings in (http(), http(ack={})))

    assert {route.path for route in with_keys} - {route.path for route in without} == {"/ack/{token}"}
