"""Values of JSON as columns of texts and exact numbers, whatever they are: what does not fit is null."""

from collections.abc import Sequence
from decimal import Decimal
from types import NoneType
from typing import Any

import polars as pl

WIDE = pl.Decimal(38, 10)  # as many places as Dataverse keeps
MOST_DIGITS = 27  # before the point, of a number with ten behind it
LEAST_PLACE = -40


def texts(raw: Sequence[Any]) -> pl.Series:
    """Return texts; numbers as they are written, lists and objects as null."""
    if not set(map(type, raw)) <= {str, NoneType}:  # the library itself would end at some numbers
        raw = [_written(one) for one in raw]
    return pl.Series(raw, dtype=pl.String)


def numbers(raw: Sequence[Any]) -> pl.Series:
    """Return exact numbers; null where there is none, or one beyond what a column holds."""
    found = [None if one is None else str(one) for one in raw]  # many times as fast as number by number
    made = pl.Series(found, dtype=pl.String).cast(WIDE, strict=False)
    if made.null_count() == found.count(None):
        return made
    return pl.Series([_digits(one) for one in raw], dtype=pl.String).cast(WIDE, strict=False)


def _written(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | Decimal) else None


def _digits(value: Any) -> str | None:
    """Return a number without exponent."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value.strip() if isinstance(value, str) else None
    number = Decimal(value)
    return f"{number:f}" if LEAST_PLACE < number.adjusted() <= MOST_DIGITS else "0" if not number else None
