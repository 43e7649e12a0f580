"""Milestone trend analysis: forecasts that move later from report to report, or to and fro."""

import polars as pl

from pmo_watch.api import Measure, Periods, PluginSettings, SampleCount, Samples, Unit, View, Wish

from .forecasts import MISSING_PERIODS, Every, forecasts, forecasts_wanted, sampled, too_few

DONE = pl.when("done").then(pl.lit("done"))
LISTED = pl.col("forecast_finish").cast(pl.String).str.join(", ").alias("forecasts")


class StreakParams(PluginSettings):
    """How often the forecast is looked at, how many samples the slope is taken over, how many there must be."""

    every: Every = "week"
    slope_over: SampleCount = 3
    at_least: Periods = 3


class ZigzagParams(PluginSettings):
    """How often the forecast is looked at, over how many of the last samples, how many there must be."""

    every: Every = "week"
    over: SampleCount = 6
    at_least: Periods = 4


def streak_wish(params: StreakParams) -> Samples:
    """Return the samples that a streak is read from."""
    return forecasts_wanted(params.every, params.slope_over, params.at_least)


def zigzag_wish(params: ZigzagParams) -> Samples:
    """Return the samples that moves to and fro are read from."""
    return forecasts_wanted(params.every, params.over, params.at_least)


def streak_wishes(params: StreakParams) -> tuple[Wish, ...]:
    """Return the history that a streak needs."""
    return (streak_wish(params),)


def zigzag_wishes(params: ZigzagParams) -> tuple[Wish, ...]:
    """Return the history that moves to and fro need."""
    return (zigzag_wish(params),)


def slip_streak(params: StreakParams, view: View) -> pl.DataFrame:
    """Count the samples running in which the forecast moved later; no move, or an earlier date, ends the run."""
    wish = streak_wish(params)
    samples = forecasts(wish, view)
    later = (view.working_days(pl.col("previous"), pl.col("forecast_finish")) > 0).fill_null(value=False)
    runs = samples.filter(~later).group_by("of").agg(run=pl.col("back").min())
    joined = (
        sampled(wish, view)
        .join(runs, on="of", how="left", maintain_order="left")
        .join(_slopes(params, samples, view), on="of", how="left", maintain_order="left")
    )
    return joined.select(
        "uid",
        value="run",
        not_applicable=DONE,
        unknown=too_few(params.at_least),
        note=MISSING_PERIODS,
        forecasts="forecasts",
        **{"milestone.slip_slope": pl.col("slope")},
    )


def _slopes(params: StreakParams, samples: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return working days slipped per working day reported, over the last samples; null with fewer of them."""
    last = samples.filter(pl.col("back") < params.slope_over)
    ends = last.group_by("of", maintain_order=True).agg(
        pl.col("@calendar").first(),
        pl.len().alias("number"),
        pl.col("forecast_finish").first().alias("first"),
        pl.col("forecast_finish").last().alias("last"),
        pl.col("ends").first().alias("from"),
        pl.col("ends").last().alias("to"),
        LISTED,
    )
    moved = view.working_days(pl.col("first"), pl.col("last")).cast(pl.Float64)
    reported = view.working_days(pl.col("from"), pl.col("to")).cast(pl.Float64)
    enough = (pl.col("number") >= params.slope_over) & (reported != 0)
    return ends.select("of", "forecasts", slope=pl.when(enough).then(moved / reported))


def zigzag(params: ZigzagParams, view: View) -> pl.DataFrame:
    """Count how often the forecast changed its direction, from later to earlier or back; no move is no direction."""
    wish = zigzag_wish(params)
    last = forecasts(wish, view).filter(pl.col("back") < params.over)
    shown = last.group_by("of", maintain_order=True).agg(LISTED)
    days = view.working_days(pl.col("previous"), pl.col("forecast_finish"))
    within = pl.col("back") < params.over - 1  # the oldest of them moved from one that does not count
    moves = last.filter(within).select("of", way=days.sign()).filter(pl.col("way") != 0)
    turned = (pl.col("of") == pl.col("of").shift(1)) & (pl.col("way") != pl.col("way").shift(1))
    turns = moves.filter(turned).group_by("of").agg(turns=pl.len().cast(pl.Int64))
    return (
        sampled(wish, view)
        .join(shown, on="of", how="left", maintain_order="left")
        .join(turns, on="of", how="left", maintain_order="left")
        .select(
            "uid",
            value=pl.when(pl.col("samples") >= params.at_least).then(pl.col("turns").fill_null(0)),
            not_applicable=DONE,
            unknown=too_few(params.at_least),
            note=MISSING_PERIODS,
            forecasts="forecasts",
        )
    )


SLIP_STREAK = Measure(
    "milestone.slip_streak",
    "milestone",
    Unit.PERIODS,
    StreakParams,
    ("forecast_finish",),
    slip_streak,
    text="Periods running in which the forecast moved later.",
    dimension="schedule",
    past=streak_wishes,
    amber="at least 2 periods",
    red="at least 3 periods; milestone.slip_slope at least 1",
    recover="at most 0 periods",
    companions={"milestone.slip_slope": Unit.RATIO},
    finished_is_na=True,
)
ZIGZAG = Measure(
    "milestone.zigzag",
    "milestone",
    Unit.COUNT,
    ZigzagParams,
    ("forecast_finish",),
    zigzag,
    text="Changes of direction of a forecast that moves to and fro.",
    dimension="schedule",
    past=zigzag_wishes,
    amber="at least 2",
    red="at least 3",
    finished_is_na=True,
)
