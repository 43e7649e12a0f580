"""What a finding rests on, as text: the evidence of measures and the fields a rule wants shown.

Dates as 2026-07-17, numbers without needless zeros; messages write them in the reader's way.
"""

from collections.abc import Collection, Sequence

import polars as pl

from pmo_watch.flow import Evidence, Snapshot
from pmo_watch.measured import Measured
from pmo_watch.model import DTYPES, Kind
from pmo_watch.view import Column, Table

NAMED_BY = {"project": ("code", "id")}  # what people call a row, first choice first
OTHERS_NAMED_BY = ("name", "title", "artefact", "email", "id")


def evidence(rows: Table, answers: Sequence[Measured], show: Sequence[str]) -> Evidence:
    """Return what puts into words what findings on these rows rest on. `show`: fields as the rule names them."""
    gathered: dict[str, tuple[pl.Series, Column | None]] = {}
    for one in answers:
        companions = one.frame.select(name for name in one.measure.companions if name in one.frame.columns)
        for series in (*one.evidence.iter_columns(), *companions.iter_columns()):
            gathered.setdefault(series.name, (series, rows.column(series.name)))
    rows.require(name for name in show if "." in name)
    for name in show:
        column = rows.column(name)
        if column is not None:
            gathered.setdefault(name, (rows.rows[column.name], column))
    uids, snapshot = rows.rows["uid"], rows.snapshot  # not the table: it would live on with all its columns

    def of(asked: Collection[str]) -> pl.DataFrame:
        told = uids.is_in(list(asked))
        shown = {name: _texts(series.filter(told), column, snapshot) for name, (series, column) in gathered.items()}
        return pl.DataFrame({"uid": uids.filter(told), **shown})

    return of


def _text(name: str, dtype: pl.DataType, snapshot: Snapshot) -> pl.Expr:
    value = pl.col(name)
    if dtype.is_float() or dtype.is_decimal():
        exact = value.cast(DTYPES[Kind.NUMBER], strict=False).cast(pl.String)
        return exact.str.strip_chars_end("0").str.strip_chars_end(".")
    if isinstance(dtype, pl.Datetime):
        return value.dt.convert_time_zone(snapshot.organisation.timezone).dt.strftime("%Y-%m-%d %H:%M")
    if isinstance(dtype, pl.List):
        return value.cast(pl.List(pl.String)).list.join(", ")
    return value.cast(pl.String)


def _texts(values: pl.Series, column: Column | None, snapshot: Snapshot) -> pl.Series:
    """Return values as people know them: what a field refers to by its name, never by uid."""
    texts = values.to_frame().select(_text(values.name, values.dtype, snapshot).alias("uid"))
    if column is None or column.field.kind != Kind.REF:
        return texts["uid"]
    named = texts.join(names_of(snapshot, column.field.refers), on="uid", how="left", maintain_order="left")
    is_uid = pl.col("uid").str.contains(rf"^(?:[^:]+:)?(?:{'|'.join(column.field.refers)}):")
    given = pl.when(~is_uid).then("uid")  # a measure may give the name itself
    return named.select(pl.coalesce("name", given)).to_series()


def names_of(snapshot: Snapshot, entities: Sequence[str]) -> pl.DataFrame:
    """Return `uid` and `name`, what people call the row, for every row of these entities."""
    return pl.concat(_names(snapshot, entity) for entity in entities)


def _names(snapshot: Snapshot, entity: str) -> pl.DataFrame:
    frame = snapshot.frame(entity)
    columns = [name for name in NAMED_BY.get(entity, OTHERS_NAMED_BY) if name in frame.columns]
    return frame.select("uid", name=pl.coalesce(*columns, pl.lit(None, pl.String)))
