"""What the measures of earned value have in common: parameters, the figures with reasons, when a project has begun."""

from typing import Literal

import polars as pl

from pmo_watch.api import Percent, PluginSettings, View, earning

Method = Literal["auto", "declared", "cpi", "at_plan", "cpi_spi", "bottom_up"]


class ValueParams(PluginSettings):
    """Where value comes from: `auto` is cost where nearly all tasks have a baseline cost, else work in hours."""

    value: Literal["auto", "cost", "work"] = "auto"
    ev_progress: Literal["auto", "done_only"] = "auto"


class IndexParams(ValueParams):
    """An index is not looked at before so much of the whole is earned: indices swing early in a project."""

    min_progress: Percent = 15.0


class EstimateParams(ValueParams):
    """How the cost at completion is estimated: `auto` is as declared, else by the cost index, else bottom up."""

    eac_method: Method = "auto"
    min_progress: Percent = 15.0


class TimeParams(IndexParams):
    """How long the periods of earned schedule are: `auto` is weeks below 130 working days of baseline, else months."""

    period: Literal["auto", "week", "month"] = "auto"


def figures(params: ValueParams, view: View) -> pl.DataFrame:
    """Return the figures of each project in view, in the order of its rows, with what the measures ask of them."""
    return view.once(("figures", params.value, params.ev_progress), lambda: _figures(params, view))


def _figures(params: ValueParams, view: View) -> pl.DataFrame:
    found = earning.earned(view, params.value, params.ev_progress)
    facts = view.rows.select("uid", "baseline_start", "baseline_finish", "@as_of", "@calendar")
    gone = view.working_days(pl.col("baseline_start"), pl.col("@as_of"))
    whole = view.working_days(pl.col("baseline_start"), pl.col("baseline_finish"))
    spent_none = pl.col("ac").is_null() | (pl.col("ac") == 0)
    started = pl.col("begun") | (pl.col("ev") > 0).fill_null(value=False) | ~spent_none
    return (
        facts.join(found, on="uid", maintain_order="left")
        .with_columns(elapsed=pl.when(whole > 0).then(gone / whole), not_started=~started)
        .with_columns(share=pl.when(pl.col("bac") > 0).then(pl.col("ev") / pl.col("bac")))
    )


def idle() -> pl.Expr:
    """Return why a project that has not begun is left alone."""
    return pl.when("not_started").then(pl.lit("not started"))


def left_out() -> pl.Expr:
    """Return what is said of rows without a value."""
    said = pl.format("{} of {} rows left out: no baseline value", "left_out", "rows")
    return pl.when((pl.col("left_out") > 0) & (pl.col("basis") != "project")).then(said)


def unit(currency: str = "currency") -> pl.Expr:
    """Return the unit of amounts: hours where value is in hours, else the project's currency."""
    return pl.when(pl.col("basis") == "work").then(pl.lit("h")).otherwise(pl.col(currency))


def cost_index() -> pl.Expr:
    """Return EV / AC, null where there is none."""
    return pl.when(pl.col("ac") > 0).then(pl.col("ev") / pl.col("ac"))
