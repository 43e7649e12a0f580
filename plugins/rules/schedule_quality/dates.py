"""Dates of a plan: impossible ones, missed ones, the length of what lies ahead, and what is done in time.

DC-09, DC-11, DC-13 and DC-14.
"""

from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View

from .plan import OPEN, Share, ShareParams, StrictParams, plan, share

DUE = pl.col("baseline_finish") <= pl.col("@as_of")


class LengthIndexParams(PluginSettings):
    """Against which day a project's end is held: the first of these that it has."""

    finish_target: tuple[Literal["deadline", "baseline_finish"], ...] = ("deadline", "baseline_finish")
    min_sample: int = 0


def invalid_dates(_: StrictParams, view: View) -> pl.DataFrame:
    """Count the rows with a forecast in the past or an actual date in the future; a row counts once."""
    day = pl.col("@as_of")
    begun = pl.col("actual_start").is_not_null() | (pl.col("progress") > 0).fill_null(value=False)
    wrong = pl.any_horizontal(
        one.fill_null(value=False)
        for one in (
            OPEN & pl.col("actual_finish").is_null() & (pl.col("forecast_finish") < day),
            OPEN & ~begun & (pl.col("forecast_start") < day),
            pl.col("actual_start") > day,
            pl.col("actual_finish") > day,
        )
    )
    found = share(view, plan(view), Share(pl.lit(value=True), wrong), idle="", per_cent=1)
    facts = view.rows.select("uid", "status_date", "@today")
    told = pl.col("status_date")
    return (
        found.join(facts, on="uid", how="left", maintain_order="left")
        .with_columns(
            value=pl.col("numerator"),
            unknown=pl.when(told.is_null())
            .then(pl.lit("missing project.status_date"))
            .when(told > pl.col("@today"))
            .then(pl.format("invalid project.status_date: {}", told.cast(pl.String))),
        )
        .drop("numerator", "denominator", "sample", "status_date", "@today")
    )


def missed_tasks(_: ShareParams, view: View) -> pl.DataFrame:
    """Return the share of rows due by the status date that finish, or will, later than their baseline."""
    finish = pl.coalesce("actual_finish", "forecast_finish")
    late = (finish - pl.col("baseline_finish")).dt.total_days()
    asked = Share(
        DUE, late > 0, order=-late, missing=finish.is_null(), needs="task.forecast_finish", unknown=no_baseline()
    )
    return share(view, plan(view), asked, idle="")


def execution_index(_: ShareParams, view: View) -> pl.DataFrame:
    """Return rows done by the status date over rows that the baseline promised by then; above 1 is ahead."""
    done = pl.col("done") & (pl.col("actual_finish").fill_null(pl.col("@as_of")) <= pl.col("@as_of"))
    rows = plan(view)
    late = share(
        view, rows, Share(DUE, ~done, order=pl.col("baseline_finish").cast(pl.Int32), unknown=no_baseline()), idle=""
    )
    reached = rows.group_by(uid="project").agg(done=done.sum().cast(pl.Int64))
    return (
        late.join(reached, on="uid", how="left", maintain_order="left")
        .with_columns(
            value=Columns.ratio(pl.col("done"), pl.col("denominator")),
            # Where nothing was due yet the index says nothing, however much is done.
            not_applicable=pl.when(pl.col("unknown").is_null() & (pl.col("denominator") == 0)).then(
                pl.lit("nothing due yet")
            ),
            numerator=pl.col("done"),
        )
        .drop("done")
    )


def no_baseline() -> pl.Expr:
    """Return why nothing can be said of a plan without a baseline."""
    some_rows = pl.col("rows").fill_null(0) > 0
    return pl.when(some_rows & ~pl.col("with_baseline").fill_null(value=False)).then(
        pl.lit("missing task.baseline_finish")
    )


def path_length_index(params: LengthIndexParams, view: View) -> pl.DataFrame:
    """Return (length of what lies ahead + days to spare) / length; below 1 the end is later than its target."""
    end = pl.col("forecast_finish")
    target = pl.coalesce([pl.col(name) for name in params.finish_target] or [pl.lit(None, pl.Date)])
    length = view.working_days(pl.col("@as_of"), end)
    spare = view.working_days(end, target)
    none = pl.when(target.is_null()).then(pl.lit("not configured"))
    over = pl.when(length <= 0).then(pl.lit("planned finish passed"))
    return view.rows.select(
        "uid",
        value=Columns.ratio(length + spare, length),
        numerator=length + spare,
        denominator=pl.when(length > 0).then(length),
        not_applicable=pl.coalesce(none, over),
        forecast_finish=end,
        target=target,
    )


INVALID_DATES = Measure(
    "schedule.invalid_dates",
    "project",
    Unit.COUNT,
    StrictParams,
    ("status_date",),
    invalid_dates,
    text="Rows with a forecast in the past or an actual date in the future.",
    dimension="schedule",
    red="over 0",
    strict_age=True,
    finished_is_na=True,
)
MISSED_TASKS = Measure(
    "schedule.missed_tasks",
    "project",
    Unit.PERCENT,
    ShareParams,
    ("task.baseline_finish",),
    missed_tasks,
    text="Rows due by now that finish later than their baseline.",
    dimension="schedule",
    amber="over 2.5 %",
    red="over 5 %",
    finished_is_na=True,
)
PATH_LENGTH_INDEX = Measure(
    "schedule.cpli",
    "project",
    Unit.RATIO,
    LengthIndexParams,
    ("forecast_finish",),
    path_length_index,
    text="Critical path length index: below 1 the end is later than its target.",
    dimension="schedule",
    amber="under 1",
    red="under 0.95",
    finished_is_na=True,
)
EXECUTION_INDEX = Measure(
    "schedule.bei",
    "project",
    Unit.RATIO,
    ShareParams,
    ("task.baseline_finish",),
    execution_index,
    text="Baseline execution index: rows done over rows promised by now.",
    dimension="schedule",
    amber="under 1",
    red="under 0.95",
    finished_is_na=True,
)
