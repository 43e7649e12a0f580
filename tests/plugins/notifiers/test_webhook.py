"""Messages posted to a real HTTP server: signed, as the published schema says, and what each answer means."""

import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from card_bench import ID, every_kind, many, to_channel
from hook_bench import (
    KEY,
    NEW_KEY,
    NEW_SECRET,
    OLD_SECRET,
    SCHEMA,
    SENT_AT,
    body_of,
    failure,
    hook,
    row,
    settings,
    shown,
)
from mail_server import certificates, free_port
from messages import CONTEXT, EVIL, a_message, an_alert, an_item
from pmo_watch_plugins.notifiers.webhook import WEBHOOK, Hook
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from workflows_trigger import Trigger, workflows_trigger

from pmo_watch.alerts import CLOSING, Message, Reason
from pmo_watch.api import DeliveryDeferred, NotifierContext
from pmo_watch.log import CHATTY
from pmo_watch.render import render, render_for
from pmo_watch.testing import check_answers


@pytest.fixture
def receiver() -> Iterator[Trigger]:
    with workflows_trigger() as running:
        yield running


# --- the body -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr", "nl"])
@pytest.mark.parametrize("name", every_kind())
def test_every_kind_of_message_is_as_the_published_schema_says(name: str, language: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    body = json.loads(json.dumps(body_of(to_channel_in(language, every_kind()[name]))))

    jsonschema.validate(body, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert set(body) <= set(SCHEMA["properties"])  # what is sent is described
    assert all(set(one) == set(SCHEMA["$defs"]["item"]["properties"]) for one in body["items"])


def to_channel_in(language: str, message: Message) -> Message:
    """Return the message in another language."""
    return to_channel(*message.items, **{name: getattr(message, name) for name in KEPT}, language=language)


KEPT = ("kind", "digest", "title", "lines", "mentions", "day", "counts", "decisions")


def test_every_reason_of_an_item_is_in_the_schema() -> None:
    assert {*Reason, "open", "silenced"} - {Reason.PENDING, Reason.CLEARED_UNCONFIRMED} == set(
        SCHEMA["$defs"]["item"]["properties"]["reason"]["enum"]
    )
    assert {"recovered", "rule_removed"} <= CLOSING  # as the description says
    kinds = get_args(get_type_hints(Message)["kind"])
    assert [f"message.{kind}" for kind in kinds] == SCHEMA["properties"]["type"]["enum"]


def test_item_holds_what_a_ticket_needs() -> None:
    body = body_of(to_channel(an_item(finding={"unit": "wd"}, url="https://jira.example.org/browse/M1")))

    (item,) = body["items"]
    assert (body["id"], body["type"], body["level"]) == (ID, "message.alert", "red")
    assert body["recipient"] == {"id": "teams", "name": ""}
    assert body["timestamp"] == "2026-05-12T08:30:00Z"
    assert [one["url"] for one in body["links"]][-1] == "https://grafana.example.org/d/pmo-project?var-project=PRJ-042"
    assert {name: item[name] for name in ("alert", "rule", "reason", "level", "project", "project_name")} == {
        "alert": "0000000000000001",
        "rule": "key-milestone-slip",
        "reason": "opened",
        "level": "red",
        "project": "PRJ-042",
        "project_name": "Harbour Bridge",
    }
    assert {name: item[name] for name in ("subject", "subject_id", "since", "url")} == {
        "subject": "Go-live",
        "subject_id": "M1",
        "since": "2026-05-11T08:30:00Z",
        "url": "https://jira.example.org/browse/M1",
    }
    assert item["value"].replace("\u00a0", " ").startswith("12 working days")
    assert item["facts"][0].keys() == {"name", "value"}


def test_alert_has_the_same_key_from_opening_to_end() -> None:
    opened, closed = (body_of(to_channel(an_item(reason=reason))) for reason in ("opened", "recovered"))

    assert opened["items"][0]["alert"] == closed["items"][0]["alert"]


def test_committee_is_told_no_name_of_a_person_here_either() -> None:
    about = an_item(alert=an_alert(entity="person"), subject_name="Maria Rossi", subject_id="E17")

    text = json.dumps(body_of(to_channel(about, no_names=True)))

    assert "Maria" not in text
    assert "E17" not in text


@pytest.mark.parametrize("most", [16_000, 20_000, 100_000])
def test_body_keeps_its_budget_by_leaving_out_whole_items_and_says_how_many(most: int) -> None:
    rendered, _ = render_for(many(500), CONTEXT, WEBHOOK, settings(max_bytes=most, max_items=500))

    assert rendered.payload is not None
    sent = len(json.dumps(rendered.payload, ensure_ascii=False, separators=(",", ":")).encode())
    kept = rendered.payload["items"]
    assert most * 0.8 < sent <= most
    assert len(kept) + rendered.payload["items_left_out"] == 500
    assert rendered.trimmed == rendered.payload["items_left_out"]
    jsonschema.validate(json.loads(json.dumps(rendered.payload)), SCHEMA)


def test_one_item_that_is_too_large_loses_its_explanations_first() -> None:
    long = an_item(subject_name="é" * 10_000, rule=an_item().rule)
    facts = {f"field_{number}": "ü" * 500 for number in range(60)}
    body = body_of(to_channel(an_item(finding={"evidence": facts}), long), max_bytes=16_000)

    assert len(json.dumps(body, ensure_ascii=False).encode()) <= 16_500
    assert body["items"]
    assert body["items"][0]["alert"] == "0000000000000001"


def test_hostile_text_is_a_text() -> None:
    body = body_of(to_channel(an_item(subject_name=f"{EVIL}\r\nwebhook-id: x\u202e\ud800")))

    assert body["items"][0]["subject"].startswith(EVIL)
    assert not set("\r\n\u202e") & set(body["items"][0]["subject"])
    json.dumps(body, ensure_ascii=False).encode()


# --- what is posted -----------------------------------------------------------------------------------------------


async def test_message_is_posted_signed_with_every_key(receiver: Trigger) -> None:
    async with hook(receiver.url("ok"), secrets=[NEW_SECRET, OLD_SECRET], headers={"X-Team": "canary-team"}) as opened:
        answer = await opened.send(row())

    (request,) = receiver.requests
    headers = {name.lower(): value for name, value in request["headers"].items()}
    told = f"{ID}.{int(SENT_AT.timestamp())}.".encode() + request["body"]
    macs = [base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode() for key in (NEW_KEY, KEY)]
    assert answer == "202 Accepted"
    assert headers["webhook-id"] == ID
    assert headers["webhook-timestamp"] == str(int(SENT_AT.timestamp()))
    assert headers["webhook-signature"] == " ".join(f"v1,{mac}" for mac in macs)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-team"] == "canary-team"
    assert json.loads(request["body"]) == row().rendered.payload


def test_signature_is_that_of_the_published_example() -> None:
    """The vector of the libraries of Standard Webhooks."""
    context = NotifierContext("hook", Path(), "x", now=lambda: datetime.fromtimestamp(1614265330, UTC))
    opened = WEBHOOK.open(settings(secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]), context)
    assert isinstance(opened, Hook)

    headers = opened._signed("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_every_attempt_has_the_same_id_and_its_own_time(receiver: Trigger) -> None:
    for second in (1, 2):
        async with hook(receiver.url("ok"), at=SENT_AT.replace(second=second)) as opened:
            await opened.send(row(id="abc.1-room/é"))

    ids, moments = ([one["headers"][name] for one in receiver.requests] for name in ("webhook-id", "webhook-timestamp"))
    assert ids == ["abc-1-room--", "abc-1-room--"]
    assert len(set(moments)) == 2
    assert receiver.requests[0]["body"] == receiver.requests[1]["body"]


async def test_body_that_is_too_large_is_posted_once_more_at_half_the_size(receiver: Trigger) -> None:
    receiver.limit = 12_000

    async with hook(receiver.url("ok"), max_bytes=20_000) as opened:
        answer = await opened.send(row(many(40)))

    first, second = (len(one["body"]) for one in receiver.requests)
    assert answer == "202 Accepted"
    assert second <= 10_000
    assert first > receiver.limit
    body = json.loads(receiver.requests[1]["body"])
    assert len(body["items"]) + body["items_left_out"] == 40
    jsonschema.validate(body, SCHEMA)


async def test_mail_that_comes_here_as_its_fallback_is_posted_as_lines(receiver: Trigger) -> None:
    rendered, _ = render(a_message(an_item(), an_item(2, subject_name=EVIL)), CONTEXT)

    async with hook(receiver.url("ok")) as opened:
        await opened.send(row(rendered=rendered))

    body = json.loads(receiver.requests[0]["body"])
    jsonschema.validate(body, SCHEMA)
    assert (body["level"], body["items"], body["subject"]) == ("red", [], rendered.subject)
    assert any(EVIL in line for line in body["lines"])


@pytest.mark.parametrize(
    ("mode", "result", "answer"),
    [
        ("schema", ("rejected", "bad_request", False), "400 Bad Request"),
        ("teapot", ("rejected", "bad_request", False), "418 I'm a Teapot"),
        ("unsigned", ("rejected", "auth", True), "401 Unauthorized"),
        ("forbidden", ("rejected", "auth", True), "403 Forbidden"),
        ("off", ("rejected", "not_found", True), "404 Not Found"),
        ("gone", ("rejected", "not_found", True), "410 Gone"),
        ("small", ("rejected", "too_large", False), "413 "),
        ("late", ("deferred", "throttled", False), "408 Request Timeout"),
        ("throttle", ("deferred", "throttled", False), "429 Too Many Requests"),
        ("moved", ("rejected", "config", True), "302 Found"),
        ("broken", ("deferred", "server_error", False), "502 Bad Gateway"),
    ],
)
async def test_answer_of_the_receiver(receiver: Trigger, mode: str, result: tuple[str, str, bool], answer: str) -> None:
    error = await failure(receiver.url(mode))

    assert shown(error) == result
    assert error.answer.startswith(answer)
    assert not any(one["mode"] == "ok" for one in receiver.requests)  # a redirect is not followed


async def test_wait_that_is_asked_for_stops_the_whole_address(receiver: Trigger) -> None:
    async with hook(receiver.url("patience")) as opened:
        with pytest.raises(DeliveryDeferred):
            await opened.send(row())
        with pytest.raises(DeliveryDeferred) as again:
            await opened.send(row())

    assert again.value.retry_after == pytest.approx(3600, abs=5)
    assert again.value.answer == "the receiver asked us to wait"
    assert len(receiver.requests) == 1


async def test_receiver_that_is_slow_hangs_up_or_is_not_there(receiver: Trigger) -> None:
    nowhere = f"http://localhost:{free_port()}/x"

    assert shown(await failure(receiver.url("slow"), total_timeout_seconds=0.2)) == ("deferred", "timeout", False)
    assert shown(await failure(receiver.url("cut"))) == ("deferred", "disconnected", False)
    assert shown(await failure(nowhere)) == ("deferred", "connect", False)


async def test_certificate_is_checked(tmp_path: Path) -> None:
    ca, context = certificates()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")

    with workflows_trigger(context) as receiver:
        url = receiver.url("ok", scheme="https")
        distrusted = await failure(url)
        async with hook(url, tmp_path, ca_file="ca.pem") as opened:
            answer = await opened.send(row())

    assert shown(distrusted) == ("deferred", "tls", True)
    assert answer == "202 Accepted"


async def test_probe_posts_nothing_and_says_whether_anybody_is_there(receiver: Trigger) -> None:
    async with hook(receiver.url("ok")) as opened:
        await opened.probe()
    async with hook(f"http://localhost:{free_port()}/x") as opened:
        with pytest.raises(DeliveryDeferred, match="connect"):
            await opened.probe()

    assert receiver.requests == []


async def test_webhook_says_what_happens_next(httpserver: HTTPServer) -> None:
    async def send(status: int) -> str:
        httpserver.clear()
        httpserver.expect_request("/hook").respond_with_data("", status=status)
        async with hook(httpserver.url_for("/hook")) as opened:
            return str(await opened.send(row()))

    assert await check_answers(send) == []


async def test_secrets_are_in_no_error_and_no_log(
    receiver: Trigger, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for chatty in CHATTY:
        caplog.set_level(logging.WARNING, logger=chatty)  # as log.py sets them, whatever the level
    token = {"Authorization": "Bearer canary-token"}
    modes = ("schema", "off", "throttle", "moved", "broken", "cut", "forbidden", "small")

    errors: list[Exception] = [await failure(receiver.url(mode), headers=token) for mode in modes]
    errors.append(await failure(receiver.url("slow"), total_timeout_seconds=0.1, headers=token))
    for faulty in ({"url": "http://x.example/canary"}, {"secrets": ["canary"]}, {"headers": {"X": "canary\n"}}):
        with pytest.raises(ValidationError) as refused:
            settings(**faulty)
        errors.append(refused.value)

    said = caplog.text + "".join(capfd.readouterr()) + repr(settings(headers=token))
    said += "".join(f"{one!r} {one} {one.__cause__} {vars(one) if hasattr(one, '__dict__') else ''}" for one in errors)
    assert "canary" not in said
    assert OLD_SECRET not in said


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"url": "http://hook.example.org/x"}, "url should begin with https://"),
        ({"url": "https:///x"}, "url names no host"),
        ({"secrets": []}, "at least 1 item"),
        ({"secrets": ["a-password"]}, "a key begins with whsec_: make one with: echo whsec_$(openssl rand -base64 32)"),
        ({"secrets": ["whsec_???"]}, "a key is base64 after whsec_"),
        ({"secrets": ["whsec_c2hvcnQ="]}, "a key has 24 to 64 bytes, this one 5"),
        ({"secrets": [OLD_SECRET, OLD_SECRET]}, "secrets holds the same key twice"),
        ({"headers": {"Webhook-Id": "1"}}, "the header 'Webhook-Id' is ours to set"),
        ({"headers": {"a b": "1"}}, "'a b' is no name of a header"),
        ({"headers": {"X-A": "a\r\nX-B: c"}}, "the value of the header 'X-A' should be one line of ASCII"),
    ],
)
def test_setting_that_cannot_be_right_is_named_with_its_remedy(parts: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(text)):
        settings(**parts)


def test_keys_that_were_forgotten_are_warned_of() -> None:
    third = f"whsec_{base64.b64encode(b'z' * 32).decode()}"

    assert WEBHOOK.check(settings(secrets=[OLD_SECRET, NEW_SECRET])) == []
    assert WEBHOOK.check(settings(secrets=[OLD_SECRET, NEW_SECRET, third])) == [
        "more than two secrets: take out those that the receiver no longer checks"
    ]
