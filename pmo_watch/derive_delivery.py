"""Computed fields of boards, sprints and releases, and since when a ticket is blocked (spec model 2.4, 2.10, 2.11)."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from pmo_watch import workdays
from pmo_watch.flow import Organisation
from pmo_watch.items import items
from pmo_watch.references import one_project
from pmo_watch.workdays import Calendar

Frames = Mapping[str, pl.DataFrame]
FLAG = "flagged"  # the changed field, folded


def boards(frames: Frames) -> pl.DataFrame:
    """Return the boards: one that has sprints and does not say how it works is a scrum board."""
    has_sprints = pl.col("uid").is_in(frames["sprint"]["board"].drop_nulls().unique().implode())
    return frames["board"].with_columns(type=pl.coalesce("type", pl.when(has_sprints).then(pl.lit("scrum"))))


def sprints(
    frames: Frames, zones: pl.DataFrame, today: date, calendars: Mapping[str, Calendar], organisation: Organisation
) -> pl.DataFrame:
    """Return the sprints with their state, the days they have left, and what was promised and done in them."""
    teams = frames["board"].select("project", board="uid")
    teams = teams.select("board", one_project(teams.schema))
    done, now = pl.col("completed_on").is_not_null() | (pl.col("end_on") < today), pl.col("start_on") <= today
    by_dates = pl.when(done).then(pl.lit("closed")).when(now).then(pl.lit("active")).when(~now).then(pl.lit("future"))
    dated = (
        frames["sprint"]
        .join(teams, on="board", how="left")
        .join(zones.select("project", "@calendar"), on="project", how="left")
        .with_columns(
            state=pl.coalesce("state", by_dates), days_left=_days_left("end_on", today, calendars, organisation)
        )
    )
    return _else_counted(dated, _promised(frames, dated)).drop("@calendar")


def _else_counted(rows: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """Fill what the rows do not say themselves with what was counted for each `uid`."""
    names = [name for name in counted.columns if name != "uid"]
    both = rows.join(counted.rename({name: f"@{name}" for name in names}), on="uid", how="left")
    said = [pl.coalesce(name, pl.col(f"@{name}").cast(rows.schema[name])).alias(name) for name in names]
    return both.with_columns(said).drop(f"@{name}" for name in names)


def _promised(frames: Frames, sprints: pl.DataFrame) -> pl.DataFrame:
    """Return what sprints began with and what was done in them, sub-tasks left out; null where nothing is known.

    A sum of points leaves out what was never estimated, and is null where nothing was.
    """
    subtasks = frames["task"].select("is_subtask", task="uid")
    closing = sprints.select("completed_on", sprint="uid", closed=pl.col("state") == "closed")
    held = (
        frames["sprint_item"]
        .join(subtasks, on="task", how="left")
        .filter(~pl.col("is_subtask").fill_null(value=False) & pl.col("vanished_on").is_null())
        .join(closing, on="sprint", how="left")
    )
    in_time = (pl.col("done_on") <= pl.col("completed_on")).fill_null(pl.col("done_on").is_not_null())
    done = in_time & pl.col("removed_on").is_null()
    promised = pl.col("committed")
    return held.group_by(uid="sprint").agg(
        committed_items=_known(promised.sum().cast(pl.Int64), promised.count() > 0),
        committed_points=_sum("points_at_start", promised.fill_null(value=False)),
        done_points=_known(
            pl.when(done.any()).then(_sum("points_at_close", done)).otherwise(pl.lit(0, pl.Decimal(24, 6))),
            pl.col("closed").first(),
        ),
    )


def _known(value: pl.Expr, known: pl.Expr) -> pl.Expr:
    return pl.when(known).then(value)


def _sum(points: str, among: pl.Expr) -> pl.Expr:
    counted = pl.col(points).filter(among)
    return pl.when(counted.count() > 0).then(counted.sum())


def releases(
    frames: Frames, zones: pl.DataFrame, today: date, calendars: Mapping[str, Calendar], organisation: Organisation
) -> pl.DataFrame:
    """Return the releases with their open items, null where no item is known, and the days they have left."""
    linked = items(frames["task"]).select("done", uid="release").explode("uid").drop_nulls("uid")
    left = linked.group_by("uid").agg(remaining_items=(~pl.col("done")).sum().cast(pl.Int64))
    dated = (
        frames["release"]
        .join(zones.select("project", "@calendar"), on="project", how="left")
        .with_columns(days_left=_days_left("release_date", today, calendars, organisation))
    )
    return _else_counted(dated, left).drop("@calendar")


def _days_left(field: str, today: date, calendars: Mapping[str, Calendar], organisation: Organisation) -> pl.Expr:
    choose = workdays.each_in_its_own(calendars, organisation.calendar)
    return choose(lambda calendar: workdays.count(pl.lit(today), pl.col(field), calendar))


def flagged_since(changes: pl.DataFrame, organisation: Organisation) -> pl.DataFrame:
    """Return, by `uid` of a ticket, the day of the last change that blocked it, as `@flagged`."""
    day = pl.col("at").dt.convert_time_zone(organisation.timezone).dt.date()
    blocked = changes.filter((pl.col("field").str.to_lowercase() == FLAG) & pl.col("to_value").is_not_null())
    return blocked.group_by(uid="task").agg(day.max().alias("@flagged"))
