"""What each answer of a mail server, and its silence, means for one message (channels 2.7)."""

import asyncio

import pytest
from mail_bench import failure, mailer, row, shown
from mail_server import (
    Mailbox,
    free_port,
    raw_server,
    smtp_server,
    talk,
)

from pmo_watch.api import DeliveryDeferred, DeliveryRejected


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
        ("busy-sender@pmo.test", ("deferred", "throttled", False)),
        ("odd-sender@pmo.test", ("deferred", "config", True)),
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


@pytest.mark.parametrize(
    "address",
    [
        *("", "no-address", "a@b@c", "x y@pmo.test", "a@pmo.test\r\nRCPT TO:<b@pmo.test>", "a..b@pmo.test"),
        *('"a b"@pmo.test', "a(ann)@pmo.test", "a,ann@pmo.test", "<script>@pmo.test", "a@pmo.test>", "a@b:c"),
        *("a\x00@pmo.test", "a\u202e@pmo.test", "a\ud800@pmo.test", "a\u200b@pmo.test", "a@-pmo.test"),
    ],
)
async def test_what_is_no_address_is_rejected(port: int, box: Mailbox, address: str) -> None:
    assert shown(await failure(port, address)) == ("rejected", "bad_request", False)
    assert not box.mails


async def test_address_beyond_ascii_needs_a_server_that_takes_it(box: Mailbox) -> None:
    with smtp_server(box, enable_SMTPUTF8=False) as unwilling:
        error = await failure(unwilling, "jürgen@pmo.test")
    assert shown(error) == ("rejected", "bad_request", False)
    assert "SMTPUTF8 is not supported by this server" in error.answer
    with smtp_server(box, enable_SMTPUTF8=True) as willing:
        async with mailer(willing) as notifier:
            await notifier.send(row("jürgen@pmo.test"))
    assert box.envelopes[0].rcpt_tos == ["jürgen@pmo.test"]
