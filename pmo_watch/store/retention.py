"""Prunes what is older than the limit: of versions the first and the weekly ones stay (spec alerts, History)."""

from datetime import datetime, tzinfo

import polars as pl
from sqlalchemy import Connection, bindparam, delete, select, update

from pmo_watch.store.outbox import forget_settled
from pmo_watch.store.tables import READING, VERSIONS

AT_ONCE = 500
MOMENT = pl.Datetime("us", "UTC")
VERSION_COLUMNS: dict[str, pl.DataType] = {
    "version_id": pl.Int64(),
    "uid": pl.String(),
    "known_from": MOMENT,
    "known_to": MOMENT,
}
ATTEMPT_COLUMNS: dict[str, pl.DataType] = {
    "id": pl.Int64(),
    "source": pl.String(),
    "read_at": MOMENT,
    "number": pl.Int64(),
}
EVERY_WEEK = "1w"  # weeks begin on Monday


def prune(connection: Connection, before: datetime, zone: tzinfo) -> int:
    """Delete versions, attempts and settled messages from before the moment; return how many versions went."""
    gone = sum(_prune_versions(connection, name, before, zone) for name in VERSIONS)
    _prune_attempts(connection, before, zone)
    forget_settled(connection, before)
    return gone


def _prune_versions(connection: Connection, entity: str, before: datetime, zone: tzinfo) -> int:
    table = VERSIONS[entity]
    query = select(table.c.version_id, table.c.uid, table.c.known_from, table.c.known_to).where(
        table.c.known_to.is_not(None), table.c.known_to < before
    )
    rows = [tuple(row) for row in connection.execute(query)]
    if not rows:
        return 0
    versions = pl.DataFrame(rows, schema=VERSION_COLUMNS, orient="row").sort("uid", "known_from", "version_id")
    marked = versions.with_columns(stays=_stays(zone)).with_columns(
        keeper=pl.when("stays").then("version_id").forward_fill().over("uid")
    )
    gone = marked.filter(~pl.col("stays"))
    # A version stands until the next kept one, or a look at a past day would find its row missing.
    until = gone.group_by("keeper").agg(pl.col("known_to").max())
    stands = update(table).where(table.c.version_id == bindparam("keeper")).values(known_to=bindparam("until"))
    if until.height:
        connection.execute(stands, [{"keeper": keeper, "until": end} for keeper, end in until.iter_rows()])
    for piece in gone.iter_slices(AT_ONCE):
        connection.execute(delete(table).where(table.c.version_id.in_(piece["version_id"].to_list())))
    return gone.height


def _stays(zone: tzinfo) -> pl.Expr:
    """Say which versions stay: the first of a row, the first after it was gone, and those that saw a week end."""
    local = [pl.col(name).dt.convert_time_zone(str(zone)) for name in ("known_from", "known_to")]
    saw_week_end = local[0].dt.truncate(EVERY_WEEK) != local[1].dt.truncate(EVERY_WEEK)
    follows = (pl.col("uid").shift(1) == pl.col("uid")) & (pl.col("known_to").shift(1) == pl.col("known_from"))
    return saw_week_end | ~follows.fill_null(value=False)


def _prune_attempts(connection: Connection, before: datetime, zone: tzinfo) -> None:
    """Keep the last complete attempt of each source and week, which says that the week was looked at."""
    query = select(READING.c.id, READING.c.source, READING.c.read_at, READING.c.number).where(
        READING.c.read_at < before
    )
    rows = [tuple(row) for row in connection.execute(query)]
    attempts = pl.DataFrame(rows, schema=ATTEMPT_COLUMNS, orient="row")
    week = pl.col("read_at").dt.convert_time_zone(str(zone)).dt.truncate(EVERY_WEEK)
    complete = attempts.filter(pl.col("number").is_not_null()).sort("id")
    kept = complete.with_columns(week=week).unique(["source", "week"], keep="last")
    for piece in attempts.join(kept, on="id", how="anti").iter_slices(AT_ONCE):
        connection.execute(delete(READING).where(READING.c.id.in_(piece["id"].to_list())))
