"""What the last cycle showed, kept for views that dashboards read: written where it differs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from pmo_watch.shown import Showing
from pmo_watch.store.colours import write_colours
from pmo_watch.store.tables import SHOWN_COLOUR, SHOWN_MILESTONE, SHOWN_OBSERVATION, SHOWN_PROJECT, SHOWN_SILENCED


def write_shown(connection: Connection, showing: Showing, at: datetime) -> None:
    """Keep what is shown; a project that is gone keeps the label it had, for what is told of its past."""
    _write_silenced(connection, showing.silenced)
    now, before = showing.shown, showing.before
    if now is None:
        return
    write_colours(connection, now.declared, at, SHOWN_COLOUR)
    _write(connection, SHOWN_PROJECT, now.projects, before.projects if before else None, keep=True)
    _write(connection, SHOWN_MILESTONE, now.milestones, before.milestones if before else None)
    _write(connection, SHOWN_OBSERVATION, now.observations, before.observations if before else None)


def _write_silenced(connection: Connection, silenced: Collection[str]) -> None:
    known = {*connection.execute(select(SHOWN_SILENCED.c.alert)).scalars()}
    _forget(connection, SHOWN_SILENCED, sorted(known.difference(silenced)))
    _insert(connection, SHOWN_SILENCED, [{"alert": one} for one in sorted(set(silenced) - known)])


def _write(
    connection: Connection, table: Table, now: pl.DataFrame, before: pl.DataFrame | None, *, keep: bool = False
) -> None:
    known = _read(connection, table, now.schema) if before is None else before
    both = now.join(known, on="uid", how="left", suffix="@", maintain_order="left")
    differs = pl.any_horizontal(pl.col(one).ne_missing(pl.col(f"{one}@")) for one in now.columns if one != "uid")
    fresh = both.filter(differs | ~pl.col("uid").is_in(known["uid"].implode())).select(now.columns)
    gone = known.clear() if keep else known.join(now, on="uid", how="anti")
    _forget(connection, table, [*gone["uid"], *fresh["uid"]])
    _insert(connection, table, fresh.to_dicts())


def _read(connection: Connection, table: Table, schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(connection.execute(select(table)).all(), schema=schema, orient="row")


def _forget(connection: Connection, table: Table, keys: list[str]) -> None:
    (key,) = table.primary_key.columns
    if keys:
        connection.execute(delete(table).where(key == bindparam("gone")), [{"gone": one} for one in keys])


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), [*rows])
