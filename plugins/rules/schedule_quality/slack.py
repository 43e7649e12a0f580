"""What holds rows in place: hard constraints, too much float, and less than none (DC-05 to DC-07)."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Unit, View, WorkingDays

from .critical import network_slack
from .plan import OPEN, OPEN_TASK, Share, ShareParams, StrictParams, no_day, plan, plan_facts, share

Constraint = Literal[
    "alap",
    "must_start_on",
    "must_finish_on",
    "start_no_earlier",
    "start_no_later",
    "finish_no_earlier",
    "finish_no_later",
    "start_on",
    "finish_on",
]


class ConstraintParams(ShareParams):
    """Which constraints are hard: those that keep links from moving a row."""

    types: tuple[Constraint, ...] = ("must_start_on", "must_finish_on", "start_no_later", "finish_no_later")


class FloatParams(ShareParams):
    """Above how much total slack a row looks as if a link were missing."""

    limit: WorkingDays = 44


def hard_constraints(params: ConstraintParams, view: View) -> pl.DataFrame:
    """Return the share of open rows with a hard constraint; rows without a known one are left out, unless all are."""
    rows = plan(view)
    kind = pl.col("constraint_type")
    known = rows.filter(OPEN & kind.is_not_null())["project"].unique()
    somewhere = pl.col("project").is_in(known.implode())
    return share(
        view,
        rows,
        Share(
            OPEN & (kind.is_not_null() | ~somewhere),
            kind.is_in(params.types),
            missing=kind.is_null(),
            needs="task.constraint_type",
            left_out=OPEN & kind.is_null() & somewhere,
        ),
    )


def high_float(params: FloatParams, view: View) -> pl.DataFrame:
    """Return the share of open tasks with more total slack than the limit."""
    slack = pl.col("total_slack")
    asked = Share(
        OPEN_TASK,
        slack > params.limit * pl.col("project.minutes_per_day"),
        order=-slack,
        missing=slack.is_null(),
        needs="task.total_slack",
        unknown=no_day(),
    )
    return _of_slack(view, asked, idle="open_tasks")


def negative_float(_: StrictParams, view: View) -> pl.DataFrame:
    """Return the share of open rows that are late already: their total slack is negative."""
    slack = pl.col("total_slack")
    asked = Share(OPEN, slack < 0, order=slack, missing=slack.is_null(), needs="task.total_slack")
    return _of_slack(view, asked, idle="open_rows")


def _of_slack(view: View, asked: Share, *, idle: str) -> pl.DataFrame:
    """Return the share of rows by their total slack: the source's, or where it has links only, that of the network."""
    lacking = plan_facts(view).filter(pl.col("linked") & ~pl.col("with_slack") & (pl.col("open_rows") > 0))["uid"]
    rows = plan(view)
    if lacking.is_empty():
        return share(view, rows, asked, idle=idle)
    computed = pl.col("project").is_in(lacking.implode())
    found = rows.join(network_slack(view), on="uid", how="left", maintain_order="left").with_columns(
        total_slack=pl.coalesce("total_slack", pl.when(computed).then("slack"))
    )
    said = pl.when(pl.col("uid").is_in(lacking.implode()) & pl.col("unknown").is_null())
    note = said.then(pl.lit("slack computed over the network"))
    return share(view, found, asked, idle=idle).with_columns(note=note)


HARD_CONSTRAINTS = Measure(
    "schedule.hard_constraints",
    "project",
    Unit.PERCENT,
    ConstraintParams,
    ("task.constraint_type",),
    hard_constraints,
    text="Open rows with a constraint that keeps links from moving them.",
    dimension="schedule",
    amber="over 2.5 %",
    red="over 5 %",
    finished_is_na=True,
)
HIGH_FLOAT = Measure(
    "schedule.high_float",
    "project",
    Unit.PERCENT,
    FloatParams,
    ("task.total_slack",),
    high_float,
    text="Open tasks with more total slack than is likely.",
    dimension="schedule",
    amber="over 2.5 %",
    red="over 5 %",
    finished_is_na=True,
)
NEGATIVE_FLOAT = Measure(
    "schedule.negative_float",
    "project",
    Unit.PERCENT,
    StrictParams,
    ("task.total_slack",),
    negative_float,
    text="Open rows with negative total slack.",
    dimension="schedule",
    red="over 0 %",
    finished_is_na=True,
)
