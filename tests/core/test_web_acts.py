"""What an operator does over the API: acknowledge and silence."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
from factories import a_snapshot
from messages import NOW, SLIP, an_alert
from served import Daemon, served, three_alerts

from pmo_watch.rules import Audience, RuleSet
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


UNTIL = {"until": "2026-06-01", "reason": "Supplier is late, new plan on Friday"}


async def test_operator_acknowledges_an_alert(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.change(*three_alerts())

    answer = await client.post("/api/v1/alerts/0000000000000001/ack", json=UNTIL)

    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("id", "state", "acknowledged_until", "acknowledged_by")} == {
        "id": "0000000000000001",
        "state": "acknowledged",
        "acknowledged_until": "2026-06-01",
        "acknowledged_by": "operator on this machine",
    }
    assert [one.acknowledged_until for one in daemon.store.alerts()] == [date(2026, 6, 1), None, None]
    (logged,) = daemon.store.transitions(TransitionQuery())
    assert (logged.reason, logged.who) == ("acknowledged", "operator on this machine (api)")
    assert daemon.counted("pmo_watch_acknowledgements_total", via="api") == 1


@pytest.mark.parametrize(
    ("alert", "body", "status", "text"),
    [
        ("0000000000000009", UNTIL, 404, "there is no alert 0000000000000009"),
        (
            "0000000000000005",
            UNTIL,
            409,
            "alert 0000000000000005 is closed (recovered): there is nothing to acknowledge",
        ),
        (
            "0000000000000004",
            UNTIL,
            409,
            "alert 0000000000000004 is not confirmed yet: there is nothing to acknowledge",
        ),
        ("0000000000000001", {"until": "2026-06-01"}, 422, "reason: should be a text"),
        ("0000000000000001", {**UNTIL, "reason": "no"}, 422, "reason: give 3 to 500 characters that say why"),
        ("0000000000000001", {**UNTIL, "reason": "x" * 501}, 422, "reason: give 3 to 500 characters that say why"),
        ("0000000000000001", {**UNTIL, "reason": 7}, 422, "reason: should be a text"),
        ("0000000000000001", {"reason": "because"}, 422, "until: should be a text"),
        ("0000000000000001", {**UNTIL, "until": "soon"}, 422, "until: should be a date such as 2026-12-01"),
        (
            "0000000000000001",
            {**UNTIL, "until": "2026-05-11"},
            422,
            "until: 2026-05-11 is past, give today or a later day",
        ),
        (
            "0000000000000001",
            {**UNTIL, "until": "2026-08-11"},
            422,
            "until: 2026-08-11 is more than 90 days ahead, give 2026-08-10 or an earlier day",
        ),
        (
            "0000000000000001",
            {**UNTIL, "untill": "x"},
            422,
            "'untill' is not known here; there is until, reason, new_date",
        ),
        ("0000000000000001", {**UNTIL, "new_date": None}, 422, "new_date: should be a text"),
        ("0000000000000001", {**UNTIL, "new_date": "20/02/2027"}, 422, "new_date: should be a date such as 2026-12-01"),
        (
            "0000000000000001",
            {**UNTIL, "new_date": "2026-05-11"},
            422,
            "new_date: 2026-05-11 is past, give today or a later day",
        ),
        (
            "0000000000000001",
            {**UNTIL, "new_date": "2062-02-20"},
            422,
            "new_date: 2062-02-20 is more than 1825 days ahead, give 2031-05-11 or an earlier day",
        ),
        ("0000000000000001", [1], 422, "the body should be an object"),
    ],
)
async def test_acknowledging_says_what_stands_in_its_way(
    client: httpx2.AsyncClient, daemon: Daemon, alert: str, body: object, status: int, text: str
) -> None:
    pending = an_alert(4, level=None, opened_at=None, since=None)
    before = [*three_alerts(), pending, an_alert(5, closed_at=NOW, close_reason="recovered")]
    daemon.change(*before)

    answer = await client.post(f"/api/v1/alerts/{alert}/ack", json=body)

    assert (answer.status_code, answer.json()["error"]["message"]) == (status, text)
    assert all(one.acknowledged_until is None for one in daemon.store.alerts())
    assert daemon.counted("pmo_watch_acknowledgements_total", via="api") == 0


async def test_operator_passes_on_a_date_that_was_promised(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.change(*three_alerts())

    answer = await client.post("/api/v1/alerts/0000000000000001/ack", json={**UNTIL, "new_date": "2027-02-20"})

    assert (answer.status_code, answer.json()["new_date"], answer.json()["missed_date"]) == (200, "2027-02-20", None)
    (logged,) = daemon.store.transitions(TransitionQuery())
    assert logged.finding == {"because": UNTIL["reason"], "until": UNTIL["until"], "new_date": "2027-02-20"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 60_000], ids=["empty", "open", "no text", "deep"])
async def test_body_that_is_no_json_is_said(client: httpx2.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/v1/silences", content=body)

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "the body is not JSON")


async def test_operator_silences(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    wanted = {"match": {"project": "HB-017", "tag": "cost"}, "until": "2026-06-01", "reason": "Re-planning"}

    answer = await client.post("/api/v1/silences", json=wanted)

    (kept,) = daemon.store.silences()
    assert answer.status_code == 201
    assert answer.json()["id"] == kept.id
    assert answer.json()["until"] == "2026-06-01T21:59:59Z"
    assert (kept.project, kept.tag, kept.rule, kept.why) == ("HB-017", "cost", "", "Re-planning")
    assert (kept.who, kept.since) == ("operator on this machine", NOW)
    assert kept.until == datetime(2026, 6, 1, 21, 59, 59, tzinfo=UTC)


async def test_silence_is_previewed_and_not_set(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    leader = Audience("leader", email="ann@example.org", deliver={"red": "at once"})
    rule = replace(SLIP, tell={"red": ("leader",)}, tags=("schedule",))
    daemon.report = CycleReport(1, NOW, NOW, a_snapshot(), RuleSet({SLIP.id: rule}, {"leader": leader}), (), (), ())
    daemon.change(*three_alerts(), an_alert(5, closed_at=NOW, close_reason="recovered", project_code="PRJ-042"))
    wanted = {"match": {"project": "PRJ-042"}, "until": "2026-06-01", "reason": "Re-planning"}

    answer = await client.post("/api/v1/silences?preview=true", json=wanted)

    seen = answer.json()
    assert answer.status_code == 200
    assert [one["name"] for one in seen["hides"]] == ["Go-live", "Training", "Pilot"]
    assert seen["not_told"] == [
        {
            "name": "ann@example.org",
            "address": "ann@example.org",
            "channel": "mail",
            "audiences": ["leader"],
            "alerts": 3,
        }
    ]
    assert (seen["silence"]["project"], "id" in seen["silence"]) == ("PRJ-042", False)
    assert daemon.store.silences() == []


@pytest.mark.parametrize(
    ("query", "change", "status", "text"),
    [
        ("preview=yes", {}, 400, "preview: 'yes' should be true or false"),
        ("preveiw=true", {}, 400, "'preveiw' is no parameter here; there is preview"),
        ("preview=true", {"until": "2026-08-11"}, 422, "until: at most 90 days ahead, so 2026-08-10 or an earlier day"),
        ("preview=true", {}, 503, "no cycle is finished yet: what is open is not known"),
    ],
)
async def test_preview_says_what_stands_in_its_way(
    client: httpx2.AsyncClient, daemon: Daemon, query: str, change: dict[str, Any], status: int, text: str
) -> None:
    if status != 503:
        daemon.report = CycleReport(1, NOW, NOW, a_snapshot(), RuleSet(), (), (), ())
    wanted = {"match": {"project": "PRJ-042"}, "until": "2026-06-01", "reason": "Re-planning", **change}

    answer = await client.post(f"/api/v1/silences?{query}", json=wanted)

    assert (answer.status_code, answer.json()["error"]["message"]) == (status, text)
    assert daemon.store.silences() == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"match": None}, "match: should be an object with some of rule, project, entity, tag"),
        ({"match": {"projct": "x"}}, "match: should be an object with some of rule, project, entity, tag"),
        ({"match": {"project": 7}}, "match.project: should be a text"),
        ({"match": {}}, "match: name a rule, a project, an entity or a tag: a silence over everything is not offered"),
        ({"until": "2026-05-11"}, "until: 2026-05-11 is past, give today or a later day"),
        ({"until": "2026-08-11"}, "until: at most 90 days ahead, so 2026-08-10 or an earlier day"),
        ({"reason": "x" * 501}, "reason: give 3 to 500 characters that say why"),
        ({"reason": " no "}, "reason: give 3 to 500 characters that say why"),
    ],
)
async def test_silencing_names_the_field_at_fault(
    client: httpx2.AsyncClient, daemon: Daemon, change: dict[str, Any], text: str
) -> None:
    body = {"match": {"project": "HB-017"}, "until": "2026-06-01", "reason": "Re-planning", **change}

    answer = await client.post("/api/v1/silences", json=body)

    assert (answer.status_code, answer.json()["error"]["message"]) == (422, text)
    assert daemon.store.silences() == []
