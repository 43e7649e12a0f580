"""What a cycle would know of the small portfolio of a measure's worked example: rows, history, a snapshot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, tzinfo
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.calendars import build_calendars
from pmo_watch.entities import ENTITIES, MATCHED_ON
from pmo_watch.example_rows import ExampleRows, Row, Rows, is_delivered
from pmo_watch.flow import Outcome, PastState, Records, Samples, Since, Snapshot, SourceState, Wish
from pmo_watch.intake import frames_of
from pmo_watch.merge import Context, build_snapshot
from pmo_watch.model import Kind
from pmo_watch.normalise import Limits
from pmo_watch.past_states import PastStates
from pmo_watch.settings_shape import CalendarSettings
from pmo_watch.store import wishes as kept
from pmo_watch.view import ROWS_OF
from pmo_watch.workdays import Calendar

SOURCE = "example"
ENGINE = {"@usable": pl.Boolean(), "@reading": pl.Int64()}
CALLED = ("id", "code", "email", "name")  # what a row of another entity may be named by


def snapshot_of(rows: ExampleRows, wishes: Iterable[Wish]) -> Snapshot:
    """Return what is known on the day of the example, at noon in UTC; what nobody takes in is added to its faults."""
    today, organisation = rows.example.today, rows.example.organisation.as_values()
    frames, rejected, _ = frames_of(SOURCE, _records(rows.days[today]))
    state = SourceState(SOURCE, "example", Outcome.COMPLETE, reading=len(rows.days), last_good=_noon(today))
    past = _past(rows, list(wishes), ZoneInfo(organisation.timezone))
    made = build_snapshot(
        {SOURCE: frames}, {SOURCE: state}, Context(_noon(today), today, _calendars(), organisation), past
    )
    for one in (*rejected, *made.rejected):
        rows.fault(f"{one.field} '{one.value}': {one.reason}", "given")
    own = {entity: _placed(entity, some, made) for entity, some in rows.own.items()}
    return replace(made, frames={**made.frames, **own})


def asked_in(rows: ExampleRows, found: pl.DataFrame) -> Mapping[str, Any] | None:
    """Return the finding about the row that an example asks about; None where the row does not count."""
    if rows.asked is not None:
        found = found.filter(pl.col("uid") == _uid(ROWS_OF.get(rows.entity, rows.entity), rows.asked))
    if found.height > 1:
        rows.fault(f"there are {found.height} of {rows.entity}: give the one that is asked about", "given")
    return found.to_dicts()[0] if found.height else None


@cache
def _calendars() -> Mapping[str, Calendar]:
    return build_calendars({"be": CalendarSettings(country="be")}, Path())


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _records(rows: Rows) -> list[Records]:
    made = []
    for entity, some in rows.items():
        schema = {"key": pl.String(), **ENTITIES[entity].stored_schema()}
        made.append(Records(entity, pl.DataFrame(list(some.values()), schema=schema, orient="row")))
    return made


def _uid(entity: str, row: Row) -> str:
    if entity not in MATCHED_ON:
        return f"{SOURCE}:{entity}:{row['key']}"
    named = str(row.get(MATCHED_ON[entity]) or row["key"])
    return f"{entity}:{' '.join(named.lower().split())}"


# --- history ------------------------------------------------------------------------------------------------------


def _past(rows: ExampleRows, wishes: Sequence[Wish], zone: tzinfo) -> dict[Wish, pl.DataFrame]:
    """Answer wishes for history as the store does, from the days of the example told one after the other."""
    told = PastStates(SOURCE, Limits())
    for day, some in rows.days.items():
        told.add(PastState(_noon(day), SOURCE, _records(some)))
    imported = told.imported([SOURCE])
    versions = imported.versions if imported else {}
    now = _noon(rows.example.today)
    return {wish: _answer(wish, versions.get(wish.entity), now, zone, list(rows.days)) for wish in wishes}


def _answer(
    wish: Wish, versions: pl.DataFrame | None, now: datetime, zone: tzinfo, days: Sequence[date]
) -> pl.DataFrame:
    if not kept.fields_of(wish) or versions is None:
        return kept.nothing(wish)
    keeps = kept.kept_of(versions.with_columns(source=pl.lit(SOURCE)), wish, kept.since_of(wish, now, zone))
    if not isinstance(wish, Samples):
        return kept.since_days(keeps, zone) if isinstance(wish, Since) else kept.first_values(keeps)
    looked = kept.periods_of(wish, now, zone)
    heard = {one.name: [SOURCE] for one in looked if any(one.begins <= _noon(day) <= one.looked_at for day in days)}
    return kept.samples(keeps, wish, looked, heard)


# --- rows of pmo-watch's own --------------------------------------------------------------------------------------


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
