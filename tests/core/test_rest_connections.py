"""Whom a source trusts and by which way it asks: certificates, private CAs, proxies."""

import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from rest_server import Reply, scripted

from pmo_watch.api import HttpSettings, Organisation, Request, Rest, SourceContext, SourceRefused, SourceUnavailable


def sign(request: Request) -> None:
    request.headers["Authorization"] = "Bearer token"


def client(base: str, folder: Path = Path(), **settings: object) -> Rest:
    context = SourceContext("live", folder, datetime(2026, 11, 20, tzinfo=UTC), UTC, Organisation(), {})
    checked = HttpSettings.model_validate(settings)
    return Rest(base, checked, context, sign=sign, pause=lambda _: None)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served_as(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return what a server of these names shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def test_private_authority_is_trusted_where_it_is_named(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with scripted(Reply(b'{"a": 1}'), tls=served_as(authority, "127.0.0.1")) as server:
        rest = client(server.base, tmp_path, verify="ca.pem")

        assert rest.get("/x").data == {"a": 1}
        rest.close()


def test_closing_ends_an_encrypted_request_that_hangs(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    hold = threading.Event()
    found: list[str] = []

    def ask() -> None:
        with pytest.raises(SourceUnavailable) as fault:
            rest.get("/x")
        found.append(str(fault.value))

    with scripted(Reply(hold=hold), tls=served_as(authority, "127.0.0.1")) as server:
        rest = client(server.base, tmp_path, verify="ca.pem")
        thread = threading.Thread(target=ask)
        thread.start()
        assert server.was_asked.wait(5)

        rest.close()
        thread.join(5)
        is_over = not thread.is_alive()
        hold.set()

    assert is_over
    assert found == ["the reading was ended"]


def test_unknown_authority_is_refused_once_with_the_remedy(authority: trustme.CA) -> None:
    waits: list[float] = []
    with scripted(tls=served_as(authority, "127.0.0.1")) as server:
        rest = client(server.base)
        rest._pause = waits.append

        with pytest.raises(SourceRefused) as fault:
            rest.get("/x")
        rest.close()

    assert str(fault.value) == (
        f"127.0.0.1:{server.port}: its certificate is not trusted: unable to get local issuer certificate: "
        "'verify:' names the file of a private CA"
    )
    assert (server.asked, waits) == ([], [])


def test_certificate_of_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with scripted(tls=served_as(authority, "jira.example.org")) as server:
        rest = client(server.base, tmp_path, verify="ca.pem")

        with pytest.raises(SourceRefused, match="its certificate is not trusted: IP address mismatch"):
            rest.get("/x")
        rest.close()


def test_private_authority_comes_besides_those_of_the_system(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    rest = client("https://jira.example.org", tmp_path, verify="ca.pem")

    context = rest._client._transport._pool._ssl_context  # type: ignore[attr-defined]
    assert context.cert_store_stats()["x509_ca"] == ssl.create_default_context().cert_store_stats()["x509_ca"] + 1
    rest.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "ca.pem cannot be read: No such file or directory"), ("no PEM", "ca.pem holds no certificates")],
    ids=["absent", "no certificate"],
)
def test_file_that_holds_no_authority_is_said(tmp_path: Path, content: str | None, words: str) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)

    with pytest.raises(SourceRefused, match=words):
        client("https://jira.example.org", tmp_path, verify="ca.pem")


def test_proxy_of_the_settings_is_asked_for_everything() -> None:
    with scripted(Reply(b'{"a": 1}')) as proxy:
        rest = client("http://jira.invalid/x", proxy=proxy.base)

        assert rest.get("/y").data == {"a": 1}
        rest.close()

    assert proxy.asked[0].target == "http://jira.invalid/x/y"


def test_proxy_of_the_environment_is_asked_but_not_for_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(Reply(b'{"a": "proxy"}')) as proxy, scripted(Reply(b'{"a": "direct"}')) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.base)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        far, near = client("http://jira.invalid"), client(server.base)

        assert (far.get("/x").data, near.get("/x").data) == ({"a": "proxy"}, {"a": "direct"})
        far.close()
        near.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_asks_for_a_sign_in_is_a_refusal(scheme: str) -> None:
    with scripted(Reply(b"<html>", 407)) as proxy:
        rest = client(f"{scheme}://jira.invalid", proxy=proxy.base)

        with pytest.raises(SourceRefused) as fault:
            rest.get("/x")
        rest.close()

    assert str(fault.value) == (
        "jira.invalid: the proxy asks for a sign-in (407): check 'proxy:' or the variable HTTPS_PROXY"
    )
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "proxy", ["proxy.example.org:3128", "socks5://ann:s3cr3t@proxy.example.org:1080", "http://ann:s3cr3t@[::x]:3128"]
)
def test_proxy_that_cannot_be_used_is_refused_with_the_remedy(proxy: str) -> None:
    with pytest.raises(SourceRefused, match="'proxy:' or the variable HTTPS_PROXY must be an address") as fault:
        client("https://jira.example.org", proxy=proxy)

    assert "s3cr3t" not in str(fault.value)


def test_name_that_nobody_knows_is_unavailable() -> None:
    rest = client("https://jira.invalid")

    with pytest.raises(SourceUnavailable, match=r"^jira\.invalid/x: no connection: .*, 5 tries$"):
        rest.get("/x")
    rest.close()


@pytest.mark.parametrize("base", ["jira.example.org", "ftp://jira.example.org", "https://"])
def test_address_that_cannot_be_asked_is_refused(base: str) -> None:
    rest = client(base)

    with pytest.raises(SourceRefused, match="its address cannot be asked: check 'url:'"):
        rest.get("/x")
    rest.close()
