"""Mail over Exim and Postfix as Debian ships them: what they answer, deliver and send back (channels 8.3).

`make mail-servers` runs this file and says what was seen. Where Debian's packages cannot be had it says so and skips.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from mail_bench import failure, mailer, row, shown
from mail_rigs import RealServer, exim, postfix
from mail_server import PASSWORD, USER
from messages import EVIL

from pmo_watch.api import DeliveryDeferred, DeliveryRejected

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CA = trustme.CA()


@pytest.fixture(scope="module")
def real_exim() -> Iterator[RealServer]:
    with exim(CA.issue_cert("localhost")) as server:
        yield server


@pytest.fixture(scope="module")
def real_postfix() -> Iterator[RealServer]:
    with postfix(CA.issue_cert("localhost")) as server:
        yield server


@pytest.fixture
def trusted(tmp_path: Path) -> dict[str, Any]:
    """Return settings that trust the servers' authority."""
    CA.cert_pem.write_to_path(tmp_path / "ca.pem")
    return {"folder": tmp_path, "starttls": "required", "ca_file": "ca.pem", "envelope_from": "pmo@pmo.test"}


@pytest.fixture
def signed_in(trusted: dict[str, Any]) -> dict[str, Any]:
    return {**trusted, "username": USER, "password": PASSWORD}


async def sent(port: int, address: str, keys: dict[str, Any], **parts: Any) -> str:
    async with mailer(port, **keys) as notifier:
        answer = await notifier.send(row(address, **parts))
    print(f"{address}: {answer}")
    return str(answer)


async def refused(port: int, address: str, keys: dict[str, Any]) -> tuple[tuple[str, str, bool], str]:
    error = await failure(port, address, **keys)
    print(f"{address}: {shown(error)} {error.answer}")
    return shown(error), error.answer


async def test_exim_takes_a_mail_after_starttls_and_sign_in_and_delivers_it(
    real_exim: RealServer, signed_in: dict[str, Any]
) -> None:
    answer = await sent(real_exim.port, "ann@pmo.test", signed_in)

    assert answer.startswith("250 OK id=")
    mail = (await asyncio.to_thread(real_exim.mailbox, "ann"))[-1]
    assert mail["Message-ID"] == "<m.0123456789abcdef0123@pmo.test>"
    assert mail["References"] == mail["In-Reply-To"] == "<t.00112233aabbccdd@pmo.test>"
    assert "with esmtpsa" in mail["Received"]  # over TLS and signed in
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


async def test_exim_takes_a_mail_over_implicit_tls(real_exim: RealServer, signed_in: dict[str, Any]) -> None:
    keys = {**signed_in, "starttls": None, "tls": "implicit"}

    assert (await sent(real_exim.implicit_port, "bob@pmo.test", keys)).startswith("250 OK id=")
    assert (await asyncio.to_thread(real_exim.mailbox, "bob"))[0]["To"] == "Maria Rossi <bob@pmo.test>"


@pytest.mark.parametrize(
    ("address", "result", "answer"),
    [
        ("nobody@pmo.test", ("rejected", "rejected", False), "550 "),
        ("ann@elsewhere.test", ("rejected", "rejected", False), "550 "),
        ("grey@pmo.test", ("deferred", "throttled", False), "451 4.7.1 try again later"),
    ],
)
async def test_exim_refuses_a_recipient(
    real_exim: RealServer, signed_in: dict[str, Any], address: str, result: tuple[str, str, bool], answer: str
) -> None:
    found, said = await refused(real_exim.port, address, signed_in)

    assert found == result
    assert said.startswith(answer)


async def test_exim_refuses_a_password(real_exim: RealServer, signed_in: dict[str, Any]) -> None:
    found, said = await refused(real_exim.port, "ann@pmo.test", {**signed_in, "password": "wrong-canary"})

    assert found == ("deferred", "auth", True)
    assert said.startswith("535 ")
    assert "canary" not in said


async def test_exim_takes_a_mail_and_sends_it_back_with_our_id(
    real_exim: RealServer, signed_in: dict[str, Any]
) -> None:
    assert (await sent(real_exim.port, "full@pmo.test", signed_in)).startswith("250 OK id=")

    (report,) = await asyncio.to_thread(real_exim.mailbox, "pmo")
    print(f"pmo@pmo.test got: {report['Subject']}")
    assert report["Auto-Submitted"] == "auto-replied"
    assert delivery_status(report)["Original-Envelope-ID"] == "0123456789abcdef0123"
    assert "full@pmo.test" in report["X-Failed-Recipients"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"ca_file": None}, "unable to get local issuer certificate"), ({"host": "127.0.0.1"}, "127.0.0.1")],
    ids=["unknown authority", "certificate for another name"],
)
async def test_mail_server_that_cannot_prove_who_it_is_gets_nothing(
    real_exim: RealServer, signed_in: dict[str, Any], keys: dict[str, Any], said: str
) -> None:
    found, answer = await refused(real_exim.port, "ann@pmo.test", signed_in | keys)

    assert found == ("deferred", "tls", True)
    assert said in answer


async def test_exim_gets_no_plain_text_where_tls_is_expected(real_exim: RealServer, signed_in: dict[str, Any]) -> None:
    found, _ = await refused(real_exim.port, "ann@pmo.test", {**signed_in, "starttls": None, "tls": "implicit"})

    assert found == ("deferred", "tls", True)


