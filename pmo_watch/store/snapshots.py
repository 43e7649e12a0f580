"""Frames in and out: each source's rows as versions, written where they differ and nowhere else.

What differs is found by `normalise.accept`, which compares the columns of a reading with the rows in memory: faster
than a hash per row, and nothing to keep or to explain when a hash function changes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    cast,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from pmo_watch.flow import Outcome, SourceState
from pmo_watch.model import lean
from pmo_watch.normalise import differing
from pmo_watch.store import imports
from pmo_watch.store.bulk import fetch, insert_rows
from pmo_watch.store.changes import ReadingChange, ReadingEntry, SourceRows
from pmo_watch.store.rows import made_of, upsert, values_of
from pmo_watch.store.tables import READING, SOURCE, STORED, VERSIONS


@dataclass(frozen=True, slots=True)
class Written:
    """What a reading did to the tables: since when its versions count, and whether any began or ended."""

    began: datetime
    moved: bool


# --- in -----------------------------------------------------------------------------------------------------------


def write_reading(connection: Connection, change: ReadingChange) -> Written:
    """Write one attempt, the versions it began and ended, and the state of its source."""
    state = change.state
    if state.read_at is None:
        raise ValueError(f"source {state.name} was never read")
    began = _monotonic(connection, state.name, state.read_at)
    is_told = imports.stands_for(connection, change, began) is not None
    entered, current = _write_past(connection, change, began)
    _write_marks(connection, change, began)
    # What the past has brought up to now needs no second version.
    changed = {
        name: differing(current[name], frame) if name in current else frame for name, frame in change.changed.items()
    }
    for name, frame in changed.items():
        _replace(connection, name, state.name, frame, began)
    begun = sum(frame.height for frame in changed.values())
    moved = bool(begun) or entered or any(any(part.values()) for part in (change.vanished, change.deleted))
    _note_attempt(connection, change, begun, moved=moved, is_told=is_told)
    return Written(began, moved)


def _write_marks(connection: Connection, change: ReadingChange, began: datetime) -> None:
    """Write what became of versions that say what they said."""
    for name, uids in change.missing.items():
        _mark(connection, name, uids, {"missing": change.state.reading})
    for name, uids in change.returned.items():
        _mark(connection, name, uids, {"missing": None})
    for name, frame in change.refiled.items():
        for (part,), rows in frame.group_by("@part"):
            _mark(connection, name, rows["uid"].to_list(), {"part": part})
    for name, uids in change.vanished.items():
        _mark(connection, name, uids, {"known_to": _first_missed(name, began), "vanished_on": change.today})
    for name, uids in change.deleted.items():
        _mark(connection, name, uids, {"known_to": began, "vanished_on": change.today})


def _monotonic(connection: Connection, source: str, read_at: datetime) -> datetime:
    """Return the moment from which versions count: a clock that was set back must not make history overlap."""
    latest = connection.execute(select(func.max(READING.c.read_at)).where(READING.c.source == source)).scalar()
    return read_at if latest is None else max(read_at, latest)


def _write_past(
    connection: Connection, change: ReadingChange, began: datetime
) -> tuple[bool, Mapping[str, pl.DataFrame]]:
    """Write what the reading tells of the past.

    Returns whether history has any more of it than before, and by entity the versions that are current for it.
    """
    if change.imported is None:
        return False, {}
    found = {name: imports.placed(connection, name, change, began) for name in change.imported.versions}
    for name, one in found.items():
        for at, uids in one.ended.items():
            _mark(connection, name, uids, {"known_to": at})
        imports.enter(connection, name, change.state.name, one.versions)
    noted = imports.note_readings(connection, change, [one.versions for one in found.values()], began)
    current = {name: one.versions.filter(pl.col("known_to").is_null()) for name, one in found.items()}
    # Of a moment that another file has told of already there is a line: what enters counts all the same.
    return noted or any(one.versions.height for one in found.values()), current


def _first_missed(entity: str, began: datetime) -> ColumnElement[Any]:
    table = VERSIONS[entity]
    first = select(func.min(READING.c.read_at)).where(
        READING.c.source == table.c.source, READING.c.number == table.c.missing
    )
    return func.coalesce(first.scalar_subquery(), began, type_=table.c.known_to.type)


def _mark(connection: Connection, entity: str, uids: Sequence[str], values: Mapping[str, object]) -> None:
    if uids:
        table = VERSIONS[entity]
        current = table.c.known_to.is_(None)
        connection.execute(update(table).where(current, _among(connection, table.c.uid, uids)).values(values))


def _among(connection: Connection, column: ColumnElement[str], uids: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that the column is one of these, as one parameter whatever their number."""
    if connection.dialect.name == "sqlite":
        listed = func.json_each(json.dumps(list(uids))).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(cast(list(uids), ARRAY(Text)))


