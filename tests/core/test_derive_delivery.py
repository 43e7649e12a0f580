"""Boards, sprints and releases: what follows from their rows, their items and the day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from rows import NOW, known, records

from pmo_watch.derive import FLAGGED_SINCE
from pmo_watch.flow import Records, Snapshot, Wish
from pmo_watch.merge import Context, build_snapshot
from pmo_watch.workdays import Calendar

# NOW is a Friday, the 20th of November.
FEAST = Calendar("feast", closed=frozenset({date(2026, 11, 23)}))
PROJECT = records("project", {"key": "P", "code": "ATL", "calendar": "feast"})
BOARD = records("board", {"key": "5", "id": "5", "name": "Team", "project": ["P"]})


def snapshot(*batches: Records, past: dict[Wish, pl.DataFrame] | None = None) -> Snapshot:
    accepted = known("live", PROJECT, *batches)
    calendars = {"default": Calendar("default"), "feast": FEAST}
    made = Context(NOW, NOW.date(), calendars, order=["live"])
    return build_snapshot({"live": accepted.rows}, {"live": accepted.state}, made, past or {})


def sprint(**fields: Any) -> Records:
    return records("sprint", {"key": "7", "board": "5", **fields})


def items(*rows: dict[str, Any]) -> list[Records]:
    """Return tickets and their places in the sprint; `is_subtask` is the ticket's."""
    tickets = [
        {"key": f"T{n}", "project": "P", "is_subtask": row.pop("is_subtask", None)} for n, row in enumerate(rows)
    ]
    places = [{"key": f"7/T{n}", "sprint": "7", "task": f"T{n}", **row} for n, row in enumerate(rows)]
    return [records("task", *tickets), records("sprint_item", *places)]


def value(found: Snapshot, entity: str, field: str) -> object:
    (only,) = found.frame(entity)[field].to_list()
    return only


def test_references_of_boards_sprints_and_tickets_are_resolved() -> None:
    ticket = {"key": "1", "project": "P", "board": "5", "sprint": ["7", "99"], "release": ["R"], "labels": ["x"]}
    plain = {"key": "2", "project": "P", "sprint": []}
    release = records("release", {"key": "R", "project": "P"})
    found = snapshot(BOARD, sprint(), release, records("task", ticket, plain))

    task = found.frame("task").row(0, named=True)
    assert (task["board"], task["sprint"], task["release"]) == ("live:board:5", ["live:sprint:7"], ["live:release:R"])
    assert task["labels"] == ["x"]
    assert found.frame("task")["sprint"].to_list()[1] is None
    assert value(found, "board", "project") == ["project:atl"]
    assert value(found, "sprint", "board") == "live:board:5"
    assert [(one.field, one.value) for one in found.rejected] == [("task.sprint", "99")]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"state": "future", "start_on": date(2026, 11, 1)}, "future"),
        ({"start_on": date(2026, 11, 20), "end_on": date(2026, 11, 20)}, "active"),
        ({"start_on": date(2026, 11, 21)}, "future"),
        ({"start_on": date(2026, 11, 1), "end_on": date(2026, 11, 19)}, "closed"),
        ({"end_on": date(2026, 12, 1), "completed_on": date(2026, 11, 18)}, "closed"),
        ({}, None),
    ],
    ids=["said", "begun", "to come", "over", "closed early", "no dates"],
)
def test_state_of_a_sprint_follows_from_its_dates(fields: dict[str, Any], state: str | None) -> None:
    assert value(snapshot(BOARD, sprint(**fields)), "sprint", "state") == state


def test_days_left_are_working_days_of_the_boards_only_project() -> None:
    several = records("board", {"key": "5", "project": ["P", "Q"]})
    end = date(2026, 11, 25)

    assert value(snapshot(BOARD, sprint(end_on=end)), "sprint", "days_left") == 2, "Monday is a feast of the project"
    assert value(snapshot(several, records("project", {"key": "Q"}), sprint(end_on=end)), "sprint", "days_left") == 3
    assert value(snapshot(BOARD, sprint()), "sprint", "days_left") is None


def test_board_with_sprints_that_does_not_say_is_scrum() -> None:
    assert value(snapshot(BOARD, sprint()), "board", "type") == "scrum"
    assert value(snapshot(BOARD), "board", "type") is None


POINTS = Decimal
CLOSED = {"state": "closed", "completed_on": date(2026, 11, 13)}


