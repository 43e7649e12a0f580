"""Acknowledge links: what a GET shows, and what a POST changes."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date

import bcrypt
import httpx2
import pytest
from ack_page import acknowledged, opened
from factories import a_snapshot
from messages import NOW, SLIP, an_alert
from served import Daemon, http, served, three_alerts

from pmo_watch.rules import RuleSet
from pmo_watch.store import TransitionQuery, open_store
from pmo_watch.telling import CycleReport


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    store = open_store(sqlite_url)
    yield Daemon(store)
    store.close()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(daemon) as one:
        yield one


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
        "Acknowledged until New date, if one is promised Cause, action, owner, date Acknowledge"
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


async def test_page_names_the_rules(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(*three_alerts(), language="fr")
    daemon.report = CycleReport(1, NOW, NOW, a_snapshot(), RuleSet({SLIP.id: SLIP}), (), (), ())

    page = await opened(client, daemon.link())

    assert "▲ Rouge PRJ-042 Go-live : Jalon clé en glissement 12 jours ouvrés" in page.text


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


async def test_form_takes_a_date_that_is_promised_and_the_page_shows_it(
    client: httpx2.AsyncClient, daemon: Daemon
) -> None:
    daemon.told(three_alerts()[0])
    page = await opened(client, daemon.link())

    unfit = [await page.send(until="2026-06-01", new_date=day) for day in ("soon", "2026-05-11")]
    after = await page.send(until="2026-06-01", new_date="2027-02-20")
    done = await opened(client, page.location)

    assert "New date, if one is promised" in page.text
    assert 'name="new_date" value="" min="2026-05-12"' in page.html
    assert [(one.status, one.field("new_date")) for one in unfit] == [(422, "soon"), (422, "2026-05-11")]
    assert "A new date is today or later." in unfit[0].text
    assert after.status == 303
    assert (daemon.store.alerts()[0].new_date, daemon.store.alerts()[0].new_date_by) == (
        date(2027, 2, 20),
        "m.rossi@example.org",
    )
    assert "until 1 June 2026, new date promised: 20 February 2027" in done.text


async def test_page_says_that_a_promised_date_was_not_met(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.told(replace(three_alerts()[0], missed_date=date(2026, 5, 8)), language="nl")

    assert "de toegezegde datum, 8 mei 2026, werd niet gehaald" in (await opened(client, daemon.link())).text


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
