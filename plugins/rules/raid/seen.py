"""Since when an entry has stood in its log: the day it says, else the day it was first read."""

from collections.abc import Callable
from typing import Any

import polars as pl

from pmo_watch.api import Since, View, Wish

CLOSED = pl.when(~pl.col("open")).then(pl.lit("closed"))
NOTE = pl.lit("counted from the day it was first seen")


def first_seen(log: str) -> Callable[[Any], tuple[Wish, ...]]:
    """Return what asks for the day on which each entry of a log was first read; its id stays as long as it does."""
    return lambda _: (Since(log, "id"),)


def began(day: str, view: View) -> pl.Expr:
    """Return the day in that column, else the day the entry was first read; null where history knows neither."""
    return pl.coalesce(day, pl.lit(_seen(view)))


def noted(day: str, view: View) -> pl.Expr:
    """Return what is said of an entry whose day of first reading stands for the day in that column."""
    return pl.when(pl.col(day).is_null() & pl.lit(_seen(view)).is_not_null()).then(NOTE)


def _seen(view: View) -> pl.Series:
    return since(Since(view.entity, "id"), view)


def since(wish: Since, view: View) -> pl.Series:
    """Return since when each row's field has had its value, in the order of the rows; null where nobody knows."""
    known = view.snapshot.past.get(wish)
    if known is None:
        return pl.Series("since", [None] * view.rows.height, pl.Date)
    days = known.select("uid", pl.col("since").cast(pl.Date))
    return view.rows.select("uid").join(days, on="uid", how="left", maintain_order="left")["since"]
