"""What past states add to history: only where nothing was known, since history is never rewritten (spec model 1.10).

Of a row enters what lies before its first version, and, for a row that is there now, what lies after the last look at
its source: nobody has been told anything else for those times. What a look has answered stays as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from sqlalchemy import Connection, case, func, insert, or_, select

from pmo_watch.flow import Outcome
from pmo_watch.store.bulk import insert_rows
from pmo_watch.store.changes import ReadingChange
from pmo_watch.store.tables import READING, STORED, VERSIONS

MOMENT = pl.Datetime("us", "UTC")
PAST = 0  # number of a past state among readings
GOOD = (Outcome.COMPLETE.value, Outcome.PARTIAL.value)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """What enters of an entity's past: versions, and the instants at which versions that are current end earlier.

    `versions` without `known_to` are current until the reading that brought them shows another content.
    """

    versions: pl.DataFrame
    ended: Mapping[datetime, Sequence[str]]


def placed(connection: Connection, entity: str, change: ReadingChange, began: datetime) -> Placed:
    """Find the place of each version between what is known.

    `began`: from when the versions of the reading itself count.
    """
    told = _entering(connection, entity, change, began)
    first_later = told.filter("later").group_by("uid").agg(pl.col("known_from").min())
    ended = {at: rows["uid"].to_list() for (at,), rows in first_later.sort("uid").group_by("known_from")}
    shown = change.changed.get(entity)
    is_shown = pl.col("uid").is_in(shown["uid"].implode()) if shown is not None else pl.lit(value=False)
    until = pl.when(~pl.col("later")).then(pl.coalesce("first", pl.when(~is_shown).then(pl.lit(began).cast(MOMENT))))
    is_last = pl.col("known_from") == pl.col("known_from").max().over("uid")
    # A row that is missing now is so for the first time: its last version stays current (spec model 1.11).
    known_to = pl.when(~(pl.col("later") & is_last)).then("known_to")
    versions = told.with_columns(pl.min_horizontal(known_to, until).alias("known_to"))
    return Placed(versions.drop("first", "current", "later"), ended)


def _entering(connection: Connection, entity: str, change: ReadingChange, began: datetime) -> pl.DataFrame:
    """Return the versions of times of which nothing is known; `later`: they lie after the last look, not before all."""
    assert change.imported is not None  # as the caller has seen
    versions = change.imported.versions[entity].filter(pl.col("known_from") < began)
    joined = versions.join(_known(connection, entity, change.state.name), on="uid", how="left")
    looked = pl.lit(_last_look(connection, change.state.name)).cast(MOMENT)
    is_earlier = (pl.col("known_from") < pl.col("first")).fill_null(pl.col("first").is_null())
    is_later = ((pl.col("known_from") > looked) & (pl.col("current") <= looked)).fill_null(value=False)
    return joined.with_columns(later=is_later & ~is_earlier).filter(is_earlier | is_later)


def _known(connection: Connection, entity: str, source: str) -> pl.DataFrame:
    """Return since when each row is known, and since when as it is now."""
    table = VERSIONS[entity]
    current = case((table.c.known_to.is_(None), table.c.known_from))
    query = select(table.c.uid, func.min(table.c.known_from), func.max(current)).where(table.c.source == source)
    rows = [tuple(row) for row in connection.execute(query.group_by(table.c.uid))]
    return pl.DataFrame(rows, schema={"uid": pl.String(), "first": MOMENT, "current": MOMENT}, orient="row")


def _last_look(connection: Connection, source: str) -> datetime | None:
    is_look = or_(READING.c.number.is_(None), READING.c.number != PAST)
    query = select(func.max(READING.c.read_at)).where(READING.c.source == source, READING.c.outcome.in_(GOOD), is_look)
    found: datetime | None = connection.execute(query).scalar()
    return found


def stands_for(connection: Connection, change: ReadingChange, began: datetime) -> datetime | None:
    """Return the instant of the past state that the reading is; None where the reading is one of its own.

    What lay there before the first look, or came while nobody looked, counts for the day on which it was written: that
    somebody looked later says nothing new.
    """
    past = change.imported
    if past is None or not past.tells_all or not past.readings or change.state.outcome != Outcome.COMPLETE:
        return None
    at, looked = past.readings[-1].at, _last_look(connection, change.state.name)
    return at if at < began and (looked is None or looked < at) else None


def with_past(
    connection: Connection, versions: pl.DataFrame, entity: str, change: ReadingChange, began: datetime
) -> pl.DataFrame:
    """Return versions of an entity, with some of its fields, as they are once the past has entered.

    They have `uid`, `source`, `known_from` and `known_to`.
    """
    if change.imported is None or entity not in change.imported.versions:
        return versions
    found = placed(connection, entity, change, began)
    schema = {"uid": pl.String(), "ended": MOMENT}
    ended = [{"uid": uid, "ended": at} for at, uids in found.ended.items() for uid in uids]
    told = versions.join(pl.DataFrame(ended, schema=schema), on="uid", how="left")
    cut = told.with_columns(pl.coalesce("known_to", "ended").alias("known_to")).drop("ended")
    entering = found.versions.with_columns(pl.lit(change.state.name).alias("source"))
    return pl.concat([cut, entering.select(name for name in versions.columns if name != "vanished_on")], how="diagonal")


# --- written ------------------------------------------------------------------------------------------------------


def enter(connection: Connection, entity: str, source: str, entering: pl.DataFrame) -> None:
    """Write the versions that enter."""
    rows = entering.select(
        "uid",
        pl.lit(source).alias("source"),
        pl.col("@part").alias("part"),
        "known_from",
        "known_to",
        *[one.name for one in STORED[entity].stored()],
    )
    insert_rows(connection, entity, rows)


def note_readings(
    connection: Connection, change: ReadingChange, entered: Sequence[pl.DataFrame], began: datetime
) -> bool:
    """Write a line for each past state of which anything entered, or which says what the one before it said.

    Returns whether there was any.
    """
    assert change.imported is not None  # as the caller has seen
    moments = [frame.select("known_from") for frame in change.imported.versions.values()]
    told = _counted(moments)
    taken = _counted([frame.select("known_from") for frame in entered])
    known = select(READING.c.read_at).where(READING.c.source == change.state.name, READING.c.number == PAST)
    last, stood = next(reversed(change.imported.readings), None), stands_for(connection, change, began)
    had = {row.read_at for row in connection.execute(known)}
    rows = [
        {
            "source": change.state.name,
            "number": change.state.reading if one is last and stood else PAST,
            "read_at": one.at,
            "outcome": Outcome.COMPLETE.value,
            "rows": one.rows,
            "changed": taken.get(one.at, 0),
            "rejected": one.lost,
            "error": "",
            "hash": "",
            "cost": {},
        }
        for one in change.imported.readings
        if one.at < began and one.at not in had and (one.at in taken or one.at not in told)
    ]
    if rows:
        connection.execute(insert(READING), rows)
    return bool(rows)


def _counted(moments: Sequence[pl.DataFrame]) -> dict[datetime, int]:
    if not moments:
        return {}
    return dict(pl.concat(moments).group_by("known_from").len().iter_rows())
