"""Projects against their baseline: the end that moves, the progress that lags."""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, PluginSettings, Unit, View

FILLED = 0.95  # share of the tasks with a baseline that must have a weight for it to be used
WEIGHTS: Mapping[str, str] = {"cost": "baseline_cost", "work": "baseline_work", "duration": "baseline_duration"}


class BehindPlanParams(PluginSettings):
    """What weighs a task: `auto` is the first of cost, work and duration that nearly all tasks have."""

    weight: Literal["auto", "cost", "work", "duration"] = "auto"


def finish_variance(_: NoParams, view: View) -> Columns:
    """Return by how much of its baseline duration a project ends later than its baseline, in per cent."""
    start, end = pl.col("baseline_start"), pl.col("baseline_finish")
    late = view.working_days(end, pl.col("forecast_finish"))
    length = view.working_days(start, end)
    said = pl.when(start == end).then(pl.lit("equals")).otherwise(pl.lit("not after"))
    return Columns(
        Columns.ratio(late * 100, length),
        numerator=late,
        denominator=pl.when(length > 0).then(length),
        unknown=pl.when(length <= 0).then(pl.format("invalid project.baseline_finish: {} baseline_start", said)),
        evidence={"baseline_finish": end, "forecast_finish": pl.col("forecast_finish")},
    )


def behind_plan(params: BehindPlanParams, view: View) -> pl.DataFrame:
    """Return planned minus actual progress in percentage points, each row weighted as `params` say."""
    rows = _weighed(params, view)
    weight, progress = pl.col("weight"), pl.col("progress").cast(pl.Float64)
    heavy = weight > 0
    sums = rows.group_by("project", maintain_order=True).agg(
        weight.sum().alias("total"),
        (weight * pl.col("planned")).sum().alias("planned"),
        (weight * progress / 100).sum().alias("actual"),
        heavy.sum().alias("rows"),
        (~pl.col("is_milestone")).sum().alias("used"),
        (heavy & progress.is_null()).sum().alias("no_progress"),
        (heavy & pl.col("planned").is_null()).sum().alias("no_start"),
        pl.col("weigh").first(),
    )
    facts = (
        view.rows.select("uid", "actual_start")
        .join(_plans(view), left_on="uid", right_on="project", how="left", maintain_order="left")
        .join(sums, left_on="uid", right_on="project", how="left", maintain_order="left")
    )
    planned, actual = (Columns.ratio(pl.col(name) * 100, pl.col("total")) for name in ("planned", "actual"))
    idle = pl.col("actual_start").is_null() & ~pl.col("begun").fill_null(value=False)
    return facts.select(
        "uid",
        value=planned - actual,
        not_applicable=pl.when(idle & pl.col("plan_rows").is_not_null()).then(pl.lit("not started")),
        unknown=_unknown(WEIGHTS.get(params.weight, "baseline_duration")),
        note=pl.when(pl.col("used") < pl.col("tasks")).then(
            pl.format("{} of {} rows left out", pl.col("tasks") - pl.col("used"), pl.col("tasks"))
        ),
        planned_progress=planned.round(1),
        actual_progress=actual.round(1),
        weight=pl.col("weigh"),
    )


def _unknown(weight: str) -> pl.Expr:
    """Return why the progress of a plan cannot be compared with its baseline."""
    none = pl.col("rows").fill_null(0) == 0
    some = "missing task.{} on {{}} of {{}} rows"
    return (
        pl.when(pl.col("with_baseline").fill_null(0) == 0)
        .then(pl.lit("missing task.baseline_finish"))
        .when(none)
        .then(pl.lit(f"missing task.{weight}"))
        .when(pl.col("no_progress") > 0)
        .then(pl.format(some.format("progress"), "no_progress", "rows"))
        .when(pl.col("no_start") > 0)
        .then(pl.format(some.format("baseline_start"), "no_start", "rows"))
    )


def _plans(view: View) -> pl.DataFrame:
    """Return, per project, how many rows its plan has, how many with a baseline, and whether any has begun."""
    rows = view.plan_rows("is_milestone", "baseline_finish", "progress", "actual_start")
    begun = pl.col("actual_start").is_not_null() | (pl.col("progress") > 0).fill_null(value=False)
    task = ~pl.col("is_milestone")
    return rows.group_by("project", maintain_order=True).agg(
        pl.len().alias("plan_rows"),
        task.sum().alias("tasks"),
        (task & pl.col("baseline_finish").is_not_null()).sum().alias("with_baseline"),
        begun.any().alias("begun"),
    )


def _weighed(params: BehindPlanParams, view: View) -> pl.DataFrame:
    """Return the rows that count with `weight`, `planned` (share of the row due by the status date) and `progress`.

    A milestone weighs only where it has a weight of its own.
    """
    rows = view.plan_rows("is_milestone", "baseline_start", "baseline_finish", "progress", *WEIGHTS.values()).filter(
        pl.col("baseline_finish").is_not_null()
    )
    chosen = _chosen(params, rows)
    weights = [pl.when(pl.col("weigh") == name).then(pl.col(one).cast(pl.Float64)) for name, one in WEIGHTS.items()]
    return (
        rows.join(chosen, on="project")
        .with_columns(weight=pl.coalesce(weights), planned=view.planned_share())
        .filter(pl.col("weight").is_not_null())
    )


def _chosen(params: BehindPlanParams, rows: pl.DataFrame) -> pl.DataFrame:
    """Return which weight each project uses, as `weigh`; null where none will do."""
    if params.weight != "auto":
        return rows.select("project", weigh=pl.lit(params.weight)).unique()
    filled = (
        rows.filter(~pl.col("is_milestone")).group_by("project").agg(pl.col(*WEIGHTS.values()).is_not_null().mean())
    )
    first = [pl.when(pl.col(one) >= FILLED).then(pl.lit(name)) for name, one in WEIGHTS.items()]
    return filled.select("project", weigh=pl.coalesce(first))


FINISH_VARIANCE = Measure(
    "project.finish_variance",
    "project",
    Unit.PERCENT,
    NoParams,
    ("baseline_start", "baseline_finish", "forecast_finish"),
    finish_variance,
    text="Delay of the project's end, as a share of its baseline duration.",
    dimension="schedule",
    amber="over 5 %",
    red="over 10 %",
    recover="at most 4 %",
    finished_is_na=True,
)

BEHIND_PLAN = Measure(
    "project.behind_plan",
    "project",
    Unit.POINTS,
    BehindPlanParams,
    ("task.baseline_finish", "task.progress"),
    behind_plan,
    text="Planned minus actual progress.",
    dimension="schedule",
    amber="over 10 pp",
    red="over 20 pp",
    recover="at most 8 pp",
    finished_is_na=True,
)
