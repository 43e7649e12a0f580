"""Milestones against the day that was promised, and the day that is forecast."""

from typing import Literal

import polars as pl

from pmo_watch.api import Columns, First, Measure, NoParams, PluginSettings, Unit, View, Wish

DONE = pl.when("done").then(pl.lit("done"))
FINISH = pl.when("done").then(pl.coalesce("actual_finish", "forecast_finish")).otherwise("forecast_finish")


class SlipParams(PluginSettings):
    """Against which baseline a milestone slips."""

    baseline: Literal["current", "first"] = "current"


def overdue(_: NoParams, view: View) -> Columns:
    """Count the working days since the promised day of a milestone that is not done; 0 until it is over."""
    days = view.working_days(pl.col("committed_finish"), pl.col("@as_of"))
    shown = {"committed_finish": pl.col("committed_finish"), "forecast_finish": pl.col("forecast_finish")}
    return Columns(days.clip(lower_bound=0), not_applicable=DONE, evidence=shown)


def slip(params: SlipParams, view: View) -> Columns:
    """Count the working days from the baseline to the forecast, or to the actual finish once done; late is positive."""
    current, first = pl.col("baseline_finish"), pl.col("first_baseline_finish")
    against = first if params.baseline == "first" else current
    missing = pl.when(first.is_null()).then(pl.lit("missing milestone.first_baseline_finish"))
    return Columns(
        view.working_days(against, FINISH),
        not_applicable=DONE,
        unknown=missing if params.baseline == "first" else None,
        evidence={"baseline_finish": current, "forecast_finish": FINISH},
        companions={"milestone.slip_first": view.working_days(first, FINISH)},
    )


def forecast_in_past(_: NoParams, view: View) -> Columns:
    """Count the working days by which a forecast that is not done lies in the past: the plan was not updated."""
    days = view.working_days(pl.col("forecast_finish"), pl.col("@as_of"))
    return Columns(
        days.clip(lower_bound=0), not_applicable=DONE, evidence={"forecast_finish": pl.col("forecast_finish")}
    )


def deadline_breach(_: NoParams, view: View) -> Columns:
    """Count the working days from the deadline to the forecast, or to the actual finish once done; late is positive."""
    none = pl.when(pl.col("deadline").is_null()).then(pl.lit("not configured"))
    return Columns(
        view.working_days(pl.col("deadline"), FINISH),
        not_applicable=pl.coalesce(DONE, none),
        evidence={"deadline": pl.col("deadline"), "forecast_finish": FINISH},
    )


def first_baseline(_: SlipParams) -> tuple[Wish, ...]:
    """Return the wish for the first baseline that was ever known."""
    return (First("task", "baseline_finish"),)


OVERDUE = Measure(
    "milestone.overdue",
    "milestone",
    Unit.WORKING_DAYS,
    NoParams,
    ("committed_finish",),
    overdue,
    text="Working days since the promised day, while not done.",
    dimension="schedule",
    amber="at least 1 wd",
    red="over 5 wd",
    finished_is_na=True,
)

SLIP = Measure(
    "milestone.slip",
    "milestone",
    Unit.WORKING_DAYS,
    SlipParams,
    ("baseline_finish", "forecast_finish"),
    slip,
    text="Working days from the baseline to the forecast finish; positive is late.",
    dimension="schedule",
    past=first_baseline,
    amber="over 5 wd",
    red="over 10 wd",
    recover="at most 3 wd",
    companions={"milestone.slip_first": Unit.WORKING_DAYS},
    finished_is_na=True,
)

FORECAST_IN_PAST = Measure(
    "milestone.forecast_in_past",
    "milestone",
    Unit.WORKING_DAYS,
    NoParams,
    ("forecast_finish",),
    forecast_in_past,
    text="Working days by which the forecast of an open milestone lies in the past.",
    dimension="schedule",
    amber="at least 1 wd",
    red="over 5 wd",
    finished_is_na=True,
)

DEADLINE_BREACH = Measure(
    "milestone.deadline_breach",
    "milestone",
    Unit.WORKING_DAYS,
    NoParams,
    ("forecast_finish",),
    deadline_breach,
    text="Working days from the deadline to the forecast finish; positive is late.",
    dimension="schedule",
    amber="over -5 wd",
    red="over 0 wd",
    recover="at most -7 wd",
    finished_is_na=True,
)
