"""Lists of values become columns of the model's types."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from pmo_watch.api import ENTITIES, Kind

from .values import FINE_UNIT, MONEY_UNIT

Value = str | int | bool | list[str] | None
Values = Sequence[Value]
UNITS = {
    Kind.MONEY: MONEY_UNIT,
    Kind.NUMBER: FINE_UNIT,
    Kind.PERCENT: FINE_UNIT,
    Kind.HOURS: FINE_UNIT,
}


def frame_of(entity: str, columns: Mapping[str, Values]) -> pl.DataFrame:
    """Return a frame of the entity's fields and its `key`.

    Amounts are given in the small units of `values`, days since 1970, moments in microseconds since 1970 UTC.
    """
    return pl.DataFrame([_series(entity, name, values) for name, values in columns.items()])


def _series(entity: str, name: str, values: Values) -> pl.Series:
    field = ENTITIES[entity].field(name)
    if field is None:  # the key
        return pl.Series(name, values, pl.String)
    if unit := UNITS.get(field.kind):
        whole = pl.Series(name, values, pl.Int64).cast(pl.Decimal(38, 0))
        return (whole * pl.Series([1 / Decimal(unit)])).cast(field.dtype)
    if field.kind == Kind.DATE:
        return pl.Series(name, values, pl.Int32).cast(pl.Date)
    if field.kind == Kind.MOMENT:
        return pl.Series(name, values, pl.Int64).cast(pl.Datetime("us", "UTC"))
    return pl.Series(name, values, field.dtype)
