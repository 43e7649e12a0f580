"""Phase gates that should have been passed."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View


def overdue(_: NoParams, view: View) -> Columns:
    """Count the working days since the planned day of a gate that was not passed; 0 until it is over."""
    days = view.working_days(pl.col("planned_on"), pl.col("@today"))
    unneeded = pl.when("tailored_out").then(pl.lit("out of scope"))
    return Columns(
        days.clip(lower_bound=0),
        not_applicable=pl.coalesce(pl.when("passed").then(pl.lit("done")), unneeded),
        evidence={"planned_on": pl.col("planned_on")},
    )


GATE_OVERDUE = Measure(
    "gate.overdue",
    "gate",
    Unit.WORKING_DAYS,
    NoParams,
    ("planned_on",),
    overdue,
    text="Working days since a gate was planned, while it is not passed.",
    clock="today",
    dimension="schedule",
    amber="at least 1 wd",
    red="over 10 wd",
    finished_is_na=True,
)
