"""The network of a plan: the vectors S-01 to S-03 of spec measures 4.5, links, lags, constraints, and real plans."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import schedule_quality
from pmo_watch_plugins.rules.schedule_quality.critical import network_slack
from snapshots import catalogue, finding, snapshot

from pmo_watch.contracts import View
from pmo_watch.flow import Snapshot
from pmo_watch.view import Tables
from pmo_watch.workdays import Calendar

MEASURES = catalogue(*schedule_quality.pmo_watch_measures())
MONDAY = date(2026, 3, 2)
DAY = 480


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def uid(name: str) -> str:
    return f"plans:task:{name.lower()}"


def row(name: str, days: float | None, **more: Any) -> dict[str, Any]:
    minutes = None if days is None else int(days * DAY)
    return {"uid": uid(name), "name": name, "duration": minutes, "constraint_type": "asap", **more}


def link(before: str, after: str, kind: str = "fs", days: float = 0, **more: Any) -> dict[str, Any]:
    return {"predecessor": uid(before), "successor": uid(after), "type": kind, "lag": int(days * DAY), **more}


def known(rows: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]], **project: Any) -> Snapshot:
    facts = {"code": "P1", "status_date": MONDAY, "forecast_start": MONDAY, "minutes_per_day": DAY, **project}
    numbered = [{"position": number, **one} for number, one in enumerate(rows, 1)]
    return snapshot(MONDAY, project=[facts], task=numbered, dependency=list(links))


def slack(plan: Snapshot) -> dict[str, float]:
    """Return the total slack of each row in days, by name."""
    found = network_slack(View("project", Tables(plan).table("project").rows, plan))
    named = found.join(plan.frame("task").select("uid", "name"), on="uid")
    return dict(zip(named["name"], (named["slack"] / DAY).to_list(), strict=True))


def path_of(plan: Snapshot, **params: Any) -> dict[str, Any]:
    rule = {"measure": "schedule.critical_path_test", **({"with": params} if params else {})}
    return finding(MEASURES, plan, rule)


def vector(**changes: Mapping[str, Any]) -> Snapshot:
    """Return the plan of spec measures 4.5: A, then B and C, and a milestone after both."""
    rows = [row("A", 5), row("B", 10), row("C", 3), row("M", 0, is_milestone=True)]
    links = [link("A", "B"), link("A", "C"), link("B", "M"), link("C", "M")]
    return known([{**one, **changes.get(one["name"], {})} for one in rows], links)


def test_the_end_moves_with_the_critical_path_s_01() -> None:
    left = path_of(vector())

    assert (left["value"], left["state"]) == (0, "green")


def test_a_hard_constraint_stops_it_s_02() -> None:
    left = path_of(vector(B={"constraint_type": "must_finish_on", "constraint_date": day("03-20")}))

    assert (left["value"], left["state"]) == (1, "red")
    assert left["evidence"] == {"delayed_task": "A", "end_moved_days": "593", "delay_days": "600"}


def test_total_slack_s_03() -> None:
    assert slack(vector()) == {"A": 0, "B": 0, "C": 7, "M": 0}


def test_atpath_of() -> None:
    def of(**project: Any) -> tuple[str, float | None, str | None]:
        plan = known([row("A", 5)], [], **project)
        left = path_of(plan, method="attested")
        return left["state"], left["value"], left["reason"]

    assert of() == ("grey", None, "missing project.critical_path_test")
    assert of(critical_path_test="passed") == ("grey", None, "missing project.critical_path_test_on")
    assert of(critical_path_test="passed", critical_path_test_on=MONDAY) == ("green", 0, None)
    assert of(critical_path_test="failed", critical_path_test_on=MONDAY) == ("red", 1, None)
    assert of(critical_path_test="passed", critical_path_test_on=date(2025, 11, 3)) == (
        "grey",
        None,
        "project.critical_path_test_on is 84 wd old, limit 60",
    )


@pytest.mark.parametrize(
    ("plan", "state", "reason"),
    [
        (known([row("A", 5)], []), "grey", "missing task.predecessor_count"),
        (vector(B={"duration": None}), "grey", "missing task.duration on 1 of 4 rows"),
        (known([row("A", 5), row("B", 5)], [link("A", "B"), link("B", "A")]), "grey",
         "invalid dependency.predecessor: circle of links"),
        (known([row("A", 5, progress=100), row("B", 5, progress=100)], [link("A", "B")]), "na", "done"),
        (known([row("A", 5), row("B", 1)], [link("A", "B")], minutes_per_day=0), "grey",
         "invalid project.minutes_per_day: 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_said(plan: Snapshot, state: str, reason: str) -> None:
    left = path_of(plan)

    assert (left["state"], left["reason"]) == (state, reason)


# --- links, lags, constraints: B follows A (5 days), E (20 days) is the end ---------------------------------------


@pytest.mark.parametrize(
    ("tie", "left"),
    [
        (link("A", "B"), {"A": 10, "B": 10}),
        (link("A", "B", days=2), {"A": 8, "B": 8}),
        (link("A", "B", days=-2), {"A": 12, "B": 12}),
        (link("A", "B", "ss", 2), {"A": 13, "B": 13}),
        (link("A", "B", "ff", 2), {"A": 13, "B": 13}),
        (link("A", "B", "sf", 6), {"A": 14, "B": 14}),
        (link("A", "B", "blocks"), {"A": 10, "B": 10}),
        (link("A", "B", lag_percent=40), {"A": 8, "B": 8}),
        # From Friday evening: two days later it is Sunday evening, four days later Tuesday evening.
        (link("A", "B", days=6, lag_elapsed=True), {"A": 10, "B": 10}),
        (link("A", "B", days=12, lag_elapsed=True), {"A": 8, "B": 8}),
    ],
)
def test_slack_by_kind_of_link_and_lag(tie: Mapping[str, Any], left: Mapping[str, float]) -> None:
    plan = known([row("A", 5), row("B", 5), row("E", 20)], [tie])

    assert {name: days for name, days in slack(plan).items() if name != "E"} == left


@pytest.mark.parametrize(
    ("constraint", "on", "left"),
    [
        ("asap", None, 10),
        ("alap", None, 10),
        ("start_no_earlier", "03-16", 5),
        ("finish_no_earlier", "03-20", 5),
        ("start_no_later", "03-11", 2),
        ("finish_no_later", "03-17", 2),
        ("finish_no_later", "03-12", 0),
        ("must_start_on", "03-11", 0),
        ("must_finish_on", "03-17", 0),
    ],
)
def test_slack_under_a_constraint(constraint: str, on: str | None, left: float) -> None:
    held = {"constraint_type": constraint, "constraint_date": day(on) if on else None}
    plan = known([row("A", 5), row("B", 5, **held), row("E", 20)], [link("A", "B")])

    assert slack(plan)["B"] == left


def test_a_constraint_that_links_break_makes_slack_negative() -> None:
    held = {"constraint_type": "finish_no_later", "constraint_date": day("03-12")}
    plan = known([row("A", 5), row("B", 5, **held), row("E", 20)], [link("A", "B")])

    assert slack(plan)["A"] == -1


def test_a_deadline_takes_slack() -> None:
    plan = known([row("A", 5), row("B", 5, deadline=day("03-16")), row("E", 20)], [link("A", "B")])

    assert (slack(plan)["A"], slack(plan)["B"]) == (1, 1)


def test_what_has_begun_starts_when_it_did() -> None:
    begun = {"actual_start": day("03-04"), "progress": 20, "forecast_start": day("03-04")}
    plan = known([row("A", 5, **begun), row("B", 5), row("E", 20)], [link("A", "B")])

    assert (slack(plan)["A"], slack(plan)["B"]) == (8, 8)


def test_what_is_done_finished_when_it_did() -> None:
    done = {"actual_start": day("03-02"), "actual_finish": day("03-10"), "progress": 100}
    plan = known([row("A", 5, **done), row("B", 5), row("E", 20)], [link("A", "B")])

    assert slack(plan)["B"] == 8


def test_a_row_scheduled_by_hand_does_not_move() -> None:
    plan = known(
        [row("A", 5, forecast_start=MONDAY), row("B", 5, manual=True, forecast_start=day("03-09"))], [link("A", "B")]
    )

    left = path_of(plan)

    assert (left["value"], left["evidence"]["end_moved_days"]) == (1, "595")


def test_rows_without_a_known_constraint_start_when_they_are_planned_to() -> None:
    def of(**more: Any) -> float:
        plan = known([row("A", 5, forecast_start=day("03-09"), **more), row("E", 20), row("L", 1)], [link("E", "L")])
        return slack(plan)["A"]

    assert (of(constraint_type=None), of(constraint_type="asap")) == (11, 16)


def test_links_of_summaries_tie_what_lies_below() -> None:
    """S holds A (5 days) and B (2), T holds C (3) and D (1): T follows S."""
    rows = [
        {"uid": uid("S"), "name": "S"},
        row("A", 5, parent=uid("S")),
        row("B", 2, parent=uid("S")),
        {"uid": uid("T"), "name": "T"},
        row("C", 3, parent=uid("T")),
        row("D", 1, parent=uid("T")),
    ]

    assert slack(known(rows, [link("S", "T")])) == {"A": 0, "B": 3, "C": 0, "D": 2}


@pytest.mark.parametrize(
    ("tie", "left"),
    [
        (link("S", "B", "ss", 1), {"A": 14, "L": 11, "B": 14}),
        (link("S", "B", "ff", 1), {"A": 14, "L": 10, "B": 10}),
        (link("B", "S", "ss", 1), {"A": 14, "L": 11, "B": 13}),
        (link("B", "S", "ff", 6), {"A": 15, "L": 9, "B": 9}),
    ],
)
def test_other_links_of_summaries_tie_their_beginning_and_end(
    tie: Mapping[str, Any], left: Mapping[str, float]
) -> None:
    """S holds A, 5 days, then L, 6 days from the Thursday; B takes 5 days, E is the end after 20."""
    rows = [
        {"uid": uid("S"), "name": "S"},
        row("A", 5, parent=uid("S"), forecast_start=day("03-02"), forecast_finish=day("03-06")),
        row("L", 6, parent=uid("S"), forecast_start=day("03-05"), forecast_finish=day("03-12"),
            constraint_type="start_no_earlier", constraint_date=day("03-05")),
        row("B", 5),
        row("E", 20),
    ]  # fmt: skip

    found = slack(known(rows, [tie]))

    assert {name: found[name] for name in left} == left


@pytest.mark.parametrize(
    ("tie", "left"),
    [
        (link("A", "B"), 8),
        (link("A", "B", days=1), 7),
        (link("A", "B", "ss", days=1), 12),
        (link("A", "B", "ff", days=1), 12),
        (link("A", "B", days=9, lag_elapsed=True), 5),
        (link("A", "B", lag=None, lag_percent=50), 8),
    ],
)
def test_a_row_of_another_plan_holds_by_its_dates(tie: Mapping[str, Any], left: float) -> None:
    other = row("A", 5, project="project:p2", forecast_start=day("03-04"), forecast_finish=day("03-10"))
    facts = {"status_date": MONDAY, "forecast_start": MONDAY}
    plan = snapshot(
        MONDAY,
        project=[{"code": "P1", **facts}, {"code": "P2", **facts}],
        task=[row("B", 5), row("E", 20), other],
        dependency=[tie],
    )

    assert slack(plan)["B"] == left


def test_a_plan_beyond_its_calendar_is_grey() -> None:
    facts = {"code": "P1", "status_date": MONDAY, "forecast_start": MONDAY}
    late = row("B", 5, deadline=date(2027, 3, 1))
    short = Calendar("short", last=date(2026, 12, 31))
    plan = snapshot(MONDAY, calendars=[short], project=[facts], task=[row("A", 5), late], dependency=[link("A", "B")])

    assert path_of(plan)["reason"] == "invalid calendar.id: short does not cover the plan"


def test_float_is_computed_where_the_source_gives_none() -> None:
    plan = vector(C={"duration": 10}, B={"duration": 50 * DAY})

    left = finding(MEASURES, plan, {"measure": "schedule.high_float"})
    none = finding(MEASURES, plan, {"measure": "schedule.negative_float"})

    assert (left["numerator"], left["denominator"], left["state"]) == (1, 3, "amber")
    assert left["note"].startswith("slack computed over the network")
    assert (none["value"], none["state"], none["note"]) == (0, "green", "slack computed over the network")


def test_no_rows_have_no_slack() -> None:
    assert slack(known([], [])) == {}
