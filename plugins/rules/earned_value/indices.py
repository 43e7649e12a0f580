"""Indices of earned value: below 1 is behind, or dear."""

import polars as pl

from pmo_watch.api import Measure, Unit, View, estimating

from .figures import (
    IndexParams,
    ValueParams,
    cost_notes,
    early,
    figures,
    idle,
    notes,
)

EARLY = 0.10  # of the baseline's working days: after that, money spent with nothing earned is no beginning any more


def schedule_index(params: IndexParams, view: View) -> pl.DataFrame:
    """Return EV / PV; past the planned finish it is shown and not judged, since it ends at 1 for every project."""
    found: pl.DataFrame = figures(params, view)
    known = pl.col("bac_unknown").is_null() & pl.col("pv_unknown").is_null() & pl.col("ev_unknown").is_null()
    nothing = pl.when(known & (pl.col("pv") == 0)).then(pl.lit("nothing due yet"))
    passed = pl.when(known & pl.col("passed")).then(pl.lit("planned finish passed"))
    return found.select(
        "uid",
        value=pl.when(pl.col("pv") > 0).then(pl.col("ev") / pl.col("pv")),
        numerator="ev",
        denominator=pl.when(pl.col("pv") > 0).then("pv"),
        not_applicable=pl.coalesce(idle(), nothing, passed, early(params)),
        unknown=pl.coalesce("ev_unknown", "pv_unknown"),
        note=notes(),
        earned_value=pl.col("ev").round(2),
        planned_value=pl.col("pv").round(2),
    )


def cost_performance(params: IndexParams, view: View) -> pl.DataFrame:
    """Return EV / AC; money spent with nothing earned is 0 once a tenth of the planned time has gone."""
    found: pl.DataFrame = figures(params, view)
    ev, ac = pl.col("ev"), pl.col("ac")
    nothing_for_it = (ac > 0) & (ev == 0)
    just_begun = pl.when(nothing_for_it & (pl.col("elapsed") < EARLY)).then(pl.lit("too early"))
    none = pl.when((ev == 0) & (ac == 0)).then(pl.lit("not started"))
    free = estimating.invalid_cost()
    undated = pl.when(nothing_for_it & pl.col("elapsed").is_null()).then(pl.lit("missing project.baseline_finish"))
    return found.select(
        "uid",
        value=estimating.cost_index(),
        numerator="ev",
        denominator=pl.when(ac > 0).then("ac"),
        # What cannot be is said before that it is early: 0 spent for something earned stays wrong at any time.
        not_applicable=pl.when(free.is_null()).then(
            pl.coalesce(idle(), none, just_begun, pl.when(~nothing_for_it).then(early(params)))
        ),
        unknown=pl.coalesce("ev_unknown", "ac_unknown", "clash", free, undated),
        note=notes(*cost_notes()),
        earned_value=ev.round(2),
        actual_cost=ac.round(2),
    )


def cost_variance(params: ValueParams, view: View) -> pl.DataFrame:
    """Return (EV - AC) / EV in per cent; negative is dearer than planned."""
    ev, left = pl.col("ev"), pl.col("ev") - pl.col("ac")
    nothing = pl.when(ev == 0).then(pl.lit("too early"))
    return figures(params, view).select(
        "uid",
        value=pl.when(ev > 0).then(left * 100 / ev),
        numerator=left,
        denominator=pl.when(ev > 0).then(ev),
        not_applicable=pl.coalesce(idle(), nothing),
        unknown=pl.coalesce("ev_unknown", "ac_unknown", "clash"),
        note=notes(*cost_notes()),
        earned_value=ev.round(2),
        actual_cost=pl.col("ac").round(2),
        **{"project.cv": left},
    )


SCHEDULE_INDEX = Measure(
    "project.spi",
    "project",
    Unit.RATIO,
    IndexParams,
    ("task.baseline_finish", "task.progress"),
    schedule_index,
    text="Schedule performance index: earned value divided by planned value.",
    dimension="schedule",
    amber="under 0.95",
    red="under 0.85",
    recover="at least 0.97",
    strict_age=True,
    finished_is_na=True,
)
COST_INDEX = Measure(
    "project.cpi",
    "project",
    Unit.RATIO,
    IndexParams,
    ("actual_cost", "task.progress"),
    cost_performance,
    text="Cost performance index: earned value divided by actual cost.",
    dimension="cost",
    amber="under 0.95",
    red="under 0.85",
    recover="at least 0.97",
    strict_age=True,
    finished_is_na=True,
)
COST_VARIANCE = Measure(
    "project.cv_percent",
    "project",
    Unit.PERCENT,
    ValueParams,
    ("actual_cost", "task.progress"),
    cost_variance,
    text="Earned value minus actual cost, as a share of the earned value; negative is dearer than planned.",
    dimension="cost",
    amber="under -5 %",
    red="under -10 %",
    recover="at least -4 %",
    companions={"project.cv": Unit.MONEY},
    strict_age=True,
    finished_is_na=True,
)
