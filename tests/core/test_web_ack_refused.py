"""Acknowledge links that are refused, and forms that are shown again."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest
from ack_page import REASON, Page, acknowledged, opened, refused
from messages import NOW, an_alert
from served import Daemon, served, three_alerts

from pmo_watch.errors import StoreError
from pmo_watch.store import Store, StoreConflict, open_store


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    store = open_store(sqlite_url)
    yield Daemon(store)
    store.close()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(daemon) as one:
        yield one


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("v1.k1.nothing", "malformed"),
        ("v1.other.e30.AAAA", "malformed"),
        ("v1.k1.e30.AAAA", "signature"),
        ("%00", "malformed"),
        ("x" * 400, "malformed"),
    ],
)
async def test_link_that_is_not_ours_is_not_valid(
    client: httpx2.AsyncClient, daemon: Daemon, method: str, token: str, reason: str
) -> None:
    answer = await client.request(method, f"/ack/{token}")

    assert answer.status_code == 404
    assert "This link is not valid." in answer.text
    assert refused(daemon) == {reason: 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_link_ends_after_its_time(client: httpx2.AsyncClient, daemon: Daemon, method: str) -> None:
    daemon.told(*three_alerts())
    daemon.now = NOW + timedelta(days=7, seconds=1)

    answer = await client.request(method, daemon.link())

    assert answer.status_code == 410
    assert "This link has expired." in answer.text
    assert "PRJ-042" not in answer.text
    assert refused(daemon) == {"expired": 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_link_whose_alerts_are_closed_says_since_when_and_why(
    client: httpx2.AsyncClient, daemon: Daemon, method: str
) -> None:
    red, amber, third = three_alerts()
    daemon.told(red, amber, third)
    daemon.change(
        replace(red, close_reason="recovered", closed_at=NOW),
        replace(amber, close_reason="entity_cancelled", closed_at=NOW),
        replace(third, close_reason="entity_gone", closed_at=NOW),
    )

    page = Page(client, "", await client.request(method, daemon.link()))

    assert page.status == 410
    assert page.text == (
        "pmo-watch Nothing is left to acknowledge: what this message was about is closed. "
        "PRJ-042 Go-live: recovered, 12 May 2026 "
        "PRJ-042 Training: closed: no longer in the source, 12 May 2026 "
        "PRJ-042 Pilot: closed: no longer concerned by the rule, 12 May 2026"
    )
    assert refused(daemon) == {"closed": 1}


async def test_link_of_a_message_that_is_no_more_has_nothing_left(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    page = await opened(client, daemon.link(message="f" * 32))

    assert (page.status, refused(daemon)) == (410, {"closed": 1})


@pytest.mark.parametrize("confirm", ["", "x", "1747038600.AAAA"])
async def test_nothing_changes_without_a_confirmation(client: httpx2.AsyncClient, daemon: Daemon, confirm: str) -> None:
    daemon.told(*three_alerts())

    after = await (await opened(client, daemon.link())).send(confirm=confirm)

    assert after.status == 409
    assert "Something has changed since this page was opened" in after.text
    assert acknowledged(daemon.store) == {}
    assert refused(daemon) == {"confirm": 1}


async def test_confirmation_of_another_link_counts_for_nothing(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(*three_alerts())
    page = await opened(client, daemon.link())
    page.link = daemon.link("person:somebody.else@example.org")

    assert (await page.send()).status == 409
    assert acknowledged(daemon.store) == {}


async def test_confirmation_ends_after_an_hour(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(*three_alerts())
    page = await opened(client, daemon.link())

    daemon.now = NOW + timedelta(hours=1, seconds=1)
    late = await page.send()

    assert late.status == 409
    assert (await late.send()).status == 303


async def test_level_that_changed_is_shown_before_it_is_acknowledged(
    client: httpx2.AsyncClient, daemon: Daemon
) -> None:
    red, amber, third = three_alerts()
    daemon.told(red, amber, third)
    page = await opened(client, daemon.link())
    daemon.change(replace(amber, level="red"), replace(third, closed_at=NOW, close_reason="recovered"))

    after = await page.send(alert=[amber.id], until="2026-06-01", reason="as typed <b>")

    assert (after.status, acknowledged(daemon.store)) == (409, {})
    assert "▲ Red PRJ-042 Pilot" in after.text
    assert "Training" not in after.text
    assert (after.ticked, after.field("until")) == ([amber.id], "2026-06-01")
    assert "as typed &lt;b&gt;</textarea>" in after.html
    assert (await after.send()).status == 303
    assert acknowledged(daemon.store) == {"2": date(2026, 6, 1)}


@pytest.mark.parametrize(
    "typed",
    [
        {"reason": ""},
        {"reason": "no"},
        {"reason": "x" * 501},
        {"until": ""},
        {"until": "soon"},
        {"until": "2026-05-11"},
        {"until": "2026-08-11"},
        {"alert": []},
    ],
)
async def test_what_is_missing_is_asked_for_with_what_was_typed(
    client: httpx2.AsyncClient, daemon: Daemon, typed: dict[str, Any]
) -> None:
    daemon.told(*three_alerts())

    after = await (await opened(client, daemon.link())).send(**typed)

    assert after.status == 422
    assert "Tick at least one alert, choose a day at most 90 days ahead" in after.text
    assert f"{typed.get('reason', REASON)}</textarea>" in after.html
    assert after.field("until") == (typed.get("until") or "2026-05-20")
    assert len(after.ticked) == (0 if "alert" in typed else 3)
    assert acknowledged(daemon.store) == {}


async def test_alerts_of_other_messages_cannot_be_named(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    other = an_alert(9)
    daemon.told(*three_alerts())
    daemon.change(other)

    after = await (await opened(client, daemon.link())).send(alert=[other.id])

    assert acknowledged(daemon.store) == {}
    assert after.status == 422


async def test_alert_that_closes_at_that_very_moment_is_shown_as_it_is(
    client: httpx2.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    red, amber, _ = three_alerts()
    daemon.told(red, amber)
    page = await opened(client, daemon.link())
    write = Store.write

    def cycle_comes_first(store: Store, change: Any) -> None:
        monkeypatch.setattr(Store, "write", write)
        daemon.change(replace(red, closed_at=NOW, close_reason="recovered"))
        raise StoreConflict("alerts were changed")

    monkeypatch.setattr(Store, "write", cycle_comes_first)
    after = await page.send()

    assert (after.status, after.ticked) == (409, [amber.id])
    assert acknowledged(daemon.store) == {}


async def test_twenty_posts_in_a_minute_are_enough_for_one_link(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(*three_alerts())
    page = await opened(client, daemon.link())

    answers = [(await page.send(reason="")).status for _ in range(21)]
    page.link = daemon.link("teams")

    assert answers == [422] * 20 + [429]
    assert (await opened(client, daemon.link())).status == 200
    assert (await page.send()).status == 409


async def test_store_that_does_not_answer_is_said_on_the_page(
    client: httpx2.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: str) -> None:
        raise StoreError("/var/lib/pmo-watch/pmo-watch.db: the disk is full")

    monkeypatch.setattr(daemon.store, "message", fails)

    page = await opened(client, daemon.link())

    assert (page.status, page.text) == (503, "pmo-watch This cannot be shown now. Please try again in a minute.")


async def test_form_of_a_page_of_another_site_is_not_taken(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(*three_alerts())

    answer = await client.post(daemon.link(), data={"confirm": "x"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "You may not do this." in answer.text


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"&" * 60_000, b"a=b&" * 2000, b'{"confirm": "x"}'])
async def test_body_that_is_no_form_changes_nothing(client: httpx2.AsyncClient, daemon: Daemon, body: bytes) -> None:
    daemon.told(*three_alerts())

    answer = await client.post(daemon.link(), content=body)

    assert answer.status_code == 409
    assert acknowledged(daemon.store) == {}
