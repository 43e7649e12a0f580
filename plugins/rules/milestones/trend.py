"""Milestone trend analysis: forecasts that move later from report to report."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Periods, PluginSettings, SampleCount, Samples, Unit, View, Wish

LOOKED_AT = 13  # samples: a quarter of weekly ones, more than any streak that needs telling


class StreakParams(PluginSettings):
    """How often the forecast is looked at, how many samples the slope is taken over, how many there must be."""

    every: Literal["day", "week", "month", "quarter"] = "week"
    slope_over: SampleCount = 3
    at_least: Periods = 3


def wish(params: StreakParams) -> Samples:
    """Return the samples that are read: since the last new baseline."""
    number = max(LOOKED_AT, params.slope_over, params.at_least)
    return Samples("task", params.every, number, ("forecast_finish",), "baseline_finish")


def wishes(params: StreakParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return (wish(params),)


def slip_streak(params: StreakParams, view: View) -> pl.DataFrame:
    """Count the samples running in which the forecast moved later; no move, or an earlier date, ends the run."""
    rows = view.rows.select("uid", "@calendar", "done")
    found = view.snapshot.past.get(wish(params))
    if found is None:
        found = pl.DataFrame(schema={"uid": pl.String, "ends": pl.Date, "forecast_finish": pl.Date})
    samples = (
        rows.select("uid", "@calendar")
        .join(found.select("uid", "ends", "forecast_finish").drop_nulls(), on="uid", maintain_order="left_right")
        .with_columns(place=pl.int_range(pl.len()).over("uid"), previous=pl.col("forecast_finish").shift(1).over("uid"))
    )
    later = view.working_days(pl.col("previous"), pl.col("forecast_finish")) > 0
    runs = (
        samples.with_columns(later=later.fill_null(value=False))
        .group_by("uid")
        .agg(samples=pl.len().cast(pl.Int64), stopped=pl.col("place").filter(~pl.col("later")).max())
    )
    joined = (
        rows.join(runs, on="uid", how="left", maintain_order="left")
        .join(_slopes(params, samples, view), on="uid", how="left", maintain_order="left")
        .join(_gaps(params, samples), on="uid", how="left", maintain_order="left")
        .with_columns(pl.col("samples").fill_null(0))
    )
    few = pl.format(f"needs {params.at_least} samples, has {{}}", "samples")
    return joined.select(
        "uid",
        value=pl.col("samples") - 1 - pl.col("stopped"),
        not_applicable=pl.when("done").then(pl.lit("done")),
        unknown=pl.when(pl.col("samples") < params.at_least).then(few),
        note=pl.when(pl.col("missing") != "").then(pl.format("missing periods: {}", "missing")),
        forecasts=pl.col("forecasts"),
        **{"milestone.slip_slope": pl.col("slope")},
    )


def _slopes(params: StreakParams, samples: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return working days slipped per working day reported, over the last samples; null with fewer of them."""
    last = samples.group_by("uid", maintain_order=True).tail(params.slope_over)
    ends = last.group_by("uid").agg(
        pl.col("@calendar").first(),
        pl.len().alias("number"),
        pl.col("forecast_finish").first().alias("first"),
        pl.col("forecast_finish").last().alias("last"),
        pl.col("ends").first().alias("from"),
        pl.col("ends").last().alias("to"),
        pl.col("forecast_finish").cast(pl.String).str.join(", ").alias("forecasts"),
    )
    moved = view.working_days(pl.col("first"), pl.col("last")).cast(pl.Float64)
    reported = view.working_days(pl.col("from"), pl.col("to")).cast(pl.Float64)
    enough = (pl.col("number") >= params.slope_over) & (reported != 0)
    return ends.select("uid", "forecasts", slope=pl.when(enough).then(moved / reported))


PERIOD = {  # the first day of the period, how far apart they are, and how a period is written
    "day": ("1d", "%Y-%m-%d"),
    "week": ("1w", "%G-W%V"),
    "month": ("1mo", "%Y-%m"),
    "quarter": ("1q", "%Y-Q%q"),
}


def _gaps(params: StreakParams, samples: pl.DataFrame) -> pl.DataFrame:
    """Return the periods between the first and the last sample that gave none, as text."""
    step, form = PERIOD[params.every]
    first_day = pl.col("ends").dt.truncate(step)
    spans = samples.group_by("uid").agg(first_day.alias("there"), since=first_day.min(), until=first_day.max())
    every = pl.date_ranges("since", "until", interval=step)
    names = pl.element().dt.strftime(form)
    return spans.select("uid", missing=every.list.set_difference("there").list.sort().list.eval(names).list.join(", "))


SLIP_STREAK = Measure(
    "milestone.slip_streak",
    "milestone",
    Unit.PERIODS,
    StreakParams,
    ("forecast_finish",),
    slip_streak,
    text="Periods running in which the forecast moved later.",
    dimension="schedule",
    past=wishes,
    amber="at least 2 periods",
    red="at least 3 periods; milestone.slip_slope at least 1",
    recover="at most 0 periods",
    companions={"milestone.slip_slope": Unit.RATIO},
    finished_is_na=True,
)
