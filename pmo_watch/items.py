"""The items that a team delivers: what velocity, throughput and the scope of a release count."""

import polars as pl

NEEDED = ("uid", "parent", "is_milestone", "is_subtask", "active", "external", "vanished_on")


def items(tasks: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of plans that are items: leaves when milestones and sub-tasks are left out.

    A ticket with sub-tasks is one, its sub-tasks and the epic above it are not. `tasks` holds the columns of `NEEDED`.
    """
    sub = pl.col("is_subtask").fill_null(value=False)
    parents = tasks.filter(~sub & ~pl.col("is_milestone"))["parent"].drop_nulls().unique()
    counts = pl.col("active") & ~pl.col("external") & pl.col("vanished_on").is_null()
    return tasks.filter(~sub & ~pl.col("is_milestone") & counts & ~pl.col("uid").is_in(parents.implode()))
