"""A team's board with sprints, their tickets, a release and weeks of throughput, in one call each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from snapshots import snapshot

from pmo_watch.flow import Snapshot

TODAY = date(2026, 5, 13)  # a Wednesday
MONDAY = date(2026, 5, 11)
BOARD, SPRINT, RELEASE = "board:1", "sprint:1", "release:1"
Rows = list[dict[str, Any]]


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def noon(on: date) -> datetime:
    return datetime.combine(on, time(12), UTC)


# Of spec measures 4.6: points at the start, at the close, and what became of the ticket.
TICKETS: Mapping[str, tuple[float | None, float, str]] = {
    "S1": (5, 5, "done"),
    "S2": (8, 8, "done"),
    "S3": (3, 5, "done"),
    "S4": (5, 5, "open"),
    "S5": (8, 8, "open"),
    "S6": (3, 3, "done"),
    "S7": (2, 2, "removed"),
    "S8": (5, 5, "done"),
    "S9": (None, 3, "added, done"),
    "S10": (None, 5, "added, open"),
}


def sprint(tickets: Mapping[str, tuple[float | None, float | None, str]] = TICKETS, **fields: Any) -> dict[str, Rows]:
    """Return a board, a sprint that was closed on the 8th of May, and its tickets."""
    usual = {"uid": SPRINT, "board": BOARD, "name": "Sprint 7", "state": "closed"}
    days = {"start_on": day("04-27"), "end_on": day("05-08"), "completed_on": day("05-08")}
    return {
        "board": [{"uid": BOARD, "id": "5", "name": "Team"}],
        "sprint": [{**usual, **days, **fields}],
        "task": [{"uid": f"t:{name}", "id": name, "story_points": close} for name, (_, close, _) in tickets.items()],
        "sprint_item": [item(name, *ticket) for name, ticket in tickets.items()],
    }


def item(name: str, start: float | None, close: float | None, fate: str, sprint: str = SPRINT) -> dict[str, Any]:
    """Return a ticket's place in a sprint."""
    return {
        "uid": f"{sprint}/{name}",
        "sprint": sprint,
        "task": f"t:{name}",
        "committed": "added" not in fate,
        "points_at_start": start,
        "points_at_close": close,
        "added_on": day("04-30") if "added" in fate else None,
        "removed_on": day("05-04") if "removed" in fate else None,
        "done_on": day("05-06") if "done" in fate else None,
    }


def earlier(*velocities: float, board: str = BOARD) -> dict[str, Rows]:
    """Return closed sprints that delivered so many points, the last of them just before that of `sprint`."""
    rows: dict[str, Rows] = {"sprint": [], "task": [], "sprint_item": []}
    for number, velocity in enumerate(reversed(velocities), 1):
        uid, ended = f"sprint:before{number}", day("04-24") - timedelta(weeks=2 * (number - 1))
        dates = {"start_on": ended - timedelta(days=11), "end_on": ended, "completed_on": ended}
        rows["sprint"].append({"uid": uid, "board": board, "state": "closed", **dates})
        rows["task"].append({"uid": f"t:{uid}", "id": uid})
        place = item(uid, velocity, velocity, "done", uid)
        rows["sprint_item"].append({**place, "done_on": ended})
    return rows


def known(rows: Mapping[str, Rows], today: date = TODAY) -> Snapshot:
    """Return what is known of these rows on that day."""
    given: dict[str, Any] = dict(rows)
    return snapshot(today, **given)


def both(*some: Mapping[str, Rows]) -> dict[str, Rows]:
    """Return the rows of several."""
    names = dict.fromkeys(name for rows in some for name in rows)
    return {name: [row for rows in some for row in rows.get(name, [])] for name in names}


def finished(weeks: Sequence[int], **fields: Any) -> Rows:
    """Return tickets finished in the last complete weeks, oldest first; one more, still open, is as old as they are."""
    first = MONDAY - timedelta(weeks=len(weeks))
    oldest = {"uid": "t:oldest", "created_at": noon(first), **fields}
    return [oldest, *_finished(weeks, first, fields)]


def _finished(weeks: Sequence[int], first: date, fields: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for week, number in enumerate(weeks):
        on = first + timedelta(weeks=week, days=2)
        for place in range(number):
            dates = {"created_at": noon(first), "actual_start": on, "actual_finish": on}
            yield {"uid": f"t:w{week}n{place}", "status_category": "done", **dates, **fields}


def release(remaining: int, weeks_left: int, weeks: Sequence[int], **fields: Any) -> dict[str, Rows]:
    """Return a release with open tickets, so many weeks away, in a project that finished so much a week."""
    usual = {"uid": RELEASE, "id": "R1", "release_date": TODAY + timedelta(weeks=weeks_left)}
    left: Rows = [{"uid": f"t:left{number}", "release": [RELEASE]} for number in range(remaining)]
    return {"release": [{**usual, **fields}], "task": [*left, *finished(weeks)]}
