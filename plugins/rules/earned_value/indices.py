"""Indices of earned value: below 1 is behind, or dear."""

import polars as pl
from pmo_watch_plugins.rules.earned_value.figures import IndexParams, cost_index, figures, idle, left_out

from pmo_watch.api import Measure, Unit, View

EARLY = 0.10  # of the baseline's working days: after that, money spent with nothing earned is no beginning any more


def schedule_index(params: IndexParams, view: View) -> pl.DataFrame:
    """Return EV / PV; past the planned finish it is shown and not judged, since it ends at 1 for every project."""
    found: pl.DataFrame = figures(params, view)
    known = pl.col("bac_unknown").is_null() & pl.col("pv_unknown").is_null() & pl.col("ev_unknown").is_null()
    nothing = pl.when(known & (pl.col("pv") == 0)).then(pl.lit("nothing due yet"))
    passed = pl.when(known & (pl.col("@as_of") > pl.col("baseline_finish"))).then(pl.lit("planned finish passed"))
    early = pl.when(pl.col("share") < params.min_progress / 100).then(pl.lit("too early"))
    return found.select(
        "uid",
        value=pl.when(pl.col("pv") > 0).then(pl.col("ev") / pl.col("pv")),
        numerator="ev",
        denominator=pl.when(pl.col("pv") > 0).then("pv"),
        not_applicable=pl.coalesce(idle(), nothing, passed, early),
        unknown=pl.coalesce("ev_unknown", "pv_unknown"),
        note=left_out(),
        earned_value=pl.col("ev").round(2),
        planned_value=pl.col("pv").round(2),
    )


def cost_performance(params: IndexParams, view: View) -> pl.DataFrame:
    """Return EV / AC; money spent with nothing earned is 0 once a tenth of the planned time has gone."""
    found: pl.DataFrame = figures(params, view)
    ev, ac = pl.col("ev"), pl.col("ac")
    nothing_for_it = (ac > 0) & (ev == 0)
    just_begun = nothing_for_it & (pl.col("elapsed") < EARLY)
    none = pl.when((ev == 0) & (ac == 0)).then(pl.lit("not started"))
    early = pl.when(just_begun | (~nothing_for_it & (pl.col("share") < params.min_progress / 100))).then(
        pl.lit("too early")
    )
    free = pl.when((ac == 0) & (ev > 0)).then(pl.lit("invalid project.actual_cost: 0"))
    return found.select(
        "uid",
        value=cost_index(),
        numerator="ev",
        denominator=pl.when(ac > 0).then("ac"),
        # What cannot be is said before that it is early: 0 spent for something earned stays wrong at any time.
        not_applicable=pl.when(free.is_null()).then(pl.coalesce(idle(), none, early)),
        unknown=pl.coalesce("ev_unknown", "ac_unknown", free),
        note=left_out(),
        earned_value=ev.round(2),
        actual_cost=ac.round(2),
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
