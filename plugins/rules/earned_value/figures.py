"""What the measures of earned value have in common: parameters, the figures with reasons, when a project has begun."""

from typing import Literal

import polars as pl

from pmo_watch.api import Percent, PluginSettings, View, earned_schedule, earning, estimating


class ValueParams(PluginSettings):
    """Where value comes from: `auto` is cost where nearly all tasks have a baseline cost, else work in hours.

    What earns it: `auto` is physical progress where the task says so, else progress; `points` the share of the story
    points that is done; `done_only` 0 or 100 %.
    """

    value: Literal["auto", "cost", "work"] = "auto"
    ev_progress: Literal["auto", "points", "done_only"] = "auto"


class IndexParams(ValueParams):
    """An index is not looked at before so much of the whole is earned: indices swing early in a project."""

    min_progress: Percent = 15.0


class EstimateParams(IndexParams):
    """How the cost at completion is estimated: `auto` is as declared, else by the cost index, else bottom up."""

    eac_method: estimating.Method = "auto"


class PeriodParams(ValueParams):
    """How long the periods of earned schedule are: `auto` is weeks below 130 working days of baseline, else months."""

    period: Literal["auto", "week", "month"] = "auto"


class TimeParams(IndexParams, PeriodParams):
    """Periods, and the share from which on an index of them is looked at."""


def figures(params: ValueParams, view: View) -> pl.DataFrame:
    """Return the figures of each project in view, in the order of its rows, with what the measures ask of them.

    Columns: those of `earning.earned`, `elapsed` (share of the baseline's working days that has gone), `share` (of
    the whole that is earned), `passed` (the planned finish lies behind).
    """
    found = earning.earned(view, params.value, params.ev_progress)
    facts = view.rows.select("uid", "@as_of", "@calendar").join(found, on="uid", maintain_order="left")
    gone = view.working_days(pl.col("starts"), pl.col("@as_of"))
    whole = view.working_days(pl.col("starts"), pl.col("ends"))
    return facts.with_columns(
        elapsed=pl.when(whole > 0).then(gone / whole).when(pl.col("@as_of") >= pl.col("ends")).then(1.0),
        share=pl.when(pl.col("bac") > 0).then(pl.col("ev") / pl.col("bac")),
        passed=pl.col("@as_of") > pl.col("ends"),
    )


def positions(params: PeriodParams, view: View) -> pl.DataFrame:
    """Return the figures with earned schedule: `es`, `at`, `pd`, `tf` in periods, and `every`."""
    found: pl.DataFrame = figures(params, view)
    key = ("earned_value position", params.value, params.ev_progress, params.period, earning.clocks(view))
    along = view.once(key, lambda: earned_schedule.schedule_position(view, found, params.value, params.period))
    both: pl.DataFrame = found.join(along, on="uid", how="left", maintain_order="left")
    return both


def idle() -> pl.Expr:
    """Return why a project that has not begun is left alone."""
    return pl.when("not_started").then(pl.lit("not started"))


def early(params: IndexParams) -> pl.Expr:
    """Return that too little is earned for an index."""
    return pl.when(pl.col("share") < params.min_progress / 100).then(pl.lit("too early"))


def earned_it_all() -> pl.Expr:
    """Return that nothing is left to be earned."""
    return pl.when(pl.col("ev") >= pl.col("bac")).then(pl.lit("done"))


def notes(*more: pl.Expr) -> pl.Expr:
    """Return what is said with a result, after `more`: rows left out."""
    rows = pl.format("{} of {} rows left out: no baseline value", "left_out", "rows")
    items = pl.format("{} of {} rows left out: no story points", "unestimated", "items")
    said = [
        pl.when((pl.col("left_out") > 0) & (pl.col("basis") != "project")).then(rows),
        pl.when(pl.col("unestimated") > 0).then(items),
    ]
    return pl.concat_str([*more, *said], separator="; ", ignore_nulls=True)


def cost_notes() -> list[pl.Expr]:
    """Return what is said of results that set value against cost: a day of its own, and value earned by effort."""
    return [pl.col("ac_note"), pl.when("derived").then(pl.lit("derived from EAC"))]
