"""Builds what sources yield, in one call: rows of an entity with the model's types."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Outcome, Reading, Records, SourceState, Summary
from pmo_watch.intake import frames_of
from pmo_watch.normalise import Accepted, Limits, accept

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def records(entity: str, *rows: Mapping[str, Any], part: str = "") -> Records:
    """Return the rows as a source yields them; each has `key` and any stored fields."""
    stored = ENTITIES[entity].stored_schema()
    used = {name: dtype for name, dtype in stored.items() if any(name in row for row in rows)}
    return Records(entity, pl.DataFrame(rows, schema={"key": pl.String(), **used}), part)


def reading(
    source: str,
    *batches: Records,
    outcome: Outcome = Outcome.COMPLETE,
    summary: Summary | None = None,
    at: datetime = NOW,
    error: str = "",
) -> Reading:
    """Return a reading of these records."""
    frames, _, _ = frames_of(source, batches)
    return Reading(source, at, outcome, frames, summary or Summary(), error=error)


def known(source: str, *batches: Records) -> Accepted:
    """Return what is known of a source after a first complete reading of these records."""
    return accept(reading(source, *batches), {}, SourceState(source, "csv_file"), Limits())


def tasks(*names: str, part: str = "plan.xml", **fields: Any) -> Records:
    """Return tasks keyed and named by these words."""
    return records("task", *({"key": name, "project": "ATL", "name": name, **fields} for name in names), part=part)


def uids(frames: Sequence[str]) -> list[str]:
    """Return the last part of each uid, sorted."""
    return sorted(uid.rpartition(":")[2] for uid in frames)
