"""Whether the budget will be enough: the estimate at completion against it."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Percent, PluginSettings, Unit, View, earning, estimating


class OverrunParams(PluginSettings):
    """What the estimate is compared with, how it is made, and from which earned share on the cost index is believed."""

    against: Literal["budget", "bac"] = "budget"
    eac_method: estimating.Method = "auto"
    min_progress: Percent = 15.0


def overrun(params: OverrunParams, view: View) -> pl.DataFrame:
    """Return by how much the estimate at completion exceeds the budget, or the baseline where there is no budget."""
    found = estimating.with_estimate(earning.earned(view), params.eac_method, params.min_progress, "money")
    budget, bac = pl.col("project_budget"), pl.when(pl.col("basis") != "work").then("bac")
    by_budget = (pl.lit(params.against == "budget") & (budget > 0)).fill_null(value=False)
    reference = pl.when(by_budget).then(budget).when(bac > 0).then(bac)
    none = "missing project.budget" if params.against == "budget" else estimating.NO_COST
    clash = earning.mixed(pl.col("eac_in"), pl.when(by_budget).then("budget_in").otherwise("value_in"))
    baseline = pl.when(~by_budget).then(pl.lit("against the baseline"))
    computed = pl.col("eac_by").is_in(list(estimating.FROM_VALUE))
    effort = pl.when(computed & pl.col("derived")).then(pl.lit("derived from EAC"))
    method = pl.format("estimate at completion: {}", "eac_by")
    return found.select(
        "uid",
        value=(pl.col("eac") - reference) * 100 / reference,
        numerator=pl.col("eac") - reference,
        denominator=reference,
        not_applicable=pl.when("not_started").then(pl.lit("not started")),
        unknown=pl.coalesce(pl.when(reference.is_null()).then(pl.lit(none)), "eac_unknown", clash),
        note=pl.concat_str([method, baseline, effort], separator="; ", ignore_nulls=True),
        estimate_at_completion=pl.col("eac").round(2),
        budget=reference.round(2),
    )


FORECAST_OVERRUN = Measure(
    "project.forecast_overrun",
    "project",
    Unit.PERCENT,
    OverrunParams,
    ("budget", "actual_cost"),
    overrun,
    text="By how much the estimate at completion exceeds the budget.",
    dimension="cost",
    amber="over tolerance.cost.amber or 5 %",
    red="over tolerance.cost.red or 10 %",
    recover="at most tolerance.cost.amber - 1 pp or 4 %",
    finished_is_na=True,
)
