"""Earned schedule: how far along its own plan a project is, in time rather than money."""

import polars as pl
from pmo_watch_plugins.rules.earned_value.figures import TimeParams, figures, idle, left_out

from pmo_watch.api import Measure, Unit, View, earning


def _position(params: TimeParams, view: View) -> pl.DataFrame:
    found: pl.DataFrame = figures(params, view)
    along = earning.schedule_position(view, found, params.value, params.period)
    both: pl.DataFrame = found.join(along, on="uid", how="left", maintain_order="left")
    return both


def earned_schedule(params: TimeParams, view: View) -> pl.DataFrame:
    """Return how many periods of the plan have been earned."""
    return _position(params, view).select(
        "uid",
        value=pl.when(pl.col("ev_unknown").is_null()).then("es"),
        not_applicable=idle(),
        unknown=pl.coalesce("ev_unknown", "pv_unknown"),
        note=left_out(),
        actual_time=pl.col("at").round(2),
        planned_duration=pl.col("pd").round(2),
        period="every",
    )


def time_index(params: TimeParams, view: View) -> pl.DataFrame:
    """Return earned schedule divided by actual time: useful to the end and past the planned finish."""
    found: pl.DataFrame = _position(params, view)
    nothing = pl.when(pl.col("at") == 0).then(pl.lit("nothing due yet"))
    early = pl.when(pl.col("share") < params.min_progress / 100).then(pl.lit("too early"))
    return found.select(
        "uid",
        value=pl.when(pl.col("at") > 0).then(pl.col("es") / pl.col("at")),
        numerator="es",
        denominator=pl.when(pl.col("at") > 0).then("at"),
        not_applicable=pl.coalesce(idle(), nothing, early),
        unknown=pl.coalesce("ev_unknown", "pv_unknown"),
        note=left_out(),
        earned_schedule=pl.col("es").round(2),
        actual_time=pl.col("at").round(2),
        period="every",
    )


EARNED_SCHEDULE = Measure(
    "project.earned_schedule",
    "project",
    Unit.PERIODS,
    TimeParams,
    ("task.baseline_finish", "task.progress"),
    earned_schedule,
    text="Periods of the plan that have been earned.",
    dimension="schedule",
    strict_age=True,
    finished_is_na=True,
)
TIME_INDEX = Measure(
    "project.spi_t",
    "project",
    Unit.RATIO,
    TimeParams,
    ("task.baseline_finish", "task.progress"),
    time_index,
    text="Earned schedule divided by actual time.",
    dimension="schedule",
    amber="under 1.0",
    red="under 0.9",
    strict_age=True,
    finished_is_na=True,
)
