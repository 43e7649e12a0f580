"""Flow: the vectors F-01 to F-10 of spec measures 4.7, and what is not asked or known."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import flow
from pmo_watch_plugins.rules.flow.teams import percentile
from snapshots import catalogue, finding, found
from sprints import BOARD, MONDAY, TODAY, Rows, day, finished, known, noon

MEASURES = catalogue(*flow.pmo_watch_measures())
TIMES = (1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 8, 9, 10, 12, 15, 21)


def of(measure: str, rows: dict[str, Rows], today: date = TODAY, **params: Any) -> dict[str, Any]:
    return finding(MEASURES, known(rows, today), {"measure": measure, **({"with": params} if params else {})})


def team(tickets: Rows, **fields: Any) -> dict[str, Rows]:
    return {"board": [{"uid": BOARD, **fields}], "task": [{"board": BOARD, **one} for one in tickets]}


def ended(times: Sequence[int], on: date = MONDAY) -> Rows:
    """Return tickets finished on one day that took so many calendar days."""
    return [
        {
            "uid": f"t:e{n}",
            "id": f"E{n}",
            "actual_start": on - timedelta(days=took - 1),
            "actual_finish": on,
            "done": True,
        }
        for n, took in enumerate(times)
    ]


@pytest.mark.parametrize(
    ("start", "end", "took"),
    [pytest.param("05-06", "05-06", 1, id="F-01"), pytest.param("05-08", "05-11", 4, id="F-02")],
)
def test_first_and_last_day_and_weekends_count(start: str, end: str, took: int) -> None:
    ticket = {"actual_start": day(start), "actual_finish": day(end), "done": True}

    assert of("board.within_sle", team([ticket] * 5, sle_days=took))["value"] == 100
    assert of("board.within_sle", team([ticket] * 5, sle_days=took - 1))["value"] == 0


def test_percentiles_f03() -> None:
    times = pl.DataFrame({"took": TIMES})

    found = times.select([percentile(pl.col("took"), share).alias(str(share)) for share in (50, 85, 95)])

    assert found.row(0) == (5, 10, 15)


@pytest.mark.parametrize(
    ("age", "value", "state"),
    [(10, 80, "green"), (11, 85, "amber"), (16, 95, "red"), (1, 0, "green"), (99, 100, "red")],
)
def test_age_of_an_item_among_those_finished_f04(age: int, value: int, state: str) -> None:
    begun = TODAY - timedelta(days=age - 1)
    rows = team([*ended(TIMES), {"uid": "t:a", "status_category": "doing", "actual_start": begun}])
    (one,) = found(MEASURES, known(rows), {"measure": "task.age_rank"})
    row = one.frame.row(0, named=True)

    assert (row["uid"], row["value"], row["state"]) == ("t:a", value, state)


def test_age_is_asked_of_what_is_in_progress() -> None:
    begun = {"actual_start": day("05-04")}
    tickets: Rows = [
        {"uid": "t:a1", "status_category": "todo"},
        {"uid": "t:a2", "status_category": "done", **begun},
        {"uid": "t:a3", "status_category": "doing", "is_subtask": True, **begun},
        {"uid": "t:a4", "status_category": "doing"},
        {"uid": "t:a5", "status_category": "doing", "board": None, **begun},
    ]
    (one,) = found(MEASURES, known(team([*tickets, *ended(TIMES)])), {"measure": "task.age_rank"})

    assert one.frame["reason"].to_list()[:5] == [
        *("not started", "done", "out of scope", "missing task.actual_start", "only 0 items, needs 5")
    ]


def test_tickets_without_a_board_are_compared_within_their_project() -> None:
    old = {"uid": "t:a", "status_category": "doing", "actual_start": day("05-03"), "board": None}
    rows = team([old, *({**one, "board": None} for one in ended(TIMES))])
    (one,) = found(MEASURES, known(rows), {"measure": "task.age_rank"})

    assert one.frame["value"][0] == 85


BEFORE = [8] * 12


@pytest.mark.parametrize(
    ("weeks", "value", "state"),
    [
        pytest.param([*BEFORE, 5, 4, 6, 5], -37.5, "amber", id="F-05"),
        pytest.param([*BEFORE, 4, 4, 4, 4], -50, "red", id="less"),
        pytest.param([*BEFORE, 0, 0, 0, 0], -100, "red", id="none"),
        pytest.param([10, 6, 8, 8, 8, 8, 8, 8], 0, "green", id="eight weeks"),
    ],
)
def test_throughput_against_the_weeks_before(weeks: Sequence[int], value: float, state: str) -> None:
    one = of("board.throughput_change", team(finished(weeks)))

    assert (one["value"], one["state"]) == (value, state)


def test_throughput_needs_eight_weeks_and_some_work_in_them() -> None:
    assert of("board.throughput_change", team(finished(BEFORE[:7])))["reason"] == "needs 8 samples, has 7"
    assert of("board.throughput_change", team(finished([*[0] * 12, 5, 5, 5, 5])))["reason"] == "only 0 items, needs 1"
    assert of("board.throughput_change", team([]))["reason"] == "missing task.actual_finish"


@pytest.mark.parametrize(
    ("level", "value", "state"),
    [pytest.param(10, 85, "green", id="F-06"), pytest.param(9, 80, "amber", id="F-06 less")],
)
def test_items_within_the_service_level_f06(level: int, value: float, state: str) -> None:
    one = of("board.within_sle", team(ended(TIMES), sle_days=level))

    assert (one["value"], one["state"], one["note"]) == (value, state, None)


def test_slow_items_are_named() -> None:
    one = of("board.within_sle", team(ended(TIMES), sle_days=9))

    assert one["evidence"]["slow_items"] == "E19, E18, E17, E16"


def test_board_without_a_service_level_is_held_to_its_own_times() -> None:
    before = [{**one, "uid": f"{one['uid']}b"} for one in ended(TIMES, day("03-02"))]
    rows = team([*before, *ended([20] * 5)])

    one = of("board.within_sle", rows, sle_percentile=50)

    assert (one["value"], one["note"]) == (0, "service level from own cycle times")
    assert one["evidence"]["expected_days"] == "7"


def test_service_level_needs_items_with_a_start() -> None:
    without = ended(TIMES)
    without[3]["actual_start"] = None

    assert of("board.within_sle", team([], sle_days=9))["reason"] == "nothing due yet"
    assert of("board.within_sle", team(ended([5] * 4), sle_days=9))["reason"] == "only 4 items, needs 5"
    assert of("board.within_sle", team(without, sle_days=9))["reason"] == "missing task.actual_start on 1 of 20 rows"
    assert of("board.within_sle", team(ended(TIMES, day("04-13")), sle_days=9))["reason"] == "nothing due yet"


def doing(number: int, owners: int = 0) -> Rows:
    begun = {"status_category": "doing", "actual_start": day("05-04")}
    return [{**begun, "owner": f"person:{n % owners}" if owners else None} for n in range(number)]


@pytest.mark.parametrize(
    ("number", "fields", "value", "state", "note"),
    [
        pytest.param(13, {"wip_limit": 10}, 130, "amber", None, id="F-07"),
        pytest.param(14, {"wip_limit": 10}, 140, "red", None, id="over"),
        pytest.param(8, {"team_size": 5}, 100, "green", "limit from the size of the team", id="team"),
        pytest.param(0, {"wip_limit": 10}, 0, "green", None, id="idle"),
    ],
)
def test_work_in_progress(number: int, fields: dict[str, Any], value: float, state: str, note: str | None) -> None:
    one = of("board.wip_used", team(doing(number), **fields))

    assert (one["value"], one["state"], one["note"]) == (value, state, note)


def test_limit_comes_from_those_who_had_work_lately() -> None:
    gone = {"owner": "person:gone", "actual_start": day("03-02"), "actual_finish": day("04-15"), "done": True}
    there = {"owner": "person:9", "actual_start": day("03-02"), "actual_finish": day("04-16"), "done": True}

    one = of("board.wip_used", team([*doing(5, owners=2), gone, there]))

    assert (one["value"], one["note"]) == (100, "limit from those who had work in the last four weeks")


def test_work_in_progress_without_any_limit_is_grey() -> None:
    assert of("board.wip_used", team(doing(5)))["reason"] == "missing board.wip_limit"
    assert of("board.wip_used", team(doing(5), wip_limit=0))["reason"] == "invalid board.wip_limit: 0"


@pytest.mark.parametrize(
    ("made", "done", "value", "state", "reason"),
    [
        pytest.param(26, 20, 1.3, "amber", None, id="F-09"),
        pytest.param(3, 0, None, "red", "nothing finished", id="F-10"),
        pytest.param(0, 0, None, "na", "nothing due yet", id="idle"),
        pytest.param(0, 4, 0, "green", None, id="less"),
    ],
)
def test_arrivals(made: int, done: int, value: float | None, state: str, reason: str | None) -> None:
    last = MONDAY - timedelta(days=1)
    tickets: Rows = [{"created_at": noon(MONDAY - timedelta(weeks=4))} for _ in range(made)]
    old = {"created_at": noon(day("01-05")), "done": True, "actual_finish": last}
    other: Rows = [{"created_at": noon(MONDAY), "done": True, "actual_finish": MONDAY}]

    one = of("board.arrival_ratio", team([*tickets, *[old] * done, *other]))

    assert (one["value"], one["state"], one["reason"]) == (value, state, reason)


def test_arrivals_without_days_are_grey() -> None:
    assert of("board.arrival_ratio", team([{}, {}]))["reason"] == "missing task.created_at"
    some = team([{}, {"created_at": noon(MONDAY)}])
    assert of("board.arrival_ratio", some)["reason"] == "missing task.created_at on 1 of 2 rows"


# --- waiting ------------------------------------------------------------------------------------------------------

# Jira writes ids: what they mean is learnt from the tickets that are in those statuses now.
IDS = {
    "1": ("Backlog", "todo"),
    "2": ("In Progress", "doing"),
    "3": ("Waiting for Customer", "doing"),
    "4": ("Done", "done"),
}
BEGUN = datetime(2026, 5, 4, 8, tzinfo=UTC)


def changed(ticket: str, *steps: tuple[int, str], first: str = "1") -> Rows:
    """Return changes of a ticket's status: hours since it began, and where to."""
    rows, before = [], first
    for hours, status in steps:
        at = BEGUN + timedelta(hours=hours)
        rows.append({"task": ticket, "at": at, "field": "status", "from_value": before, "to_value": status})
        before = status
    return rows


