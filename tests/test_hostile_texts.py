"""Texts that try to be more than text, in every field that reaches a message: they are shown, and nothing more."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from typing import Any

import pytest
from card_bench import settings as card_settings
from hostile import HIDDEN, HOSTILE, MARK, Place, name_of, places, put, shown_as
from lxml import etree
from mail_bench import settings as mail_settings
from messages import CONTEXT, NOW, a_digest, a_message, an_alert, an_item
from pmo_watch_plugins.notifiers.teams import TEAMS
from pmo_watch_plugins.notifiers.webhook import WEBHOOK
from pmo_watch_plugins.notifiers.webhook.settings import Settings as Webhook

from pmo_watch.alerts import Message, OutboxRow, Rendered, StandIn
from pmo_watch.mails import mail
from pmo_watch.render import render
from pmo_watch.standing import MilestoneTrend, Owed, ProjectStanding, Standing

OWN = ("https://pmo.example.org/", "https://grafana.example.org/")
FOREIGN = "https://jira.example.org/browse/PRJ-1"
# What the engine alone writes: ids, and words of closed lists. Never a text of somebody else.
OURS = {
    *("id", "kind", "reason", "level", "before", "facts", "replaces", "thread", "thread_subject", "zone", "language"),
    *("address", "recipient", "subject", "entity", "measure", "state", "unit", "threshold", "close_reason", "peak"),
    *("seen", "acknowledged_level", "recent", "for_each", "computed", "declared", "history", "uid", "moved", "how"),
    *("pauses", "steps"),
}
SECRETS = {"url": "https://x.example.org/", "secrets": ["whsec_" + "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"]}


def samples() -> dict[str, Message]:
    """Return messages that between them say all that a message can say."""
    held = {"acknowledged_until": NOW.date() + timedelta(days=9), "acknowledged_by": "Ann", "acknowledged_reason": "x"}
    grey: dict[str, Any] = {"state": "grey", "value": None, "reason": "missing baseline_finish", "evidence": {}}
    unknown = an_item(3, alert=an_alert(3, unknown_since=NOW), reason="unknown", level="grey", finding=grey)
    open_item = an_item(2, alert=an_alert(2, **held), reason="open", project_code="ATL-7")
    week = timedelta(days=7)
    project = ProjectStanding("p", "ATL-7", "Atlas", {"overall": "red"}, {"overall": "green"}, "green",
                              ((NOW.date() - week, "green"), (NOW.date(), "red")), {"new": 1})  # fmt: skip
    trend = MilestoneTrend("ATL-7", "Go-live", ((NOW.date() - week, NOW.date()), (NOW.date(), NOW.date() + week)))
    owed = (
        Owed("submission", {"en": "Uptime"}, "ATL-7", "Atlas", "2026-04", date(2026, 5, 4), 2, "Bob"),
        Owed("status_report", {}, "PRJ-042", "Harbour Bridge", "2026-W18", date(2026, 5, 4), 1, "Bob"),
    )
    digest = replace(a_digest(), owed=owed, standing=Standing((project,), (trend,), NOW - week))
    away = (StandIn("person:b", "Bob", NOW.date() + week), StandIn(role="sponsor"))
    called = (("Maria Rossi", "m.rossi@example.org"),)
    return {
        "alert": a_message(an_item(url=FOREIGN), mentions=called, stands_in=away),
        "several": a_message(open_item, unknown, thread=""),
        "closed": a_message(an_item(reason="recovered", level="green")),
        "digest": digest,
        "committee": replace(digest, no_names=True, digest="monthly"),
        "notice": a_message(kind="notice", title="A source is failing", lines=("It was not read.",)),
        "test": a_message(kind="test", lines=("one",)),
    }


SAMPLES = samples()


def cases() -> Iterator[Any]:
    for name, message in SAMPLES.items():
        for place in places(message):
            later = name in {"digest", "committee"} and place[:1] == ("items",) and place[1] > 0
            if not later and not OURS & set(place) and place[-1] != "recipient_name":  # that one: test_mails.py
                yield pytest.param(name, place, id=f"{name}:{name_of(place)}")


@cache
def made(name: str, place: Place, text: str) -> tuple[Rendered, EmailMessage, dict[str, Any], dict[str, Any]]:
    """Return a message with that text in that place: as a mail, as a card, as the body of a webhook."""
    message = put(SAMPLES[name], place, text)
    rendered, view = render(message, CONTEXT)
    sent = OutboxRow(message.id, "mail", message.recipient, message.recipient_name, message.address, "en", rendered)
    written = mail(replace(sent, kind=message.kind), mail_settings(25)).as_bytes()
    card, _ = payload_of(TEAMS.payload)(card_settings(), view)
    body, _ = payload_of(WEBHOOK.payload)(Webhook.model_validate(SECRETS), view)
    return rendered, message_from_bytes(written, policy=default), dict(card), dict(body)


def payload_of(made_by: Callable[..., Any] | None) -> Callable[..., tuple[Mapping[str, Any], int]]:
    assert made_by is not None
    return made_by


def texts_for(name: str, place: Place) -> dict[str, str]:
    """Return all texts where this place is shown; where it is not, the few that nothing may come of either."""
    rendered, read, card, body = made(name, place, MARK)
    if MARK in "".join([rendered.html, rendered.text, *map(str, read.values()), json.dumps([card, body])]):
        return HOSTILE
    return {kind: HOSTILE[kind] for kind in ("a script", "further headers", "ten thousand")}


@pytest.mark.parametrize(("name", "place"), list(cases()))
def test_text_of_others_is_shown_as_a_text_and_makes_nothing(name: str, place: Place) -> None:
    harmless, known, known_card, known_body = made(name, place, MARK)

    for kind, text in texts_for(name, place).items():
        rendered, read, card, body = made(name, place, text)

        if (place[-1], kind) != ("project_code", "ten thousand wide"):  # its links would be too long, and go
            assert skeleton(rendered.html) == skeleton(harmless.html), kind
            assert shape(card) == shape(known_card), kind
            assert shape(body) == shape(known_body), kind
        assert foreign_links(rendered.html) <= {FOREIGN}, kind
        check_headers(read, known)
        for said, before in zip(readable(rendered, read, card, body), readable(harmless, known, known_card, known_body),
                                strict=True):  # fmt: skip
            assert not HIDDEN.search(said), kind
            if MARK in before and place[0] != "mentions":  # a name that calls somebody loses what would be markup
                assert shown_as(text) in said, kind
                assert "…" in said or "ten thousand" not in kind, kind
        for block in marked_up(card):
            assert not unescaped(block), kind


def check_headers(read: EmailMessage, known: EmailMessage) -> None:
    assert [key for key, _ in read.items()] == [key for key, _ in known.items()]
    assert not read.defects
    assert len(read["Subject"]) <= 120
    assert [one.addr_spec for one in read["To"].addresses] == ["m.rossi@example.org"]
    assert not HIDDEN.search("".join(str(value) for value in read.values()))
    assert max(len(str(value)) for value in read.values()) <= 200


def readable(rendered: Rendered, read: EmailMessage, card: Any, body: Any) -> list[str]:
    """Return what a reader sees: text, page, subject, card, and what a program gets."""
    page = etree.fromstring(rendered.html, etree.HTMLParser())
    for one in page.xpath("//style"):
        one.getparent().remove(one)
    escaped = (re.sub(r"\\([\\`*_\[\]()~#>&])", r"\1", one) for one in marked_up(card))
    literal = [run["text"] for run in runs(card)]
    seen = "\n".join([*escaped, *literal]).replace("{ {", "{{").replace("‹", "<")
    return [rendered.text, "\n".join(page.itertext()), rendered.subject, read["Subject"], seen, "\n".join(within(body))]


def skeleton(html: str) -> list[tuple[Any, ...]]:
    """Return every element with its attributes; of links without what names a project."""
    root = etree.fromstring(html, etree.HTMLParser())
    return [(one.tag, sorted(own_attributes(one).items())) for one in root.iter()]


def own_attributes(element: Any) -> dict[str, str]:
    """Return attributes without what may differ: the project that a link is about, what a picture is said to show."""
    return {key: value.partition("?")[0] for key, value in element.items() if key != "alt"}


def foreign_links(html: str) -> set[str]:
    root = etree.fromstring(html, etree.HTMLParser())
    return {address for address in root.xpath("//@href | //@src") if not address.startswith((*OWN, "cid:"))}


def shape(value: Any) -> Any:
    """Return a body without its texts: which keys, and how many of what."""
    if isinstance(value, Mapping):
        return {key: one if key == "type" else shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value).__name__


def within(value: Any, *keys: str) -> Iterator[str]:
    """Yield the texts under these keys, or all."""
    for key, one in value.items() if isinstance(value, Mapping) else ((None, one) for one in value):
        if isinstance(one, str):
            if not keys or key in keys:
                yield one
        elif isinstance(one, Mapping | list):
            yield from within(one, *keys)


def runs(card: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of a card whose text is literal."""
    for one in card.values() if isinstance(card, Mapping) else card:
        if isinstance(one, Mapping | list):
            yield from runs(one)
    if isinstance(card, Mapping) and card.get("type") == "TextRun":
        yield card


def marked_up(card: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts in which a card's host looks for Markdown, date functions and mentions."""
    if card.get("type") == "TextBlock":
        yield card["text"]
    for one in card.get("facts", []):
        yield from (one["title"], one["value"])
    for inner in card.values():
        if isinstance(inner, Mapping):
            yield from marked_up(inner)
        elif isinstance(inner, list):
            for one in inner:
                yield from marked_up(one) if isinstance(one, Mapping) else ()


def unescaped(block: str) -> list[str]:
    """Return what would be markup in a text of a card, but for our own mention and our own link to the rest."""
    own = re.sub(r"<at>[^<>]*</at>$|^\[\+ \d+ more\]\(https://pmo\.example\.org/[^)\s]*\)$", "", block)
    return re.findall(r"(?<!\\)(?:\\\\)*[`*_\[\]()~#>]|\{\{|<(?=/?at|[a-z]+:)|(?<!\\)&(?=\w+;)", own, re.IGNORECASE)
