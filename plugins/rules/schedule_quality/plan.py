"""The rows of a plan as the checks count them, and a share of them as an answer."""

from dataclasses import dataclass, field

import polars as pl

from pmo_watch.api import Columns, PluginSettings, View

MOST_NAMES = 50  # rows listed as evidence
OPEN, TASK = ~pl.col("done"), ~pl.col("is_milestone")
OPEN_TASK = OPEN & TASK
FIELDS = (
    "id",
    "name",
    "source",
    "position",
    "is_milestone",
    "done",
    "progress",
    "baseline_finish",
    "baseline_duration",
    "forecast_start",
    "forecast_finish",
    "actual_start",
    "actual_finish",
    "constraint_type",
    "constraint_date",
    "deadline",
    "manual",
    "duration",
    "remaining_duration",
    "cost",
    "total_slack",
    "predecessor_count",
)


class ShareParams(PluginSettings):
    """How many rows there must be for red."""

    min_sample: int = 5


class StrictParams(PluginSettings):
    """One row is enough for red."""

    min_sample: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """Which rows a check counts, which of them fail it, and what makes the answer unknown.

    Expressions over `rows`. `counted` and `hit`: flags; a null hit is none. `order`: the most severe first, smallest
    first. `missing`: a flag of counted rows that lack `needs`. `left_out`: a flag of rows not counted since they lack a
    field. `unknown`: text over what `plan_facts` gives of the project.
    """

    counted: pl.Expr
    hit: pl.Expr
    order: pl.Expr = field(default_factory=lambda: pl.col("position"))
    missing: pl.Expr | None = None
    needs: str = ""
    left_out: pl.Expr | None = None
    unknown: pl.Expr | None = None


def plan(view: View) -> pl.DataFrame:
    """Return the countable rows of the projects in view, complete or not, milestones included.

    Columns: `uid`, `project`, `FIELDS`, `called` (name for people), `project.minutes_per_day`,
    `project.forecast_start` and the project's clocks.
    """
    return view.once("schedule quality: rows", lambda: _plan(view))


def _plan(view: View) -> pl.DataFrame:
    days = view.rows.select(
        pl.col("uid").alias("project"),
        pl.col("minutes_per_day").alias("project.minutes_per_day"),
        pl.col("forecast_start").alias("project.forecast_start"),
    )
    rows = view.plan_rows(*FIELDS).join(days, on="project", maintain_order="left")
    return rows.with_columns(called=pl.coalesce("name", "id", "uid"))


def plan_facts(view: View) -> pl.DataFrame:
    """Return `uid` of each project in view, how many rows its plan has, how many are open, and what they have."""
    sums = (
        plan(view)
        .group_by("project")
        .agg(
            rows=pl.len().cast(pl.Int64),
            open_rows=OPEN.sum().cast(pl.Int64),
            open_tasks=OPEN_TASK.sum().cast(pl.Int64),
            linked=pl.col("predecessor_count").is_not_null().any(),
            with_slack=pl.col("total_slack").filter(OPEN).is_not_null().any(),
            with_baseline=pl.col("baseline_finish").is_not_null().any(),
        )
    )
    return view.rows.select("uid", "minutes_per_day").join(
        sums, left_on="uid", right_on="project", how="left", maintain_order="left"
    )


def nothing_open(column: str = "open_rows") -> pl.Expr:
    """Return why a project without open rows is left alone."""
    none = pl.col(column).fill_null(0) == 0
    finished = pl.col("rows").fill_null(0) > 0
    return pl.when(none & finished).then(pl.lit("done")).when(none).then(pl.lit("nothing due yet"))


def no_links() -> pl.Expr:
    """Return why nothing can be said of links in a project whose source has none."""
    return pl.when(~pl.col("linked").fill_null(value=False)).then(pl.lit("missing task.predecessor_count"))


def no_day() -> pl.Expr:
    """Return why minutes cannot be told in days."""
    per_day = pl.col("minutes_per_day")
    return pl.when((per_day <= 0).fill_null(value=True)).then(
        pl.format("invalid project.minutes_per_day: {}", per_day.fill_null(0))
    )


def share(
    view: View, rows: pl.DataFrame, asked: Share, *, idle: str = "open_rows", per_cent: int = 100
) -> pl.DataFrame:
    """Return the share of the counted rows that fail a check, in per cent of each project.

    `idle`: the fact of the project that is 0 where the question does not arise; empty when it always does.
    `per_cent`: what the share is multiplied by.
    """
    sums = counted(rows, asked)
    facts = plan_facts(view).join(sums, left_on="uid", right_on="project", how="left", maintain_order="left")
    number = pl.col("counted").fill_null(0)
    lacking = pl.col("missing").fill_null(0)
    some = pl.format(f"missing {asked.needs} on {{}} of {{}} rows", lacking, number)
    every = pl.when((lacking > 0) & (lacking == number)).then(pl.lit(f"missing {asked.needs}"))
    out = pl.when(pl.col("left_out") > 0).then(
        pl.format("{} of {} rows left out", "left_out", pl.col("left_out") + number)
    )
    return facts.select(
        "uid",
        value=Columns.ratio(pl.col("hits") * per_cent, number),
        numerator=pl.col("hits").fill_null(0),
        denominator=number,
        sample=number,
        not_applicable=nothing_open(idle) if idle else None,
        unknown=pl.coalesce(
            *([] if asked.unknown is None else [asked.unknown]), every, pl.when(lacking > 0).then(some)
        ),
        note=out,
        affected_rows="names",
    )


def counted(rows: pl.DataFrame, asked: Share) -> pl.DataFrame:
    """Return per project how many rows are `counted`, `hits`, `missing` and `left_out`, and the `names` of the hits."""
    never = pl.lit(value=False)
    inside = asked.counted.fill_null(value=False)
    marked = rows.with_columns(
        inside.alias("@inside"),
        (inside & asked.hit.fill_null(value=False)).alias("@hit"),
        (inside & (never if asked.missing is None else asked.missing)).alias("@missing"),
        (never if asked.left_out is None else asked.left_out).fill_null(value=False).alias("@left_out"),
        asked.order.alias("@order"),
    )
    names = (
        marked.filter("@hit")
        .sort("@order", "position", "uid", nulls_last=True)
        .group_by("project")
        .agg(names=pl.col("called").head(MOST_NAMES).str.join(", "))
    )
    sums = marked.group_by("project").agg(
        pl.col(f"@{name}").sum().cast(pl.Int64).alias(new)
        for name, new in {"inside": "counted", "hit": "hits", "missing": "missing", "left_out": "left_out"}.items()
    )
    return sums.join(names, on="project", how="left")
