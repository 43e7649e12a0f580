"""Tasks that are too long, and tasks that nobody works on (DC-08, DC-10)."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Unit, View, WorkingDays

from .plan import OPEN_TASK, Share, ShareParams, no_day, plan, share


class LengthParams(ShareParams):
    """How long a task may be, in its baseline or what remains of it."""

    limit: WorkingDays = 44
    duration: Literal["baseline", "remaining"] = "baseline"


def long_tasks(params: LengthParams, view: View) -> pl.DataFrame:
    """Return the share of open tasks that are longer than the limit; without a baseline what remains is looked at."""
    by_baseline = params.duration == "baseline"
    fields = ["baseline_duration", "remaining_duration"] if by_baseline else ["remaining_duration"]
    length = pl.coalesce(fields)
    asked = Share(
        OPEN_TASK,
        length > params.limit * pl.col("project.minutes_per_day"),
        order=-length,
        missing=length.is_null(),
        needs=f"task.{fields[0]}",
        unknown=no_day(),
    )
    rows = plan(view)
    answer = share(view, rows, asked, idle="open_tasks")
    return _with_note(answer, rows) if by_baseline else answer


def _with_note(answer: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Say of how many rows the remaining duration was taken."""
    fell_back = OPEN_TASK & pl.col("baseline_duration").is_null() & pl.col("remaining_duration").is_not_null()
    sums = rows.group_by(uid="project").agg(fell_back=fell_back.sum())
    said = pl.when(pl.col("fell_back") > 0).then(
        pl.format("remaining duration: {} of {} rows", "fell_back", "denominator")
    )
    return answer.join(sums, on="uid", how="left", maintain_order="left").with_columns(note=said).drop("fell_back")


def unresourced(_: ShareParams, view: View) -> pl.DataFrame:
    """Return the share of open tasks that take time and have neither a person nor a cost."""
    assigned = view.snapshot.frame("assignment").filter(pl.col("person").is_not_null()).select("task", "source")
    rows = plan(view)
    exported = rows.filter(pl.col("source").is_in(assigned["source"].unique().implode()))["project"].unique()
    free = (pl.col("cost").fill_null(0) <= 0) & ~pl.col("uid").is_in(assigned["task"].unique().implode())
    none = pl.when(~pl.col("uid").is_in(exported.implode())).then(pl.lit("missing assignment.person"))
    asked = Share(
        OPEN_TASK,
        free & (pl.col("duration") > 0),
        order=-pl.col("duration"),
        missing=pl.col("duration").is_null(),
        needs="task.duration",
        unknown=none,
    )
    return share(view, rows, asked, idle="open_tasks")


LONG_TASKS = Measure(
    "schedule.long_tasks",
    "project",
    Unit.PERCENT,
    LengthParams,
    ("task.baseline_duration", "task.remaining_duration"),
    long_tasks,
    text="Open tasks that are too long to be followed.",
    dimension="schedule",
    amber="over 2.5 %",
    red="over 5 %",
    finished_is_na=True,
)
UNRESOURCED = Measure(
    "schedule.unresourced",
    "project",
    Unit.PERCENT,
    ShareParams,
    ("assignment.person",),
    unresourced,
    text="Open tasks that take time and have neither a person nor a cost; for information.",
    dimension="schedule",
    finished_is_na=True,
)
