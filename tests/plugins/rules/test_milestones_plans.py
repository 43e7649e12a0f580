"""Slack, links and plans: the vectors M-30 to M-39 of spec measures 4.2, and what lies beside them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, finding, found, snapshot

MEASURES = catalogue(*milestones.pmo_watch_measures())
JULY_17 = date(2026, 7, 17)


def day(text: str) -> date:
    return date.fromisoformat(text)


def of(measure: str, known: Any, **params: Any) -> dict[str, Any]:
    """Return the only finding of a measure, with its default thresholds."""
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


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


@pytest.mark.parametrize(
    ("lag", "value", "reason"), [(480, None, "invalid project.minutes_per_day: 0"), (0, 1, None)], ids=["lag", "none"]
)
def test_a_lag_needs_days_that_have_minutes(lag: int, value: float | None, reason: str | None) -> None:
    rows: Any = {"task": [dict(WEEK), dict(NEXT)], "dependency": [{**link(1, 2), "external": True, "lag": lag}]}

    left = of("dependency.conflict", snapshot(project=[{"code": "P1", "minutes_per_day": 0}], **rows))

    assert (left["value"], left["reason"]) == (value, reason)


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
