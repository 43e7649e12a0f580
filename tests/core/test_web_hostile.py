"""Texts that try to be more than text, in whatever the web server shows: the page of a link, and lists as JSON."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ack_page import opened
from hostile import HIDDEN, HOSTILE, MARK, places, put, shown_as
from lxml import etree
from served import Daemon, served, three_alerts

from pmo_watch.alerts import Alert
from pmo_watch.store import open_store

# What sources and people write: everything else comes from closed lists, or is what an alert is found by.
OURS = {
    *("id", "rule", "subject", "entity", "project", "level", "close_reason", "peak", "unit", "seen", "recent", "steps"),
    *("acknowledged_level", "acknowledged_by", "pauses"),
}
TEXTS = {kind: text for kind, text in HOSTILE.items() if kind != "a lone surrogate"}  # no database takes half a sign


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    store = open_store(sqlite_url)
    yield Daemon(store)
    store.close()


def hostile(alert: Alert, text: str) -> Alert:
    """Return the alert with that text in every field that others may have written."""
    for place in places(alert):
        if not OURS & set(place):
            alert = put(alert, place, text)
    return alert


def skeleton(html: str) -> list[tuple[Any, ...]]:
    root = etree.fromstring(html, etree.HTMLParser())
    return [(one.tag, [(key, "" if key == "value" else value) for key, value in one.items()]) for one in root.iter()]


@pytest.mark.parametrize("kind", TEXTS)
async def test_page_of_a_link_shows_texts_and_makes_nothing_of_them(daemon: Daemon, kind: str) -> None:
    pages = []
    async with served(daemon) as client:
        for text in (MARK, TEXTS[kind]):
            alerts = [hostile(one, text) for one in three_alerts()]
            daemon.told(*alerts) if text == MARK else daemon.change(*alerts)
            pages.append(await opened(client, daemon.link()))
            pages.append(
                await pages[-1].send(reason=text[:400], until="2000-01-01")
            )  # shown again, with what was typed

    assert [page.status for page in pages] == [200, 422, 200, 422]
    for harmless, page in zip(pages[:2], pages[2:], strict=True):
        assert skeleton(page.html) == skeleton(harmless.html)
        assert not HIDDEN.search(re.sub("<textarea.*?</textarea>", "", page.html, flags=re.DOTALL))
        assert " ".join(shown_as(TEXTS[kind]).split()) in page.text


@pytest.mark.parametrize("kind", TEXTS)
async def test_lists_are_json_whatever_is_in_them(daemon: Daemon, kind: str) -> None:
    daemon.told(*(hostile(one, TEXTS[kind]) for one in three_alerts()))

    async with served(daemon) as client:
        answers = [await client.get(f"/api/v1/{what}") for what in ("alerts", "outbox")]

    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()
        assert "nosniff" in answer.headers["x-content-type-options"]
    for alert in answers[0].json():
        assert [text for text in alert.values() if str(text).startswith(MARK)]
