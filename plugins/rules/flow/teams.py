"""The items of each team, and how long those that are finished took."""

from datetime import timedelta

import polars as pl

from pmo_watch.api import View

WEEK = "1w"
FIELDS = ("id", "name", "board", "project", "owner", "status_category", "done", "created_at", "actual_start")


def items(view: View) -> pl.DataFrame:
    """Return what the teams work on and have finished, sub-tasks left out; made once for all measures.

    Columns: `uid`, `board`, `project`, `owner`, `created_at`, `called` (id), `doing`, `made` and `started` (days; null
    is unknown), `finished` (day; null while open), `took` (calendar days, first and last counted).
    """
    return view.once("flow items", lambda: _items(view))


def _items(view: View) -> pl.DataFrame:
    made = pl.col("created_at").dt.convert_time_zone(view.snapshot.organisation.timezone).dt.date()
    finished = pl.when("done").then("actual_finish")
    return view.work_items(*FIELDS, "actual_finish").select(
        *("uid", "board", "project", "owner", "created_at"),
        called=pl.coalesce("id", "name", "uid"),
        doing=(pl.col("status_category") == "doing").fill_null(value=False),
        made=made,
        started="actual_start",
        finished=finished,
        took=(finished - pl.col("actual_start")).dt.total_days() + 1,
    )


def of_boards(view: View) -> pl.DataFrame:
    """Return the items that stand on a board."""
    return items(view).drop_nulls("board")


def lately(view: View, days: int) -> pl.Expr:
    """Return whether an item was finished in the last so many calendar days, today counted."""
    today = view.snapshot.today
    recent = pl.col("finished").is_between(today - timedelta(days=days), today, closed="right")
    return recent.fill_null(value=False)


def weeks_back(day: pl.Expr, view: View) -> pl.Expr:
    """Return how many weeks before the present one a day lies; 1 is the last complete week."""
    return (pl.lit(view.snapshot.today).dt.truncate(WEEK) - day.dt.truncate(WEEK)).dt.total_days() // 7


def percentile(values: pl.Expr, share: float) -> pl.Expr:
    """Return the value at rank ceil(share x n / 100) of the sorted values; null where there are none."""
    known = values.drop_nulls()
    rank = (known.len() * share / 100).ceil().cast(pl.Int64).clip(1)
    return pl.when(known.len() > 0).then(known.sort().slice(rank - 1, 1).first())
