"""Mail over real servers: what is written, over which connection, and what each failure means (channels 2, 8.2)."""

import asyncio
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from mail_bench import Secure, failure, mailer, row, settings, shown
from mail_server import (
    PASSWORD,
    USER,
    Mailbox,
    certificates,
    password_is_right,
    raw_server,
    smtp_server,
    talk,
)
from messages import CONTEXT, a_message, an_item
from pmo_watch_plugins.notifiers.email import EMAIL
from pmo_watch_plugins.notifiers.email.settings import Settings
from pydantic import ValidationError
from ruamel.yaml import YAML

from pmo_watch.api import DeliveryDeferred, DeliveryRejected, NotifierContext
from pmo_watch.render import render


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


async def test_address_that_stands_for_a_name_is_not_said_twice(port: int, box: Mailbox) -> None:
    async with mailer(port) as notifier:
        await notifier.send(row(recipient_name="m.rossi@pmo.test"))

    assert box.mails[0]["To"] == "m.rossi@pmo.test"


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
