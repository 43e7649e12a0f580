"""Effort against its plan."""

from typing import Literal

import polars as pl
from pydantic import Field

from pmo_watch.api import Measure, PluginSettings, Samples, Unit, View, Wish

Plan = Literal["effort_baseline", "effort_planned"]
WEEKS = 13  # a quarter: in none of them did a plan that is recalculated differ from what it is recalculated from
SAME = 0.01  # hours: sources round
SAID = Samples("project", "week", WEEKS, ("effort_planned", "effort_actual", "effort_remaining"))


class EffortParams(PluginSettings):
    """What the plan is: the first of these that the project has."""

    plan: tuple[Plan, ...] = Field(("effort_baseline", "effort_planned"), min_length=1)


def wishes(params: EffortParams) -> tuple[Wish, ...]:
    """Return the history that is read: whether the plan ever was anything but actual + remaining."""
    return (SAID,) if "effort_planned" in params.plan else ()


def effort_variance(params: EffortParams, view: View) -> pl.DataFrame:
    """Return by how much the plan exceeds what was and will be spent, in per cent of it; negative is an overrun."""
    spent = ("effort_remaining", "effort_actual")
    rows = view.rows.select("uid", *[pl.col(name).cast(pl.Float64) for name in dict.fromkeys((*spent, *params.plan))])
    found = rows.join(_recalculated(params, view), on="uid", how="left", maintain_order="left")
    plan, total = pl.coalesce(params.plan), pl.sum_horizontal(spent, ignore_nulls=False)
    chosen = pl.coalesce([pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in params.plan])
    none = pl.when(plan.is_null() | (plan == 0)).then(pl.lit(f"missing project.{params.plan[0]}"))
    missing = [pl.when(pl.col(name).is_null()).then(pl.lit(f"missing project.{name}")) for name in spent]
    follows = (chosen == "effort_planned") & pl.col("recalculated").fill_null(value=False)
    no_plan = pl.when(follows).then(pl.lit("invalid project.effort_planned: recalculated by the source"))
    return found.select(
        "uid",
        value=pl.when(plan > 0).then((plan - total) * 100 / plan),
        numerator=plan - total,
        denominator=pl.when(plan > 0).then(plan),
        unknown=pl.coalesce(none, *missing, no_plan),
        planned_effort=plan.round(1),
        effort_actual=pl.col("effort_actual").round(1),
        effort_remaining=pl.col("effort_remaining").round(1),
        compared_with=chosen,
    )


def _recalculated(params: EffortParams, view: View) -> pl.DataFrame:
    """Say of which projects the plan is actual + remaining now and in every version that is known."""
    if "effort_planned" not in params.plan:
        return pl.DataFrame(schema={"uid": pl.String, "recalculated": pl.Boolean})
    fields = [pl.col(name).cast(pl.Float64) for name in SAID.fields]
    said = [view.rows.select("uid", *fields)]
    if (found := view.snapshot.past.get(SAID)) is not None:
        said.append(found.select("uid", *fields))
    planned, actual, remaining = (pl.col(name) for name in SAID.fields)
    versions = pl.concat(said).drop_nulls()
    return versions.group_by("uid").agg(recalculated=((planned - actual - remaining).abs() < SAME).all())


EFFORT_VARIANCE = Measure(
    "project.effort_variance",
    "project",
    Unit.PERCENT,
    EffortParams,
    ("effort_baseline", "effort_actual", "effort_remaining"),
    effort_variance,
    text="By how much the planned effort exceeds what was and will be spent; negative is an overrun.",
    dimension="cost",
    past=wishes,
    amber="under -10 %",
    red="under -20 %",
    recover="at least -8 %",
    finished_is_na=True,
)
