"""Resources, projects and roles: the vector P-04 of spec measures 4.9, what nobody does, books or holds."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import resources
from pmo_watch_plugins.rules.resources.vacancy import STATE_SINCE
from snapshots import catalogue, finding, found, snapshot

from pmo_watch.derive import required_roles
from pmo_watch.flow import Snapshot

MEASURES = catalogue(*resources.pmo_watch_measures())
MONDAY = date(2026, 7, 20)
Rows = Sequence[dict[str, Any]]


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def of(measure: str, today: date = MONDAY, params: Any = None, **rows: Any) -> dict[str, Any]:
    return finding(MEASURES, snapshot(today, **rows), {"measure": measure, **({"with": params} if params else {})})


# --- project.key_person_share -------------------------------------------------------------------------------------


def shares(*hours: float | None, **project: Any) -> dict[str, Any]:
    persons = [{"uid": f"person:p{number}"} for number, _ in enumerate(hours)]
    assigned = [
        {"person": f"person:p{number}", "task": "t:1", "remaining_work": one} for number, one in enumerate(hours)
    ]
    rows: dict[str, Any] = {"person": persons, "assignment": assigned, "task": [{"uid": "t:1"}]}
    return of("project.key_person_share", project=[{"code": "P1", **project}], **rows)


def test_largest_share_of_one_person_p04() -> None:
    one = shares(120, 60, 40, 30)

    assert (one["value"], one["state"], one["numerator"], one["denominator"]) == (48, "amber", 120, 250)
    assert one["evidence"] == {"persons": "4", "largest_hours": "120", "assigned_hours": "250"}


def test_share_of_few_persons_says_nothing() -> None:
    assert shares(120, 60)["state"] == "na"
    assert shares(120, 60, 0)["state"] == "na"
    assert shares()["state"] == "na"


def test_share_needs_the_remaining_work_of_all() -> None:
    assert shares(120, None, 40)["reason"] == "missing assignment.remaining_work on 1 of 3 rows"
    assert shares(None, None, None)["reason"] == "missing assignment.remaining_work"


# --- project.unassigned_soon --------------------------------------------------------------------------------------


def tasks(*starts: str | None, owned: int = 0, **fields: Any) -> Rows:
    return [
        {
            "uid": f"t:{number}",
            "name": f"Task {number}",
            "forecast_start": day(start) if start else None,
            "owner": "person:ann" if number < owned else None,
            **fields,
        }
        for number, start in enumerate(starts)
    ]


def unassigned(rows: Rows, *assigned: str, params: Any = None, **more: Any) -> dict[str, Any]:
    given = [{"task": uid, "person": "person:ann"} for uid in assigned]
    persons = [{"uid": "person:ann"}]
    return of("project.unassigned_soon", params=params, task=rows, assignment=given, person=persons, **more)


def test_tasks_that_begin_soon_and_that_nobody_does() -> None:
    soon = tasks(*["07-27"] * 8, owned=4)

    one = unassigned(soon, "t:4", "t:5", "t:6")

    assert (one["value"], one["state"], one["numerator"], one["denominator"]) == (12.5, "amber", 1, 8)
    assert one["evidence"]["affected_rows"] == "Task 7"


@pytest.mark.parametrize(
    ("start", "counts"),
    [("07-17", False), ("07-20", True), ("08-04", True), ("08-05", False)],
)
def test_soon_is_within_ten_working_days_from_the_status_date(start: str, counts: bool) -> None:
    one = unassigned([*tasks("07-22", owned=1), *[{**row, "uid": "t:x"} for row in tasks(start)]])

    assert one["denominator"] == (2 if counts else 1)


def test_only_open_tasks_count_and_few_are_amber_at_worst() -> None:
    rows = [
        *tasks("07-27", "07-27", owned=1),
        {"uid": "t:done", "done": True, "forecast_start": day("07-27")},
        {"uid": "t:mile", "is_milestone": True, "forecast_start": day("07-27")},
    ]

    one = unassigned(rows)

    assert (one["value"], one["denominator"], one["state"], one["note"]) == (50, 2, "amber", "small sample: 1 of 2")


def test_an_assignment_to_nobody_is_none() -> None:
    rows = tasks("07-27", "07-27", owned=1)

    one = of("project.unassigned_soon", task=rows, assignment=[{"task": "t:1"}], person=[{"uid": "person:ann"}])

    assert one["value"] == 50


def test_a_source_that_says_of_no_task_who_does_it_says_nothing_here() -> None:
    assert unassigned(tasks("07-27"))["reason"] == "missing assignment.person"
    assert unassigned(tasks("12-01"))["reason"] == "nothing due yet"
    assert unassigned([])["reason"] == "nothing due yet"


def test_tasks_without_a_start_are_missing_unless_some_are_allowed_for() -> None:
    rows = tasks("07-27", None, "07-27", None, owned=1)

    assert unassigned(rows)["reason"] == "missing task.forecast_start on 2 of 4 rows"
    assert unassigned(tasks(None, owned=1))["reason"] == "missing task.forecast_start"
    one = unassigned(rows, params={"max_missing": "50 %"})
    assert (one["value"], one["note"]) == (50, "2 of 4 rows left out; small sample: 1 of 2")


# --- project.timesheets_missing -----------------------------------------------------------------------------------

PERSONS = ("ann", "bob", "cas")
WEEKS = ("2026-W26", "2026-W27", "2026-W28", "2026-W29")  # complete on Monday of the 30th


def sheets(booked: Rows, params: Any = None, today: date = MONDAY, **rows: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "person": [{"uid": f"person:{one}"} for one in PERSONS],
        "task": [{"uid": "t:1", "forecast_start": day("06-01"), "forecast_finish": day("12-31")}],
        "assignment": [{"person": f"person:{one}", "task": "t:1"} for one in PERSONS],
    }
    return of("project.timesheets_missing", today, params, timesheet=booked, **{**given, **rows})


def booking(person: str, week: str, hours: float = 8, **fields: Any) -> dict[str, Any]:
    return {"person": f"person:{person}", "week": week, "hours": hours, **fields}


ALL = [booking(person, week) for person in PERSONS for week in WEEKS]


def test_weeks_of_persons_without_approved_hours() -> None:
    one = sheets(ALL[2:])

    assert (one["numerator"], one["denominator"], one["state"]) == (2, 12, "amber")
    assert one["evidence"] == {"persons_lacking": "1", "weeks_lacking": "2026-W26, 2026-W27"}
    assert sheets(ALL)["state"] == "green"


@pytest.mark.parametrize(
    "unlike",
    [{"status": "submitted"}, {"status": "rejected"}, {"hours": 0}, {"project": None}, {"week": "2026-W25"}],
)
def test_only_approved_hours_of_that_week_and_project_count(unlike: dict[str, Any]) -> None:
    assert sheets([*ALL[1:], {**ALL[0], **unlike}])["numerator"] == 1


def test_weeks_of_absence_or_before_and_after_the_work_are_not_expected() -> None:
    away = [{"person": "person:ann", "from": day("06-26"), "to": day("07-06")}]  # the whole of W27 and the ends of two
    later = [{"uid": "t:1", "forecast_start": day("07-05"), "forecast_finish": day("07-12")}]

    assert sheets(ALL, absence=away)["denominator"] == 11
    assert sheets(ALL, task=later)["denominator"] == 6
    assert sheets(ALL, params={"weeks": "2 weeks"})["denominator"] == 6
    assert sheets(ALL, task=[{"uid": "t:1"}])["reason"] == "nothing due yet"


def test_a_week_is_complete_at_the_end_of_its_sunday() -> None:
    assert sheets(ALL[2:], today=day("07-19"), params={"weeks": "1 week"})["numerator"] == 0
    assert sheets(ALL[:-1], today=day("07-19"), params={"weeks": "1 week"})["numerator"] == 1
    assert sheets(ALL[:-1], today=day("07-18"), params={"weeks": "1 week"})["numerator"] == 0


def test_whoever_is_not_active_is_not_expected_to_book() -> None:
    people = [{"uid": f"person:{one}", "active": one != "ann"} for one in PERSONS]

    assert sheets(ALL, person=people)["denominator"] == 8


def test_without_timesheets_nothing_can_be_said() -> None:
    assert sheets([])["reason"] == "missing timesheet.hours"


# --- role.vacant --------------------------------------------------------------------------------------------------


def role(code: str = "project_owner", **fields: Any) -> dict[str, Any]:
    return {"scope": "project:p1", "code": code, **fields}


def vacancies(
    *roles: dict[str, Any], since: str | None = "07-06", params: Any = None, **rows: Any
) -> list[tuple[Any, ...]]:
    """Return code, state, value and reason of every row that is not left alone."""
    past = {} if since is None else {STATE_SINCE: pl.DataFrame({"uid": ["project:p1"], "since": [day(since)]})}
    given: dict[str, Any] = {"project": [{"code": "P1", "state": "executing"}], "person": [{"uid": "person:ann"}]}
    known = snapshot(MONDAY, past=past, role=roles, **{**given, **rows})
    rule = {"measure": "role.vacant", **({"with": params} if params else {})}
    (one,) = found(MEASURES, _whole(known), rule)
    assert not one.failed, one.failed
    codes = known_roles(known).select("uid", "code")
    told = one.frame.filter(~pl.col("reason").is_in(["done", "not configured", "out of scope"]).fill_null(value=False))
    return told.join(codes, on="uid").sort("code").select("code", "state", "value", "reason").rows()


def known_roles(known: Snapshot) -> pl.DataFrame:
    return required_roles(known.frame("role"), known.frame("project"))


def _whole(known: Snapshot) -> Snapshot:
    """Return the snapshot with the roles that every project must fill."""
    frames = {**known.frames, "role": known_roles(known)}
    return Snapshot(known.now, known.today, frames, known.calendars, known.organisation, known.sources, known.past)


HELD: dict[str, Any] = {
    "project": [{"code": "P1", "state": "executing", "leader": "person:ann", "owner": "person:ann"}]
}


def test_a_role_that_nobody_holds_is_vacant_since_the_project_is_in_its_state() -> None:
    named = {"code": "P1", "state": "executing", "leader": "person:ann"}

    assert vacancies(role(), project=[named]) == [("project_owner", "amber", 10, None)]
    assert vacancies(role(), project=[named], since="07-03") == [("project_owner", "red", 11, None)]
    assert vacancies(role(), project=[named], since="07-20") == [("project_owner", "amber", 0, None)]


def test_a_role_is_vacant_since_the_day_it_was_held_last() -> None:
    before = [
        role("business_manager", person="person:ann", until=day("07-15"), mandatory=True),
        role("business_manager", person="person:ann", until=day("05-15")),
    ]

    assert vacancies(*before, **HELD) == [("business_manager", "amber", 3, None)]


def test_a_row_without_a_person_speaks_for_those_who_held_the_role() -> None:
    rows = [role("business_manager", mandatory=True), role("business_manager", person="person:ann", until=day("07-17"))]

    assert vacancies(*rows, **HELD) == [("business_manager", "amber", 1, None)]


@pytest.mark.parametrize(
    "holder",
    [
        {"person": "person:ann"},
        {"person": "person:ann", "from": MONDAY},
        {"person": "person:ann", "until": MONDAY},
    ],
)
def test_a_role_that_is_held_is_left_alone(holder: dict[str, Any]) -> None:
    assert vacancies(role("business_manager", mandatory=True, **holder), **HELD) == []


@pytest.mark.parametrize(
    "holder",
    [{"from": day("07-21")}, {"until": day("07-19")}],
)
def test_a_holder_of_another_day_does_not_hold_the_role(holder: dict[str, Any]) -> None:
    assert vacancies(role("business_manager", person="person:ann", mandatory=True, **holder), **HELD) != []


def test_somebody_who_is_no_longer_active_holds_no_role() -> None:
    gone = [{"uid": "person:ann", "active": False}]

    found = vacancies(role("business_manager", person="person:ann", mandatory=True), person=gone, **HELD)

    assert [code for code, *_ in found] == ["business_manager", "project_leader", "project_owner"]


def test_who_is_named_by_the_project_fills_the_role_that_a_list_leaves_open() -> None:
    assert vacancies(role("project_leader"), role("project_owner"), **HELD) == []


def test_a_role_that_need_not_be_filled_is_left_alone() -> None:
    assert vacancies(role("business_manager"), role("project_owner", mandatory=False), **HELD) == []


def test_roles_are_asked_for_in_some_states_only() -> None:
    early = [{"code": "P1", "state": "initiating"}]

    assert vacancies(role(), project=early) == []
    assert [code for code, *_ in vacancies(role(), project=early, params={"states": ["initiating"]})] == [
        *("project_leader", "project_owner")
    ]


def test_without_any_list_of_roles_a_role_that_nobody_holds_anywhere_is_unknown() -> None:
    led = [{"code": "P1", "state": "executing", "leader": "person:ann"}]
    two = [*led, {"code": "P2", "state": "executing"}]

    assert vacancies(project=led) == [("project_owner", "grey", None, "missing role.person")]
    assert [(code, state) for code, state, *_ in vacancies(project=two)] == [
        *(("project_leader", "grey"), ("project_owner", "grey"), ("project_owner", "grey"))
    ]


@pytest.mark.parametrize(("entity", "field"), [("program", "manager"), ("portfolio", "manager")])
def test_a_programme_or_portfolio_that_names_its_manager_has_one(entity: str, field: str) -> None:
    managed: dict[str, Any] = {entity: [{"uid": f"{entity}:x", "id": "X", field: "person:ann"}]}
    needed = role("programme_manager", mandatory=True, scope=f"{entity}:x")

    assert vacancies(needed, **managed, **HELD) == []


def test_the_day_from_which_a_role_is_vacant_may_be_unknown() -> None:
    vacant = role("business_manager", mandatory=True)
    program = [{"uid": "program:x", "id": "X"}]

    assert vacancies(vacant, since=None, **HELD) == [("business_manager", "grey", None, "needs 1 samples, has 0")]
    stateless: dict[str, Any] = {"project": [{**HELD["project"][0], "state": None}]}
    assert vacancies(vacant, **stateless) == [("business_manager", "grey", None, "missing project.state")]
    assert vacancies({**vacant, "scope": "program:x"}, program=program, **HELD) == [
        ("business_manager", "grey", None, "missing role.until")
    ]
    assert vacancies({**vacant, "scope": "program:x", "from": day("07-17")}, program=program, **HELD) == [
        ("business_manager", "amber", 1, None)
    ]
