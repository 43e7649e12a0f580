"""Frames: a column that no row fills costs nothing, and reads like any other."""

import polars as pl

from pmo_watch.model import lean


def test_column_without_a_value_takes_no_memory() -> None:
    none = pl.Series([None] * 100_000, dtype=pl.Int64)
    some = pl.Series([None, 1] * 50_000, dtype=pl.Int64)
    rows = pl.DataFrame({"none": none, "some": some})

    slim = lean(rows)

    assert rows.estimated_size() - slim.estimated_size() > 700_000
    assert slim.schema == rows.schema
    assert slim.equals(rows)


def test_frame_without_rows_stays_as_it_is() -> None:
    rows = pl.DataFrame(schema={"uid": pl.String, "day": pl.Date})

    assert lean(rows).equals(rows)
    assert lean(rows).schema == rows.schema
