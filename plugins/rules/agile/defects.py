"""Defects that come in faster than they are resolved."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Periods, PluginSettings, Unit, View

LOOKED_AT = 26  # periods: no run is told as longer
NET_OVER = 4  # the last of them


class InflowParams(PluginSettings):
    """Which types of tickets are defects, over which periods they are counted, and how many of those there must be."""

    types: tuple[str, ...] = ("Bug",)
    every: Literal["week", "month"] = "week"
    at_least: Periods = 4


def defect_inflow(params: InflowParams, view: View) -> pl.DataFrame:
    """Count the complete periods running, up to the last, in which more defects were found than resolved."""
    items = _aged(params, view)
    known = items.group_by(uid="project").agg(known=pl.col("made").max().clip(0, LOOKED_AT).cast(pl.Int64))
    defects = items.filter("defect")
    moved = [defects.select("project", back=name, worse=pl.lit(one)) for name, one in (("made", 1), ("solved", -1))]
    worse = (
        pl.concat(moved)
        .filter(pl.col("back").is_between(1, LOOKED_AT))
        .group_by("project", "back")
        .agg(pl.col("worse").sum().cast(pl.Int64))
    )
    # The run goes on while there is a row for each period back and more came in than went out.
    runs = (pl.col("worse") > 0) & (pl.col("back") == pl.int_range(1, pl.len() + 1))
    sums = (
        worse.sort("project", "back")
        .group_by(uid="project")
        .agg(run=runs.cast(pl.Int64).cum_prod().sum(), net=pl.col("worse").filter(pl.col("back") <= NET_OVER).sum())
    )
    found = view.rows.select("uid").join(known, on="uid", how="left", maintain_order="left")
    found = found.join(sums, on="uid", how="left", maintain_order="left")
    few = pl.format(f"needs {params.at_least} samples, has {{}}", "known")
    return found.select(
        "uid",
        value=pl.when(pl.col("known").is_not_null()).then(pl.col("run").fill_null(0)),
        unknown=pl.when(pl.col("known") < params.at_least).then(few),
        **{"project.defect_net": pl.when(pl.col("known").is_not_null()).then(pl.col("net").fill_null(0))},
    )


def _aged(params: InflowParams, view: View) -> pl.DataFrame:
    """Return items with how many periods ago they were made and resolved; 0 is the period that is not over."""
    zone = view.snapshot.organisation.timezone
    made, resolved = (pl.col(name).dt.convert_time_zone(zone).dt.date() for name in ("created_at", "resolved_at"))
    types = [one.strip().lower() for one in params.types]
    fields = ("project", "issue_type", "done", "created_at", "resolved_at", "actual_finish")
    solved = pl.when("done").then(pl.coalesce("actual_finish", resolved))
    return view.work_items(*fields).select(
        "project",
        defect=pl.col("issue_type").str.strip_chars().str.to_lowercase().is_in(types).fill_null(value=False),
        made=_back(made, view, params.every),
        solved=_back(solved, view, params.every),
    )


def _back(day: pl.Expr, view: View, every: Literal["week", "month"]) -> pl.Expr:
    """Return how many weeks or months before the present one a day lies."""
    today = pl.lit(view.snapshot.today)
    if every == "week":
        return (today.dt.truncate("1w") - day.dt.truncate("1w")).dt.total_days() // 7
    return (today.dt.year() - day.dt.year()) * 12 + today.dt.month() - day.dt.month()


DEFECT_INFLOW = Measure(
    "project.defect_inflow",
    "project",
    Unit.PERIODS,
    InflowParams,
    ("task.created_at",),
    defect_inflow,
    text="Periods running in which more defects were found than resolved.",
    clock="today",
    dimension="quality",
    amber="at least 2 periods",
    red="at least 4 periods",
    companions={"project.defect_net": Unit.COUNT},
)
