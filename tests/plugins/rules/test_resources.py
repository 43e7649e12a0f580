"""Resources, persons: the vectors P-01 to P-03 of spec measures 4.9, and where the hours of an assignment lie."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import resources
from snapshots import BE, catalogue, finding, snapshot

from pmo_watch.workdays import Calendar

MEASURES = catalogue(*resources.pmo_watch_measures())
MONDAY = date(2026, 7, 20)  # of a week with a holiday on Tuesday
ANN = "person:ann"
Rows = Sequence[dict[str, Any]]


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def work(hours: float | None, start: str = "07-20", finish: str | None = "07-24", **fields: Any) -> dict[str, Any]:
    """Return an assignment of Ann to a task that is open."""
    days = {"start": day(start), "finish": day(finish) if finish else None}
    return {"person": ANN, "task": "t:open", "remaining_work": hours, **days, **fields}


def of(measure: str, assigned: Rows, today: date = MONDAY, params: Any = None, **rows: Any) -> dict[str, Any]:
    person = {"uid": ANN, "email": "ann@example.org", **rows.pop("person", {})}
    tasks = [{"uid": "t:open", "id": "T1"}, *rows.pop("task", [])]
    known = snapshot(today, person=[person], assignment=assigned, task=tasks, **rows)
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


def load(*assigned: dict[str, Any], **rows: Any) -> dict[str, Any]:
    return of("person.weekly_load", assigned, **rows)


@pytest.mark.parametrize(
    ("hours", "value", "state"),
    [
        pytest.param(36, 112.5, "red", id="P-01"),
        pytest.param(34, 106.25, "amber", id="P-02"),
        pytest.param(32, 100, "green", id="all hours"),
    ],
)
def test_hours_of_a_week_against_those_the_person_has(hours: float, value: float, state: str) -> None:
    one = load(work(hours))

    assert (one["value"], one["state"], one["denominator"]) == (value, state, 32)
    assert one["evidence"] == (
        {}
        if state == "green"
        else {
            "iso_week": "2026-W30",
            "assigned_hours": f"{hours}",
            "available_hours": "32",
            "in_projects": "P1",
        }
    )


def test_hours_in_a_week_of_absence_have_no_capacity_p03() -> None:
    one = load(work(8), absence=[{"person": ANN, "from": day("07-20"), "to": day("07-24")}])

    assert (one["state"], one["value"], one["reason"]) == ("red", None, "no capacity")
    assert one["evidence"]["iso_week"] == "2026-W30"


def test_a_week_of_no_capacity_is_worse_than_any_full_one() -> None:
    away = [{"person": ANN, "from": day("07-27"), "to": day("07-31")}]

    one = load(work(99), work(1, "07-27", "07-29"), absence=away)

    assert (one["state"], one["reason"], one["evidence"]["iso_week"]) == ("red", "no capacity", "2026-W31")


def test_work_is_spread_over_the_days_the_person_works_between_today_and_the_finish() -> None:
    away = [{"person": ANN, "from": day("07-27"), "to": day("07-28")}]

    one = load(work(70, "07-06", "07-31"), absence=away)  # 4 days this week, 3 in the next

    assert (one["numerator"], one["denominator"], one["value"]) == (40, 32, 125)


def test_absences_that_overlap_count_once() -> None:
    away = [
        {"person": ANN, "from": day("07-27"), "to": day("07-28")},
        {"person": ANN, "from": day("07-28"), "to": day("07-29")},
        {"person": ANN, "from": day("07-28"), "to": day("07-28")},
        {"person": ANN, "from": day("07-31"), "to": day("07-30")},
    ]

    one = load(work(12, "07-27", "07-31"), absence=away)

    assert (one["numerator"], one["denominator"]) == (12, 16)


def test_late_work_lies_in_the_current_week() -> None:
    one = load(work(20, "06-01", "07-17"), work(16, "07-20", "07-24"))

    assert (one["numerator"], one["evidence"]["iso_week"]) == (36, "2026-W30")


def test_an_assignment_without_days_has_those_of_its_row() -> None:
    task = [{"uid": "t:open", "forecast_start": day("07-27"), "forecast_finish": day("07-31")}]
    known = snapshot(
        MONDAY,
        person=[{"uid": ANN}],
        task=task,
        assignment=[{"person": ANN, "task": "t:open", "remaining_work": 44}],
    )

    one = finding(MEASURES, known, {"measure": "person.weekly_load"})

    assert (one["value"], one["evidence"]["iso_week"]) == (110, "2026-W31")


def test_hours_told_week_by_week_are_taken_as_they_are() -> None:
    weekly = ["2026-W29=40", "2026-W31=50.5"]

    one = load(work(None, finish=None, weekly=weekly))

    assert (one["numerator"], one["denominator"], one["evidence"]["iso_week"]) == (50.5, 40, "2026-W31")


@pytest.mark.parametrize("said", ["nonsense", "2026-W99=8", "2026-W31=8,5", "2026-W31"])
def test_hours_of_a_week_that_cannot_be_read_are_not_taken_for_none(said: str) -> None:
    one = load(work(None, weekly=["2026-W31=8", said]), work(8))

    assert (one["state"], one["reason"]) == ("grey", f"invalid assignment.weekly: {said}")


def test_a_list_of_no_weeks_leaves_the_remaining_work_to_be_spread() -> None:
    assert load(work(36, weekly=[]))["value"] == 112.5


def test_work_over_all_projects_is_added() -> None:
    projects = [{"code": "P1"}, {"code": "P2"}]
    other = {"uid": "t:other", "project": "project:p2"}

    one = load(work(20), work(16, task="t:other"), project=projects, task=[other])

    assert (one["numerator"], one["evidence"]["in_projects"]) == (36, "P1, P2")


@pytest.mark.parametrize("state", ["proposed", "closed", "cancelled", "on_hold"])
def test_work_of_projects_that_do_not_go_on_is_none(state: str) -> None:
    assert load(work(99), project=[{"code": "P1", "state": state}])["reason"] == "nothing due yet"


def test_what_is_done_or_does_not_count_is_no_work() -> None:
    tasks = [{"uid": "t:done", "done": True}, {"uid": "t:off", "active": False}]

    one = load(work(99, task="t:done"), work(99, task="t:off"), work(0, finish=None), task=tasks)

    assert (one["state"], one["reason"]) == ("na", "nothing due yet")


def test_part_time_and_the_hours_of_a_day_make_the_capacity() -> None:
    short = Calendar("short", closed=BE.closed, minutes_per_day=456)

    one = load(work(20), person={"max_units": 50, "calendar": "short"}, calendars=(BE, short))

    assert one["denominator"] == 15.2  # 4 days of 7.6 h, half of them


def test_own_calendar_says_when_the_person_works() -> None:
    four_days = Calendar("four", week=(True, False, True, True, True, False, False))

    one = load(work(33, "07-27", "07-31"), person={"calendar": "four"}, calendars=(BE, four_days))

    assert (one["denominator"], one["state"]) == (32, "amber")


def test_weeks_beyond_those_looked_at_do_not_count() -> None:
    late = work(99, "08-31", "09-04")

    assert load(late, params={"look_ahead": "6 weeks"})["reason"] == "nothing due yet"
    assert load(late, params={"look_ahead": "7 weeks"})["value"] == 247.5


def test_hours_on_a_weekend_lie_in_its_week() -> None:
    one = load(work(4, "07-25", "07-26"))

    assert (one["numerator"], one["evidence"]) == (4, {})


@pytest.mark.parametrize(
    ("assigned", "reason"),
    [
        ([work(None)], "missing assignment.remaining_work"),
        ([work(None), work(8)], "missing assignment.remaining_work on 1 of 2 rows"),
        ([work(8, finish=None)], "missing assignment.finish"),
        ([work(8, finish=None), work(8)], "missing assignment.finish on 1 of 2 rows"),
    ],
)
def test_unknown_hours_or_days_make_the_person_grey(assigned: Rows, reason: str) -> None:
    one = of("person.weekly_load", assigned)

    assert (one["state"], one["reason"]) == ("grey", reason)
    assert of("person.overload_weeks", assigned)["reason"] == reason


def test_a_calendar_that_ends_makes_the_person_grey() -> None:
    ends = Calendar("be", closed=BE.closed, first=day("01-01"), last=day("08-15"))

    outside = "invalid calendar.id: be ends 2026-08-15"
    assert load(work(36, "07-20", "09-30"), calendars=(ends,))["reason"] == outside
    assert load(work(None, weekly=["2026-W35=8"]), calendars=(ends,))["reason"] == outside
    assert of("person.overload_weeks", [work(36, "07-20", "09-30")], calendars=(ends,))["reason"] == outside
    assert load(work(32), calendars=(ends,))["value"] == 100
    assert of("person.overload_weeks", [work(33)], calendars=(ends,))["value"] == 1


def heavy(*weeks: tuple[str, str]) -> Rows:
    """Return assignments that are too much for each of these weeks, by first and last day."""
    return [work(60, first, last) for first, last in weeks]


W30, W31, W32, W33 = ("07-20", "07-24"), ("07-27", "07-31"), ("08-03", "08-07"), ("08-10", "08-14")


@pytest.mark.parametrize(
    ("weeks", "value", "state"),
    [
        ((W30,), 1, "green"),
        ((W30, W32), 1, "green"),
        ((W30, W31), 2, "amber"),
        ((W30, W32, W33), 2, "amber"),
        ((W30, W31, W32, W33), 4, "red"),
    ],
)
def test_weeks_on_end_with_too_much_to_do(weeks: Sequence[tuple[str, str]], value: int, state: str) -> None:
    one = of("person.overload_weeks", heavy(*weeks))

    assert (one["value"], one["state"]) == (value, state)


def test_the_longest_run_is_named_and_weeks_without_capacity_are_in_it() -> None:
    away = [{"person": ANN, "from": day("08-10"), "to": day("08-14")}]

    one = of("person.overload_weeks", heavy(W30, W32, W33), absence=away)

    assert one["evidence"] == {"first_week": "2026-W32", "last_week": "2026-W33"}


def test_what_is_too_much_can_be_said() -> None:
    full = [work(38, *W31), work(38, *W32)]

    assert of("person.overload_weeks", full)["value"] == 0
    assert of("person.overload_weeks", full, params={"limit": "90 %"})["value"] == 2
    assert of("person.overload_weeks", full, params={"limit": "90 %", "look_ahead": "2 weeks"})["value"] == 1


def test_somebody_without_work_is_left_alone() -> None:
    assert of("person.overload_weeks", [work(0)])["reason"] == "nothing due yet"
