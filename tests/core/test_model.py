"""Frames: a column that no row fills costs nothing, and reads like any other."""

import polars as pl

from pmo_watch.model import lean


def test_column_without_a_value_takes_no_memory() -> None:
    rows = pl.DataFrame({"uid": ["a", "b"] * 50_000}).with_columns(
        none=pl.Series([None] * 100_000, dtype=pl.String), some=pl.Series([None, 1] * 50_000, dtype=pl.Int64)
    )

    slim = lean(rows)

    assert slim.equals(rows)
    assert slim.schema == rows.schema
    assert rows.estimated_size() - slim.estimated_size() > 1_000_000


def test_frame_without_rows_stays_as_it_is() -> None:
    rows = pl.DataFrame(schema={"uid": pl.String, "day": pl.Date})

    assert lean(rows).equals(rows)
    assert lean(rows).schema == rows.schema
