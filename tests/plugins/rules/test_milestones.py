"""Milestones and plans: the vectors M-01 to M-39 of spec measures 4.2, and what lies beside them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, finding, found, snapshot

from pmo_watch.flow import First, Samples, Since, Wish

MEASURES = catalogue(*milestones.pmo_watch_measures())
JULY_17 = date(2026, 7, 17)


def day(text: str) -> date:
    return date.fromisoformat(text)


def of(measure: str, known: Any, **params: Any) -> dict[str, Any]:
    """Return the only finding of a measure, with its default thresholds."""
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


# --- MS-02 slip ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forecast", "value", "state"),
    [
        pytest.param("2026-07-10", -5, "green", id="M-01"),
        pytest.param("2026-07-24", 4, "green", id="M-02"),
        pytest.param("2026-07-27", 5, "green", id="M-03"),
        pytest.param("2026-07-28", 6, "amber", id="M-04"),
        pytest.param("2026-08-03", 10, "amber", id="M-05"),
        pytest.param("2026-08-04", 11, "red", id="M-06"),
    ],
)
def test_slip(forecast: str, value: float, state: str) -> None:
    slipped = of("milestone.slip", snapshot(milestone=[{"baseline_finish": JULY_17, "forecast_finish": day(forecast)}]))

    assert (slipped["value"], slipped["state"]) == (value, state)


def test_slip_without_baseline_is_grey_m07() -> None:
    slipped = of("milestone.slip", snapshot(milestone=[{"forecast_finish": JULY_17}]))

    assert (slipped["value"], slipped["state"]) == (None, "grey")
    assert slipped["reason"] == "missing milestone.baseline_finish"


def test_slip_of_a_done_milestone_stays_visible_m08() -> None:
    row = {"baseline_finish": JULY_17, "forecast_finish": JULY_17, "actual_finish": day("2026-07-28")}

    slipped = of("milestone.slip", snapshot(milestone=[row]))

    assert (slipped["value"], slipped["state"], slipped["reason"]) == (6, "na", "done")


def test_slip_against_the_first_baseline() -> None:
    past: dict[Wish, pl.DataFrame] = {
        First("task", "baseline_finish"): pl.DataFrame(
            {"uid": ["plans:task:1"], "baseline_finish": [day("2026-07-10")]}
        )
    }
    row = {"baseline_finish": JULY_17, "forecast_finish": day("2026-07-28")}
    known = snapshot(milestone=[row], past=past)

    against_current, against_first = of("milestone.slip", known), of("milestone.slip", known, baseline="first")

    assert (against_current["value"], against_current["evidence"]["milestone.slip_first"]) == (6, "11")
    assert (against_first["value"], against_first["state"]) == (11, "red")
    assert MEASURES["milestone.slip"].past(MEASURES["milestone.slip"].params()) == (First("task", "baseline_finish"),)


def test_slip_against_a_first_baseline_that_nobody_knows_is_grey() -> None:
    slipped = of("milestone.slip", snapshot(milestone=[{"forecast_finish": JULY_17}]), baseline="first")

    assert slipped["reason"] == "missing milestone.first_baseline_finish"


# --- MS-01 overdue, MS-06 forecast in the past --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "value", "state"),
    [
        pytest.param("2026-05-13", 0, "green", id="M-10"),
        pytest.param("2026-05-14", 0, "green", id="M-11 Ascension"),
        pytest.param("2026-05-15", 1, "amber", id="M-12"),
        pytest.param("2026-05-21", 5, "amber", id="M-13"),
        pytest.param("2026-05-22", 6, "red", id="M-14"),
    ],
)
def test_overdue(as_of: str, value: float, state: str) -> None:
    known = snapshot(day(as_of), milestone=[{"baseline_finish": day("2026-05-13")}])

    late = of("milestone.overdue", known)

    assert (late["value"], late["state"]) == (value, state)


def test_overdue_counts_to_the_status_date() -> None:
    known = snapshot(
        day("2026-05-22"), project=[{"status_date": day("2026-05-15")}], milestone=[{"deadline": day("2026-05-13")}]
    )

    late = of("milestone.overdue", known)

    assert (late["value"], late["as_of"], late["as_of_note"]) == (1, day("2026-05-15"), "")


def test_overdue_without_any_date_is_grey() -> None:
    late = of("milestone.overdue", snapshot(milestone=[{"name": "Go-live"}]))

    assert (late["state"], late["reason"]) == ("grey", "missing milestone.committed_finish")


def test_forecast_in_the_past_m29() -> None:
    known = snapshot(day("2026-03-13"), milestone=[{"forecast_finish": day("2026-03-06")}])

    past = of("milestone.forecast_in_past", known)

    assert (past["value"], past["state"]) == (5, "amber")


# --- MS-03 readiness ----------------------------------------------------------------------------------------------


def waiting_for(done: int, of_all: int, due: str, **milestone: Any) -> Any:
    """Return a snapshot of 2026-05-18 with a milestone that waits for tasks, some of them done."""
    tasks = [{"name": f"Task {n}", "done": n < done, "forecast_finish": day("2026-05-20")} for n in range(of_all)]
    links = [{"predecessor": f"plans:task:{n + 2}", "successor": "plans:task:1"} for n in range(of_all)]
    return snapshot(
        day("2026-05-18"),
        milestone=[{"name": "Go-live", "baseline_finish": day(due), **milestone}],
        task=tasks,
        dependency=links,
    )


@pytest.mark.parametrize(
    ("done", "due", "value", "state"),
    [
        pytest.param(6, "2026-05-29", 75, "amber", id="M-20 8 wd left"),
        pytest.param(7, "2026-05-29", 87.5, "green", id="M-21 8 wd left"),
        pytest.param(7, "2026-05-22", 87.5, "red", id="M-22 4 wd left"),
    ],
)
def test_readiness(done: int, due: str, value: float, state: str) -> None:
    ready = of("milestone.readiness", waiting_for(done, 8, due))

    assert (ready["value"], ready["state"]) == (value, state)
    assert (ready["numerator"], ready["denominator"]) == (done, 8)


def test_readiness_names_what_is_open_and_the_threshold_that_was_met() -> None:
    ready = of("milestone.readiness", waiting_for(6, 8, "2026-05-22"))

    assert ready["evidence"]["open_predecessors"] == "Task 6, Task 7"
    assert ready["threshold"] == "under 90 % when milestone.days_left at most 5 wd"
    assert ready["limit"] == 90


def test_readiness_out_of_its_window_is_not_asked_m23() -> None:
    ready = of("milestone.readiness", waiting_for(0, 8, "2026-06-04"))

    assert (ready["state"], ready["reason"]) == ("na", "not in window")


def test_readiness_of_few_predecessors_is_capped_at_amber() -> None:
    ready = of("milestone.readiness", waiting_for(1, 4, "2026-05-22"))

    assert (ready["value"], ready["state"], ready["note"]) == (25, "amber", "small sample: 1 of 4")


def test_readiness_without_predecessors_looks_at_siblings() -> None:
    parent: dict[str, Any] = {"uid": "plans:task:phase", "name": "Phase"}
    siblings: list[dict[str, Any]] = [
        {"parent": "plans:task:phase", "name": "Build", "done": True, "forecast_finish": day("2026-05-20")},
        {"parent": "plans:task:phase", "name": "Test", "forecast_finish": day("2026-05-26")},
        {"parent": "plans:task:phase", "name": "After", "forecast_finish": day("2026-06-30")},
    ]
    due = {"parent": "plans:task:phase", "baseline_finish": day("2026-05-29"), "forecast_finish": day("2026-05-29")}

    ready = of("milestone.readiness", snapshot(day("2026-05-18"), milestone=[due], task=[parent, *siblings]))

    assert (ready["numerator"], ready["denominator"]) == (1, 2)


def test_readiness_with_neither_predecessor_nor_sibling_is_grey() -> None:
    ready = of("milestone.readiness", waiting_for(0, 0, "2026-05-22"))

    assert (ready["state"], ready["reason"]) == ("grey", "missing milestone.predecessor_count")


def test_readiness_counts_the_leaves_of_a_summary_and_all_that_is_upstream() -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "Phase"},
        {"name": "Build", "parent": "plans:task:2", "done": True},
        {"name": "Test", "parent": "plans:task:2"},
        {"name": "Design", "done": True},
    ]
    links = [
        {"predecessor": "plans:task:2", "successor": "plans:task:1"},
        {"predecessor": "plans:task:5", "successor": "plans:task:3"},
        {"predecessor": "plans:task:1", "successor": "plans:task:5"},  # a circle ends
    ]
    known = snapshot(
        day("2026-05-18"), milestone=[{"baseline_finish": day("2026-05-29")}], task=tasks, dependency=links
    )

    direct, deep = of("milestone.readiness", known), of("milestone.readiness", known, depth="all")

    assert (direct["numerator"], direct["denominator"]) == (1, 2)
    assert (deep["numerator"], deep["denominator"]) == (2, 4)


def test_readiness_may_ask_for_a_confirmed_date() -> None:
    ready, asked = (
        of("milestone.readiness", waiting_for(8, 8, "2026-05-22", confirmed_on=confirmed), require_confirmation=True)
        for confirmed in (day("2026-05-15"), None)
    )

    assert ready["state"] == "green"
    assert (asked["state"], asked["value"]) == ("red", 100)
    assert asked["threshold"] == "milestone.unconfirmed at least 1 when milestone.days_left at most 5 wd"
    measure = MEASURES["milestone.readiness"]
    assert measure.past(measure.params(require_confirmation=True)) == (Since("task", "forecast_finish"),)


# --- MS-04 slip streak --------------------------------------------------------------------------------------------


def reported(*forecasts: str, ends: Sequence[str] = (), every: str = "week", **params: Any) -> dict[str, Any]:
    """Return the streak of a milestone with these forecasts, one a week, the last of them now."""
    last = day("2026-06-19")
    days = [day(one) for one in ends] or [last - timedelta(weeks=n) for n in reversed(range(len(forecasts)))]
    wish = Samples("task", every, 13, ("forecast_finish",), "baseline_finish")  # type: ignore[arg-type]
    samples = pl.DataFrame({"uid": "plans:task:1", "ends": days, "forecast_finish": [day(one) for one in forecasts]})
    now = {"forecast_finish": day(forecasts[-1])} if forecasts else {}
    known = snapshot(last, milestone=[now], past={wish: samples})
    return of("milestone.slip_streak", known, every=every, **params)


def test_streak_of_later_forecasts_m24() -> None:
    streak = reported("2026-07-03", "2026-07-03", "2026-07-08", "2026-07-10", "2026-07-15")

    assert (streak["value"], streak["state"], streak["unit"]) == (3, "red", "periods")


def test_a_forecast_that_stands_ends_the_streak_m25() -> None:
    streak = reported("2026-07-03", "2026-07-06", "2026-07-06", "2026-07-08")

    assert (streak["value"], streak["state"]) == (1, "green")


def test_a_slope_of_one_is_red_m26() -> None:
    streak = reported("2026-07-03", "2026-07-10", "2026-07-17")

    assert (streak["value"], streak["state"]) == (2, "red")
    assert streak["evidence"]["milestone.slip_slope"] == "1"
    assert streak["evidence"]["forecasts"] == "2026-07-03, 2026-07-10, 2026-07-17"
    assert streak["threshold"] == "milestone.slip_slope at least 1"


def test_two_samples_are_too_few_m27() -> None:
    streak = reported("2026-07-03", "2026-07-10")

    assert (streak["state"], streak["reason"]) == ("grey", "needs 3 samples, has 2")


def test_more_samples_may_be_asked_for() -> None:
    known = snapshot(milestone=[{"forecast_finish": JULY_17}])
    rule = {"measure": "milestone.slip_streak", "history": {"every": "month", "at_least": "6 periods"}}

    streak = finding(MEASURES, known, rule)

    assert streak["reason"] == "needs 6 samples, has 0"


def test_periods_without_a_reading_are_named() -> None:
    streak = reported("2026-07-03", "2026-07-10", "2026-07-17", ends=("2026-05-31", "2026-06-07", "2026-06-19"))

    assert streak["note"] == "missing periods: 2026-W24"


@pytest.mark.parametrize(
    ("every", "ends", "said"),
    [
        ("month", ("2026-01-31", "2026-02-28", "2026-06-19"), "2026-03, 2026-04, 2026-05"),
        ("quarter", ("2025-09-30", "2025-12-31", "2026-06-19"), "2026-Q1"),
        ("day", ("2026-06-16", "2026-06-17", "2026-06-19"), "2026-06-18"),
    ],
)
def test_missing_periods_of_every_length_are_named(every: str, ends: tuple[str, ...], said: str) -> None:
    streak = reported("2026-07-03", "2026-07-10", "2026-07-17", every=every, ends=ends)

    assert streak["note"] == f"missing periods: {said}"


# --- MS-08 float --------------------------------------------------------------------------------------------------

LINK = {"predecessor": "plans:task:2", "successor": "plans:task:1"}


@pytest.mark.parametrize(
    ("minutes", "value", "state"),
    [
        pytest.param(2400, 5, "amber", id="M-30"),
        pytest.param(-480, -1, "red", id="M-31"),
        pytest.param(2880, 6, "green", id="enough"),
    ],
)
def test_float(minutes: int, value: float, state: str) -> None:
    known = snapshot(milestone=[{"total_slack": minutes}], task=[{"name": "Build"}], dependency=[LINK])

    left = of("milestone.float", known)

    assert (left["value"], left["state"]) == (value, state)


def test_float_closes_only_over_seven_days() -> None:
    known = snapshot(milestone=[{"total_slack": 7 * 480}], task=[{"name": "Build"}], dependency=[LINK])

    left = of("milestone.float", known)

    assert (left["state"], left["recovered"]) == ("green", False)


def test_float_of_a_manual_row_or_an_unlinked_plan_is_grey() -> None:
    manual = snapshot(milestone=[{"total_slack": 0, "manual": True}], task=[{"name": "Build"}], dependency=[LINK])
    unlinked = snapshot(milestone=[{"total_slack": 0}])

    reasons = [of("milestone.float", known)["reason"] for known in (manual, unlinked)]

    assert reasons == ["invalid milestone.total_slack: manual row", "missing milestone.predecessor_count"]


def planned(name: str, start: str, finish: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "forecast_start": day(start), "forecast_finish": day(finish), **more}


def link(before: int, after: int, kind: str = "fs", **more: Any) -> dict[str, Any]:
    return {"predecessor": f"plans:task:{before}", "successor": f"plans:task:{after}", "type": kind, **more}


def test_float_is_computed_over_the_network_where_the_source_gives_none() -> None:
    """A takes 5 days; B takes 10 and C 3, both after A; the last milestone waits for both, an early one for C."""
    known = snapshot(
        milestone=[
            {"name": "Early", "forecast_finish": day("2026-03-11")},
            {"name": "End", "forecast_finish": day("2026-03-20")},
        ],
        task=[
            planned("A", "2026-03-02", "2026-03-06"),
            planned("B", "2026-03-09", "2026-03-20"),
            planned("C", "2026-03-09", "2026-03-11"),
        ],
        dependency=[link(3, 4), link(3, 5), link(4, 2), link(5, 2), link(5, 1)],
    )

    (one,) = found(MEASURES, known, {"measure": "milestone.float"})

    assert one.frame.select("value", "state", "note").rows() == [
        (7, "green", "slack computed over the network"),
        (0, "amber", "slack computed over the network"),
    ]


def test_float_over_the_network_goes_down_a_chain_and_turns_negative() -> None:
    """Handing over is planned to begin a day before what it waits for is finished, two links further on."""
    known = snapshot(
        milestone=[{"name": "Ready", "forecast_finish": day("2026-03-06")}],
        task=[
            planned("Build", "2026-03-09", "2026-03-13"),
            planned("Hand over", "2026-03-12", "2026-03-27"),
            planned("Report", "2026-03-16", "2026-03-20"),
        ],
        dependency=[link(1, 2), link(2, 3), link(2, 4)],
    )

    left = of("milestone.float", known)

    assert (left["value"], left["state"]) == (-1, "red")


def test_float_of_rows_in_a_broken_circle_is_grey() -> None:
    known = snapshot(
        milestone=[{"name": "End", "forecast_finish": day("2026-03-20")}],
        task=[planned("A", "2026-03-09", "2026-03-13"), planned("B", "2026-03-09", "2026-03-13")],
        dependency=[link(2, 3), link(3, 2), link(1, 2)],
    )

    left = of("milestone.float", known)

    assert (left["state"], left["reason"]) == ("grey", "missing milestone.total_slack")


# --- MS-10 conflict -----------------------------------------------------------------------------------------------


def linked(before: Mapping[str, Any], after: Mapping[str, Any], **more: Any) -> Any:
    return snapshot(task=[dict(before), dict(after)], dependency=[{**link(1, 2), "external": True, **more}])


@pytest.mark.parametrize(
    ("start", "value", "state"),
    [pytest.param("2026-07-24", 2, "amber", id="M-33"), pytest.param("2026-07-20", -1, "red", id="M-34")],
)
def test_conflict_after_a_lag(start: str, value: float, state: str) -> None:
    known = linked({"forecast_finish": JULY_17}, {"forecast_start": day(start)}, lag=960)

    left = of("dependency.conflict", known)

    assert (left["value"], left["state"]) == (value, state)


WEEK = {"forecast_start": day("2026-03-02"), "forecast_finish": day("2026-03-06")}
NEXT = {"forecast_start": day("2026-03-09"), "forecast_finish": day("2026-03-13")}


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"type": "fs"}, 1),
        ({"type": "blocks"}, 1),
        ({"type": "ss"}, 5),
        ({"type": "ff"}, 5),
        ({"type": "sf"}, 9),
        ({"type": "fs", "lag": -480}, 2),
        ({"type": "fs", "lag": 1440, "lag_elapsed": True}, 1),
        ({"type": "fs", "lag": 720}, -1),
        ({"type": "fs", "lag": 240}, 1),
        ({"type": "fs", "lag": 4800, "lag_percent": 50}, 1),
    ],
)
def test_conflict_by_kind_of_link_and_lag(more: Mapping[str, Any], value: float) -> None:
    left = of("dependency.conflict", linked(WEEK, NEXT, **more))

    assert left["value"] == value


def test_conflict_takes_actual_dates_where_there_are_any() -> None:
    left = of("dependency.conflict", linked({**WEEK, "actual_start": day("2026-03-04")}, NEXT, type="ss"))

    assert left["value"] == 3


@pytest.mark.parametrize(
    ("before", "after", "more", "state", "reason"),
    [
        ({**WEEK, "done": True}, NEXT, {}, "na", "done"),
        (WEEK, {**NEXT, "actual_start": day("2026-03-09")}, {}, "na", "done"),
        (WEEK, NEXT, {"external": False}, "na", "out of scope"),
        ({}, NEXT, {}, "grey", "missing predecessor.forecast_finish"),
        (WEEK, {}, {}, "grey", "missing successor.forecast_start"),
        (WEEK, {}, {"type": "ff"}, "grey", "missing successor.forecast_finish"),
    ],
)
def test_conflict_that_cannot_be_said(
    before: Mapping[str, Any], after: Mapping[str, Any], more: Mapping[str, Any], state: str, reason: str
) -> None:
    left = of("dependency.conflict", linked(before, after, **more))

    assert (left["state"], left["reason"]) == (state, reason)


def test_conflict_of_all_links_and_of_those_between_projects() -> None:
    inside = linked(WEEK, NEXT, external=False)
    across = snapshot(
        project=[{"code": "P1"}, {"code": "P2"}],
        task=[{**WEEK, "project": "project:p2"}, dict(NEXT)],
        dependency=[link(1, 2)],
    )

    assert of("dependency.conflict", inside, scope="all")["state"] == "amber"
    assert of("dependency.conflict", across)["state"] == "amber"


def test_a_milestone_starts_on_the_day_it_finishes() -> None:
    known = snapshot(milestone=[{"forecast_finish": day("2026-03-09")}], task=[dict(WEEK)], dependency=[{**link(2, 1)}])

    assert of("dependency.conflict", known, scope="all")["value"] == 1


# --- SCH-01 finish variance, SCH-05 behind plan -------------------------------------------------------------------


def project(**fields: Any) -> Any:
    return snapshot(project=[fields])


def test_finish_variance_m35() -> None:
    late = of(
        "project.finish_variance",
        project(baseline_start=day("2026-01-05"), baseline_finish=day("2026-06-30"), forecast_finish=day("2026-07-10")),
    )

    assert (late["value"], late["state"]) == (6.557377, "amber")
    assert (late["numerator"], late["denominator"]) == (8, 122)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"baseline_finish": JULY_17, "forecast_finish": JULY_17}, "missing project.baseline_start"),
        (
            {"baseline_start": JULY_17, "baseline_finish": JULY_17, "forecast_finish": JULY_17},
            "invalid project.baseline_finish: equals baseline_start",
        ),
        (
            {"baseline_start": JULY_17, "baseline_finish": day("2026-07-10"), "forecast_finish": JULY_17},
            "invalid project.baseline_finish: not after baseline_start",
        ),
    ],
)
def test_finish_variance_without_a_baseline_is_grey(fields: Mapping[str, Any], reason: str) -> None:
    late = of("project.finish_variance", project(**fields))

    assert (late["state"], late["reason"]) == ("grey", reason)


V2 = [  # spec measures 4.3
    {
        "baseline_start": day("2026-03-02"),
        "baseline_finish": day("2026-03-06"),
        "baseline_cost": 10_000,
        "progress": 100,
    },
    {
        "baseline_start": day("2026-03-09"),
        "baseline_finish": day("2026-03-20"),
        "baseline_cost": 30_000,
        "progress": 40,
    },
    {"baseline_start": day("2026-03-23"), "baseline_finish": day("2026-03-27"), "baseline_cost": 10_000, "progress": 0},
]


def plan(tasks: Sequence[Mapping[str, Any]] = V2, **fields: Any) -> Any:
    return snapshot(
        day("2026-03-13"),
        project=[{"actual_start": day("2026-03-02"), **fields}],
        task=[dict(one) for one in tasks],
        milestone=[{"baseline_finish": day("2026-03-27")}],
    )


def test_behind_plan_m39() -> None:
    behind = of("project.behind_plan", plan())

    assert (behind["value"], behind["state"], behind["unit"]) == (6, "green", "pp")


def test_behind_plan_by_duration() -> None:
    tasks = [
        {**one, "baseline_cost": None, "baseline_duration": days * 480}
        for one, days in zip(V2, (5, 10, 5), strict=True)
    ]

    behind = of("project.behind_plan", plan(tasks))

    assert behind["value"] == 5


def test_behind_plan_shows_what_it_compares_once_it_matters() -> None:
    behind = of("project.behind_plan", plan([V2[0], {**V2[1], "progress": 0}, V2[2]]))

    assert (behind["value"], behind["state"]) == (30, "red")
    assert behind["evidence"] == {"planned_progress": "50", "actual_progress": "20", "weight": "cost"}


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ([{"progress": 50}], "missing task.baseline_finish"),
        ([{**V2[0], "baseline_cost": None}], "missing task.baseline_duration"),
        ([V2[0], {**V2[1], "progress": None}, V2[2]], "missing task.progress on 1 of 3 rows"),
        ([V2[0], {**V2[1], "baseline_start": None}, V2[2]], "missing task.baseline_start on 1 of 3 rows"),
    ],
)
def test_behind_plan_that_cannot_be_said_is_grey(tasks: Sequence[Mapping[str, Any]], reason: str) -> None:
    behind = of("project.behind_plan", plan(tasks))

    assert (behind["state"], behind["reason"]) == ("grey", reason)


def test_behind_plan_says_which_rows_it_left_out() -> None:
    behind = of("project.behind_plan", plan([*V2, {"progress": 50}]))

    assert (behind["value"], behind["note"]) == (6, "1 of 4 rows left out")


def test_behind_plan_of_what_has_not_begun_is_not_asked() -> None:
    behind = of("project.behind_plan", plan([{**V2[0], "progress": 0}], actual_start=None))

    assert (behind["state"], behind["reason"]) == ("na", "not started")


def test_a_finished_project_keeps_its_last_values() -> None:
    known = project(
        baseline_start=day("2026-01-05"),
        baseline_finish=day("2026-06-30"),
        forecast_finish=day("2026-07-10"),
        actual_finish=day("2026-07-10"),
    )

    late = of("project.finish_variance", known)

    assert (late["state"], late["reason"], late["value"]) == ("na", "finished", 6.557377)


# --- all of them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_measure_survives_a_portfolio_without_rows(name: str) -> None:
    (one,) = found(MEASURES, snapshot(project=[]), {"measure": name})

    assert not one.failed
    assert one.frame.is_empty()
