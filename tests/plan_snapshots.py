"""A snapshot of one plan, as the plugin for plans reads it."""

from datetime import date
from typing import Any

from plans import Answer
from snapshots import snapshot

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Snapshot
from pmo_watch.workdays import Calendar

NEVER_TAKEN = {"id", "project", "owner", "same_as", "first_baseline_finish"}
FIELDS = {one.name for one in ENTITIES["task"].fields if not one.computed} - NEVER_TAKEN
FACTS = (
    "updated_at",
    "status_date",
    "baseline_start",
    "baseline_finish",
    "forecast_start",
    "forecast_finish",
    "actual_start",
    "minutes_per_day",
)


def known(read: Answer, calendar: Calendar, today: date | None = None, **more: Any) -> Snapshot:
    """Return a snapshot of one plan; without a day, that of its status date, else of its start."""
    tasks = [
        {
            **{name: value for name, value in row.items() if name in FIELDS and value is not None},
            "uid": uid(row["key"]),
            "parent": uid(row["parent"]),
        }
        for row in read.rows("task")
    ]
    links = [
        {
            **{name: row[name] for name in ("type", "lag", "lag_percent", "lag_elapsed", "external")},
            **{side: uid(row[side]) for side in ("predecessor", "successor")},
        }
        for row in read.rows("dependency")
    ]
    project = {"code": "P1", **{name: read.row("project")[name] for name in FACTS}}
    day = today or project["status_date"] or project["forecast_start"]
    return snapshot(day, calendars=[calendar], project=[project], task=tasks, dependency=links, **more)


def uid(key: str | None) -> str | None:
    """Return the uid of a row by its key."""
    return key and f"plans:task:{key}"
