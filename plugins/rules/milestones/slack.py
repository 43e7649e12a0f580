"""How far a milestone may slip before it moves the end of its plan."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View

from .links import link_type, with_room

LONGEST_CHAIN = 1_000  # links; a chain that goes on is a circle, and its rows have no slack to speak of
LINK_FIELDS = ("type", "lag", "lag_percent", "lag_elapsed")
ROW_FIELDS = ("forecast_start", "forecast_finish", "actual_start", "actual_finish", "is_milestone")


def total_float(_: NoParams, view: View) -> Columns:
    """Return the total slack in working days: the source's, else computed over the network of the plan."""
    given = pl.col("total_slack") / pl.col("project.minutes_per_day")
    computed = view.rows.select("uid").join(network_slack(view), on="uid", how="left", maintain_order="left")["slack"]
    lacking = pl.col("total_slack").is_null()
    own = pl.lit(computed)
    return Columns(
        pl.when(lacking).then(own).otherwise(given),
        not_applicable=pl.when("done").then(pl.lit("done")),
        unknown=pl.coalesce(
            pl.when("manual").then(pl.lit("invalid milestone.total_slack: manual row")),
            pl.when(pl.col("predecessor_count").is_null()).then(pl.lit("missing milestone.predecessor_count")),
        ),
        note=pl.when(lacking & own.is_not_null()).then(pl.lit("slack computed over the network")),
        evidence={"forecast_finish": pl.col("forecast_finish"), "late_finish": pl.col("late_finish")},
    )


def network_slack(view: View) -> pl.DataFrame:
    """Return `uid` and `slack` (working days) of the rows of plans that have links and no slack of their own.

    A row may slip as far as each successor leaves room and may slip itself, and never past the end of its plan. The
    forecast dates stand for the forward pass; the backward pass goes from the last rows to the first, one link deeper
    each time.
    """
    rows = _rows(view)
    slack = rows.select("uid", slack=view.working_days(pl.col("finish"), pl.col("end")))
    links = _links(view, rows)
    moved = slack
    for _ in range(LONGEST_CHAIN):
        if moved.is_empty():
            return slack
        tighter = (
            links.join(moved, left_on="successor", right_on="uid")
            .group_by("predecessor")
            .agg((pl.col("room") + pl.col("slack")).min().alias("tighter"))
        )
        both = slack.join(tighter, left_on="uid", right_on="predecessor", how="left", maintain_order="left")
        less = pl.col("tighter") < pl.col("slack")
        moved = both.filter(less).select("uid", slack="tighter")
        slack = both.select("uid", slack=pl.when(less).then("tighter").otherwise("slack"))
    return slack.join(moved, on="uid", how="anti")


def _rows(view: View) -> pl.DataFrame:
    """Return the countable rows of the plans that are computed, with finish, end of the plan and calendar."""
    calendars = view.rows.group_by("project").agg(pl.col("@calendar").first())
    fields = ("uid", "project", "total_slack", "predecessor_count", *ROW_FIELDS)
    tasks = view.snapshot.frame("task").filter("countable").select(fields)
    lacking = pl.col("total_slack").is_null().all() & pl.col("predecessor_count").is_not_null().any()
    without = tasks.group_by("project").agg(lacking.alias("lacking")).filter("lacking")
    finish = pl.coalesce("actual_finish", "forecast_finish")
    return (
        tasks.join(without, on="project", how="semi")
        .join(calendars, on="project")
        .with_columns(finish=finish, end=finish.max().over("project"))
        .filter(pl.col("finish").is_not_null())
    )


def _links(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `predecessor`, `successor` and the room between them in working days."""
    per_day = view.snapshot.frame("project").select(project="uid", **{"project.minutes_per_day": "minutes_per_day"})
    sides = {
        side: rows.select(pl.col("uid").alias(side), *[pl.col(name).alias(f"{side}.{name}") for name in ROW_FIELDS])
        for side in ("predecessor", "successor")
    }
    homes = rows.select("project", "@calendar", successor="uid")
    links = (
        view.snapshot.frame("dependency")
        .select("predecessor", "successor", *LINK_FIELDS)
        .join(sides["predecessor"], on="predecessor")
        .join(sides["successor"], on="successor")
        .join(homes, on="successor")
        .join(per_day, on="project")
    )
    # A successor starts on the working day after; one that starts on the same day leaves no room, but breaks nothing.
    follows = (link_type() == "fs") & ~pl.col("successor.is_milestone").fill_null(value=False) & (pl.col("room") > 0)
    return (
        with_room(links, view)
        .select("predecessor", "successor", room=pl.when(follows).then(pl.col("room") - 1).otherwise("room"))
        .drop_nulls()
    )


FLOAT = Measure(
    "milestone.float",
    "milestone",
    Unit.WORKING_DAYS,
    NoParams,
    ("total_slack",),
    total_float,
    text="Working days the milestone may slip before the end of its plan moves.",
    dimension="schedule",
    amber="at most 5 wd",
    red="under 0 wd",
    recover="over 7 wd",
    finished_is_na=True,
)
