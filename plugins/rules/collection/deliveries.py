"""What is delivered late: values of indicators, reports of contractors, and who is usually on time."""

from typing import Annotated

import polars as pl
from pydantic import AfterValidator

from pmo_watch.api import Columns, Measure, NoParams, Periods, PluginSettings, Unit, View

MOST_PERIODS = 12  # closed periods for which expected deliveries are known


def _known(periods: int) -> int:
    if not 1 <= periods <= MOST_PERIODS:
        raise ValueError(f"must be between 1 period and {MOST_PERIODS} periods, not {periods}")
    return periods


ClosedPeriods = Annotated[Periods, AfterValidator(_known)]


class LateParams(PluginSettings):
    """How many of the last periods are looked at."""

    keep: ClosedPeriods = 2


class RateParams(PluginSettings):
    """How many of the last closed periods are looked at, and with how few deliveries the rate is amber at worst."""

    over: ClosedPeriods = 8
    min_sample: int = 5


def _latest(day: pl.Expr, is_over: pl.Expr) -> pl.Expr:
    """Number the periods of each series that are over, the latest first; null for one that is not."""
    return pl.when(is_over).then(day).rank("dense", descending=True).over("indicator", "scope")


def _lateness(view: View, due: pl.Expr, came: pl.Expr) -> pl.Expr:
    """Count the working days from the day something was due to the day it came, or to today; 0 before it is due."""
    late = view.working_days(due, pl.coalesce(came, "@today")).clip(lower_bound=0)
    return pl.when(due > pl.col("@today")).then(pl.lit(0, pl.Int64)).otherwise(late)


def days_late(params: LateParams, view: View) -> Columns:
    """Count the working days by which the value of an indicator is late."""
    due, came = pl.col("due_on"), pl.col("received_on")
    # The latest periods that are due; those before are history, whatever became of them.
    behind = _latest(due, due <= pl.col("@today"))
    return Columns(
        _lateness(view, due, came),
        not_applicable=pl.when(behind > params.keep).then(pl.lit("not in window")),
        evidence={"period": pl.col("period"), "due_on": due, "received_on": came},
    )


def contractor_days_late(_: NoParams, view: View) -> Columns:
    """Count the working days, in the contractor's calendar, by which a contractor's report is late."""
    due, came = pl.col("due_on"), pl.col("submitted_on")
    return Columns(
        _lateness(view, due, came),
        not_applicable=pl.when(pl.col("kind") != "contractor").then(pl.lit("out of scope")),
        evidence={"period": pl.col("period"), "due_on": due, "received_on": came},
    )


def submission_rate(params: RateParams, view: View) -> pl.DataFrame:
    """Return the share of the deliveries expected of a person, or in a programme, that came in time."""
    expected = _expected(params, view)
    own = "program" if view.entity == "program" else "provider"
    rates = _rates(expected, own).join(_program_rates(expected, own), on=own, how="left")
    found = view.rows.select("uid").join(rates, left_on="uid", right_on=own, how="left", maintain_order="left")
    return found.select(
        "uid",
        value="rate",
        numerator=pl.col("on_time").fill_null(0),
        denominator=pl.col("asked").fill_null(0),
        sample=pl.col("asked").fill_null(0),
        received_late=_some("came_late"),
        not_received=_some("never_came"),
        **{"program.submission_rate": pl.col("program_rate")},
    )


def _some(name: str) -> pl.Expr:
    return pl.when(pl.col(name) > 0).then(name)


def _expected(params: RateParams, view: View) -> pl.DataFrame:
    """Return the deliveries of the last closed periods; one that is due today may still come in time."""
    due = pl.col("due_on")
    is_over = due < view.snapshot.today
    numbered = view.snapshot.frame("submission").with_columns(behind=_latest(due, is_over))
    return numbered.filter(is_over & (pl.col("behind") <= params.over))


def _rates(expected: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return per person or programme how many deliveries were asked for, and what became of them."""
    came, due = pl.col("received_on"), pl.col("due_on")
    counted = (
        expected.drop_nulls(by)
        .group_by(by)
        .agg(
            asked=pl.len(),
            on_time=(came <= due).sum(),
            came_late=(came > due).sum(),
            never_came=came.null_count(),
        )
    )
    return counted.with_columns(rate=Columns.ratio(pl.col("on_time") * 100, pl.col("asked")))


def _program_rates(expected: pl.DataFrame, own: str) -> pl.DataFrame:
    """Return the rate of all that is expected in the programmes that each person delivers to, or of the programme."""
    ties = expected.select(own, into="program").drop_nulls().unique()
    around = ties.join(expected, left_on="into", right_on="program", suffix="@other")
    return _rates(around, own).select(own, program_rate="rate")


DAYS_LATE = Measure(
    "submission.days_late",
    "submission",
    Unit.WORKING_DAYS,
    LateParams,
    ("due_on",),
    days_late,
    text="Working days from the day an indicator was due to the day it came.",
    clock="today",
    dimension="data",
    amber="over 0 wd",
    red="over 2 wd",
)
SUBMISSION_RATE = Measure(
    "person.submission_rate",
    "person",
    Unit.PERCENT,
    RateParams,
    ("submission.due_on",),
    submission_rate,
    text="Share of the values expected of a person, or in a programme, that came in time.",
    clock="today",
    dimension="data",
    amber="under 95 %",
    red="under 80 %",
    recover="at least 95 %",
    companions={"program.submission_rate": Unit.PERCENT},
    also_for=("program",),
)
CONTRACTOR_DAYS_LATE = Measure(
    "status_report.contractor_days_late",
    "status_report",
    Unit.WORKING_DAYS,
    NoParams,
    ("due_on",),
    contractor_days_late,
    text="Working days from the day a contractor's report was due to the day it came.",
    clock="today",
    dimension="data",
    amber="over 0 wd",
    red="over 3 wd",
)