def waited(number: int = 5, waiting: Sequence[str] | None = ("waiting for customer",)) -> dict[str, Rows]:
    """Return a board with tickets that were worked on for 18 hours and waited for 72, and one in each status."""
    rows = team(
        [{**one, "status": "Done", "status_category": "done"} for one in ended([5] * number, day("05-08"))],
        waiting=None if waiting is None else list(waiting),
    )
    examples: Rows = [
        {"uid": f"t:x{status}", "status": name, "status_category": group} for status, (name, group) in IDS.items()
    ]
    rows["task"] += examples
    steps = ((0, "2"), (10, "3"), (82, "2"), (90, "4"))
    rows["status_change"] = [
        *(row for n in range(number) for row in changed(f"t:e{n}", *steps)),
        *(row for status in IDS for row in changed(f"t:x{status}", (0, "2"), (1, status))),
    ]
    return rows


def test_waiting_against_work_f08() -> None:
    one = of("board.flow_efficiency", waited())

    assert (one["value"], one["state"], one["note"]) == (20, "amber", None)
    assert (one["evidence"]["active_hours"], one["evidence"]["waiting_hours"]) == ("90", "360")


def test_statuses_may_be_written_by_name() -> None:
    rows = waited()
    for row in rows["status_change"]:
        row["to_value"] = IDS[row["to_value"]][0].upper()

    assert of("board.flow_efficiency", rows)["value"] == 20


