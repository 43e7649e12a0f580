"""The JSON lists: fields, filters, pages; and what an operator does over the API."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import polars as pl
import pytest
from factories import a_finding, a_rule, a_snapshot, findings_of
from messages import NOW, a_message, an_alert, an_item
from rows import known, records
from served import Daemon, served, three_alerts

from pmo_watch.alerts import Rendered, Silence
from pmo_watch.flow import Findings
from pmo_watch.rules import RuleSet
from pmo_watch.store import CycleChange, OutboxState, ReadingChange, Settlement, open_store
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


def a_report(*findings: Findings, **parts: Any) -> CycleReport:
    """Return a cycle that knows two projects and three milestones."""
    rows: dict[str, list[dict[str, Any]]] = {
        "project": [
            {"uid": "project:nov-01", "code": "NOV-01", "name": "Guichet", "state": "executing", "budget": 12500},
            {"uid": "project:nov-02", "code": "NOV-02", "name": "Portail", "state": "closed"},
        ],
        "task": [
            {
                "uid": f"plans:task:M{n}",
                "id": f"M{n}",
                "name": f"Milestone {n}",
                "project": f"project:nov-0{1 + n // 3}",
            }
            for n in (1, 2, 3)
        ],
    }
    usual: dict[str, Any] = {"number": 1, "started": NOW, "ended": NOW, "snapshot": a_snapshot(rows=rows),
                             "rules": RuleSet({"slip": a_rule()}), "findings": findings, "alerts": (),
                             "transitions": ()}  # fmt: skip
    return CycleReport(**{**usual, **parts})


async def rows(client: httpx2.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: list[dict[str, Any]] = answer.json()
    return found


async def ids(client: httpx2.AsyncClient, path: str, name: str = "id") -> list[str]:
    return [row[name] for row in await rows(client, path)]


async def fault(client: httpx2.AsyncClient, path: str) -> str:
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"
    return str(answer.json()["error"]["message"])


async def pages(client: httpx2.AsyncClient, path: str) -> list[list[dict[str, Any]]]:
    """Follow the header Link from page to page."""
    found, url = [], f"/api/v1/{path}"
    while url:
        answer = await client.get(url)
        found.append(answer.json())
        link = answer.headers.get("link", "")
        assert not link or link.endswith('>; rel="next"')
        url = link.partition("<")[2].partition(">")[0]
    return found


# --- alerts -----------------------------------------------------------------------------------------------------------


async def test_alert_is_flat_with_moments_in_utc(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    alert = an_alert(1, subject_id="M1", subject_name="Go-live", project_code="PRJ-042", value=12.5)
    daemon.change(replace(alert, acknowledged_until=date(2026, 6, 1), acknowledged_by="Ann"))

    assert await rows(client, "alerts") == [
        {
            "id": "0000000000000001",
            "rule": "key-milestone-slip",
            "project": "PRJ-042",
            "entity": "M1",
            "name": "Go-live",
            "kind": "milestone",
            "level": "red",
            "state": "acknowledged",
            "value": 12.5,
            "unit": "wd",
            "opened_at": "2026-05-11T08:30:00Z",
            "since": "2026-05-11T08:30:00Z",
            "closed_at": None,
            "close_reason": None,
            "unknown_since": None,
            "acknowledged_until": "2026-06-01",
            "acknowledged_by": "Ann",
            "acknowledged_reason": None,
            "new_date": None,
            "missed_date": None,
            "flapping": False,
        }
    ]


async def test_alerts_are_found_by_state(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    red, amber, third = three_alerts()
    pending = an_alert(4, level=None, opened_at=None, since=None)
    closed = an_alert(5, closed_at=NOW, close_reason="recovered")
    daemon.change(
        red,
        replace(amber, unknown_since=NOW),
        replace(third, project_code="OTHER", subject_id="X"),
        pending,
        closed,
    )
    later = NOW + timedelta(days=1)
    daemon.store.add_silence(Silence("s", "Ann", "why", later, NOW - timedelta(days=1), entity="X"))

    states = {row["id"][-1]: row["state"] for row in await rows(client, "alerts")}

    assert states == {"1": "open", "2": "unknown", "3": "silenced", "4": "pending", "5": "closed"}
    assert await ids(client, "alerts?state=closed") == [closed.id]
    assert await ids(client, "alerts?state=pending") == [pending.id]
    assert await ids(client, "alerts?state=unknown") == [amber.id]
    assert await ids(client, "alerts?state=open&state=silenced") == [red.id, third.id]
    assert await ids(client, "alerts?state=open&state=closed") == [red.id, closed.id]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level=red", "13"),
        ("level=amber&project=PRJ-042", "2"),
        ("project=prj-042", ""),
        ("name=Go-live", "1"),
        ("value=12.0", "123"),
        ("flapping=false&name=Pilot", "2"),
        ("closed_at=", "123"),
        ("since=2026-05-11T08:30:00Z&name=Training", "3"),
        ("rule=other", ""),
    ],
)
async def test_alerts_are_found_by_any_field(
    client: httpx2.AsyncClient, daemon: Daemon, query: str, found: str
) -> None:
    daemon.change(*three_alerts())

    assert "".join(one[-1] for one in await ids(client, f"alerts?{query}")) == found


async def test_list_comes_in_pages_that_name_the_next(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.change(*(an_alert(n, project_code=f"P{n % 2}") for n in range(1, 8)))

    found = await pages(client, "alerts?limit=3&project=P1")
    link = (await client.get("/api/v1/alerts?limit=3&project=P1")).headers["link"]

    assert [[int(row["id"], 16) for row in page] for page in found] == [[1, 3, 5], [7]]
    assert parse_qs(urlsplit(link.partition("<")[2].partition(">")[0]).query) == {
        "project": ["P1"],
        "limit": ["3"],
        "after": ["0000000000000005"],
    }


async def test_page_is_full_however_rare_what_fits_is(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.change(*(an_alert(n, project_code="RARE" if n in {5, 1100, 2300} else "P") for n in range(1, 2400)))

    assert [int(one, 16) for one in await ids(client, "alerts?project=RARE&limit=2")] == [5, 1100]
    assert len(await rows(client, "alerts")) == 100
    assert len(await rows(client, "alerts?limit=1000")) == 1000


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("alerts?limit=0", "limit: '0' should be a number from 1 to 1000"),
        ("alerts?limit=1001", "limit: '1001' should be a number from 1 to 1000"),
        ("findings?limit=ten", "limit: 'ten' should be a number from 1 to 1000"),
        ("sources?limit=%C2%B2", "limit: '²' should be a number from 1 to 1000"),
        ("outbox?after=nothing", "after: that message is gone: begin again without it"),
        ("findings?value=much", "value: 'much' is no number"),
    ],
)
async def test_wrong_parameter_is_named(client: httpx2.AsyncClient, daemon: Daemon, path: str, text: str) -> None:
    daemon.report = a_report(findings_of("slip", a_finding()))

    assert await fault(client, path) == text


@pytest.mark.parametrize("what", ["alerts", "findings", "projects", "sources", "outbox"])
async def test_unknown_parameter_is_named_with_those_there_are(
    client: httpx2.AsyncClient, daemon: Daemon, what: str
) -> None:
    daemon.report = a_report()

    said = await fault(client, f"{what}?colour=red")

    assert said.startswith("'colour' is no parameter here; there is limit, after, ")


# --- findings and projects --------------------------------------------------------------------------------------------


def three_findings(rule: str = "slip") -> Findings:
    return findings_of(
        rule,
        a_finding("plans:task:M1", "red", value=12.0),
        a_finding("plans:task:M2", "grey", reason="missing milestone.baseline_finish"),
        a_finding("plans:task:M3", "green", value=0.0),
    )


async def test_finding_says_what_it_is_about(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.report = a_report(three_findings())

    first, *_ = await rows(client, "findings")

    assert {name: first[name] for name in ("rule", "uid", "kind", "entity", "name", "project")} == {
        "rule": "slip",
        "uid": "plans:task:M1",
        "kind": "task",
        "entity": "M1",
        "name": "Milestone 1",
        "project": "NOV-01",
    }
    assert {name: first[name] for name in ("state", "value", "unit", "as_of", "source", "recovered")} == {
        "state": "red",
        "value": 12.0,
        "unit": "wd",
        "as_of": "2026-11-16",
        "source": "plans",
        "recovered": False,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=red", ["M1"]),
        ("state=red&state=grey", ["M1", "M2"]),
        ("project=NOV-02", ["M3"]),
        ("entity=M2&state=grey", ["M2"]),
        ("value=12", ["M1"]),
        ("value=", ["M2"]),
        ("value=&value=0", ["M2", "M3"]),
        ("reason=", ["M1", "M3"]),
        ("recovered=true", ["M3"]),
        ("as_of=2026-11-16&uid=plans:task:M3", ["M3"]),
        ("rule=other", []),
    ],
)
async def test_findings_are_found_by_any_field(
    client: httpx2.AsyncClient, daemon: Daemon, query: str, found: list[str]
) -> None:
    daemon.report = a_report(three_findings())

    assert await ids(client, f"findings?{query}", "entity") == found


async def test_findings_come_in_pages_over_rules(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    rules = RuleSet({name: a_rule(id=name) for name in ("late", "slip", "broken")})
    found = (three_findings("late"), three_findings("slip"), findings_of("broken", failed="why"))
    daemon.report = a_report(*found, rules=rules)

    listed = await pages(client, "findings?limit=2")

    assert [[(row["rule"], row["entity"]) for row in page] for page in listed] == [
        [("late", "M1"), ("late", "M2")],
        [("late", "M3"), ("slip", "M1")],
        [("slip", "M2"), ("slip", "M3")],
    ]


async def test_finding_on_a_team_of_several_projects_is_listed_without_a_project(
    client: httpx2.AsyncClient, daemon: Daemon
) -> None:
    both = ["project:nov-01", "project:nov-02"]
    teams = [
        {"uid": "jira:board:1", "id": "1", "name": "Team A", "project": both[:1]},
        {"uid": "jira:board:2", "id": "2", "name": "Team B", "project": both},
    ]
    projects = [{"uid": uid, "code": uid[8:].upper(), "name": uid} for uid in both]
    found = findings_of("slip", a_finding("jira:board:1", "red"), a_finding("jira:board:2", "red"))
    there, rules = a_snapshot(rows={"project": projects, "board": teams}), RuleSet({"slip": a_rule(for_each="board")})
    daemon.report = a_report(found, snapshot=there, rules=rules)

    assert [(row["name"], row["project"]) for row in await rows(client, "findings")] == [
        ("Team A", "NOV-01"),
        ("Team B", None),
    ]


async def test_finding_on_a_gate_that_is_a_milestone_is_listed_once(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    row = {"uid": "plans:task:M1", "id": "M1", "name": "Gate", "project": "project:nov-01"}
    found = findings_of("slip", a_finding("plans:task:M1", "red"), a_finding("plans:task:M2", "red"))
    there, rules = a_snapshot(rows={"task": [row], "gate": [row]}), RuleSet({"slip": a_rule(for_each="gate")})
    daemon.report = a_report(found, snapshot=there, rules=rules)

    assert [(row["kind"], row["name"]) for row in await rows(client, "findings")] == [("gate", "Gate"), (None, None)]


async def test_finding_on_a_link_or_a_figure_is_named_as_messages_name_it(
    client: httpx2.AsyncClient, daemon: Daemon
) -> None:
    tasks = [{"uid": f"t:{n}", "id": n, "name": n, "project": "project:nov-01"} for n in ("Design", "Build")]
    link = {"uid": "d:1", "id": "1", "predecessor": "t:Design", "successor": "t:Build"}
    known = {
        "project": [{"uid": "project:nov-01", "code": "NOV-01", "name": "Guichet"}],
        "task": tasks,
        "dependency": [link],
        "indicator": [{"uid": "i:1", "id": "AVAIL", "name_en": "Availability"}],
        "kpi": [{"uid": "kpi|i:1", "indicator": "i:1", "scope": "project:nov-01", "project": "project:nov-01"}],
    }
    rules = RuleSet({"link": a_rule(id="link", for_each="dependency"), "value": a_rule(id="value", for_each="kpi")})
    found = (findings_of("link", a_finding("d:1", "red")), findings_of("value", a_finding("kpi|i:1", "red")))
    daemon.report = a_report(*found, snapshot=a_snapshot(rows=known), rules=rules)

    assert [(row["name"], row["entity"], row["project"]) for row in await rows(client, "findings")] == [
        ("Design → Build", "1", "NOV-01"),
        ("Availability", "AVAIL", "NOV-01"),
    ]


async def test_finding_on_a_report_is_named_by_its_period(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    report = {"uid": "sheet:status_report:1", "id": "A/2026-04", "kind": "project", "period": "2026-04"}
    found = findings_of("slip", a_finding("sheet:status_report:1", "red"))
    rules = RuleSet({"slip": a_rule(for_each="status_report")})
    daemon.report = a_report(found, snapshot=a_snapshot(rows={"status_report": [report]}), rules=rules)

    assert await ids(client, "findings", "name") == ["2026-04"]


async def test_findings_on_single_persons_are_not_listed(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    rules = RuleSet({"load": a_rule(id="load", for_each="person"), "slip": a_rule()})
    daemon.report = a_report(findings_of("load", a_finding("person:ann@example.org", "red")), rules=rules)

    assert await rows(client, "findings?rule=load") == []


async def test_findings_of_a_new_cycle_are_about_its_rows(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.report = a_report(three_findings())
    before = await ids(client, "findings?state=red", "name")
    named = [{"uid": "plans:task:M1", "id": "M1", "name": "Renamed", "project": "project:nov-01"}]
    daemon.report = a_report(three_findings(), number=2, snapshot=a_snapshot(rows={"task": named}))

    assert (before, await ids(client, "findings?state=red", "name")) == (["Milestone 1"], ["Renamed"])


async def test_project_has_its_fields_and_computed_colours(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    colours = pl.DataFrame(
        [("project:nov-01", "schedule", "red"), ("project:nov-01", "overall", "red")],
        schema=["project", "dimension", "state"],
        orient="row",
    )
    daemon.report = a_report(colours=colours)

    first, second = await rows(client, "projects")

    assert (first["code"], first["name"], first["budget"]) == ("NOV-01", "Guichet", "12500.0000")
    assert {name: value for name, value in first.items() if name.startswith("rag_") and value} == {
        "rag_overall": "red",
        "rag_schedule": "red",
    }
    assert (second["code"], second["rag_overall"], second["progress"]) == ("NOV-02", None, None)
    assert not [name for name in first if name.startswith("@")]
    assert await ids(client, "projects?rag_overall=red", "code") == ["NOV-01"]
    assert await ids(client, "projects?state=closed", "code") == ["NOV-02"]
    assert await ids(client, "projects?budget=12500", "code") == ["NOV-01"]
    assert [[row["code"] for row in page] for page in await pages(client, "projects?limit=1")] == [
        ["NOV-01"],
        ["NOV-02"],
    ]


@pytest.mark.parametrize("what", ["findings", "projects"])
async def test_before_the_first_cycle_nothing_is_known(client: httpx2.AsyncClient, what: str) -> None:
    assert await rows(client, what) == []


# --- sources and outbox -----------------------------------------------------------------------------------------------


async def test_source_says_how_its_last_reading_ended(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    for name in ("plans", "kpi"):
        accepted = known(name, records("task", {"key": "M1", "project": "P", "name": "Go-live"}))
        state = replace(accepted.state, kind="ms_project", cursor={"files": ["secret"]}, left_out=(("line 9", "P"),))
        daemon.store.write(CycleChange(NOW, readings=[ReadingChange(state, NOW.date(), accepted.changed)]))

    first, second = await rows(client, "sources")

    assert (first["name"], second["name"]) == ("kpi", "plans")
    assert (second["kind"], second["outcome"], second["rows"]) == ("ms_project", "complete", 1)
    assert second["last_good"] == "2026-11-20T10:00:00Z"
    assert {"cursor", "left_out"}.isdisjoint(second)
    assert await ids(client, "sources?outcome=complete&name=kpi", "name") == ["kpi"]
    assert [[row["name"] for row in page] for page in await pages(client, "sources?limit=1")] == [["kpi"], ["plans"]]


async def test_outbox_shows_messages_without_what_they_say(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    messages = [
        (replace(a_message(an_item(n)), id=f"m{n}"), Rendered(f"Subject {n}", "body", "<p>body</p>", {"card": "body"}))
        for n in range(1, 4)
    ]
    daemon.store.write(CycleChange(NOW, messages=messages))
    row = daemon.store.lease(NOW, limit=1, seconds=60)[0]
    daemon.store.settle(Settlement(row, OutboxState.REJECTED, NOW, "rejected", "550 no such user"))

    shown = await client.get("/api/v1/outbox")

    assert [one["subject"] for one in shown.json()] == ["Subject 3", "Subject 2", "Subject 1"]
    assert "body" not in shown.text
    assert await ids(client, "outbox?state=rejected") == ["m1"]
    assert await ids(client, "outbox?state=waiting&state=rejected&subject=Subject+2") == ["m2"]
    assert await ids(client, "outbox?reason=rejected&answer=550+no+such+user") == ["m1"]
    assert [[one["id"] for one in page] for page in await pages(client, "outbox?limit=2")] == [["m3", "m2"], ["m1"]]
