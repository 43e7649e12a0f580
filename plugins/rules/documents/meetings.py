"""Meetings whose minutes nobody has published yet."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View


def minutes_pending(_: NoParams, view: View) -> Columns:
    """Count the working days since a meeting was held whose minutes are not published."""
    held, planned, today = pl.col("held_on"), pl.col("planned_on"), pl.col("@today")
    to_come = held > today
    # A planned day that has passed without a word on whether the meeting took place is a gap in the data.
    not_yet = held.is_null() & (planned.is_null() | (planned >= today))
    return Columns(
        view.working_days(held, today),
        not_applicable=pl.coalesce(
            pl.when("cancelled").then(pl.lit("out of scope")),
            pl.when(pl.col("minutes_on").is_not_null()).then(pl.lit("done")),
            pl.when(to_come | not_yet).then(pl.lit("not started")),
        ),
        evidence={"held_on": held, "planned_on": planned},
    )


MINUTES_PENDING = Measure(
    "meeting.minutes_pending",
    "meeting",
    Unit.WORKING_DAYS,
    NoParams,
    ("held_on",),
    minutes_pending,
    text="Working days since a meeting was held whose minutes are not published.",
    clock="today",
    dimension="quality",
    amber="over 3 wd",
    red="over 5 wd",
)
