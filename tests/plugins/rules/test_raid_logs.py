"""Issues, actions, changes and dependencies: the vectors R-14 and R-15 of spec measures 4.8, and the edges."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import raid
from snapshots import catalogue, finding, found, snapshot

from pmo_watch.flow import Since, Wish

MEASURES = catalogue(*raid.pmo_watch_measures())
WEDNESDAY = date(2026, 3, 11)
ANN, BOB = "person:ann@example.org", "person:bob@example.org"


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def of(measure: str, /, params: dict[str, Any] | None = None, seen: str = "", **row: Any) -> dict[str, Any]:
    """Return the finding on one row of the log that the measure is for. `seen`: when its id was first read."""
    log = measure.partition(".")[0]
    first = pl.DataFrame({"uid": [f"plans:{log}:1"], "since": [day(seen)]}) if seen else None
    past: dict[Wish, pl.DataFrame] = {} if first is None else {Since(log, "id"): first}
    rows: dict[str, Any] = {log: [row]}
    rule = {"measure": measure, **({"with": params} if params else {})}
    return finding(MEASURES, snapshot(WEDNESDAY, past=past, **rows), rule)


# --- where a log does not say since when --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "row", "value"),
    [
        ("issue.age", {"status": "open", "urgency": 3}, 7),
        ("issue.not_escalated", {"status": "open", "urgency": 5}, 7),
        ("change.age", {"status": "submitted"}, 7),
        ("risk.review_late", {"status": "approved", "likelihood": 4, "impact": 4}, 2),
        ("decision.days_left", {}, 3),
    ],
)
def test_an_entry_counts_from_the_day_it_was_first_read_where_it_says_no_day(
    measure: str, row: dict[str, Any], value: int
) -> None:
    told = of(measure, seen="03-02", **row)

    assert told["value"] == value
    assert told["note"] in {"counted from the day it was first seen", "assumed 10 wd after it was asked for"}


def test_the_day_that_an_entry_says_comes_first_and_needs_no_word() -> None:
    told = of("issue.age", seen="03-02", status="open", urgency=3, raised_on=day("03-09"))

    assert (told["value"], told["note"]) == (2, None)


def test_the_first_reading_is_asked_for_by_each_measure_that_counts_from_it() -> None:
    asking = {name for name, one in MEASURES.items() if Since(one.entity, "id") in one.past(one.params())}

    assert asking == {"issue.age", "issue.not_escalated", "change.age", "risk.review_late", "decision.days_left"}


# --- issues -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "value", "state"), [("03-11", 0, "amber"), ("03-09", 2, "amber"), ("03-06", 3, "red")]
)
def test_a_grave_issue_that_nobody_escalated_is_found_at_once(raised: str, value: int, state: str) -> None:
    told = of("issue.not_escalated", status="open", urgency=5, raised_on=day(raised))

    assert (told["value"], told["state"]) == (value, state)


def test_an_issue_that_was_escalated_is_at_nothing_and_green() -> None:
    told = of("issue.not_escalated", status="open", impact=5, raised_on=day("01-05"), escalated=True)

    assert (told["value"], told["state"]) == (0, "green")


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        ({"status": "open", "urgency": 4}, "na", "out of scope"),
        ({"status": "resolved", "urgency": 5}, "na", "closed"),
        ({"status": "open"}, "grey", "missing issue.severity"),
        ({"status": "open", "urgency": 5, "raised_on": None}, "grey", "missing issue.raised_on"),
    ],
)
def test_mild_resolved_and_unassessed_issues_need_no_escalation(row: dict[str, Any], state: str, reason: str) -> None:
    told = of("issue.not_escalated", **{"raised_on": day("03-02"), **row})

    assert (told["state"], told["reason"]) == (state, reason)


def test_from_which_severity_on_is_the_rules_own() -> None:
    told = of("issue.not_escalated", {"severity": 4}, status="open", urgency=4, raised_on=day("03-09"))

    assert told["value"] == 2


@pytest.mark.parametrize("measure", ["issue.overdue", "action.overdue"])
def test_what_is_not_due_is_not_overdue(measure: str) -> None:
    name = "target_date" if measure == "issue.overdue" else "due"

    row: dict[str, Any] = {name: day("04-01")}
    early = of(measure, status="open", **row)

    assert (early["value"], early["state"]) == (0, "green")
    assert of(measure, status="open")["reason"] == f"missing {measure.partition('.')[0]}.{name}"


@pytest.mark.parametrize(("due", "value", "state"), [("03-10", 1, "amber"), ("03-04", 5, "amber"), ("03-03", 6, "red")])
def test_an_issue_is_overdue_from_the_day_after(due: str, value: int, state: str) -> None:
    told = of("issue.overdue", status="postponed", target_date=day(due))

    assert (told["value"], told["state"]) == (value, state)


def test_a_closed_issue_is_never_overdue() -> None:
    assert of("issue.overdue", status="closed", target_date=day("01-05"))["reason"] == "closed"


# --- actions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "value", "state"), [("03-10", 1, "amber"), ("02-25", 10, "amber"), ("02-24", 11, "red")]
)
def test_an_action_is_overdue_from_the_day_after(due: str, value: int, state: str) -> None:
    told = of("action.overdue", due=day(due))

    assert (told["value"], told["state"]) == (value, state)


@pytest.mark.parametrize(("status", "reason"), [("done", "done"), ("cancelled", "cancelled")])
def test_an_action_that_is_over_is_not_asked_about(status: str, reason: str) -> None:
    told = of("action.overdue", status=status, due=day("01-05"))

    assert (told["state"], told["reason"]) == ("na", reason)


def test_how_many_actions_of_the_same_person_are_overdue_is_counted_over_all_projects() -> None:
    projects = [{"code": "P1"}, {"code": "P2"}, {"code": "P3", "state": "closed"}]
    late: dict[str, Any] = {"due": day("03-02")}
    early = {"due": day("04-02")}
    actions: list[dict[str, Any]] = [
        {**late, "owner": ANN},
        {**late, "owner": ANN, "project": "project:p2"},
        {**early, "owner": ANN},
        {**late, "owner": ANN, "status": "done"},
        {**late, "owner": ANN, "project": "project:p3"},
        {**late, "owner": BOB},
        {"due": WEDNESDAY, "owner": BOB},
        late,
    ]
    rule = {"measure": "action.overdue", "amber": {"any": [{"measure": "action.overdue_of_owner", "is": "at least 2"}]}}

    (told,) = found(MEASURES, snapshot(WEDNESDAY, project=projects, action=actions), rule)

    assert told.frame["state"].to_list() == ["amber", "amber", "amber", "na", "na", *["green"] * 3]


# --- changes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["submitted", "assessing", "waiting_approval"])
def test_a_request_for_change_waits_until_it_is_decided(status: str) -> None:
    told = of("change.age", status=status, submitted_on=day("02-24"))

    assert (told["value"], told["state"]) == (11, "amber")


def test_a_request_for_change_that_waits_for_a_month_is_red() -> None:
    assert of("change.age", status="submitted", submitted_on=day("02-10"))["state"] == "red"
    assert of("change.age", status="submitted", submitted_on=day("02-11"))["state"] == "amber"


@pytest.mark.parametrize(
    ("status", "reason"),
    [("approved", "done"), ("implemented", "closed"), ("rejected", "closed"), ("postponed", "out of scope")],
)
def test_a_change_that_was_decided_or_put_off_is_not_asked_about(status: str, reason: str) -> None:
    told = of("change.age", status=status, submitted_on=day("01-05"))

    assert (told["state"], told["reason"]) == ("na", reason)


def test_a_change_without_status_or_day_is_grey() -> None:
    assert of("change.age", submitted_on=day("01-05"))["reason"] == "missing change.status"
    assert of("change.age", status="submitted")["reason"] == "missing change.submitted_on"


def volume(changes: list[dict[str, Any]], effort: float | None = 400) -> dict[str, Any]:
    known = snapshot(WEDNESDAY, project=[{"code": "P1", "effort_baseline": effort}], change=changes)
    return finding(MEASURES, known, {"measure": "project.change_volume"})


@pytest.mark.parametrize(
    ("efforts", "value", "state"),
    [
        pytest.param([45], 11.25, "amber", id="R-14"),
        ([40], 10, "green"),
        ([40, 41], 20.25, "red"),
    ],
)
def test_the_effort_of_changes_is_compared_with_the_baseline(efforts: list[int], value: float, state: str) -> None:
    told = volume([{"status": "approved", "effort": hours} for hours in efforts])

    assert (told["value"], told["state"]) == (value, state)


def test_changes_taken_over_count_and_others_do_not() -> None:
    told = volume([{"status": status, "effort": 25} for status in ("approved", "implemented", "rejected", "submitted")])

    assert (told["value"], told["numerator"], told["evidence"]["changes"]) == (12.5, 50, "2")


def test_without_a_change_that_was_taken_over_nothing_is_asked() -> None:
    assert volume([{"status": "submitted", "effort": 20}], None)["reason"] == "nothing due yet"


@pytest.mark.parametrize(
    ("efforts", "baseline", "reason"),
    [
        ([20], None, "missing project.effort_baseline"),
        ([20], 0, "invalid project.effort_baseline: 0"),
        ([20, None], 400, "missing change.effort on 1 of 2 rows"),
        ([None], 400, "missing change.effort"),
    ],
)
def test_volume_is_grey_where_a_figure_is_missing(
    efforts: list[float | None], baseline: float | None, reason: str
) -> None:
    told = volume([{"status": "approved", "effort": hours} for hours in efforts], baseline)

    assert (told["state"], told["reason"]) == ("grey", reason)


# --- dependencies -------------------------------------------------------------------------------------------------

TASKS = [{"name": "Network", "uid": "plans:task:1"}, {"name": "Pilot", "uid": "plans:task:2"}]
LINK = {"predecessor": "plans:task:1", "successor": "plans:task:2"}


def link(
    today: str = "05-20", params: dict[str, Any] | None = None, tasks: list[dict[str, Any]] | None = None, **row: Any
) -> dict[str, Any]:
    known = snapshot(
        day(today),
        project=[{"code": "P1"}, {"code": "P2"}],
        task=tasks or TASKS,
        dependency=[{**LINK, "external": True, **row}],
    )
    return finding(MEASURES, known, {"measure": "dependency.unconfirmed", **({"with": params} if params else {})})


@pytest.mark.parametrize(
    ("needed", "value", "state"),
    [
        pytest.param("06-10", 14, "amber", id="R-15"),
        ("06-04", 10, "red"),
        ("05-13", -4, "red"),
        ("06-18", 20, "amber"),
        ("06-19", 21, "green"),
    ],
)
def test_a_dependency_that_nobody_confirmed_is_found_before_it_is_needed(needed: str, value: int, state: str) -> None:
    told = link(needed_on=day(needed))

    assert (told["value"], told["state"]) == (value, state)


def test_it_is_needed_when_its_successor_starts_where_nobody_says() -> None:
    told = link(tasks=[TASKS[0], {**TASKS[1], "forecast_start": day("06-10")}])

    assert (told["value"], told["note"]) == (14, "needed when the successor starts")
    assert link()["reason"] == "missing dependency.needed_on"


@pytest.mark.parametrize(
    ("row", "tasks", "reason"),
    [
        ({"confirmed_on": day("05-04")}, TASKS, "done"),
        ({}, [{**TASKS[0], "progress": 100}, TASKS[1]], "done"),
        ({"external": False}, TASKS, "out of scope"),
    ],
)
def test_what_is_confirmed_done_or_inside_the_plan_is_not_asked_about(
    row: dict[str, Any], tasks: list[dict[str, Any]], reason: str
) -> None:
    told = link(tasks=tasks, **{"needed_on": day("05-21"), **row})

    assert (told["state"], told["reason"]) == ("na", reason)


def test_a_link_between_two_projects_leads_out_of_the_plan() -> None:
    tasks = [{**TASKS[0], "project": "project:p2"}, TASKS[1]]

    assert link(tasks=tasks, external=False, needed_on=day("06-10"))["state"] == "amber"


def test_links_inside_the_plan_are_asked_about_where_the_rule_says_all() -> None:
    assert link(params={"scope": "all"}, external=False, needed_on=day("06-10"))["state"] == "amber"