@pytest.mark.parametrize(
    ("rows", "promised"),
    [
        ([], (None, None)),
        ([{"points_at_start": POINTS(3)}], (None, None)),
        ([{"committed": False}], (0, None)),
        ([{"committed": True}], (1, None)),
        ([{"committed": True, "points_at_start": POINTS(3)}, {"committed": True}, {"committed": None}], (2, 3)),
        ([{"committed": True, "points_at_start": POINTS(0)}], (1, 0)),
        ([{"committed": True}, {"committed": True, "is_subtask": True, "points_at_start": POINTS(1)}], (1, None)),
        ([{"committed": False, "points_at_start": POINTS(5)}], (0, None)),
    ],
    ids=["no items", "unknown", "none", "not estimated", "one is not", "nought points", "sub-task", "added"],
)
def test_what_a_sprint_began_with(rows: Sequence[dict[str, Any]], promised: tuple[int | None, float | None]) -> None:
    found = snapshot(BOARD, sprint(**CLOSED), *(items(*(dict(row) for row in rows)) if rows else []))

    assert (value(found, "sprint", "committed_items"), value(found, "sprint", "committed_points")) == promised


@pytest.mark.parametrize(
    ("state", "rows", "done"),
    [
        (CLOSED, [{"points_at_close": POINTS(3), "done_on": date(2026, 11, 13)}, {"points_at_close": POINTS(5)}], 3),
        (CLOSED, [{"points_at_close": POINTS(3), "done_on": date(2026, 11, 14)}], 0),
        (CLOSED, [{"points_at_close": POINTS(3), "done_on": date(2026, 11, 12), "removed_on": date(2026, 11, 13)}], 0),
        (CLOSED, [{"done_on": date(2026, 11, 12)}], None),
        ({"state": "closed"}, [{"points_at_close": POINTS(2), "done_on": date(2026, 11, 12)}], 2),
        ({"state": "active"}, [{"points_at_close": POINTS(2), "done_on": date(2026, 11, 12)}], None),
    ],
    ids=["done", "too late", "left it", "not estimated", "no day of closing", "not over"],
)
def test_points_done_at_the_close_of_a_sprint(
    state: dict[str, Any], rows: list[dict[str, Any]], done: int | None
) -> None:
    found = snapshot(BOARD, sprint(**state), *items(*(dict(row) for row in rows)))

    assert value(found, "sprint", "done_points") == done


def test_release_counts_its_open_leaves_and_days() -> None:
    release = records(
        "release", {"key": "R", "project": "P", "release_date": date(2026, 11, 24)}, {"key": "S", "project": "P"}
    )
    tickets = records(
        "task",
        {"key": "1", "project": "P", "release": ["R"]},
        {"key": "2", "project": "P", "release": ["R"], "parent": "1"},
        {"key": "3", "project": "P", "release": ["R"], "status_category": "done", "done": True},
        {"key": "4", "project": "P", "release": ["R"], "active": False},
        {"key": "5", "project": "P", "release": ["R"], "parent": "1"},
        {"key": "6", "project": "P", "release": ["R"], "parent": "5", "is_subtask": True},
        {"key": "7", "project": "P", "release": ["R"], "is_milestone": True},
    )

    found = snapshot(release, tickets).frame("release")

    assert found["remaining_items"].to_list() == [2, None], "what no item is known of is unknown, not finished"
    assert found["days_left"].to_list() == [1, None]
    assert found["released"].to_list() == [False, False]


def test_ticket_is_blocked_since_its_system_says_so_else_since_we_saw_it() -> None:
    tickets = records(
        "task",
        {"key": "1", "project": "P", "flagged": True},
        {"key": "2", "project": "P", "flagged": True},
        {"key": "3", "project": "P", "flagged": False},
        {"key": "4", "project": "P", "flagged": True},
    )
    moments = {"at": datetime(2026, 11, 17, 23, 30, tzinfo=UTC), "field": "Flagged", "to_value": "10019"}
    earlier = {**moments, "at": datetime(2026, 11, 2, 9, tzinfo=UTC)}
    cleared = {**moments, "at": datetime(2026, 11, 3, 9, tzinfo=UTC), "to_value": None}
    changed = records(
        "status_change",
        *({"key": f"c{n}", "task": "1", **one} for n, one in enumerate((moments, earlier, cleared))),
        {"key": "c9", "task": "3", **moments},
    )
    seen = pl.DataFrame({"uid": ["live:task:1", "live:task:2"], "since": [date(2026, 11, 19)] * 2})

    found = snapshot(tickets, changed, past={FLAGGED_SINCE: seen}).frame("task")["flagged_since"].to_list()

    assert found == [date(2026, 11, 18), date(2026, 11, 19), None, None], "the day in the organisation's zone"


def test_timesheet_without_a_status_is_approved() -> None:
    sheet = records("timesheet", {"key": "1", "person": "p", "week": "2026-W47", "hours": Decimal(8), "project": "P"})

    found = snapshot(sheet, records("person", {"key": "p", "name": "P", "email": "p@example.org"}))

    assert value(found, "timesheet", "status") == "approved"
    assert value(found, "timesheet", "person") == "person:p@example.org"
