"""How much a team delivers in a sprint, against what it delivered in those before."""

from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Sprints, Unit, View

from .contents import LAST_DAY, closed, contents


class VelocityParams(PluginSettings):
    """With how many earlier sprints a sprint is compared at most and at least, and what a ticket counts."""

    over: Sprints = 6
    at_least: Sprints = 3
    weigh: Literal["points", "items"] = "points"


def velocity_deviation(params: VelocityParams, view: View) -> pl.DataFrame:
    """Return by how much a sprint delivered more or less than the mean of those closed before it, in per cent."""
    asked = closed(view)
    done = _delivered(params, view)
    order = done.with_columns(place=pl.col("last").rank("ordinal", descending=True).over("board"))
    earlier = order.filter(pl.col("place").is_between(2, params.over + 1) & pl.col("velocity").is_not_null())
    means = earlier.group_by("board").agg(mean=pl.col("velocity").mean(), known=pl.len())
    own = order.filter(pl.col("place") == 1).select("uid", "velocity", "in_items")
    rows = asked.rows.join(own, on="uid", how="left", maintain_order="left")
    found = rows.join(means, on="board", how="left", maintain_order="left").with_columns(pl.col("known").fill_null(0))
    few = pl.format(f"needs {params.at_least} samples, has {{}}", "known")
    none = pl.when(pl.col("mean") == 0).then(pl.lit("invalid sprint.done_points: 0"))
    moved = pl.col("velocity") - pl.col("mean")
    return found.select(
        "uid",
        value=Columns.ratio(moved * 100, pl.col("mean")),
        numerator=moved,
        denominator=pl.when(pl.col("mean") > 0).then("mean"),
        not_applicable=asked.not_applicable,
        unknown=pl.coalesce(
            asked.unknown,
            pl.when(pl.col("velocity").is_null()).then(pl.lit("missing sprint.done_points")),
            pl.when(pl.col("known") < params.at_least).then(few),
            none,
        ),
        note=pl.when(pl.col("in_items") & (params.weigh == "points")).then(pl.lit("items counted: no estimates")),
        velocity="velocity",
        mean_velocity=pl.col("mean").round(1),
    )


def _delivered(params: VelocityParams, view: View) -> pl.DataFrame:
    """Return what each closed sprint delivered: points, or items where the team's sprints hold no estimate at all."""
    ended = view.rows.filter((pl.col("state") == "closed") & pl.col("vanished_on").is_null())
    sums = contents(view).group_by(uid="sprint").agg(items=pl.col("done").sum().cast(pl.Float64))
    points = pl.coalesce("start", "close").is_not_null().any()
    teams = contents(view).group_by("board").agg(estimates=points)
    rows = ended.join(sums, on="uid", how="left").join(teams, on="board", how="left")
    in_items = pl.lit(params.weigh == "items") | ~pl.col("estimates").fill_null(value=True)
    velocity = pl.when(in_items).then("items").otherwise(pl.col("done_points").cast(pl.Float64))
    return rows.sort(LAST_DAY, "uid", nulls_last=False).select(
        "uid", "board", last=pl.int_range(pl.len()), velocity=velocity, in_items=in_items
    )


VELOCITY_DEVIATION = Measure(
    "sprint.velocity_deviation",
    "sprint",
    Unit.PERCENT,
    VelocityParams,
    ("done_points",),
    velocity_deviation,
    text="What a closed sprint delivered, against the mean of those before it.",
    clock="today",
    dimension="scope",
    amber="not between -10 % and 10 %",
    red="not between -20 % and 20 %",
)
