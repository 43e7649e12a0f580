"""Sprints: the vectors A-01 to A-12 of spec measures 4.6, the small samples of 4.10, and what is not asked or known."""

from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import agile
from snapshots import catalogue, evidence, finding, found, snapshot, states
from sprints import SPRINT, TICKETS, TODAY, Rows, both, day, earlier, item, known, sprint

from pmo_watch.api import computed_colours

MEASURES = catalogue(*agile.pmo_watch_measures())
FEW = {name: (3, 3, "done" if name in {"S1", "S2"} else "open") for name in ("S1", "S2", "S3", "S4")}
UNESTIMATED = {name: (None, None, fate) for name, (_, _, fate) in TICKETS.items()}


def of(measure: str, rows: dict[str, Rows], today: date = TODAY, **params: Any) -> dict[str, Any]:
    """Return the finding on the first sprint, as it comes in the order of uids."""
    (one,) = found(MEASURES, known(rows, today), {"measure": measure, **({"with": params} if params else {})})
    assert not one.failed, one.failed
    row = next(row for row in one.frame.to_dicts() if row["uid"] == SPRINT)
    return {**row, "evidence": evidence(one).get(SPRINT, {})}


def said(of: dict[str, Any]) -> tuple[object, ...]:
    return of["state"], of["value"], of["reason"], of["note"]


def test_what_a_sprint_began_with_and_delivered_a01() -> None:
    (row,) = known(sprint()).frame("sprint").to_dicts()

    assert (row["committed_items"], row["committed_points"], row["done_points"]) == (8, 39, 29)
    assert row["project"] == "project:p1"


@pytest.mark.parametrize(
    ("measure", "params", "value", "state"),
    [
        pytest.param("sprint.predictability", {}, 62.5, "red", id="A-02"),
        pytest.param("sprint.predictability", {"weigh": "points"}, 61.538462, "red", id="A-03"),
        pytest.param("sprint.spillover", {}, 38.461538, "red", id="A-04"),
        pytest.param("sprint.spillover", {"removed_counts": False}, 33.333333, "red", id="A-05"),
        pytest.param("sprint.spillover", {"weigh": "items"}, 37.5, "red", id="A-04 in items"),
        pytest.param("sprint.scope_change", {}, 30.769231, "red", id="A-06"),
        pytest.param("sprint.scope_change", {"weigh": "items"}, 37.5, "red", id="A-06 in items"),
    ],
)
def test_closed_sprint(measure: str, params: dict[str, Any], value: float, state: str) -> None:
    one = of(measure, sprint(), **params)

    assert (one["value"], one["state"]) == (value, state)


def test_evidence_names_the_tickets_with_most_points_first() -> None:
    assert of("sprint.predictability", sprint())["evidence"]["not_finished"] == "S5, S4, S7"
    changed = of("sprint.scope_change", sprint())["evidence"]
    assert (changed["added"], changed["removed"]) == ("S10, S9", "S7")


def test_velocity_is_compared_with_the_sprints_before_a07() -> None:
    one = of("sprint.velocity_deviation", both(sprint(), earlier(34, 30, 32, 28, 36)))

    assert (one["value"], one["state"]) == (-9.375, "green")


def test_velocity_looks_at_no_more_sprints_than_asked() -> None:
    one = of("sprint.velocity_deviation", both(sprint(), earlier(100, 30, 29, 28)), over="3 sprints")

    assert one["value"] == 0


def test_velocity_needs_three_sprints_before() -> None:
    one = of("sprint.velocity_deviation", both(sprint(), earlier(30, 32)))

    assert (one["state"], one["reason"]) == ("grey", "needs 3 samples, has 2")


def test_velocity_counts_items_where_nothing_is_estimated() -> None:
    before = earlier(1, 1, 1)
    for place in before["sprint_item"]:
        place |= {"points_at_start": None, "points_at_close": None}

    one = of("sprint.velocity_deviation", both(sprint(UNESTIMATED), before))

    assert (one["value"], one["note"]) == (500, "items counted: no estimates")


def test_few_items_are_amber_at_worst_a08() -> None:
    one = of("sprint.predictability", sprint(FEW))

    assert said(one) == ("amber", 50, None, "small sample: 2 of 4")


