"""Status reports that come late."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View


def days_late(_: NoParams, view: View) -> Columns:
    """Return how late a project's status report was submitted, or has been due; 0 before its day."""
    came = pl.coalesce("submitted_on", "@today")
    late = view.working_days(pl.col("due_on"), came)
    return Columns(
        pl.when(late > 0).then(late).otherwise(pl.when(late.is_not_null()).then(0)),
        not_applicable=pl.when(pl.col("kind") == "contractor").then(pl.lit("out of scope")),
        evidence={name: pl.col(name) for name in ("period", "due_on", "submitted_on")},
    )


DAYS_LATE = Measure(
    "status_report.days_late",
    "status_report",
    Unit.WORKING_DAYS,
    NoParams,
    ("due_on",),
    days_late,
    text="How late a status report of a project is.",
    clock="today",
    amber="over 0 wd",
    red="over 2 wd",
)
