"""Tasks that begin soon and have nobody to do them."""

import polars as pl

from pmo_watch.api import Columns, Measure, Percent, PluginSettings, Unit, View, WorkingDays

from .assigned import missing_on

MOST_NAMES = 50


class UnassignedParams(PluginSettings):
    """How soon, how many tasks there must be for red, and which share of them may lack a start."""

    within: WorkingDays = 10
    min_sample: int = 5
    max_missing: Percent = 0


def unassigned_soon(params: UnassignedParams, view: View) -> pl.DataFrame:
    """Return the share of the open tasks which begin soon that have neither a person nor an owner, in per cent."""
    begins = view.working_days(pl.col("@as_of"), pl.col("forecast_start"))
    soon = begins.is_between(0, params.within).fill_null(value=False)
    tasks = _open_tasks(view).with_columns(soon=soon, free=soon & pl.col("owner").is_null() & ~pl.col("assigned"))
    sums = tasks.group_by(uid="project").agg(
        pl.col("soon", "free").sum().cast(pl.Int64),
        rows=pl.len().cast(pl.Int64),
        silent=pl.col("forecast_start").null_count().cast(pl.Int64),
        told=pl.col("told").any(),
    )
    free = tasks.filter("free").sort("forecast_start", "uid")
    called = pl.coalesce("name", "id", "uid").head(MOST_NAMES).str.join(", ")
    names = free.group_by(uid="project", maintain_order=True).agg(names=called)
    found = view.rows.select("uid").join(sums, on="uid", how="left", maintain_order="left")
    return _answer(params, found.join(names, on="uid", how="left", maintain_order="left"))


def _answer(params: UnassignedParams, found: pl.DataFrame) -> pl.DataFrame:
    rows, silent = pl.col("rows").fill_null(0), pl.col("silent").fill_null(0)
    too_many = silent * 100 > params.max_missing * rows
    out = pl.when((silent > 0) & ~too_many).then(pl.format("{} of {} rows left out", silent, rows))
    return found.select(
        "uid",
        value=Columns.ratio(pl.col("free") * 100, pl.col("soon")),
        numerator=pl.col("free").fill_null(0),
        denominator=pl.col("soon").fill_null(0),
        sample="soon",
        not_applicable=pl.when((pl.col("soon").fill_null(0) == 0) & ~too_many).then(pl.lit("nothing due yet")),
        unknown=pl.coalesce(
            pl.when(~pl.col("told")).then(pl.lit("missing assignment.person")),
            pl.when(too_many).then(missing_on("task.forecast_start", silent, rows)),
        ),
        note=out,
        affected_rows="names",
    )


def _open_tasks(view: View) -> pl.DataFrame:
    """Return the open tasks of the projects in view; `told`: whether their source says of any row who does it."""
    rows = view.plan_rows("source", "is_milestone", "done", "forecast_start", "owner", "name", "id")
    given = view.snapshot.frame("assignment").filter(pl.col("person").is_not_null() & pl.col("vanished_on").is_null())
    owned = view.snapshot.frame("task").filter(pl.col("owner").is_not_null())
    telling = pl.concat([given["source"], owned["source"]]).unique()
    return rows.filter(~pl.col("is_milestone") & ~pl.col("done").fill_null(value=False)).with_columns(
        assigned=pl.col("uid").is_in(given["task"].drop_nulls().unique().implode()),
        told=pl.col("source").is_in(telling.implode()),
    )


UNASSIGNED_SOON = Measure(
    "project.unassigned_soon",
    "project",
    Unit.PERCENT,
    UnassignedParams,
    ("assignment.person", "task.forecast_start"),
    unassigned_soon,
    text="Open tasks that begin soon and have nobody to do them.",
    dimension="resources",
    amber="over 10 %",
    red="over 25 %",
    recover="at most 8 %",
)
