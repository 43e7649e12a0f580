"""Acknowledge links: what a GET shows, what a POST changes, and every case in between."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from typing import Any

import bcrypt
import httpx2
import pytest
from messages import NOW, an_alert
from served import Daemon, http, served, three_alerts

from pmo_watch.errors import StoreError
from pmo_watch.store import Store, StoreConflict, TransitionQuery, open_store

REASON = "Supplier is late, new plan on Friday"


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    store = open_store(sqlite_url)
    yield Daemon(store)
    store.close()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(daemon) as one:
        yield one


class Page:
    """The page as a reader sees it, and its form filled in."""

    def __init__(self, client: httpx2.AsyncClient, link: str, answer: httpx2.Response) -> None:
        self.client, self.link, self.status = client, link, answer.status_code
        self.html = answer.text
        body = re.sub(r"<(title|style).*?</\1>", "", self.html, flags=re.DOTALL)
        self.text = " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def field(self, name: str) -> str:
        """Return the value of an input."""
        found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', self.html)
        assert found, name
        return unescape(found[1])

    @property
    def ticked(self) -> list[str]:
        """The alerts whose box is ticked."""
        return re.findall(r'<input type="checkbox" name="alert" value="(\w+)" id="a\d+" checked>', self.html)

    async def send(self, **typed: Any) -> "Page":
        """Send the form as a browser does."""
        filled = {"confirm": self.field("confirm"), "alert": self.ticked, "until": self.field("until"),
                  "reason": REASON}  # fmt: skip
        answer = await self.client.post(self.link, data={**filled, **typed})
        self.location = answer.headers.get("location", "")
        return Page(self.client, self.link, answer)


async def opened(client: httpx2.AsyncClient, link: str) -> Page:
    return Page(client, link, await client.get(link))


def acknowledged(store: Store) -> dict[str, date]:
    return {one.id[-1]: one.acknowledged_until for one in store.alerts() if one.acknowledged_until}


def refused(daemon: Daemon) -> dict[str, float]:
    """Return how many links were refused, by reason."""
    reasons = ("malformed", "signature", "expired", "closed", "confirm")
    counted = {one: daemon.counted("pmo_watch_ack_links_refused_total", reason=one) or 0 for one in reasons}
    return {reason: number for reason, number in counted.items() if number}


# --- looking ----------------------------------------------------------------------------------------------------------


async def test_page_shows_the_alerts_of_the_message_as_they_are_now(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    red, amber, third = three_alerts()
    daemon.told(red, amber, third)
    daemon.change(replace(red, value=15.0), an_alert(9, subject_name="Not in the message"))

    page = await opened(client, daemon.link())

    assert page.status == 200
    assert page.text == (
        "Acknowledge Alert Value Since "
        "▲ Red PRJ-042 Go-live 15 working days 11 May 2026 "
        "▲ Red PRJ-042 Training 12 working days 11 May 2026 "
        "◆ Amber PRJ-042 Pilot 12 working days 11 May 2026 "
        "Acknowledged until Cause, action, owner, date Acknowledge"
    )
    assert page.ticked == [red.id, third.id, amber.id]


async def test_page_proposes_five_working_days_and_at_most_ninety_days(
    client: httpx2.AsyncClient, daemon: Daemon
) -> None:
    daemon.told(*three_alerts())

    page = await opened(client, daemon.link())

    # Tuesday 12 May; the 14th is a holiday.
    assert page.field("until") == "2026-05-20"
    assert 'min="2026-05-12" max="2026-08-10" required' in page.html
    assert 'name="reason" rows="4" minlength="3" maxlength="500" required' in page.html


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing_and_uses_nothing_up(
    client: httpx2.AsyncClient, daemon: Daemon, method: str
) -> None:
    daemon.told(*three_alerts())
    before = daemon.store.revision(), daemon.store.alerts()

    answers = [await client.request(method, daemon.link()) for _ in range(30)]

    assert {one.status_code for one in answers} == {200}
    assert (daemon.store.revision(), daemon.store.alerts()) == before
    assert daemon.store.transitions(TransitionQuery()) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "Prendre connaissance Alerte Valeur Depuis le ▲ Rouge PRJ-042 Go-live 12 jours ouvrés 11 mai 2026"),
        ("nl", "Bevestigen Waarschuwing Waarde Sinds ▲ Rood PRJ-042 Go-live 12 werkdagen 11 mei 2026"),
    ],
)
async def test_page_speaks_the_language_of_the_message(
    client: httpx2.AsyncClient, daemon: Daemon, language: str, said: str
) -> None:
    daemon.told(three_alerts()[0], language=language)

    page = await opened(client, daemon.link())

    assert page.text.startswith(said)
    assert f'<html lang="{language}">' in page.html


async def test_text_of_others_stays_text(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    name = '<script>alert(1)</script>"\u202e{{ 7 * 7 }}'
    daemon.told(
        replace(three_alerts()[0], subject_name=name, acknowledged_until=date(2026, 6, 1), acknowledged_by=name)
    )

    page = await opened(client, daemon.link())

    assert "<script" not in page.html
    assert "\u202e" not in page.html
    assert '<script>alert(1)</script>"{{ 7 * 7 }} acknowledged by <script>' in page.text


async def test_page_says_who_acknowledged_before(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    alert = replace(three_alerts()[0], acknowledged_until=date(2026, 6, 1), acknowledged_by="Ann")
    daemon.told(alert)

    assert "Go-live acknowledged by Ann until 1 June 2026 12 working days" in (await opened(client, daemon.link())).text


# --- acknowledging ----------------------------------------------------------------------------------------------------


async def test_form_acknowledges_what_is_ticked(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    red, amber, third = three_alerts()
    daemon.told(red, amber, third)
    page = await opened(client, daemon.link())

    after = await page.send(alert=[red.id, amber.id], until="2026-06-01")

    assert (after.status, page.location) == (303, f"{daemon.link()}?done=1")
    assert acknowledged(daemon.store) == {"1": date(2026, 6, 1), "2": date(2026, 6, 1)}
    assert {one.acknowledged_by for one in daemon.store.alerts()} == {"m.rossi@example.org", ""}
    logged = daemon.store.transitions(TransitionQuery())
    assert [(one.reason, one.who, one.at) for one in logged] == [
        ("acknowledged", "m.rossi@example.org (link, 127.0.0.1)", NOW)
    ] * 2
    assert daemon.counted("pmo_watch_acknowledgements_total", via="link") == 2


async def test_page_after_it_says_so_and_has_no_form(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(three_alerts()[0])
    page = await opened(client, daemon.link())
    await page.send(until="2026-06-01")

    done = await opened(client, page.location)

    assert done.text == (
        "Acknowledge Acknowledged. Thank you. Alert Value Since ▲ Red PRJ-042 Go-live "
        "acknowledged by m.rossi@example.org until 1 June 2026 12 working days 11 May 2026"
    )
    assert "<form" not in done.html


async def test_acknowledging_twice_with_the_same_values_changes_nothing(
    client: httpx2.AsyncClient, daemon: Daemon
) -> None:
    daemon.told(*three_alerts())
    page = await opened(client, daemon.link())
    await page.send()
    before = daemon.store.revision()

    again = await page.send()

    assert again.status == 303
    assert daemon.store.revision() == before
    assert len(daemon.store.transitions(TransitionQuery())) == 3


async def test_link_made_for_a_channel_asks_for_a_name(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(three_alerts()[0], recipient="teams", notifier="teams", address="")
    page = await opened(client, daemon.link("teams"))

    nobody = await page.send()
    after = await page.send(name="  Ann\u202e Smith ")

    assert "Your name" in page.text
    assert (nobody.status, after.status) == (422, 303)
    (logged,) = daemon.store.transitions(TransitionQuery())
    assert logged.who == "Ann Smith (link made for teams, 127.0.0.1)"
    assert daemon.store.alerts()[0].acknowledged_by == "Ann Smith"


async def test_link_made_for_an_address_needs_no_name(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(three_alerts()[0], recipient="pmo@example.org")
    page = await opened(client, daemon.link("pmo@example.org"))

    assert "Your name" not in page.text
    assert (await page.send()).status == 303
    assert daemon.store.alerts()[0].acknowledged_by == "pmo@example.org"


async def test_recipient_too_long_for_a_link_is_known_by_the_message(
    client: httpx2.AsyncClient, daemon: Daemon
) -> None:
    long = f"person:{'x' * 60}@{'y' * 190}.example.org"
    daemon.told(three_alerts()[0], recipient=long)

    await (await opened(client, daemon.link(long))).send()

    assert daemon.store.alerts()[0].acknowledged_by == long.removeprefix("person:")


# --- what is refused --------------------------------------------------------------------------------------------------


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


# --- with a login -----------------------------------------------------------------------------------------------------

USERS = {"ann": {"hash": bcrypt.hashpw(b"right", bcrypt.gensalt(rounds=4)).decode(), "role": "viewer"}}


async def test_link_needs_no_login_where_others_do(daemon: Daemon) -> None:
    daemon.told(three_alerts()[0])
    async with served(daemon, http(users=USERS)) as client:
        page = await opened(client, daemon.link())
        after = await page.send()

    assert (page.status, after.status) == (200, 303)


async def test_login_can_be_required_for_links_too(daemon: Daemon) -> None:
    daemon.told(three_alerts()[0], recipient="teams")
    required = {"keys": http().model_dump()["ack"]["keys"], "login": "required"}
    async with served(daemon, http(users=USERS, ack=required)) as client:
        nobody = await client.get(daemon.link("teams"))
        client.auth = httpx2.BasicAuth("ann", "right")
        page = await opened(client, daemon.link("teams"))
        after = await page.send()

    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"] == 'Basic realm="pmo_watch"'
    assert "Your name" not in page.text
    assert after.status == 303
    (logged,) = daemon.store.transitions(TransitionQuery())
    assert logged.who == "ann (link made for teams, 127.0.0.1)"


async def test_required_login_that_nobody_can_give_lets_nobody_in(daemon: Daemon) -> None:
    daemon.told(three_alerts()[0])
    required = {"keys": http().model_dump()["ack"]["keys"], "login": "required"}
    async with served(daemon, http(ack=required)) as client:
        assert (await client.get(daemon.link())).status_code == 401
