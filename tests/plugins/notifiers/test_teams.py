"""Cards posted to a real HTTP server: what is in them, their size, and what each answer means (channels 3, 8.5)."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from card_bench import ID, URL, many, payload, row, settings, texts, to_channel
from mail_server import certificates, free_port
from messages import CONTEXT, EVIL, a_message, an_item
from pmo_watch_plugins.notifiers.teams import TEAMS, Channel
from pmo_watch_plugins.notifiers.teams.settings import Settings
from pmo_watch_plugins.notifiers.teams.sizes import fault
from pydantic import ValidationError
from ruamel.yaml import YAML
from workflows_trigger import Trigger, workflows_trigger

from pmo_watch.alerts import Rendered
from pmo_watch.api import DeliveryDeferred, DeliveryRejected, NotifierContext
from pmo_watch.render import render


@pytest.fixture
def trigger() -> Iterator[Trigger]:
    with workflows_trigger() as running:
        yield running


@asynccontextmanager
async def channel(url: str, folder: Path = Path(), **parts: Any) -> AsyncIterator[Channel]:
    usual = {"timeout_seconds": 2, "total_timeout_seconds": 4}
    opened = TEAMS.open(settings(url=url, **usual | parts), NotifierContext("teams", folder, "pmo-watch/1"))
    try:
        assert isinstance(opened, Channel)
        yield opened
    finally:
        await opened.close()


async def failure(url: str, folder: Path = Path(), **parts: Any) -> DeliveryDeferred | DeliveryRejected:
    async with channel(url, folder, **parts) as opened:
        try:
            await opened.send(row())
        except (DeliveryDeferred, DeliveryRejected) as error:
            return error
    pytest.fail("the flow took the card")


def shown(error: DeliveryDeferred | DeliveryRejected) -> tuple[str, str, bool]:
    kind = "rejected" if isinstance(error, DeliveryRejected) else "deferred"
    return kind, error.reason, error.channel_fault


async def test_card_is_posted_as_compact_utf8_json(trigger: Trigger) -> None:
    outgoing = row(to_channel(an_item(subject_name="Étape 🔴ü")))

    async with channel(trigger.url("ok")) as opened:
        answer = await opened.send(outgoing)
        await opened.send(outgoing)

    assert answer == "202"
    first, second = trigger.requests
    assert first["headers"]["Content-Type"] == "application/json; charset=utf-8"
    assert first["headers"]["User-Agent"] == "pmo-watch/1"
    assert "Étape 🔴ü".encode() in first["body"]
    assert b'", "' not in first["body"]
    assert json.loads(first["body"]) == outgoing.rendered.payload
    assert "Cookie" not in second["headers"]


@pytest.mark.parametrize(
    ("mode", "result", "answer"),
    [
        ("schema", ("rejected", "bad_request", False), "400 TriggerInputSchemaMismatch"),
        ("media", ("rejected", "bad_request", False), "415 UnsupportedMediaType"),
        ("teapot", ("rejected", "bad_request", False), "418 Teapot"),
        ("unsigned", ("rejected", "auth", True), "401 DirectApiAuthorizationRequired"),
        ("forbidden", ("rejected", "auth", True), "403 Forbidden"),
        ("off", ("rejected", "not_found", True), "404 WorkflowTriggerIsNotEnabled"),
        ("gone", ("rejected", "not_found", True), "410 Gone"),
        ("small", ("rejected", "too_large", False), "413 RequestEntityTooLarge"),
        ("late", ("deferred", "throttled", False), "408 RequestTimeout"),
        ("throttle", ("deferred", "throttled", False), "429 TooManyRequests"),
        ("moved", ("rejected", "config", True), "302"),
        ("broken", ("deferred", "server_error", False), "502 BadGateway"),
    ],
)
async def test_answer_of_the_flow(trigger: Trigger, mode: str, result: tuple[str, str, bool], answer: str) -> None:
    error = await failure(trigger.url(mode))

    assert shown(error) == result
    assert error.answer == answer


@pytest.mark.parametrize(("mode", "seconds"), [("throttle", 2), ("until", 90), ("patience", 3600)])
async def test_wait_that_is_asked_for_stops_the_whole_url(trigger: Trigger, mode: str, seconds: float) -> None:
    async with channel(trigger.url(mode)) as opened:
        errors = []
        for _ in range(2):
            with pytest.raises(DeliveryDeferred) as caught:
                await opened.send(row())
            errors.append(caught.value)

    assert errors[0].retry_after == seconds
    assert errors[1].retry_after == pytest.approx(seconds, abs=1)
    assert errors[1].answer == "the flow asked us to wait"
    assert len(trigger.requests) == 1


async def test_card_that_is_too_large_is_sent_once_more_at_half_the_budget(trigger: Trigger) -> None:
    trigger.limit = 9_500

    async with channel(trigger.url("ok"), max_bytes=18_000) as opened:
        answer = await opened.send(row(many(20)))

    first, second = (len(request["body"]) for request in trigger.requests)
    assert answer == "202"
    assert first > 9_500
    assert second <= 9_000
    assert "more" in "".join(texts(json.loads(trigger.requests[1]["body"])["attachments"][0]["content"]["body"]))


async def test_flow_that_is_slow_is_given_up(trigger: Trigger) -> None:
    assert shown(await failure(trigger.url("slow"), timeout_seconds=0.2)) == ("deferred", "timeout", False)
    assert shown(await failure(trigger.url("slow"), total_timeout_seconds=0.2)) == ("deferred", "timeout", False)


async def test_flow_that_hangs_up_or_is_not_there(trigger: Trigger) -> None:
    nowhere = f"http://localhost:{free_port()}/x?sig=canary-sig-42"

    assert shown(await failure(trigger.url("cut"))) == ("deferred", "disconnected", False)
    assert shown(await failure(nowhere)) == ("deferred", "connect", False)


async def test_only_the_beginning_of_a_huge_answer_is_read(trigger: Trigger) -> None:
    async with channel(trigger.url("huge")) as opened:
        assert await opened.send(row()) == "202"


async def test_certificate_is_checked(tmp_path: Path) -> None:
    ca, context = certificates()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")

    with workflows_trigger(context) as trigger:
        url = trigger.url("ok", scheme="https")
        distrusted = await failure(url)
        async with channel(url, tmp_path, ca_file="ca.pem") as opened:
            answer = await opened.send(row())

    assert shown(distrusted) == ("deferred", "tls", True)
    assert answer == "202"


async def test_ten_posts_are_in_flight_and_the_fifth_waits_for_its_turn(trigger: Trigger) -> None:
    async with channel(trigger.url("ok")) as opened:
        for _ in range(4):
            await opened.turn()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await opened.turn()

    assert TEAMS.in_flight == 10
    assert TEAMS.deadline_seconds(settings()) == 20


async def test_mail_that_comes_here_as_its_fallback_is_posted_as_text(trigger: Trigger) -> None:
    rendered, _ = render(a_message(an_item(), an_item(2, subject_name=EVIL)), CONTEXT)

    async with channel(trigger.url("ok")) as opened:
        await opened.send(row(rendered=rendered))

    body = json.loads(trigger.requests[0]["body"])
    assert fault(body) == ""
    said = texts(body["attachments"][0]["content"]["body"])
    assert said[0].startswith('[RED] PRJ-042 Key milestone "Go-live" slips')
    assert any(EVIL in text for text in said)
    assert said[-1] == ID


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda body, _: body.update(type="MessageCard"), "not a message with one attachment"),
        (lambda body, _: body.update(attachments={}), "not a message with one attachment"),
        (lambda _, content: content.update(type="X"), "the attachment is no card"),
        (lambda _, content: content.update(speak=""), "the card has no speak"),
        (lambda _, content: content["body"].append({"type": "Image"}), "the card has an element of type Image"),
        (lambda _, content: content["actions"][0].update(url="/x"), "the card has a button without a web address"),
        (lambda _, content: content["actions"].extend(content["actions"] * 2), "the card has too many buttons"),
        (
            lambda _, content: content["msteams"].update(entities=[]),
            "the card mentions a person without naming the account, or the other way round",
        ),
    ],
)
async def test_card_that_the_flow_would_lose_unseen_is_not_sent(trigger: Trigger, spoil: Any, text: str) -> None:
    body = payload(to_channel(an_item(), mentions=(("Maria Rossi", "m.rossi@example.org"),)))
    spoil(body, body["attachments"][0]["content"])

    async with channel(trigger.url("ok")) as opened:
        with pytest.raises(DeliveryRejected) as caught:
            await opened.send(row(rendered=Rendered("s", "t", payload=body)))

    assert (caught.value.reason, caught.value.answer) == ("bad_request", text)
    assert not trigger.requests


async def test_url_is_in_no_error_and_no_log(
    trigger: Trigger, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for chatty in ("httpx2", "httpcore2"):
        caplog.set_level(logging.WARNING, logger=chatty)  # as log.py sets them, whatever the level
    modes = ("schema", "off", "throttle", "moved", "broken", "cut", "forbidden", "small")

    errors: list[Exception] = [await failure(trigger.url(mode)) for mode in modes]
    errors += [
        await failure(trigger.url("slow"), total_timeout_seconds=0.1),
        await failure(URL.replace("prod-1", "x.")),
    ]
    with pytest.raises(ValidationError) as faulty:
        settings(url="http://prod.logic.azure.com/x?sig=canary-sig-42")

    chains = []
    for failed in [*errors, faulty.value]:
        seen: BaseException | None = failed
        while seen is not None:
            chains.append(f"{seen!r} {seen} {vars(seen) if hasattr(seen, '__dict__') else ''}")
            seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    everything = caplog.text + "".join(capfd.readouterr()) + "".join(chains) + repr(settings())
    assert "canary" not in everything


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://tenant.webhook.office.com/webhookb2/x?sig=1", "connectors of Office are gone: create a flow"),
        ("https://outlook.office.com/webhook/x?sig=1", "connectors of Office are gone: create a flow"),
        ("http://prod.logic.azure.com/x?sig=1", "url should begin with https://"),
        ("https://prod.logic.azure.com/x", "set 'Who can trigger the flow?' to Anyone"),
        ("not a url", "url should begin with https://"),
    ],
)
def test_url_that_cannot_be_right_is_named_with_its_remedy(url: str, text: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(text)):
        settings(url=url)


def test_unusual_host_is_only_warned_of() -> None:
    unusual = settings(url="https://flows.example.org/x?sig=1")
    usual = [settings(), settings(url="https://x.y.environment.api.powerplatform.com/z?sig=1")]

    assert TEAMS.check(unusual) == [
        "flows.example.org is no host of Workflows that we know (.logic.azure.com, .environment.api.powerplatform.com)"
    ]
    assert [TEAMS.check(one) for one in usual] == [[], []]


def test_certificate_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeliveryDeferred) as caught:
        TEAMS.open(settings(ca_file="none.pem"), NotifierContext("teams", tmp_path, "pmo-watch/1"))

    assert caught.value.answer == f"ca_file {tmp_path / 'none.pem'}: No such file or directory"


FOLDER = Path(__file__).parents[3] / "plugins" / "notifiers" / "teams"


def test_sample_is_valid_and_shown_as_it_is() -> None:
    text = (FOLDER / "sample.yaml").read_text()
    given = YAML(typ="safe").load(text)["notifiers"]["teams"]
    commented = {
        name: YAML(typ="safe").load(value) for name, value in re.findall(r"^    # ([a-z_]+): (.*?)  +#.*$", text, re.M)
    }

    checked = settings()

    assert {name: getattr(checked, name) for name in commented} == commented
    assert {*given, *commented} - {"type"} == set(Settings.model_fields)
    assert f"```yaml\n{text}```" in (FOLDER / "README.md").read_text()