def test_time_since_an_item_was_made_counts_in_its_first_status() -> None:
    rows = waited()
    for row in rows["task"][:5]:
        row["created_at"] = BEGUN - timedelta(hours=10)
    for row in rows["status_change"]:
        if row["from_value"] == "1":
            row["from_value"] = "3"

    assert of("board.flow_efficiency", rows)["evidence"]["waiting_hours"] == "410"


def test_status_that_items_are_only_born_in_needs_no_meaning() -> None:
    rows = waited()
    for row in rows["task"][:5]:
        row["created_at"] = BEGUN - timedelta(days=30)
    rows["status_change"] = [row for row in rows["status_change"] if row["task"] != "t:x1"]

    one = of("board.flow_efficiency", rows)

    assert (one["value"], one["note"]) == (20, None)


def test_item_in_a_status_that_nobody_knows_is_left_out() -> None:
    rows = waited(6)
    rows["status_change"] += changed("t:e0", (20, "77"), first="3")

    one = of("board.flow_efficiency", rows)

    assert (one["value"], one["note"]) == (20, "1 of 6 rows left out")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (waited(0), "nothing due yet"),
        (waited(4), "only 4 items, needs 5"),
        (waited(waiting=None), "missing board.waiting"),
        ({**waited(), "status_change": []}, "missing status_change.at"),
    ],
)
def test_waiting_needs_items_and_changes(rows: dict[str, Rows], reason: str) -> None:
    assert of("board.flow_efficiency", rows)["reason"] == reason