def _replace(connection: Connection, entity: str, source: str, frame: pl.DataFrame, began: datetime) -> None:
    """End the current versions of these rows and begin new ones."""
    if frame.is_empty():
        return
    table = VERSIONS[entity]
    # A first load has nothing to end, and would look for every row.
    if connection.execute(select(table.c.version_id).where(table.c.known_to.is_(None)).limit(1)).first():
        _mark(connection, entity, frame["uid"].to_list(), {"known_to": began})
    rows = frame.select(
        "uid",
        pl.lit(source).alias("source"),
        pl.col("@part").alias("part"),
        pl.lit(began).cast(pl.Datetime("us", "UTC")).alias("known_from"),
        *[one.name for one in STORED[entity].stored()],
    )
    insert_rows(connection, entity, rows)


def _note_attempt(connection: Connection, change: ReadingChange, begun: int, *, moved: bool, is_told: bool) -> None:
    """Note that somebody looked, and how many versions began.

    `is_told`: what was seen is noted as a reading of the moment it is from.
    """
    state = change.state
    before = connection.execute(select(SOURCE.c.reading).where(SOURCE.c.name == state.name)).scalar()
    is_new = state.outcome == Outcome.COMPLETE and state.reading > (before or 0) and not is_told
    attempt = connection.execute(
        insert(READING).values(
            source=state.name,
            number=state.reading if is_new else None,
            read_at=state.read_at,
            as_of=state.as_of,
            outcome=state.outcome or "",
            rows=state.rows,
            changed=begun,
            rejected=state.rejected,
            error=state.held or state.error,
            hash=change.hash,
            cost=change.cost,
        )
    ).inserted_primary_key
    kept = () if moved else ("last_change",)
    upsert(connection, SOURCE, [{**values_of(state), "last_change": attempt[0] if moved and attempt else 0}], kept=kept)


# --- out ----------------------------------------------------------------------------------------------------------


def read_states(connection: Connection) -> dict[str, SourceState]:
    """Return the state of every source, by name."""
    states = {}
    for row in connection.execute(select(SOURCE).order_by(SOURCE.c.name)):
        values = made_of(row, SourceState)
        outcome = Outcome(values["outcome"]) if values["outcome"] else None
        states[row.name] = SourceState(**{**values, "outcome": outcome})
    return states


def read_beginnings(connection: Connection) -> dict[str, datetime]:
    """Return the moment of the oldest attempt or past state of every source."""
    query = select(READING.c.source, func.min(READING.c.read_at)).group_by(READING.c.source)
    return {row[0]: row[1] for row in connection.execute(query)}


def read_attempts(connection: Connection, source: str, limit: int, until: datetime | None = None) -> list[ReadingEntry]:
    """Return the latest attempts, newest first."""
    query = select(READING).order_by(READING.c.id.desc()).limit(limit)
    if source:
        query = query.where(READING.c.source == source)
    if until is not None:
        query = query.where(READING.c.read_at <= until)
    return [ReadingEntry(**made_of(row, ReadingEntry)) for row in connection.execute(query)]


def read_rows(connection: Connection, as_of: datetime | None) -> SourceRows:
    """Return the current versions, or those known at a moment, by source and entity."""
    found: SourceRows = {}
    for name, table in VERSIONS.items():
        columns = ["uid", "source", *[one.name for one in STORED[name].stored()], "part", "missing"]
        frame = fetch(connection, name, columns, _known_at(table, as_of))
        if as_of is not None:
            frame = frame.with_columns(pl.lit(None, pl.Int64).alias("missing"))
        _spread(found, name, frame)
    return found


def _known_at(table: Table, as_of: datetime | None) -> ColumnElement[bool]:
    if as_of is None:
        return table.c.known_to.is_(None)
    return (table.c.known_from <= as_of) & or_(table.c.known_to.is_(None), table.c.known_to > as_of)


def read_vanished(connection: Connection, since: date) -> SourceRows:
    """Return the last version of rows that vanished since the day and did not come back."""
    found: SourceRows = {}
    for name, table in VERSIONS.items():
        again = table.alias("again")
        back = select(again.c.version_id).where(again.c.uid == table.c.uid, again.c.known_to.is_(null())).exists()
        columns = ["uid", "source", *[one.name for one in STORED[name].stored()], "part", "missing"]
        gone = fetch(connection, name, [*columns, "vanished_on", "known_from"], (table.c.vanished_on >= since) & ~back)
        last = gone.sort("known_from").unique("uid", keep="last").drop("known_from")
        _spread(found, name, last)
    return found


def _spread(found: SourceRows, entity: str, frame: pl.DataFrame) -> None:
    if frame.is_empty():
        return
    named = frame.rename({"part": "@part", "missing": "@missing"}).sort("uid")
    for (source,), rows in named.partition_by("source", as_dict=True, include_key=False, maintain_order=True).items():
        found.setdefault(str(source), {})[entity] = lean(rows)
