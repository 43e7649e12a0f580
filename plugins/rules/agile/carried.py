"""Tickets that go from sprint to sprint without being done."""

import polars as pl

from pmo_watch.api import Measure, NoParams, Unit, View

MOST_NAMES = 50


def unfinished_sprints(_: NoParams, view: View) -> pl.DataFrame:
    """Count the closed sprints that an open ticket was part of and in which it was not done."""
    rows = view.rows.select("uid", "done", "is_subtask", planned=pl.col("sprint").list.len() > 0)
    found = rows.join(_past(view), on="uid", how="left", maintain_order="left")
    never = ~pl.col("planned").fill_null(value=False) & pl.col("places").is_null()
    return found.select(
        "uid",
        value=pl.when(pl.col("known") > 0).then("unfinished"),
        not_applicable=pl.when("done")
        .then(pl.lit("done"))
        .when(pl.col("is_subtask").fill_null(value=False) | never)
        .then(pl.lit("out of scope")),
        sprints="sprints",
    )


def _past(view: View) -> pl.DataFrame:
    """Return, by ticket, in how many sprints it was, how many of those are known, and in how many it was not done."""
    ended = view.snapshot.frame("sprint").select("name", "state", "completed_on", "end_on", sprint="uid")
    places = view.snapshot.frame("sprint_item").filter(pl.col("vanished_on").is_null()).join(ended, on="sprint")
    in_time = (pl.col("done_on") <= pl.col("completed_on")).fill_null(pl.col("done_on").is_not_null())
    done = in_time & pl.col("removed_on").is_null()
    unfinished = (pl.col("state") == "closed").fill_null(value=False) & pl.col("committed").is_not_null() & ~done
    called = (
        pl.coalesce("name", "sprint")
        .filter(unfinished)
        .sort_by(pl.coalesce("completed_on", "end_on").filter(unfinished))
    )
    return places.group_by(uid="task").agg(
        places=pl.len(),
        known=pl.col("committed").is_not_null().sum(),
        unfinished=unfinished.sum().cast(pl.Int64),
        sprints=called.tail(MOST_NAMES).str.join(", "),
    )


UNFINISHED_SPRINTS = Measure(
    "task.unfinished_sprints",
    "task",
    Unit.COUNT,
    NoParams,
    ("sprint_item.committed",),
    unfinished_sprints,
    text="Closed sprints that an open ticket was part of without being done.",
    clock="today",
    dimension="scope",
    amber="at least 2",
    red="at least 3",
)
