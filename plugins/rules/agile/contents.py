"""What was in each sprint, sub-tasks left out, and which sprints a measure of closed ones is about."""

from dataclasses import dataclass

import polars as pl

from pmo_watch.api import View

MOST_NAMES = 50  # tickets that evidence names
LAST_DAY = pl.coalesce("completed_on", "end_on", "start_on")


def contents(view: View) -> pl.DataFrame:
    """Return the tickets of sprints, one row each.

    Columns: `sprint`, `task`, `called` (its id), `estimated` (whether it has points now), `board` and `ended` of the
    sprint, `committed` (null: unknown), `start` and `close` (points), `added_on`, `removed_on`, `done_on`, `done` (at
    the close, or now where the sprint is not closed).
    """
    return view.once("agile contents", lambda: _contents(view))


def _contents(view: View) -> pl.DataFrame:
    tasks = view.snapshot.frame("task").select("id", "name", "story_points", "is_subtask", task="uid")
    sprints = view.snapshot.frame("sprint").select("board", "state", sprint="uid", ended="completed_on")
    stayed = pl.col("removed_on").is_null()
    in_time = (pl.col("done_on") <= pl.col("ended")).fill_null(pl.col("done_on").is_not_null())
    return (
        view.snapshot.frame("sprint_item")
        .filter(pl.col("vanished_on").is_null())
        .join(tasks, on="task", how="left")
        .filter(~pl.col("is_subtask").fill_null(value=False))
        .join(sprints, on="sprint")
        .select(
            *("sprint", "task", "board", "state", "ended", "committed", "added_on", "removed_on", "done_on"),
            called=pl.coalesce("id", "name", "task"),
            estimated=pl.col("story_points").is_not_null(),
            start=pl.col("points_at_start").cast(pl.Float64),
            close=pl.col("points_at_close").cast(pl.Float64),
            # A list has no points at the close of a sprint that goes on: what the item is estimated at now stands in.
            now=pl.coalesce("points_at_close", "story_points", "points_at_start").cast(pl.Float64),
            done=stayed & in_time,
        )
    )


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """What decides whether a measure of closed sprints is about a sprint; expressions over the rows of sprints."""

    rows: pl.DataFrame
    not_applicable: pl.Expr
    unknown: pl.Expr


def closed(view: View) -> Closed:
    """Return the sprints with what keeps them out: only the latest closed sprint of a board is asked about."""
    rows = view.rows.with_columns(latest=pl.col("uid").is_in(latest_closed(view.rows).implode()))
    state = pl.col("state")
    out = (
        pl.when(state == "future")
        .then(pl.lit("not started"))
        .when(state == "active")
        .then(pl.lit("too early"))
        .when((state == "closed") & ~pl.col("latest"))
        .then(pl.lit("older sprint"))
    )
    return Closed(rows, out, pl.when(state.is_null()).then(pl.lit("missing sprint.state")))


def latest_closed(sprints: pl.DataFrame) -> pl.Series:
    """Return the uids of the sprints of each board that were closed last."""
    ended = sprints.filter((pl.col("state") == "closed") & pl.col("vanished_on").is_null())
    order = ended.select("uid", "board", last=LAST_DAY).sort("last", "uid", nulls_last=False)
    return order.group_by("board").agg(pl.col("uid").last())["uid"]


def uncertain(rows: pl.Expr, among: pl.Expr) -> pl.Expr:
    """Return that it is not known of some tickets whether the sprint began with them; null where it is of all.

    `rows` is how many, `among` of how many.
    """
    said = pl.format("missing sprint_item.committed on {} of {} rows", rows, among)
    return pl.when((rows > 0) & (rows < among)).then(said)


def names(which: pl.Expr, first: pl.Expr) -> pl.Expr:
    """Return the ids of some tickets of a sprint as text, those with most points first."""
    order = (
        pl.col("called")
        .filter(which)
        .sort_by([first.filter(which), pl.col("called").filter(which)], descending=[True, False], nulls_last=True)
    )
    return order.head(MOST_NAMES).str.join(", ")
