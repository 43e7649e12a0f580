"""Projects by their milestones and tasks: the vectors M-36 to M-38 of spec measures 4.2, and what lies beside them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, finding, found, snapshot

MEASURES = catalogue(*milestones.pmo_watch_measures())
Row = Mapping[str, Any]


def day(text: str) -> date:
    return date.fromisoformat(text)


def of(measure: str, known: Any, **params: Any) -> dict[str, Any]:
    """Return the only finding of a measure, with its default thresholds."""
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


def read(measure: str, rows: Sequence[Row], *, entity: str = "task", **params: Any) -> dict[str, Any]:
    """Return the finding on a project with these rows, on 13 May 2026."""
    given: Any = {entity: [dict(one) for one in rows]}
    return of(measure, snapshot(**given), **params)


# --- MS-07 milestones on time -------------------------------------------------------------------------------------

ON_TIME = "project.milestones_on_time"
APRIL_10 = day("2026-04-10")


def due(number: int, in_time: int, **more: Any) -> list[dict[str, Any]]:
    """Return milestones that were due, the first `in_time` of them reached on their day."""
    late = {"actual_finish": day("2026-04-14")}
    return [
        {
            "name": f"M{n}",
            "baseline_finish": APRIL_10,
            **({"actual_finish": APRIL_10} if n <= in_time else late),
            **more,
        }
        for n in range(1, number + 1)
    ]


@pytest.mark.parametrize(
    ("number", "in_time", "value", "state", "note"),
    [
        pytest.param(7, 6, 85.714286, "amber", None, id="M-36"),
        pytest.param(4, 3, 75, "amber", "small sample: 3 of 4", id="M-37"),
        pytest.param(5, 3, 60, "red", None, id="enough for red"),
        pytest.param(11, 10, 90.909091, "green", None, id="not yet recovered"),
    ],
)
def test_milestones_on_time(number: int, in_time: int, value: float, state: str, note: str | None) -> None:
    reached = read(ON_TIME, due(number, in_time), entity="milestone")

    assert (reached["value"], reached["state"], reached["note"]) == (value, state, note)
    assert (reached["numerator"], reached["denominator"], reached["recovered"]) == (in_time, number, False)


def test_milestones_on_time_counts_what_is_due_and_names_what_is_late() -> None:
    rows = [
        *due(4, 4),
        {"name": "Open", "baseline_finish": day("2026-05-13")},
        {"name": "Late", "baseline_finish": day("2026-05-06"), "actual_finish": day("2026-05-07")},
        {"name": "Early", "baseline_finish": day("2026-05-14"), "actual_finish": day("2026-05-12")},
        {"name": "Later", "baseline_finish": day("2026-06-12")},
    ]

    reached = read(ON_TIME, rows, entity="milestone")

    assert (reached["numerator"], reached["denominator"]) == (4, 6)
    assert reached["evidence"] == {"late_milestones": "Late, Open"}


@pytest.mark.parametrize(
    ("rows", "state", "reason", "note"),
    [
        ([], "na", "nothing due yet", None),
        ([{"baseline_finish": day("2026-06-12")}], "na", "nothing due yet", None),
        ([{"forecast_finish": APRIL_10}], "grey", "missing milestone.baseline_finish", "1 of 1 rows left out"),
        ([*due(5, 5), {"forecast_finish": APRIL_10}], "green", None, "1 of 6 rows left out"),
        ([*due(5, 5), {"baseline_finish": APRIL_10, "done": True}], "green", None, "1 of 6 rows left out"),
        ([*due(4, 4), {"baseline_finish": APRIL_10, "done": True, "forecast_finish": APRIL_10}], "green", None, None),
    ],
)
def test_milestones_on_time_says_what_it_cannot_tell(
    rows: list[dict[str, Any]], state: str, reason: str | None, note: str | None
) -> None:
    reached = read(ON_TIME, rows, entity="milestone")

    assert (reached["state"], reached["reason"], reached["note"]) == (state, reason, note)


def test_milestones_of_a_programme_are_those_of_its_projects_each_to_its_status_date() -> None:
    projects: list[dict[str, Any]] = [
        {"code": "P1", "program": "plans:program:1", "status_date": day("2026-05-08")},
        {"code": "P2", "program": "plans:program:1", "state": "closed", "actual_finish": APRIL_10},
        {"code": "P3", "program": "plans:program:1", "state": "cancelled"},
        {"code": "P4", "program": "plans:program:2"},
    ]
    rows = [
        *due(3, 3, project="project:p1"),
        {"project": "project:p1", "baseline_finish": day("2026-05-11")},
        *due(2, 1, project="project:p2"),
        *due(9, 0, project="project:p3"),
    ]
    known = snapshot(project=projects, program=[{"id": "A"}, {"id": "B"}], milestone=rows)

    programs, own = found(MEASURES, known, {"for_each": "program", "measure": ON_TIME}, {"measure": ON_TIME})

    assert programs.frame.select("value", "numerator", "denominator", "state", "reason").rows() == [
        (80, 4, 5, "amber", None),
        (None, 0, 0, "na", "nothing due yet"),
    ]
    assert own.frame.select("denominator", "reason").rows() == [
        (3, None),
        (2, "closed"),
        (9, "closed"),
        (0, "nothing due yet"),
    ]


# --- SCH-02 overdue tasks -----------------------------------------------------------------------------------------

OVERDUE = "project.overdue_tasks"
PAST = {"forecast_finish": day("2026-05-12")}
TODAY = {"forecast_finish": day("2026-05-13")}


@pytest.mark.parametrize(
    ("rows", "value", "state", "note"),
    [
        pytest.param([PAST] * 3 + [TODAY] * 17, 15, "amber", None, id="M-38"),
        ([PAST] * 2 + [TODAY] * 3, 40, "red", None),
        ([PAST] + [TODAY] * 3, 25, "amber", "small sample: 1 of 4"),
        ([{**PAST, "done": True}] * 9 + [TODAY] * 5, 0, "green", None),
        ([PAST] + [TODAY] * 7 + [{}] * 2, 12.5, "amber", "2 of 10 rows left out"),
    ],
)
def test_overdue_tasks(rows: list[Row], value: float, state: str, note: str | None) -> None:
    late = read(OVERDUE, rows)

    assert (late["value"], late["state"], late["note"]) == (value, state, note)


@pytest.mark.parametrize(
    ("rows", "state", "reason"),
    [
        ([], "na", "nothing due yet"),
        ([{"done": True}], "na", "done"),
        ([{}], "grey", "missing task.forecast_finish"),
        ([TODAY] * 7 + [{}] * 2, "grey", "missing task.forecast_finish on 2 of 9 rows"),
    ],
)
def test_overdue_tasks_that_cannot_be_told(rows: list[Row], state: str, reason: str) -> None:
    late = read(OVERDUE, rows)

    assert (late["value"], late["state"], late["reason"]) == (None, state, reason)


def test_overdue_tasks_are_named_the_latest_first_without_milestones_and_summaries() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "Phase", "forecast_finish": day("2026-01-09")},
        {"name": "A", **PAST},
        {"name": "B", "forecast_finish": day("2026-05-05"), "parent": "plans:task:2"},
        *({"name": f"Open {n}", **TODAY} for n in range(4)),
    ]
    known = snapshot(milestone=[{"name": "Start", "forecast_finish": day("2026-01-09")}], task=rows)

    late = of(OVERDUE, known)

    assert (late["numerator"], late["denominator"]) == (2, 6)
    assert late["evidence"] == {"affected_rows": "B, A"}


def test_overdue_tasks_counts_to_the_status_date_and_may_forgive_more() -> None:
    known = snapshot(project=[{"status_date": day("2026-05-12")}], task=[PAST] * 5 + [{}] * 5)

    strict, mild = of(OVERDUE, known), of(OVERDUE, known, max_missing="50 %")

    assert strict["reason"] == "missing task.forecast_finish on 5 of 10 rows"
    assert (mild["value"], mild["as_of"]) == (0, day("2026-05-12"))


# --- SCH-03 late starts -------------------------------------------------------------------------------------------

STARTS = "project.late_starts"
PLANNED = {"baseline_start": day("2026-05-13")}


@pytest.mark.parametrize(
    ("rows", "hit", "counted"),
    [
        ([PLANNED] * 5, 5, 5),
        ([{**PLANNED, "progress": 0}] * 5, 5, 5),
        ([{**PLANNED, "progress": 1}] + [PLANNED] * 4, 4, 5),
        ([{**PLANNED, "actual_start": day("2026-05-12"), "progress": 0}] + [PLANNED] * 4, 4, 5),
        ([{**PLANNED, "done": True}] + [PLANNED] * 4, 4, 5),
        ([{"baseline_start": day("2026-05-14")}] + [PLANNED] * 4, 4, 4),
    ],
)
def test_late_starts(rows: list[Row], hit: int, counted: int) -> None:
    late = read(STARTS, rows)

    assert (late["numerator"], late["denominator"]) == (hit, counted)
    assert (late["value"], late["state"]) == (100 * hit / counted, "red" if counted == 5 else "amber")


@pytest.mark.parametrize(
    ("rows", "state", "reason", "note"),
    [
        ([{"baseline_start": day("2026-06-01")}], "na", "nothing due yet", None),
        ([{}], "grey", "missing task.baseline_start", "1 of 1 rows left out"),
        ([{**PLANNED, "progress": 5}, {}], "green", None, "1 of 2 rows left out"),
    ],
)
def test_late_starts_says_what_it_cannot_tell(
    rows: list[Row], state: str, reason: str | None, note: str | None
) -> None:
    late = read(STARTS, rows)

    assert (late["state"], late["reason"], late["note"]) == (state, reason, note)


# --- SCH-04 critical slip -----------------------------------------------------------------------------------------

CRITICAL = "project.critical_slip"


def critical(finish: str | None, **more: Any) -> dict[str, Any]:
    """Return an open critical task promised for 15 May 2026."""
    forecast = {"forecast_finish": day(finish)} if finish else {}
    return {"critical": True, "baseline_finish": day("2026-05-15"), **forecast, **more}


@pytest.mark.parametrize(
    ("rows", "value", "state"),
    [
        ([critical("2026-05-15")], 0, "green"),
        ([critical("2026-05-13"), critical("2026-05-12")], -1, "green"),
        ([critical("2026-05-18"), critical("2026-05-15")], 1, "amber"),
        ([critical("2026-05-22"), critical("2026-05-18")], 5, "amber"),
        ([critical("2026-05-26")], 6, "red"),
        ([critical("2026-05-15"), critical("2026-06-30", critical=False)], 0, "green"),
        ([critical("2026-05-15"), critical("2026-06-30", done=True)], 0, "green"),
        ([critical("2026-05-15"), critical("2026-06-30", critical=None)], 0, "green"),
    ],
)
def test_critical_slip_is_that_of_the_worst_task(rows: list[Row], value: float, state: str) -> None:
    slip = read(CRITICAL, rows)

    assert (slip["value"], slip["state"]) == (value, state)


def test_critical_slip_names_the_tasks_that_slip_the_worst_first() -> None:
    rows = [critical("2026-05-18", name="A"), critical("2026-05-20", name="B"), critical("2026-05-15", name="C")]

    assert read(CRITICAL, rows)["evidence"] == {"slipping_tasks": "B, A"}


@pytest.mark.parametrize(
    ("rows", "state", "reason"),
    [
        ([], "na", "nothing due yet"),
        ([critical("2026-05-18", critical=False)], "na", "nothing due yet"),
        ([critical("2026-05-18", done=True)], "na", "done"),
        ([critical("2026-05-18", critical=None, done=True)], "na", "done"),
        ([critical("2026-05-18", critical=None)], "grey", "missing task.critical"),
        ([critical("2026-05-18", baseline_finish=None)], "grey", "missing task.baseline_finish"),
        (
            [critical("2026-05-18"), critical("2026-05-18", baseline_finish=None)],
            "grey",
            "missing task.baseline_finish on 1 of 2 rows",
        ),
        ([critical("2026-05-18"), critical(None)], "grey", "missing task.forecast_finish on 1 of 2 rows"),
    ],
)
def test_critical_slip_that_cannot_be_told(rows: list[Row], state: str, reason: str) -> None:
    slip = read(CRITICAL, rows)

    assert (slip["value"] if state == "grey" else None, slip["state"], slip["reason"]) == (None, state, reason)


def test_a_finished_project_is_not_asked_about_its_tasks() -> None:
    known = snapshot(project=[{"actual_finish": APRIL_10}], task=[critical("2026-05-18"), {**PLANNED, **PAST}])

    reasons = {of(name, known)["reason"] for name in (ON_TIME, OVERDUE, STARTS, CRITICAL)}

    assert reasons == {"finished"}
