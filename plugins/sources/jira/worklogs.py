"""Work logs as bookings of hours (spec sources 2.8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from typing import Any

import polars as pl

from pmo_watch.api import SourceDataError

from .client import Client
from .columns import frame_of
from .people import People
from .report import Report
from .values import amount_of, instant_of

AT_ONCE = 1_000
MOST_PAGES = 10_000
HOUR = Decimal(3_600)


@dataclass(slots=True, eq=False)
class WorkLogs:
    """What changed: rows, ids that were deleted, and up to when it was read (milliseconds since 1970)."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    until: int = 0


def read_worklogs(client: Client, since: int) -> WorkLogs:
    """Return the work logs of the whole site that were changed since a moment.

    Raises:
        Refusal, SourceUnavailable, SourceDataError
    """
    found = WorkLogs()
    changed, found.until = _ids(client, "updated", since)
    for start in range(0, len(changed), AT_ONCE):
        asked = {"ids": [int(one) for one in changed[start : start + AT_ONCE]]}
        listed = client.ask(f"{client.api}/worklog/list", asked)
        if not isinstance(listed, list):
            raise SourceDataError(f"{client.api}/worklog/list: its answer is no list")
        found.rows += [one for one in listed if isinstance(one, dict)]
    found.deleted, _ = _ids(client, "deleted", since)
    return found


def _ids(client: Client, what: str, since: int) -> tuple[list[str], int]:
    path = f"{client.api}/worklog/{what}"
    found: list[str] = []
    for _ in range(MOST_PAGES):
        page = client.get(path, {"since": str(since)})
        values = page.get("values") if isinstance(page, dict) else None
        if not isinstance(values, list):
            raise SourceDataError(f"{path}: its answer has no list 'values'")
        found += [
            str(one["worklogId"]) for one in values if isinstance(one, dict) and str(one.get("worklogId")).isdigit()
        ]
        until = page.get("until")
        moved = isinstance(until, int) and until > since
        since = until if moved else since
        if page.get("lastPage") is not False or not moved:
            return list(dict.fromkeys(found)), since
    raise SourceDataError(f"{path}: the list does not end")


def timesheet_frame(
    logs: WorkLogs, projects: Mapping[str, str], people: People, report: Report, zone: tzinfo
) -> pl.DataFrame:
    """Return bookings on issues that are known; `projects`: id of an issue -> its project."""
    rows = [one for one in logs.rows if str(one.get("issueId")) in projects and one.get("id")]
    return frame_of(
        "timesheet",
        {
            "key": [str(one["id"]) for one in rows],
            "person": [people.key(one.get("author")) for one in rows],
            "week": [_week(one, report, zone) for one in rows],
            "project": [projects[str(one["issueId"])] for one in rows],
            "hours": [_hours(one, report) for one in rows],
        },
    )


def _week(log: Mapping[str, Any], report: Report, zone: tzinfo) -> str | None:
    try:
        year, week, _ = instant_of(log.get("started")).astimezone(zone).isocalendar()
    except (ValueError, OverflowError, OSError):
        report.value(f"work log {log['id']}", "started", log.get("started"), "no moment with its offset")
        return None
    return f"{year}-W{week:02}"


def _hours(log: Mapping[str, Any], report: Report) -> Decimal | None:
    try:
        return amount_of(amount_of(log.get("timeSpentSeconds")) / HOUR)
    except ValueError as fault:
        report.value(f"work log {log['id']}", "timeSpentSeconds", log.get("timeSpentSeconds"), str(fault))
        return None
