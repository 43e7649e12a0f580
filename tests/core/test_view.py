"""The rows of each `for_each`, with what parents and clocks add to them (spec model 1.1)."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from snapshots import snapshot

from pmo_watch.entities.readable import PREFIXES, readable_fields
from pmo_watch.flow import Organisation
from pmo_watch.view import Table, Tables
from pmo_watch.workdays import Calendar

BE, LU = Calendar("be"), Calendar("lu")


def table(entity: str, **rows: Any) -> Table:
    return Tables(snapshot(calendars=[BE, LU], organisation=Organisation(calendar="be"), **rows)).table(entity)


def column(of: Table, name: str) -> list[Any]:
    of.require([name])
    return of.rows[name].to_list()


PLAN: list[dict[str, Any]] = [
    {"uid": "t:1", "name": "Phase"},
    {"uid": "t:2", "name": "Build", "parent": "t:1"},
    {"uid": "t:3", "name": "Off", "active": False},
    {"uid": "t:4", "name": "Elsewhere", "external": True},
]
POINT: list[dict[str, Any]] = [{"uid": "t:5", "name": "Go-live"}, {"uid": "t:6", "name": "Gone", "active": False}]


def test_milestones_and_tasks_share_a_table_and_only_countable_rows_are_asked() -> None:
    rows = {"task": PLAN, "milestone": POINT}

    assert column(table("task", **rows), "uid") == ["t:2"]
    assert column(table("milestone", **rows), "uid") == ["t:5"]


def test_dependencies_join_countable_or_external_rows() -> None:
    links = [
        {"uid": "d:1", "predecessor": "t:2", "successor": "t:5"},
        {"uid": "d:2", "predecessor": "t:4", "successor": "t:5"},
        {"uid": "d:3", "predecessor": "t:3", "successor": "t:5"},
        {"uid": "d:4", "predecessor": None, "successor": "t:5"},
        {"uid": "d:5", "predecessor": None, "successor": "t:5", "external": True},
        {"uid": "d:6", "predecessor": "t:1", "successor": "t:5"},
    ]
    joined = table("dependency", task=PLAN, milestone=POINT, dependency=links)

    assert column(joined, "uid") == ["d:1", "d:2", "d:5"]
    assert column(joined, "predecessor.name") == ["Build", "Elsewhere", None]
    assert column(joined, "successor.name") == ["Go-live"] * 3
    assert column(joined, "project.code") == ["P1"] * 3


def test_persons_are_asked_who_have_something_to_do_with_it() -> None:
    people = [
        {"uid": f"person:{name}", "active": None if name != "eve" else False}
        for name in ("ann", "bob", "cem", "dan", "eve")
    ]
    rows: dict[str, Any] = {
        "person": people,
        "role": [{"code": "pmo", "person": "person:ann"}, {"code": "pmo", "person": "person:eve"}],
        "task": PLAN,
        "assignment": [{"task": "t:2", "person": "person:bob"}],
        "submission": [{"indicator": "indicator:x", "scope": "project:p1", "provider": "person:cem"}],
    }

    assert column(table("person", **rows), "uid") == ["person:ann", "person:bob", "person:cem"]


def test_roles_are_asked_that_are_filled_or_must_be() -> None:
    roles = [
        {"uid": "r:1", "code": "pmo", "person": "person:ann", "scope": "project:p1"},
        {"uid": "r:2", "code": "pmo", "mandatory": True, "scope": "program:nova"},
        {"uid": "r:3", "code": "pmo"},
    ]
    asked = table("role", role=roles, program=[{"uid": "program:nova", "id": "nova", "name": "Nova"}])

    assert column(asked, "uid") == ["r:1", "r:2"]
    assert column(asked, "project.code") == ["P1", None]
    assert column(asked, "program.name") == [None, "Nova"]


PARENTS: dict[str, Any] = {
    "portfolio": [{"uid": "portfolio:ict", "id": "ict", "name": "ICT"}],
    "program": [{"uid": "program:nova", "id": "nova", "name": "Nova", "portfolio": "portfolio:ict", "currency": "USD"}],
    "project": [{"code": "P1", "program": "program:nova", "currency": "EUR", "calendar": "lu"}],
}


@pytest.mark.parametrize(
    ("entity", "row"),
    [
        ("milestone", {}),
        ("risk", {"title": "A risk"}),
        ("document", {"artefact": "charter"}),
        ("kpi", {"indicator": "indicator:x", "scope": "project:p1", "project": "project:p1"}),
        ("meeting", {"scope": "project:p1"}),
    ],
)
def test_rows_know_their_project_and_what_stands_above(entity: str, row: dict[str, Any]) -> None:
    known = table(entity, **PARENTS, **{entity: [row]})

    assert column(known, "project.code") == ["P1"]
    assert column(known, "program.name") == ["Nova"]
    assert column(known, "portfolio.name") == ["ICT"]
    assert column(known, "@calendar") == ["lu"]
    assert column(known, "@currency") == ["EUR"]


def test_a_project_may_belong_to_a_portfolio_without_a_programme() -> None:
    known = table("project", portfolio=PARENTS["portfolio"], project=[{"portfolio": "portfolio:ict"}])

    assert column(known, "portfolio.name") == ["ICT"]
    assert column(known, "program.name") == [None]


def test_programmes_and_series_of_programmes_know_their_own() -> None:
    programme, series = (
        table("program", **PARENTS),
        table("kpi", **PARENTS, kpi=[{"indicator": "indicator:x", "scope": "program:nova", "program": "program:nova"}]),
    )

    assert column(programme, "portfolio.name") == ["ICT"]
    assert column(programme, "@currency") == ["USD"]
    assert column(programme, "@calendar") == ["be"]
    assert column(series, "program.name") == ["Nova"]
    assert column(series, "project.code") == [None]


def test_a_contractors_report_counts_in_the_contractors_calendar() -> None:
    people = [{"uid": f"person:{name}", "calendar": one} for name, one in (("ann", "lu"), ("bob", None), ("cem", "lu"))]
    manager = {"code": "contractor_pm", "scope": "project:p2", "person": "person:cem"}
    reports = [
        {"uid": "s:1", "kind": "contractor", "author": "person:ann"},
        {"uid": "s:2", "kind": "contractor", "author": "person:bob"},
        {"uid": "s:3", "kind": "contractor", "author": "person:bob", "project": "project:p2"},
        {"uid": "s:4", "kind": "contractor", "project": "project:p2"},
        {"uid": "s:5", "kind": "project", "author": "person:ann", "project": "project:p2"},
        {"uid": "s:6", "kind": "contractor"},
    ]

    made = table(
        "status_report", project=[{"code": "P1"}, {"code": "P2"}], person=people, role=[manager], status_report=reports
    )

    assert column(made, "@calendar") == ["lu", "be", "lu", "lu", "be", "be"]


def test_persons_and_what_they_deliver_count_in_the_persons_calendar() -> None:
    person = [{"uid": "person:ann", "calendar": "lu"}, {"uid": "person:bob"}]
    due = [
        {"scope": "project:p1", "project": "project:p1", "provider": one["uid"], "indicator": "indicator:x"}
        for one in person
    ]
    people, expected = (table(name, person=person, submission=due) for name in ("person", "submission"))

    assert column(people, "@calendar") == ["lu", "be"]
    assert column(expected, "@calendar") == ["lu", "be"]


def test_sources_and_organisation_wide_rows_have_no_project() -> None:
    known = table("source", source=[{"uid": "source:plans", "id": "plans"}])

    assert known.rows.select("@project", "@calendar", "@as_of", "@as_of_note", "@held").rows() == [
        (None, "be", date(2026, 5, 13), "", False)
    ]


def test_boards_and_what_is_theirs_know_the_project_where_there_is_one() -> None:
    rows: dict[str, Any] = {
        **PARENTS,
        "board": [
            {"uid": "b:1", "name": "Team", "type": "kanban"},
            {"uid": "b:2", "project": ["project:p1", "project:p2"]},
            {"uid": "b:3", "project": []},
        ],
        "sprint": [{"uid": f"s:{n}", "board": f"b:{n}", "project": None} for n in (1, 2, 9)],
        "release": [{"uid": "r:1"}],
    }
    boards, sprints, releases = (table(name, **rows) for name in ("board", "sprint", "release"))

    assert column(boards, "project.code") == ["P1", None, None]
    assert column(boards, "@calendar") == ["lu", "be", "be"]
    assert column(sprints, "project.code") == ["P1", None, None]
    assert column(sprints, "board.type") == ["kanban", "scrum", None]
    assert column(releases, "project.code") == ["P1"]
    assert column(releases, "portfolio.name") == ["ICT"]


def test_rows_of_plans_get_columns_of_parents_only_when_asked() -> None:
    plan, risks = table("task", **PARENTS, task=PLAN), table("risk", **PARENTS, risk=[{"title": "A risk"}])

    assert "project.state" not in plan.rows.columns
    assert "project.state" in risks.rows.columns
    before = plan.rows

    plan.require(["project.state", "task.name", "no.such"])

    assert [name for name in plan.rows.columns if name not in before.columns] == ["project.state"]


@pytest.mark.parametrize("entity", sorted(PREFIXES))
def test_every_field_that_a_rule_may_name_has_a_column(entity: str) -> None:
    known = table(entity)
    names = readable_fields(entity)

    known.require(names)

    columns = {name: known.column(name) for name in names}
    assert all(one is not None and one.name in known.rows.columns for one in columns.values())
    assert known.column(f"{entity}.no_such_field") is None
    assert known.rows.schema["@as_of"] == pl.Date