def test_one_of_four_is_amber_h07() -> None:
    tickets = {name: (3, 3, "open" if name == "S1" else "done") for name in FEW}
    rule = {"measure": "sprint.spillover", "amber": "over 10 %", "red": "over 20 %", "with": {"weigh": "items"}}

    one = finding(MEASURES, known(sprint(tickets)), rule)

    assert said(one) == ("amber", 25, None, "small sample: 1 of 4")


def test_sprint_that_began_empty_a09() -> None:
    rows = sprint({"S9": TICKETS["S9"], "S10": TICKETS["S10"]})

    assert said(of("sprint.predictability", rows)) == ("na", None, "nothing due yet", None)
    assert said(of("sprint.predictability", rows, weigh="points"))[:3] == ("na", None, "nothing due yet")
    assert said(of("sprint.spillover", rows)) == ("na", None, "nothing due yet", None)
    change = of("sprint.scope_change", rows)
    assert (change["state"], change["reason"]) == ("grey", "invalid sprint.committed_points: 0")


def test_without_estimates_items_are_carried_over_and_it_is_said() -> None:
    one = of("sprint.spillover", sprint(UNESTIMATED))

    assert said(one) == ("red", 37.5, None, "items counted: no estimates")


def test_without_estimates_points_are_missing() -> None:
    kept = of("sprint.predictability", sprint(UNESTIMATED), weigh="points")

    for one in (kept, of("sprint.scope_change", sprint(UNESTIMATED))):
        assert (one["state"], one["reason"]) == ("grey", "missing sprint.committed_points")


def test_what_came_without_points_is_left_out_and_said() -> None:
    one = of("sprint.scope_change", sprint({**TICKETS, "S9": (None, None, "added, done")}))

    assert (one["value"], one["note"]) == (pytest.approx(9 / 39 * 100), "1 of 3 rows left out")


def test_unknown_commitment_is_grey() -> None:
    rows = sprint()
    rows["sprint_item"][0]["committed"] = None
    some = of("sprint.predictability", rows)
    for place in rows["sprint_item"]:
        place["committed"] = None

    assert (some["state"], some["reason"]) == ("grey", "missing sprint_item.committed on 1 of 10 rows")
    assert of("sprint.predictability", rows)["reason"] == "missing sprint.committed_items"


def test_sub_tasks_are_in_no_figure() -> None:
    rows = sprint()
    rows["task"].append({"uid": "t:sub", "id": "SUB", "is_subtask": True, "parent": "t:S1"})
    rows["sprint_item"].append(item("sub", 50, 50, "open"))

    assert of("sprint.predictability", rows)["value"] == 62.5
    assert of("sprint.spillover", rows)["value"] == 38.461538


@pytest.mark.parametrize(
    ("state", "reason"), [("future", "not started"), ("active", "too early"), ("closed", "older sprint")]
)
def test_only_the_latest_closed_sprint_of_a_board_is_asked(state: str, reason: str) -> None:
    later = {"uid": "sprint:2", "board": "board:1", "state": "closed", "completed_on": day("05-12")}
    rows = sprint(state=state)
    rows["sprint"].append(later)

    for measure in ("predictability", "spillover", "scope_change", "velocity_deviation"):
        assert of(f"sprint.{measure}", rows)["reason"] == reason


@pytest.mark.parametrize(
    ("fields", "reason"), [({"state": "closed"}, "closed"), ({"state": "on_hold"}, "on hold"), ({"state": None}, None)]
)
def test_sprint_of_a_project_that_does_not_run_is_not_asked(fields: dict[str, Any], reason: str | None) -> None:
    rows = sprint() | {"project": [{"code": "P1", **fields}]}

    assert of("sprint.predictability", rows)["reason"] == reason


# --- running sprints ----------------------------------------------------------------------------------------------

# Two weeks without a holiday from Monday the 13th of April: ten working days.
RUNNING: dict[str, Any] = {"state": "active", "start_on": day("04-13"), "end_on": day("04-24"), "completed_on": None}


