"""The computed colours of projects as they were: written when one changes, asked for as samples (spec model 1.10)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo

import polars as pl
from sqlalchemy import Connection, Table, bindparam, case, insert, or_, select, update

from pmo_watch.flow import COLOURS, Outcome, Samples, Wish
from pmo_watch.store.tables import COLOUR, READING
from pmo_watch.store.wishes import MOMENT, Period, periods_of

PLACE = ("project", "dimension")
CURRENT = {"number": pl.Int64(), "project": pl.String(), "dimension": pl.String(), "state": pl.String()}
VERSIONS = {"project": pl.String(), "dimension": pl.String(), "state": pl.String(), "from": MOMENT, "to": MOMENT}
PERIODS = {"period": pl.String(), "ends": pl.Date(), "looked_at": MOMENT}


def write_colours(connection: Connection, colours: pl.DataFrame, at: datetime, table: Table = COLOUR) -> None:
    """Keep what differs from the colours known so far; one that is not among them has ended."""
    now = colours.select(*PLACE, "state")
    query = select(*[table.c[name] for name in CURRENT]).where(table.c.known_to.is_(None))
    known = _frame(connection.execute(query), CURRENT)
    ended = known.join(now, on=(*PLACE, "state"), how="anti")
    begun = now.join(known, on=(*PLACE, "state"), how="anti")
    if ended.height:
        close = update(table).where(table.c.number == bindparam("ended")).values(known_to=at)
        connection.execute(close, [{"ended": one} for one in ended["number"]])
    if begun.height:
        connection.execute(insert(table), begun.with_columns(known_from=pl.lit(at)).to_dicts())


def read_colours(
    connection: Connection, wishes: Iterable[Wish], now: datetime, zone: tzinfo
) -> dict[Wish, pl.DataFrame]:
    """Answer the wishes for samples of colours: `uid` of the project, `source`, `period`, `ends` and the dimensions."""
    asked = [one for one in wishes if isinstance(one, Samples) and one.entity == COLOURS]
    return {wish: _samples(connection, wish, periods_of(wish, now, zone)) for wish in asked}


def _samples(connection: Connection, wish: Samples, looked: Sequence[Period]) -> pl.DataFrame:
    """Return the colours known at the end of each period in which anything was read; oldest first."""
    since = looked[0].looked_at
    stood = or_(COLOUR.c.known_to.is_(None), COLOUR.c.known_to > since)
    query = select(*[COLOUR.c[name] for name in ("project", "dimension", "state", "known_from", "known_to")])
    found = connection.execute(query.where(stood, COLOUR.c.dimension.in_(wish.fields)))
    return samples_of_colours(_frame(found, VERSIONS), wish, looked, _heard(connection, looked))


def samples_of_colours(
    versions: pl.DataFrame, wish: Samples, looked: Sequence[Period], heard: Collection[str]
) -> pl.DataFrame:
    """Return the colours known at the end of each period; oldest first.

    `versions`: as VERSIONS, of the dimensions asked for. `heard`: the periods in which anything was read.
    """
    rows = [(one.name, one.last_day, one.looked_at) for one in looked if one.name in heard]
    at_end = (pl.col("from") <= pl.col("looked_at")) & (pl.col("to").is_null() | (pl.col("to") > pl.col("looked_at")))
    standing = versions.join(pl.DataFrame(rows, schema=PERIODS, orient="row"), how="cross").filter(at_end)
    wide = standing.pivot(on="dimension", on_columns=wish.fields, index=["project", "period", "ends"], values="state")
    return wide.select(pl.col("project").alias("uid"), pl.lit("").alias("source"), "period", "ends", *wish.fields).sort(
        "uid", "ends"
    )


def _heard(connection: Connection, looked: Sequence[Period]) -> set[str]:
    """Return the periods in which a source was read, and the present one: in the others nobody looked."""
    period = case(*[(READING.c.read_at <= one.looked_at, one.name) for one in looked])
    query = (
        select(period)
        .where(READING.c.outcome == Outcome.COMPLETE.value, READING.c.number.is_distinct_from(0))
        .where(READING.c.read_at >= looked[0].begins, READING.c.read_at <= looked[-1].looked_at)
        .distinct()
    )
    return {*connection.execute(query).scalars(), looked[-1].name}


def _frame(rows: Iterable[Sequence[object]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in rows], schema=dict(schema), orient="row")


def read_colours_at(connection: Connection, at: datetime, dimension: str) -> dict[str, str]:
    """Return the colour of each project in a dimension, by uid, as known at that moment."""
    stood = or_(COLOUR.c.known_to.is_(None), COLOUR.c.known_to > at)
    query = select(COLOUR.c.project, COLOUR.c.state).where(
        COLOUR.c.dimension == dimension, COLOUR.c.known_from <= at, stood
    )
    return {row.project: row.state for row in connection.execute(query)}
