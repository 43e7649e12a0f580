"""The work that persons still have to do: assignments on rows that count, are not done, and whose project goes on."""

import polars as pl

from pmo_watch.api import NOT_GOING_ON, View


def assignments(view: View) -> pl.DataFrame:
    """Return the assignments of persons on countable rows of plans, done or not.

    Columns: `person`, `task`, `project`, `done`, `remaining_work` (hours), `weekly`, `start` and `finish` (days; the
    row's where the assignment has none), `actual_start` and `actual_finish` of the row.
    """
    return view.once("resources: assignments", lambda: _assignments(view))


def _assignments(view: View) -> pl.DataFrame:
    given = view.snapshot.frame("assignment").filter(
        pl.col("person").is_not_null() & pl.col("vanished_on").is_null() & pl.col("task").is_not_null()
    )
    tasks = (
        view.snapshot.frame("task")
        .filter("countable")
        .select(
            "project",
            "done",
            "actual_start",
            "actual_finish",
            task="uid",
            task_start="forecast_start",
            task_finish="forecast_finish",
        )
    )
    fields = ("person", "task", "remaining_work", "weekly", "start", "finish")
    found = given.select(fields).join(tasks, on="task", maintain_order="left")
    return found.with_columns(
        start=pl.coalesce("start", "task_start"),
        finish=pl.coalesce("finish", "task_finish"),
        weekly=pl.when(pl.col("weekly").list.len() > 0).then("weekly"),  # a list of nothing says nothing
    ).drop("task_start", "task_finish")


def open_work(view: View) -> pl.DataFrame:
    """Return the assignments that are not done, of projects that go on."""
    projects = view.snapshot.frame("project")
    stopped = projects.filter(pl.col("state").is_in(NOT_GOING_ON))["uid"]
    going_on = ~pl.col("done").fill_null(value=False) & ~pl.col("project").is_in(stopped.implode()).fill_null(
        value=False
    )
    return assignments(view).filter(going_on)


def missing_on(field: str, lacking: pl.Expr, rows: pl.Expr) -> pl.Expr:
    """Return why rows that lack a field make the answer unknown; null where none does."""
    some = pl.format(f"missing {field} on {{}} of {{}} rows", lacking, rows)
    every = pl.when(lacking == rows).then(pl.lit(f"missing {field}"))
    return pl.when(lacking > 0).then(pl.coalesce(every, some))
