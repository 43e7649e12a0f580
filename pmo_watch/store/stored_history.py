"""All that a database keeps of the past, read once, to be lived again: versions, attempts, silences, people's acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

import polars as pl
from sqlalchemy import Connection, select, true

from pmo_watch.alerts import Reason, Silence
from pmo_watch.flow import Outcome
from pmo_watch.store.alerts import read_every_silence
from pmo_watch.store.bulk import fetch
from pmo_watch.store.changes import ReadingEntry, TransitionEntry
from pmo_watch.store.rows import made_of
from pmo_watch.store.tables import READING, STORED, TRANSITION, VERSIONS

MOMENT = pl.Datetime("us", "UTC")
ENGINE: dict[str, pl.DataType] = {
    "uid": pl.String(),
    "source": pl.String(),
    "part": pl.String(),
    "known_from": MOMENT,
    "known_to": MOMENT,
    "missing": pl.Int64(),
    "vanished_on": pl.Date(),
}
ENTRIES = [READING.c[name] for name in ("id", *ReadingEntry.__dataclass_fields__)]


@dataclass(frozen=True, slots=True, eq=False)
class StoredHistory:
    """What a database keeps of the past.

    `versions`: by entity, all of them, sorted by uid and beginning, with the stored fields and the columns of ENGINE;
    besides `missed_at`, the instant of the reading in which the row was first missing, and `ends`, the instant at which
    the version stopped to count: for a row that vanished that of the reading that missed it for the second time,
    while `known_to` is the first. `attempts`: oldest first, past states (number 0) among them. `silences`: all there
    ever were. `acknowledged`: the lines of the log in which somebody took notice of an alert, oldest first.
    """

    versions: Mapping[str, pl.DataFrame]
    attempts: Sequence[ReadingEntry]
    silences: Sequence[Silence] = ()
    acknowledged: Sequence[TransitionEntry] = field(default_factory=tuple)


def read_history(connection: Connection, zone: tzinfo) -> StoredHistory:
    """Read all of it; `zone`: in which the days are on which rows were found to have vanished."""
    by_time = select(*ENTRIES).order_by(READING.c.read_at, READING.c.id)
    attempts = [ReadingEntry(**made_of(row, ReadingEntry)) for row in connection.execute(by_time)]
    looks = _Looks(attempts, zone)
    versions = {name: _versions(connection, name, looks) for name in VERSIONS}
    said = select(TRANSITION).where(TRANSITION.c.reason == Reason.ACKNOWLEDGED.value).order_by(TRANSITION.c.number)
    acknowledged = [TransitionEntry(**made_of(row, TransitionEntry)) for row in connection.execute(said)]
    found = {name: frame for name, frame in versions.items() if frame.height}
    return StoredHistory(found, attempts, read_every_silence(connection), acknowledged)


def empty_versions(entity: str) -> pl.DataFrame:
    """Return the frame of an entity of which nothing is kept."""
    return pl.DataFrame(schema={**ENGINE, **STORED[entity].stored_schema(), "missed_at": MOMENT, "ends": MOMENT})


class _Looks:
    """Finds the readings that versions name by number or by day."""

    def __init__(self, attempts: Sequence[ReadingEntry], zone: tzinfo) -> None:
        self._at: dict[tuple[str, int], datetime] = {}
        self._whole: dict[str, list[tuple[int, datetime, date]]] = {}
        for one in attempts:
            if one.number and one.outcome == Outcome.COMPLETE:
                self._at[one.source, one.number] = one.read_at
                day = one.read_at.astimezone(zone).date()
                self._whole.setdefault(one.source, []).append((one.number, one.read_at, day))

    def missed(self, source: str, number: int) -> datetime | None:
        """Return when the reading of that number was; None where it is no longer kept."""
        return self._at.get((source, number))

    def gone(self, source: str, number: int, day: date | None) -> datetime | None:
        """Return when a row that was first missing in a reading was found to have vanished on a day."""
        if day is None:
            return None
        later = (at for which, at, on in self._whole.get(source, ()) if which > number and on >= day)
        return next(later, None)


def _versions(connection: Connection, entity: str, looks: _Looks) -> pl.DataFrame:
    names = [*ENGINE, *[one.name for one in STORED[entity].stored()]]
    frame = fetch(connection, entity, names, true())
    lost = frame.filter(pl.col("missing").is_not_null()).select("source", "missing", "vanished_on").unique()
    told = [(*row, looks.missed(*row[:2]), looks.gone(*row)) for row in lost.iter_rows()]
    schema = {**lost.schema, "missed_at": MOMENT, "gone_at": MOMENT}
    found = pl.DataFrame(told, schema=schema, orient="row")
    joined = frame.join(found, on=["source", "missing", "vanished_on"], how="left", nulls_equal=True)
    ends = pl.when(pl.col("known_to").is_not_null()).then(pl.max_horizontal("known_to", "gone_at"))
    return joined.with_columns(ends=ends).drop("gone_at").sort("uid", "known_from")
