"""Releases, blocked work and defects: the vectors A-13 to A-30 of spec measures 4.6, and what is not asked or known."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import comb
from typing import Any

import pytest
from pmo_watch_plugins.rules import agile
from pmo_watch_plugins.rules.agile.odds import exact, simulated
from snapshots import catalogue, finding, found
from sprints import BOARD, MONDAY, RELEASE, TODAY, Rows, day, finished, known, noon, release

MEASURES = catalogue(*agile.pmo_watch_measures())
STEADY, ODD = [5] * 8, [0, 10] * 4
UNEVEN = [3, 5, 4, 0, 6, 2, 5, 7, 4, 3, 5, 4]
SINCE = {"uid": "t:1"}


def of(measure: str, rows: dict[str, Rows], today: date = TODAY, **params: Any) -> dict[str, Any]:
    return finding(MEASURES, known(rows, today), {"measure": measure, **({"with": params} if params else {})})


# --- the chance of a release --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weeks", "remaining", "left", "chance", "state"),
    [
        pytest.param(STEADY, 20, 3, 0, "red", id="A-20"),
        pytest.param(STEADY, 20, 4, 100, "green", id="A-21"),
        pytest.param(ODD, 10, 1, 50, "amber", id="A-22"),
        pytest.param(ODD, 10, 2, 75, "amber", id="A-23"),
        pytest.param(ODD, 10, 3, 87.5, "green", id="A-24"),
        pytest.param(ODD, 20, 3, 50, "amber", id="A-25"),
        pytest.param(ODD, 20, 5, 81.25, "amber", id="A-26"),
        pytest.param(UNEVEN, 30, 7, 38.77, "red", id="A-27"),
        pytest.param(UNEVEN, 30, 8, 69.86, "amber", id="A-28"),
        pytest.param(UNEVEN, 30, 9, 88.56, "green", id="A-29"),
    ],
)
def test_chance(weeks: Sequence[int], remaining: int, left: int, chance: float, state: str) -> None:
    one = of("release.chance_on_time", release(remaining, left, weeks))
    drawn = of("release.chance_on_time", release(remaining, left, weeks), method="monte_carlo")

    assert (round(one["value"], 2), one["state"]) == (chance, state)
    assert drawn["value"] == pytest.approx(one["value"], abs=2)


def test_days_by_which_it_is_likely_are_shown_a29() -> None:
    rows = release(30, 7, UNEVEN)

    for method in ("exact", "monte_carlo"):
        shown = of("release.chance_on_time", rows, method=method)["evidence"]
        assert shown["p50_date"] == str(TODAY + timedelta(weeks=8))
        assert shown["p85_date"] == str(TODAY + timedelta(weeks=9))
        assert (shown["remaining_items"], shown["mean_throughput"]) == ("30", "4")


def test_same_day_gives_the_same_runs_and_another_day_others() -> None:
    first, again, other = (simulated(UNEVEN, 30, 8, seed) for seed in ("r 2026-05-13", "r 2026-05-13", "r 2026-05-14"))

    assert first == again
    assert first.chance != other.chance


def test_chance_is_exact_for_large_numbers_and_long_times() -> None:
    ((near, _), (far, weeks)) = [(one.chance, one.p85_weeks) for one in exact([0, 1], [(400, 800), (60, 104)])]

    # What is farther away than 520 weeks is as good as that; of a coin the binomial coefficients tell the same.
    assert near == pytest.approx(sum(comb(520, k) for k in range(400, 521)) / 2**520)
    assert far == pytest.approx(sum(comb(104, k) for k in range(60, 105)) / 2**104)
    assert weeks is None


def test_seven_weeks_are_too_few_a30() -> None:
    one = of("release.chance_on_time", release(30, 9, UNEVEN[:7]))

    assert (one["state"], one["reason"]) == ("grey", "needs 8 samples, has 7")


def test_weeks_in_which_nothing_was_finished_count() -> None:
    one = of("release.chance_on_time", release(10, 1, [*[10] * 4, *[0] * 4]))

    assert one["value"] == 50


def test_only_the_last_weeks_asked_for_count_and_no_running_one() -> None:
    rows = release(10, 1, [*[0] * 4, *[10] * 8])
    rows["task"].append({"uid": "t:now", "done": True, "actual_finish": MONDAY})

    assert of("release.chance_on_time", rows, history="8 weeks")["value"] == 100
    assert of("release.chance_on_time", rows)["value"] == 66.666667


def test_growth_is_expected_and_rounded_up() -> None:
    rows = release(20, 4, STEADY)

    assert of("release.chance_on_time", rows, growth="0 %")["value"] == 100
    assert of("release.chance_on_time", rows, growth="1 %")["value"] == 0


def test_release_whose_day_is_near_or_gone_has_no_chance() -> None:
    for days in (6, 0, -20):
        one = of("release.chance_on_time", release(1, 0, STEADY, release_date=TODAY + timedelta(days=days)))
        assert (one["value"], one["state"]) == (0, "red")


@pytest.mark.parametrize(
    ("fields", "remaining", "state", "reason"),
    [
        ({"released": True}, 20, "na", "done"),
        ({"release_date": None}, 20, "grey", "missing release.release_date"),
        ({}, 0, "grey", "missing release.remaining_items"),
    ],
)
def test_release_that_is_not_asked_about(fields: dict[str, Any], remaining: int, state: str, reason: str) -> None:
    one = of("release.chance_on_time", release(remaining, 4, STEADY, **fields))

    assert (one["state"], one["reason"]) == (state, reason)


def test_release_with_nothing_left_is_done() -> None:
    rows = release(1, 4, STEADY)
    rows["task"][0]["done"] = True

    assert of("release.chance_on_time", rows)["reason"] == "done"


def test_nothing_ever_finished_is_grey() -> None:
    rows = release(5, 4, [])

    assert of("release.chance_on_time", rows)["reason"] == "missing task.actual_finish"


def test_tickets_with_sub_tasks_count_once() -> None:
    rows = release(20, 4, STEADY)
    subs: Rows = [{"uid": "t:sub1", "is_subtask": True, "parent": "t:left0", "release": [RELEASE]}]
    subs += [{"uid": f"t:sub{n}", "is_subtask": True, "parent": "t:w0n0", "done": True} for n in (2, 3)]
    subs += [{**one, "actual_finish": day("05-06")} for one in subs[1:]]
    epic: Rows = [{"uid": "t:epic", "release": [RELEASE]}]
    rows["task"] = [*epic, *[{**one, "parent": "t:epic"} for one in rows["task"]], *subs[:1]]

    assert known(rows).frame("release")["remaining_items"].to_list() == [20]
    assert of("release.chance_on_time", rows)["value"] == 100


def test_pace_of_the_release_or_of_its_boards() -> None:
    rows = release(10, 2, STEADY)
    other = finished([1] * 8, board=BOARD, release=[RELEASE])
    rows["task"] = [*rows["task"], *({**one, "uid": f"{one['uid']}b"} for one in other)]
    rows["board"] = [{"uid": BOARD}]

    # In two weeks the project finishes 12 and the board, like the release, 2 of the 11 that remain.
    assert of("release.chance_on_time", rows)["value"] == 100
    for whose in ("release", "board"):
        one = of("release.chance_on_time", rows, throughput_of=whose)
        assert (one["value"], one["evidence"]["p50_date"]) == (0, str(TODAY + timedelta(weeks=11)))


# --- scope and blockers -------------------------------------------------------------------------------------------


def scope(items: int, baseline: float | None, **fields: Any) -> dict[str, Rows]:
    tickets: Rows = [
        {"uid": f"t:{n}", "release": [RELEASE], "done": n % 2 == 0, "story_points": 2} for n in range(items)
    ]
    return {"release": [{"uid": RELEASE, "scope_baseline": baseline, **fields}], "task": tickets}


def test_scope_that_grew_a13() -> None:
    one = of("release.scope_growth", scope(46, 40, scope_baseline_on=day("04-01")))

    assert (one["value"], one["state"]) == (15, "amber")
    assert one["evidence"] == {"scope_now": "46", "scope_baseline": "40", "scope_baseline_on": "2026-04-01"}


def test_scope_in_points_leaves_out_what_has_none() -> None:
    rows = scope(46, 80)
    rows["task"][0]["story_points"] = None

    one = of("release.scope_growth", rows, weigh="points")

    assert (one["value"], one["note"]) == (12.5, "1 of 46 rows left out")


def test_scope_without_a_baseline_is_grey_and_of_what_is_out_not_asked() -> None:
    assert of("release.scope_growth", scope(46, None))["reason"] == "missing release.scope_baseline"
    assert of("release.scope_growth", scope(46, 0))["reason"] == "invalid release.scope_baseline: 0"
    assert of("release.scope_growth", scope(46, 40, released=True))["reason"] == "done"
    assert of("release.scope_growth", scope(0, 40))["value"] == -100


BUG = {"issue_type": "bug ", "priority": 5, "release": [RELEASE]}
OTHERS: Rows = [{**BUG, "priority": 4}, {**BUG, "issue_type": "Story"}, {**BUG, "done": True}, {**BUG, "release": None}]


def blockers(number: int, until: date | None, *more: dict[str, Any], **fields: Any) -> dict[str, Rows]:
    tickets: Rows = [{"uid": f"t:{n}", "id": f"B{n}", **BUG} for n in range(number)]
    return {"release": [{"uid": RELEASE, "release_date": until, **fields}], "task": [*tickets, *OTHERS, *more]}


@pytest.mark.parametrize(
    ("number", "until", "state", "value"),
    [(2, "05-25", "amber", 2), (1, "05-19", "red", 1), (0, "05-19", "green", 0), (1, "05-12", "red", 1)],
)
def test_open_blockers_before_a_release(number: int, until: str, state: str, value: int) -> None:
    one = of("release.open_blockers", blockers(number, day(until)))

    assert (one["state"], one["value"]) == (state, value)


def test_blockers_are_asked_for_when_the_release_is_near() -> None:
    assert of("release.open_blockers", blockers(2, day("06-10")))["reason"] == "not in window"
    assert of("release.open_blockers", blockers(2, day("05-19"), released=True))["reason"] == "done"
    assert of("release.open_blockers", blockers(2, None))["reason"] == "missing release.release_date"
    unknown = of("release.open_blockers", blockers(2, day("05-19"), {**BUG, "priority": None}))
    assert unknown["reason"] == "missing task.priority on 1 of 4 rows"
    assert of("release.open_blockers", blockers(1, day("05-19")))["evidence"]["open_blockers"] == "B0"


# --- blocked work -------------------------------------------------------------------------------------------------


def board(doing: int, flagged: int, since: str = "05-07", **fields: Any) -> dict[str, Rows]:
    usual = {"board": BOARD, "status_category": "doing"}
    since_then = {"flagged": True, "flagged_since": day(since)}
    tickets: Rows = [
        {"uid": f"t:{n}", "id": f"T{n}", **usual, **(since_then if n < flagged else {"flagged": False})}
        for n in range(doing)
    ]
    return {"board": [{"uid": BOARD, **fields}], "task": [*tickets, {**usual, "status_category": "todo"}]}


def test_blocked_work_a14_a15() -> None:
    some = of("board.blocked", board(12, 3))
    old = of("board.blocked", board(12, 3, since="04-27"))

    assert (some["value"], some["state"], some["evidence"]["board.blocked_age"]) == (25, "amber", "4")
    assert (old["state"], old["threshold"]) == ("red", "board.blocked_age over 10 wd")
    assert some["evidence"]["blocked_items"] == "T0, T1, T2"


def test_few_items_in_progress_are_amber_at_worst() -> None:
    one = of("board.blocked", board(4, 3))

    assert (one["state"], one["note"]) == ("amber", "small sample: 3 of 4")


def test_blocked_is_asked_where_there_is_work_and_known_where_flags_are() -> None:
    some = board(12, 3)
    some["task"][5]["flagged"] = None
    none = board(12, 0)
    for ticket in none["task"]:
        ticket["flagged"] = None

    assert of("board.blocked", board(0, 0))["reason"] == "nothing due yet"
    assert of("board.blocked", some)["reason"] == "missing task.flagged on 1 of 12 rows"
    assert of("board.blocked", none)["reason"] == "missing task.flagged"


# --- defects ------------------------------------------------------------------------------------------------------


def defects(*weeks: tuple[int, int], kind: str = "Bug") -> dict[str, Rows]:
    """Return defects made and resolved in each of the last complete weeks, oldest first."""
    rows: Rows = []
    first = MONDAY - timedelta(weeks=len(weeks))
    for week, (made, resolved) in enumerate(weeks):
        on = first + timedelta(weeks=week, days=3)
        rows += [{"issue_type": kind, "created_at": noon(on)} for _ in range(made)]
        before = {"issue_type": kind, "created_at": noon(first - timedelta(days=300))}
        rows += [{**before, "done": True, "resolved_at": noon(on)} for _ in range(resolved)]
    return {"task": rows}


SOME = ((5, 3), (4, 4), (6, 2), (3, 1))


def test_defects_that_come_in_faster_a16() -> None:
    one = of("project.defect_inflow", defects(*SOME))

    assert (one["value"], one["state"], one["evidence"]["project.defect_net"]) == (2, "amber", "8")


@pytest.mark.parametrize(
    ("weeks", "value", "state"),
    [
        (((1, 0),) * 4, 4, "red"),
        (((1, 0),) * 40, 26, "red"),
        (((1, 0), (1, 0), (1, 0), (0, 0)), 0, "green"),
        (((0, 0), (1, 0), (0, 1), (1, 0)), 1, "green"),
        (((0, 0),) * 4, 0, "green"),
    ],
)
def test_run_of_weeks_ends_where_no_more_came_in(weeks: Sequence[tuple[int, int]], value: int, state: str) -> None:
    rows = defects(*weeks)
    rows["task"].append({"issue_type": "Story", "created_at": noon(MONDAY - timedelta(weeks=len(weeks)))})

    one = of("project.defect_inflow", rows)

    assert (one["value"], one["state"]) == (value, state)


def test_defects_by_month_and_of_other_types() -> None:
    monthly: Rows = [
        {"issue_type": "incident", "created_at": datetime(2026, month, 3, tzinfo=UTC)} for month in (1, 3, 4, 5)
    ]
    params: dict[str, Any] = {"types": ["Incident"], "every": "month"}

    assert of("project.defect_inflow", {"task": monthly}, **params)["value"] == 2
    assert of("project.defect_inflow", {"task": monthly[:3]})["value"] == 0


def test_defects_need_four_weeks_and_days_on_which_tickets_were_made() -> None:
    short = {"task": [{"issue_type": "Bug", "created_at": noon(MONDAY - timedelta(weeks=3))}]}

    assert of("project.defect_inflow", short)["reason"] == "needs 4 samples, has 3"
    assert of("project.defect_inflow", {"task": [SINCE]})["reason"] == "missing task.created_at"


def test_projects_do_not_mix() -> None:
    rows = defects(*SOME)
    rows["project"] = [{"code": "P1"}, {"code": "P2"}]

    (one,) = found(MEASURES, known(rows), {"measure": "project.defect_inflow"})

    assert one.frame["value"].to_list() == [2, None]
