"""Budget: how much of it is used, and whether it will be enough."""

from collections.abc import Iterable
from typing import Any, Literal

import polars as pl

from pmo_watch.api import Measure, Percent, PluginSettings, Unit, View, earning, hookimpl


class UsedParams(PluginSettings):
    """Whether only an approved budget counts, where its approval is known."""

    require_approved: bool = True


class OverrunParams(PluginSettings):
    """How the cost at completion is estimated, and from which earned share on the cost index is believed."""

    eac_method: Literal["auto", "declared", "cpi", "at_plan", "bottom_up"] = "auto"
    min_progress: Percent = 15.0


def used(params: UsedParams, view: View) -> pl.DataFrame:
    """Return actual cost as a share of the budget, in per cent."""
    found = view.rows.select("uid", "budget_status").join(earning.earned(view), on="uid", maintain_order="left")
    budget, spent = pl.col("project_budget"), pl.col("money_spent")
    refused = pl.when(pl.lit(params.require_approved) & (pl.col("budget_status") != "approved")).then(
        pl.format("invalid project.budget_status: {}", "budget_status")
    )
    none = pl.when(budget.is_null() | (budget == 0)).then(pl.lit("missing project.budget"))
    return found.select(
        "uid",
        value=pl.when(budget > 0).then(spent * 100 / budget),
        numerator=spent,
        denominator=pl.when(budget > 0).then(budget),
        unknown=pl.coalesce(none, refused, "money_unknown"),
        actual_cost=spent.round(2),
        budget=budget.round(2),
    )


def overrun(params: OverrunParams, view: View) -> pl.DataFrame:
    """Return by how much the estimate at completion exceeds the budget, or the baseline where there is no budget."""
    found = earning.earned(view, "cost")
    eac, by = _estimate(params)
    bac = pl.when(pl.col("basis") != "work").then("bac")
    reference = pl.coalesce(pl.when(pl.col("project_budget") > 0).then("project_budget"), pl.when(bac > 0).then(bac))
    spent_nothing = pl.col("money_spent").fill_null(0) == 0
    against = pl.when(~(pl.col("project_budget") > 0).fill_null(value=False)).then(pl.lit("against the baseline"))
    return found.with_columns(eac=eac, by=by).select(
        "uid",
        value=(pl.col("eac") - reference) * 100 / reference,
        numerator=pl.col("eac") - reference,
        denominator=reference,
        not_applicable=pl.when(~pl.col("begun") & spent_nothing & pl.col("project_declared_eac").is_null()).then(
            pl.lit("not started")
        ),
        unknown=pl.coalesce(
            pl.when(reference.is_null()).then(pl.lit("missing project.budget")),
            pl.when(pl.col("eac").is_null()).then(
                pl.coalesce("money_unknown", pl.lit("missing project.remaining_cost"))
            ),
        ),
        note=pl.concat_str([pl.format("estimate at completion: {}", "by"), against], separator="; ", ignore_nulls=True),
        estimate_at_completion=pl.col("eac").round(2),
        budget=reference.round(2),
    )


def _estimate(params: OverrunParams) -> tuple[pl.Expr, pl.Expr]:
    """Return the estimate in money and the method it is by."""
    ev, ac, bac = pl.col("ev"), pl.col("money_spent"), pl.col("bac")
    ways = {
        "declared": pl.col("project_declared_eac"),
        "cpi": pl.when((ac > 0) & (ev > 0)).then(bac * ac / ev),
        "at_plan": ac + (bac - ev),
        "bottom_up": pl.col("project_actual_cost") + pl.col("project_remaining_cost"),
    }
    if params.eac_method == "auto":
        steady = ev >= bac * params.min_progress / 100
        ways = {
            "declared": ways["declared"],
            "cpi": pl.when(steady).then(ways["cpi"]),
            "bottom_up": ways["bottom_up"],
        }
    else:
        ways = {params.eac_method: ways[params.eac_method]}
    by = pl.coalesce([pl.when(one.is_not_null()).then(pl.lit(name)) for name, one in ways.items()])
    return pl.coalesce(list(ways.values())), by


BUDGET_USED = Measure(
    "project.budget_used",
    "project",
    Unit.PERCENT,
    UsedParams,
    ("budget", "actual_cost"),
    used,
    text="Actual cost as a share of the budget.",
    dimension="cost",
    amber="at least 90 %",
    red="at least 100 %",
    recover="under 90 %",
    finished_is_na=True,
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
    finished_is_na=True,
)


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return CST-01 and CST-03 of the catalogue."""
    return [BUDGET_USED, FORECAST_OVERRUN]
