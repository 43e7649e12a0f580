"""What projects owe and have not delivered: values of indicators and status reports whose day has passed."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from pmo_watch.flow import Snapshot

COLUMNS = ("kind", "uid", "period", "due_on", "periods", "provider")


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing of one series: `uid` of its last expected delivery, with the period, of `periods` in all."""

    kind: Literal["status_report", "submission"]
    uid: str
    period: str
    due_on: date
    periods: int
    provider: str | None


def missing(snapshot: Snapshot) -> tuple[Missing, ...]:
    """Return what is missing, oldest first; nothing of a source that cannot be believed now."""
    submissions = _asked(snapshot.frame("submission"), "received_on", "indicator", "scope")
    of_projects = pl.col("kind").is_null() | (pl.col("kind") == "project")
    reports = _asked(snapshot.frame("status_report").filter(of_projects), "submitted_on", "project")
    found = pl.concat(
        [
            _series("submission", submissions, snapshot.today, "indicator", "scope"),
            _series("status_report", reports.with_columns(provider=pl.lit(None, pl.String)), snapshot.today, "project"),
        ]
    )
    return tuple(Missing(*row) for row in found.sort("due_on", "uid").iter_rows())


def _asked(rows: pl.DataFrame, came_on: str, *series: str) -> pl.DataFrame:
    """Return what has not come since the first period in which anything of the series came; all where none ever did."""
    came = rows.filter(pl.col(came_on).is_not_null())
    first = came.group_by(*series).agg(pl.col("period").min().alias("@first"))
    known = rows.filter(pl.col(came_on).is_null()).join(first, on=series, how="left", nulls_equal=True)
    return known.filter(pl.col("@first").is_null() | (pl.col("period") > pl.col("@first"))).drop("@first")


def _series(kind: str, rows: pl.DataFrame, today: date, *series: str) -> pl.DataFrame:
    believed = pl.col("@usable") if "@usable" in rows.columns else pl.lit(value=True)  # nobody delivers any
    late = rows.filter((pl.col("due_on") < today) & believed)
    last = late.sort("due_on", "period").group_by(*series, maintain_order=True)
    return last.agg(
        pl.col("uid").last(),
        pl.col("period").last(),
        pl.col("due_on").first(),
        pl.len().cast(pl.Int64).alias("periods"),
        pl.col("provider").last(),
        kind=pl.lit(kind).first(),
    ).select(*COLUMNS)
