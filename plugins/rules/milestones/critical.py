"""The critical path against its baseline: by how much its worst task slips."""

import polars as pl

from pmo_watch.api import Measure, NoParams, Unit, View

from .rows import OPEN, TASK, beside, names, rows


def critical_slip(_: NoParams, view: View) -> pl.DataFrame:
    """Return the largest slip of an open critical task in working days; below 0 all of them are early."""
    tasks = rows(view).filter(TASK)
    days = view.working_days(pl.col("baseline_finish"), pl.col("forecast_finish"))
    asked = tasks.filter(OPEN & pl.col("critical").fill_null(value=False)).with_columns(days=days)
    known = tasks.group_by("subject").agg(
        known=pl.col("critical").is_not_null().any(), left=OPEN.any(), tasks=pl.len().cast(pl.Int64)
    )
    worst = asked.group_by("subject").agg(
        value=pl.col("days").max(),
        number=pl.len().cast(pl.Int64),
        no_baseline=pl.col("baseline_finish").is_null().sum(),
        no_forecast=pl.col("forecast_finish").is_null().sum(),
    )
    late = asked.filter(pl.col("days") > 0).group_by("subject").agg(slipping=names(-pl.col("days")))
    found = known.join(worst, on="subject", how="left").join(late, on="subject", how="left")
    return beside(view, found).select(
        "uid",
        "value",
        not_applicable=_idle(),
        unknown=pl.coalesce(_silent(), *(_some(name) for name in ("baseline", "forecast"))),
        slipping_tasks="slipping",
    )


def _idle() -> pl.Expr:
    """Return why nobody asks a project of which no open task is critical."""
    none = pl.col("number").is_null() & (pl.col("known") | ~pl.col("left")).fill_null(value=True)
    return (
        pl.when(none & ~pl.col("left").fill_null(value=True))
        .then(pl.lit("done"))
        .when(none)
        .then(pl.lit("nothing due yet"))
    )


def _silent() -> pl.Expr:
    return pl.when(~pl.col("known")).then(pl.lit("missing task.critical"))


def _some(date: str) -> pl.Expr:
    """Return why the slip cannot be told of tasks that lack a date."""
    lacking = pl.col(f"no_{date}")
    every = pl.when((lacking == pl.col("number")) & (lacking > 0)).then(pl.lit(f"missing task.{date}_finish"))
    some = pl.format(f"missing task.{date}_finish on {{}} of {{}} rows", lacking, "number")
    return pl.coalesce(every, pl.when(lacking > 0).then(some))


CRITICAL_SLIP = Measure(
    "project.critical_slip",
    "project",
    Unit.WORKING_DAYS,
    NoParams,
    ("task.critical", "task.baseline_finish", "task.forecast_finish"),
    critical_slip,
    text="Working days by which the worst open task on the critical path slips against its baseline.",
    dimension="schedule",
    amber="over 0 wd",
    red="over 5 wd",
    recover="at most 0 wd",
    finished_is_na=True,
)
