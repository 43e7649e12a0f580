"""The open threats of projects, and what is said where some of them lack a figure."""

import polars as pl

from pmo_watch.api import View

NONE_DUE = pl.lit("nothing due yet")


def threats(view: View) -> pl.DataFrame:
    """Return the open risks of all projects that are no opportunities; one without status counts as open."""
    risks = view.snapshot.frame("risk")
    is_open = pl.col("open").fill_null(value=True) & pl.col("vanished_on").is_null()
    return risks.filter(is_open & ~pl.col("opportunity").fill_null(value=False))


def some_missing(field: str, missing: pl.Expr, rows: pl.Expr) -> pl.Expr:
    """Return why a sum over rows is grey: a field is null on some or all of them; null where it is on none."""
    some = pl.format(f"missing {field} on {{}} of {{}} rows", missing, rows)
    return pl.when(missing == rows).then(pl.lit(f"missing {field}")).when(missing > 0).then(some)
