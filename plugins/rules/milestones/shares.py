"""Shares of a plan: milestones reached in time, tasks past their forecast, tasks that begin late."""

import polars as pl

from pmo_watch.api import Measure, Percent, PluginSettings, Unit, View

from .rows import MILESTONE, OPEN_TASK, TASK, Share, share

AS_OF = pl.col("@as_of")


class ShareParams(PluginSettings):
    """How many rows there must be for red."""

    min_sample: int = 5


class OverdueParams(ShareParams):
    """How many of the rows may be without a forecast, beside how many there must be."""

    max_missing: Percent = 20


def milestones_on_time(_: ShareParams, view: View) -> pl.DataFrame:
    """Return the milestones reached on the day of their baseline or before, over those due by the status date.

    For a programme, those of all its projects. One that is done on a day nobody knows is left out.
    """
    promised = pl.col("baseline_finish")
    reached = pl.coalesce("actual_finish", pl.when("done").then("forecast_finish"))
    in_time = (reached <= promised).fill_null(value=False)
    asked = Share(
        of=MILESTONE,
        asked=MILESTONE,
        lacking=promised.is_null(),
        needs="milestone.baseline_finish",
        due=promised <= AS_OF,
        hit=in_time,
        shown=~in_time,
        order=promised,
        unsure=(promised <= AS_OF) & pl.col("done") & reached.is_null(),
    )
    return share(view, asked, "late_milestones")


def overdue_tasks(params: OverdueParams, view: View) -> pl.DataFrame:
    """Return the open tasks whose forecast finish is over, over all open tasks."""
    finish = pl.col("forecast_finish")
    asked = Share(
        of=TASK,
        asked=OPEN_TASK,
        lacking=finish.is_null(),
        needs="task.forecast_finish",
        due=finish.is_not_null(),
        hit=finish < AS_OF,
        shown=finish < AS_OF,
        order=finish,
        max_missing=params.max_missing,
    )
    return share(view, asked, "affected_rows")


def late_starts(_: ShareParams, view: View) -> pl.DataFrame:
    """Return the tasks that should have begun by the status date and have not, over those that should have."""
    start = pl.col("baseline_start")
    begun = pl.col("actual_start").is_not_null() | (pl.col("progress") > 0).fill_null(value=False) | pl.col("done")
    asked = Share(
        of=TASK,
        asked=TASK,
        lacking=start.is_null(),
        needs="task.baseline_start",
        due=start <= AS_OF,
        hit=~begun,
        shown=~begun,
        order=start,
    )
    return share(view, asked, "affected_rows")


MILESTONES_ON_TIME = Measure(
    "project.milestones_on_time",
    "project",
    Unit.PERCENT,
    ShareParams,
    ("milestone.baseline_finish",),
    milestones_on_time,
    text="Milestones due by now that were reached on the day of their baseline or before.",
    dimension="schedule",
    amber="under 90 %",
    red="under 80 %",
    recover="at least 92 %",
    finished_is_na=True,
    also_for=("program",),
)
OVERDUE_TASKS = Measure(
    "project.overdue_tasks",
    "project",
    Unit.PERCENT,
    OverdueParams,
    ("task.forecast_finish",),
    overdue_tasks,
    text="Open tasks whose forecast finish is already over.",
    dimension="schedule",
    amber="over 10 %",
    red="over 20 %",
    recover="at most 8 %",
    finished_is_na=True,
)
LATE_STARTS = Measure(
    "project.late_starts",
    "project",
    Unit.PERCENT,
    ShareParams,
    ("task.baseline_start",),
    late_starts,
    text="Tasks that should have begun by now and have not.",
    dimension="schedule",
    amber="over 5 %",
    red="over 10 %",
    recover="at most 4 %",
    finished_is_na=True,
)