def burning(commitment: int, remaining: int, gone: int) -> dict[str, Any]:
    """Return the burndown gap of a sprint on the morning after so many of its working days."""
    rows = sprint(
        {"S1": (remaining, remaining, "open"), "S2": (commitment - remaining, commitment - remaining, "open")}
    )
    rows["sprint"][0] |= RUNNING
    rows["sprint_item"][1]["done_on"] = day("04-13")
    mornings = ("04-14", "04-15", "04-16", "04-17", "04-20", "04-21", "04-22", "04-23", "04-24", "04-27")
    return of("sprint.burndown_gap", rows, day(mornings[gone - 1]))


@pytest.mark.parametrize(
    ("gone", "remaining", "state", "value", "reason"),
    [
        pytest.param(5, 28, "amber", 20, None, id="A-10"),
        pytest.param(8, 20, "amber", 30, None, id="A-11"),
        pytest.param(4, 28, "na", None, "not in window", id="A-12"),
        pytest.param(10, 16, "red", 40, None, id="over"),
    ],
)
def test_burndown(gone: int, remaining: int, state: str, value: float | None, reason: str | None) -> None:
    one = burning(40, remaining, gone)

    assert (one["state"], one["value"] if state != "na" else None, one["reason"]) == (state, value, reason)


def test_burndown_counts_what_was_added_and_not_what_left_or_was_done_today() -> None:
    rows = sprint(
        {"S1": (20, 20, "done"), "S2": (10, 10, "open"), "S3": (10, 10, "removed"), "S4": (None, 4, "added, open")}
    )
    rows["sprint"][0] |= RUNNING
    for place, on in zip(rows["sprint_item"], ("done_on", "", "removed_on", "added_on"), strict=True):
        place.update({on: day("04-21" if on == "done_on" else "04-14")} if on else {})

    one = of("sprint.burndown_gap", rows, day("04-21"), **{"from": "60 %"})

    # Six of ten days are gone, 16 of 40 points should remain, and 34 do: S1 was done on the seventh day.
    assert (one["numerator"], one["value"], one["state"]) == (18, 45, "red")
    assert one["evidence"]["not_finished"] == "S1, S2, S4"


def test_burndown_of_a_list_counts_estimates_where_the_sprint_has_no_points_at_its_close_yet() -> None:
    rows = sprint({"S1": (28, None, "open"), "S2": (12, None, "done")})
    rows["sprint"][0] |= RUNNING
    rows["task"] = [{"uid": "t:S1", "id": "S1", "story_points": 30}, {"uid": "t:S2", "id": "S2"}]
    rows["sprint_item"][1]["done_on"] = day("04-13")

    one = of("sprint.burndown_gap", rows, day("04-20"))

    # Half of the days are gone: 20 of 40 points should remain, and 30 do, after S1 was estimated anew.
    assert (one["numerator"], one["value"], one["note"]) == (10, 25, None)


def test_burndown_without_days_or_points_is_grey() -> None:
    assert of("sprint.burndown_gap", sprint(**{**RUNNING, "end_on": None}))["reason"] == "missing sprint.end_on"
    late = of("sprint.burndown_gap", sprint(UNESTIMATED, **RUNNING))
    assert (late["state"], late["reason"]) == ("grey", "missing sprint.committed_points")
    upside = of("sprint.burndown_gap", sprint(**{**RUNNING, "end_on": day("04-10")}))
    assert upside["reason"] == "invalid sprint.end_on: no working day since sprint.start_on"


@pytest.mark.parametrize(("state", "reason"), [("future", "not started"), ("closed", "closed")])
def test_burndown_is_of_the_running_sprint(state: str, reason: str) -> None:
    assert of("sprint.burndown_gap", sprint(**{**RUNNING, "state": state}))["reason"] == reason


@pytest.mark.parametrize(
    ("fields", "state", "value"),
    [
        ({"state": "active", "end_on": day("05-12")}, "green", 1),
        ({"state": "active", "end_on": day("05-08")}, "amber", 3),
        ({"state": "future", "start_on": day("05-07")}, "red", 4),
        ({"state": "future", "start_on": day("05-18")}, "green", 0),
    ],
)
def test_sprint_that_is_ended_or_begun_late(fields: dict[str, Any], state: str, value: float) -> None:
    one = of("sprint.transition_late", sprint(**{**RUNNING, **fields}))

    assert (one["state"], one["value"]) == (state, value)


