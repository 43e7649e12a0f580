"""How an index has moved over the last periods."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Periods, SampleCount, Unit, View, Wish, periods

from .earlier import Every, earlier, wishes
from .figures import TimeParams
from .indices import cost_performance
from .schedule import time_index


class TrendParams(TimeParams):
    """Which index, how often it is looked at, and with which one it is compared: that of so many periods ago."""

    index: Literal["cpi", "spi_t"] = "cpi"
    every: Every = "month"
    over: Periods = 3
    at_least: SampleCount = 4


def asked(params: TrendParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return wishes(params.every, _periods(params))


def _periods(params: TrendParams) -> int:
    return max(params.over + 1, params.at_least)


def index_trend(params: TrendParams, view: View) -> pl.DataFrame:
    """Return the index now minus the index of so many periods ago; a period in which it was not assessable is none."""
    compared = periods.latest(params.every, view.snapshot.today, params.over + 1)[0]
    now = _index(params, view).select("uid", "not_applicable", "unknown", "note", now="value")
    found = now.join(_before(params, view, compared), on="uid", how="left", maintain_order="left").with_columns(
        samples=pl.col("known").fill_null(0) + pl.col("now").is_not_null()
    )
    few = pl.when(pl.col("samples") < params.at_least).then(
        pl.format(f"needs {params.at_least} samples, has {{}}", "samples")
    )
    gap = pl.when(pl.col("before").is_null()).then(pl.lit(f"missing project.{params.index} {compared}"))
    return found.select(
        "uid",
        value=pl.col("now") - pl.col("before"),
        not_applicable="not_applicable",
        unknown=pl.coalesce("unknown", few, gap),
        note="note",
        index_now=pl.col("now").round(4),
        index_before=pl.col("before").round(4),
        earlier_values="series",
    )


def _before(params: TrendParams, view: View, compared: str) -> pl.DataFrame:
    """Return, per project, in how many earlier periods the index was assessable, and its value in the compared one."""
    then = earlier(view, params.every, _periods(params))
    found = _index(params, then).join(then.rows.select("uid", "@of", "@period"), on="uid")
    good = found.filter(
        pl.col("value").is_not_null() & pl.col("not_applicable").is_null() & pl.col("unknown").is_null()
    )
    return (
        good.sort("@of", "@period")
        .group_by(uid="@of")
        .agg(
            known=pl.len().cast(pl.Int64),
            before=pl.col("value").filter(pl.col("@period") == compared).first(),
            series=pl.col("value").round(4).cast(pl.String).str.join(", "),
        )
    )


def _index(params: TrendParams, view: View) -> pl.DataFrame:
    return cost_performance(params, view) if params.index == "cpi" else time_index(params, view)


INDEX_TREND = Measure(
    "project.index_trend",
    "project",
    Unit.RATIO,
    TrendParams,
    ("actual_cost", "task.progress"),
    index_trend,
    text="How the cost or time index has changed over the last periods; negative is worse.",
    dimension="cost",
    past=asked,
    amber="under -0.03",
    red="under -0.05",
    recover="at least -0.02",
    strict_age=True,
    finished_is_na=True,
)
