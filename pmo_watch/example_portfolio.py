"""What a cycle would know of the small portfolio of a measure's worked example: rows, history, a snapshot.

Its days are read one after the other into a store of its own, as cycles would.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.calendars import build_calendars
from pmo_watch.entities import ENTITIES, MATCHED_ON
from pmo_watch.example_rows import ExampleRows, Row, Rows, is_delivered
from pmo_watch.flow import Outcome, Reading, Records, Snapshot, SourceState, Wish
from pmo_watch.intake import frames_of
from pmo_watch.memory import changes
from pmo_watch.merge import Context, build_snapshot
from pmo_watch.model import Kind
from pmo_watch.normalise import Accepted, Limits, accept
from pmo_watch.settings_shape import CalendarSettings
from pmo_watch.store import CycleChange, Store, open_store
from pmo_watch.store.changes import ReadingChange
from pmo_watch.view import ROWS_OF
from pmo_watch.workdays import Calendar

SOURCE = "example"
ENGINE = {"@usable": pl.Boolean(), "@reading": pl.Int64()}
CALLED = ("id", "code", "email", "name")  # what a row of another entity may be named by

Past = Mapping[Wish, pl.DataFrame]
Colours = Callable[[Snapshot], pl.DataFrame]


def snapshot_of(rows: ExampleRows, wishes: Iterable[Wish], colours: Colours) -> Snapshot:
    """Return what is known on the day of the example, at noon in UTC; what nobody takes in is added to its faults.

    `colours`: what is computed of projects on each earlier day.
    """
    wanted, *earlier, today = list(wishes), *rows.days
    before = Accepted(SourceState(SOURCE, "example"), {})
    if not wanted:
        return _with_own(rows, _known(rows, today, _read(rows, today, before)[0], {}))
    with new_store() as store:
        for day in earlier:
            before, change = _read(rows, day, before)
            known = _known(rows, day, before, _past(rows, store, wanted, day, change))
            store.write(CycleChange(_noon(day), readings=change, colours=colours(known)))
        accepted, change = _read(rows, today, before)
        return _with_own(rows, _known(rows, today, accepted, _past(rows, store, wanted, today, change)))


@contextmanager
def new_store() -> Iterator[Store]:
    """Give a store with nothing in it, which is gone afterwards."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "example.db")
        file.write_bytes(_new_database())
        with closing(open_store(f"sqlite:///{file}")) as store:
            yield store


@cache
def _new_database() -> bytes:
    """Return a database without rows: making its tables takes longer than all else together."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "example.db")
        open_store(f"sqlite:///{file}").close()
        return file.read_bytes()


def asked_in(rows: ExampleRows, found: pl.DataFrame) -> Mapping[str, Any] | None:
    """Return the finding about the row that an example asks about; None where the row does not count."""
    if rows.asked is not None:
        found = found.filter(pl.col("uid") == _uid(ROWS_OF.get(rows.entity, rows.entity), rows.asked))
    if found.height > 1:
        rows.fault(f"there are {found.height} of {rows.entity}: give the one that is asked about", "given")
    return found.to_dicts()[0] if found.height else None


# --- one day ------------------------------------------------------------------------------------------------------


def _read(rows: ExampleRows, day: date, before: Accepted) -> tuple[Accepted, list[ReadingChange]]:
    """Take the rows of a day in as a complete reading."""
    frames, rejected, _ = frames_of(SOURCE, records_of(rows.days[day]))
    for one in rejected:
        rows.fault(f"{one.where}.{one.field} '{one.value}': {one.reason}", "given")
    reading = Reading(SOURCE, _noon(day), Outcome.COMPLETE, frames)
    accepted = accept(reading, before.rows, before.state, Limits(), accept_shrink=True)
    return accepted, changes({SOURCE: accepted}, [reading], day)


def _past(rows: ExampleRows, store: Store, wishes: Iterable[Wish], day: date, change: Sequence[ReadingChange]) -> Past:
    return store.past(wishes, _noon(day), ZoneInfo(rows.example.organisation.timezone), change)


def _known(rows: ExampleRows, day: date, accepted: Accepted, past: Past) -> Snapshot:
    context = Context(_noon(day), day, _calendars(), rows.example.organisation.as_values())
    made = build_snapshot({SOURCE: accepted.rows}, {SOURCE: accepted.state}, context, past)
    for one in made.rejected:
        rows.fault(f"{one.field} '{one.value}': {one.reason}", "given")
    return made


def records_of(rows: Rows) -> list[Records]:
    """Return rows as a source yields them."""
    made = []
    for entity, some in rows.items():
        schema = {"key": pl.String(), **ENTITIES[entity].stored_schema()}
        made.append(Records(entity, pl.DataFrame(list(some.values()), schema=schema, orient="row")))
    return made


@cache
def _calendars() -> Mapping[str, Calendar]:
    return build_calendars({"be": CalendarSettings(country="be")}, Path())


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _uid(entity: str, row: Row) -> str:
    if entity not in MATCHED_ON:
        return f"{SOURCE}:{entity}:{row['key']}"
    named = str(row.get(MATCHED_ON[entity]) or row["key"])
    return f"{entity}:{' '.join(named.lower().split())}"


# --- rows of pmo-watch's own --------------------------------------------------------------------------------------


def _with_own(rows: ExampleRows, known: Snapshot) -> Snapshot:
    own = {entity: _placed(entity, some, known) for entity, some in rows.own.items()}
    return replace(known, frames={**known.frames, **own})


def _placed(entity: str, rows: Sequence[Row], snapshot: Snapshot) -> pl.DataFrame:
    """Return rows that no source delivers, as the engine would have made them."""
    schema = {**ENTITIES[entity].schema(), **ENGINE}
    usual = {"source": SOURCE, "@usable": True, "@reading": 1}
    made = [{**usual, "uid": _uid(entity, row), **_referring(entity, row, snapshot)} for row in rows]
    return pl.DataFrame(made, schema=schema, orient="row").sort("uid")


def _referring(entity: str, row: Row, snapshot: Snapshot) -> Row:
    """Return the row with the uids of what it names."""
    found = {name: value for name, value in row.items() if name != "key"}
    for one in ENTITIES[entity].fields:
        if one.kind == Kind.REF and one.refers and found.get(one.name):
            uids = [_called(target, str(found[one.name]), snapshot) for target in one.refers]
            found[one.name] = next(filter(None, uids), None)
    return found


def _called(entity: str, word: str, snapshot: Snapshot) -> str | None:
    if not is_delivered(entity):
        return None
    frame = snapshot.frame(entity)
    names = [pl.col(name).str.to_lowercase() == word.lower() for name in CALLED if name in frame.columns]
    uids = frame.filter(pl.any_horizontal(names))["uid"].to_list()
    return uids[0] if uids else None