async def test_name_that_tries_to_add_headers_arrives_as_a_name(
    real_postfix: RealServer, trusted: dict[str, Any]
) -> None:
    evil = f'Rossi\r\nBcc: x@evil.test\r\n\r\n<script> "{EVIL}" \u202eflip\ud800\x00 {"x" * 10_000}'
    subject = replace(row().rendered, subject=f"{EVIL} é", headers={})

    await sent(real_postfix.port, "ann@pmo.test", trusted, recipient_name=evil, rendered=subject, id="e" * 32)

    mail = (await asyncio.to_thread(real_postfix.mailbox, "ann"))[-1]
    (address,) = mail["To"].addresses
    assert address.addr_spec == "ann@pmo.test"
    assert address.display_name.startswith("Rossi Bcc x evil test script ")  # too long to keep its punctuation
    assert address.display_name.endswith("…")
    assert mail["Subject"] == f"{EVIL} é"
    assert mail["Bcc"] is None
    assert not mail.defects


async def test_postfix_takes_a_mail_after_starttls_and_delivers_it(
    real_postfix: RealServer, trusted: dict[str, Any]
) -> None:
    assert (await sent(real_postfix.port, "jürgen@pmo.test", trusted)).startswith("250 2.0.0 Ok: queued as")

    (mail,) = await asyncio.to_thread(real_postfix.mailbox, "jürgen")
    assert mail["Message-ID"] == "<m.0123456789abcdef0123@pmo.test>"
    assert "with UTF8SMTPS id" in mail["Received"]  # over TLS, and to a name beyond ASCII


@pytest.mark.parametrize(
    ("address", "result", "answer"),
    [
        ("nobody@pmo.test", ("rejected", "rejected", False), "550 5.1.1 "),
        ("grey@pmo.test", ("deferred", "throttled", False), "450 4.7.1 "),
        ("blocked1@pmo.test", ("rejected", "rejected", False), "550 5.7.1 "),
    ],
)
async def test_postfix_refuses_a_recipient(
    real_postfix: RealServer, trusted: dict[str, Any], address: str, result: tuple[str, str, bool], answer: str
) -> None:
    found, said = await refused(real_postfix.port, address, trusted)

    assert found == result
    assert said.startswith(answer)


async def test_policy_of_postfix_against_everybody_is_a_fault_of_the_channel(
    real_postfix: RealServer, trusted: dict[str, Any]
) -> None:
    faults = []
    async with mailer(real_postfix.port, **trusted) as notifier:
        for number in (1, 2, 3):
            with pytest.raises(DeliveryRejected) as caught:
                await notifier.send(row(f"blocked{number}@pmo.test"))
            faults.append(caught.value.channel_fault)

    assert faults == [False, False, True]


async def test_postfix_refuses_a_mail_over_its_limit(real_postfix: RealServer, trusted: dict[str, Any]) -> None:
    large = replace(row().rendered, text="x" * 70 * 4500)

    async with mailer(real_postfix.port, **trusted) as notifier:
        with pytest.raises(DeliveryRejected) as caught:
            await notifier.send(row("ann@pmo.test", rendered=large))

    print(f"ann@pmo.test: {shown(caught.value)} {caught.value.answer}")
    assert shown(caught.value) == ("rejected", "too_large", False)
    assert caught.value.answer.startswith("552 5.3.4 ")


async def test_postfix_offers_no_sign_in(real_postfix: RealServer, signed_in: dict[str, Any]) -> None:
    found, _ = await refused(real_postfix.port, "ann@pmo.test", signed_in)

    assert found == ("deferred", "auth", True)


async def test_postfix_takes_a_mail_and_sends_it_back_with_our_id(
    real_postfix: RealServer, trusted: dict[str, Any]
) -> None:
    assert (await sent(real_postfix.port, "lost@pmo.test", trusted)).startswith("250 2.0.0 Ok: queued as")

    (report,) = await asyncio.to_thread(real_postfix.mailbox, "pmo")
    print(f"pmo@pmo.test got: {report['Subject']}")
    assert report["Auto-Submitted"] == "auto-replied"
    assert delivery_status(report)["Original-Envelope-Id"] == "0123456789abcdef0123"


async def test_mail_waits_while_the_server_is_away_and_goes_once_it_is_back(signed_in: dict[str, Any]) -> None:
    with exim(CA.issue_cert("localhost")) as server:
        async with mailer(server.port, **signed_in) as notifier:
            await notifier.send(row("ann@pmo.test"))
            await asyncio.to_thread(server.mailbox, "ann")
            server.stop()
            with pytest.raises(DeliveryDeferred) as caught:
                await notifier.send(row("ann@pmo.test"))
            print(f"ann@pmo.test: {shown(caught.value)} {caught.value.answer}")
            server.start()
            await notifier.send(row("ann@pmo.test"))
        mails = await asyncio.to_thread(server.mailbox, "ann", 2)

    assert len({mail["Message-ID"] for mail in mails}) == 1  # the same id at every attempt

    assert caught.value.reason in {"connect", "disconnected"}
    assert not caught.value.channel_fault


def delivery_status(report: EmailMessage) -> EmailMessage:
    """Return the part for machines of a report: what it says about the whole message."""
    part = next(one for one in report.walk() if one.get_content_type() == "message/delivery-status")
    parts = part.get_payload()
    assert isinstance(parts, list)
    first = parts[0]
    assert isinstance(first, EmailMessage)
    return first