def test_team_without_a_sprint_is_told_of_beside_the_next_one() -> None:
    rows = both(sprint(state="future", start_on=day("05-04"), end_on=day("05-18"), completed_on=None), earlier(5))

    assert of("sprint.transition_late", rows)["evidence"]["board.no_sprint"] == "12"
    rows["sprint"].append({"uid": "sprint:9", "board": "board:1", "state": "active", "end_on": day("05-20")})
    assert of("sprint.transition_late", rows)["evidence"]["board.no_sprint"] is None


def test_transition_is_asked_of_no_closed_sprint_and_no_kanban_board() -> None:
    kanban = sprint(state="active")
    kanban["board"][0]["type"] = "kanban"

    assert of("sprint.transition_late", sprint())["reason"] == "closed"
    assert of("sprint.transition_late", kanban)["reason"] == "out of scope"


def test_sprint_without_its_day_is_grey() -> None:
    active = of("sprint.transition_late", sprint(state="active", end_on=None))
    future = of("sprint.transition_late", sprint(state="future", start_on=None))

    assert (active["reason"], future["reason"]) == ("missing sprint.end_on", "missing sprint.start_on")


# --- estimates, and tickets that are carried along ----------------------------------------------------------------


def test_tickets_without_an_estimate() -> None:
    rows = sprint()
    rows["task"][0]["story_points"] = rows["task"][3]["story_points"] = None

    one = of("sprint.unestimated", rows)

    assert (one["value"], one["state"], one["evidence"]["not_estimated"]) == (25, "amber", "S1, S4")


def test_team_that_estimates_nothing_is_not_asked_for_estimates() -> None:
    one = of("sprint.unestimated", sprint(UNESTIMATED))

    assert said(one)[:3] == ("na", 100, "not configured")


def carried(places: int, **fields: Any) -> dict[str, Any]:
    """Return the finding on a ticket that was in so many closed sprints and in the running one."""
    rows = earlier(*[5] * places)
    for place in rows["sprint_item"]:
        place |= {"task": "t:long", "done_on": None}
    rows["task"] = [{"uid": "t:long", "id": "LONG", "sprint": ["sprint:now"], **fields}]
    rows["sprint"].append({"uid": "sprint:now", "board": "board:1", "state": "active"})
    rows["sprint_item"].append(item("long", 5, 5, "open", "sprint:now"))
    return finding(MEASURES, known(rows), {"measure": "task.unfinished_sprints"})


@pytest.mark.parametrize(("places", "state"), [(0, "green"), (1, "green"), (2, "amber"), (3, "red")])
def test_ticket_that_goes_from_sprint_to_sprint(places: int, state: str) -> None:
    one = carried(places)

    assert (one["value"], one["state"]) == (places, state)


def test_done_tickets_and_those_never_planned_are_not_asked() -> None:
    new = finding(MEASURES, snapshot(TODAY, task=[{"uid": "t:new"}]), {"measure": "task.unfinished_sprints"})

    assert carried(3, done=True)["reason"] == "done"
    assert carried(3, is_subtask=True)["reason"] == "out of scope"
    assert (new["state"], new["reason"]) == ("na", "out of scope")


def test_ticket_whose_past_sprints_are_not_known_is_grey() -> None:
    planned = [{"uid": "t:new", "sprint": ["sprint:now"]}]

    one = finding(MEASURES, snapshot(TODAY, task=planned), {"measure": "task.unfinished_sprints"})

    assert (one["state"], one["reason"]) == ("grey", "missing sprint_item.committed")


def test_sprint_counts_in_the_colour_of_its_boards_project() -> None:
    snap = known(sprint())
    late = found(MEASURES, snap, {"measure": "sprint.predictability"})

    colours = computed_colours(late, {"rule-1": "scope"}, snap)

    assert colours.rows() == [("project:p1", "overall", "red"), ("project:p1", "scope", "red")]


def test_condition_on_the_project_of_a_board() -> None:
    rows = both(sprint(), {"board": [{"uid": "board:2", "project": ["project:p1", "project:p2"]}]})
    rows["sprint"].append({**rows["sprint"][0], "uid": "sprint:2", "board": "board:2", "project": None})
    rule = {"measure": "sprint.predictability", "only_if": {"project.code": "P1"}}

    (one,) = found(MEASURES, known(rows), rule)

    assert states(one) == ["red", "grey"]
