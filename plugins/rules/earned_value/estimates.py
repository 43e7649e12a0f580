"""Estimates at completion: what the project will have cost, and what that asks of the work that is left."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Unit, View, earning, estimating

from .figures import (
    EstimateParams,
    IndexParams,
    cost_notes,
    early,
    earned_it_all,
    figures,
    idle,
    notes,
)

EAC_NOTE = pl.format("estimate at completion: {}", pl.col("eac_by"))  # null where there is none

OTHER_MONEY = earning.mixed(pl.col("eac_in"), pl.col("value_in"))


class ToCompleteParams(EstimateParams):
    """What must be kept: the budget at completion, or the estimate."""

    against: Literal["bac", "eac"] = "bac"


def estimate(params: EstimateParams, view: View) -> pl.DataFrame:
    """Return the cost at completion by the method that `params` name, and which it was."""
    found = _estimated(params, view)
    return found.select(
        "uid",
        value="eac",
        not_applicable=idle(),
        unknown="eac_unknown",
        note=_said(),
        unit="eac_unit",
        method="eac_by",
    )


def variance(params: EstimateParams, view: View) -> pl.DataFrame:
    """Return (BAC - EAC) / BAC in per cent; negative is an overrun. Both are in the same unit, or it is unknown."""
    found = _estimated(params, view)
    in_money = (pl.col("basis") == "work") & (pl.col("eac_unit") != "h")
    bac = pl.when(in_money).then("project_baseline_cost").otherwise("bac")
    bac_in = pl.when(in_money).then("baseline_in").otherwise("value_in")
    none = pl.when(bac.is_null() | (bac == 0)).then(
        pl.coalesce(
            pl.when(~in_money.fill_null(value=False)).then("bac_unknown"), pl.lit("missing project.baseline_cost")
        )
    )
    return found.select(
        "uid",
        value=pl.when(bac > 0).then((bac - pl.col("eac")) * 100 / bac),
        numerator=bac - pl.col("eac"),
        denominator=pl.when(bac > 0).then(bac),
        not_applicable=idle(),
        unknown=pl.coalesce(none, "eac_unknown", earning.mixed(pl.col("eac_in"), bac_in)),
        note=_said(),
        budget_at_completion=bac.round(2),
        estimate_at_completion=pl.col("eac").round(2),
        **{"project.vac": bac - pl.col("eac")},
    )


def to_complete(params: ToCompleteParams, view: View) -> pl.DataFrame:
    """Return the value still to be earned per unit of what may still be spent."""
    found = estimating.with_estimate(figures(params, view), params.eac_method, params.min_progress, "value")
    left = pl.col("bac") - pl.col("ev")
    whole = pl.col("bac" if params.against == "bac" else "eac")
    may_spend = whole - pl.col("ac")
    exhausted = pl.when(may_spend <= 0).then(pl.lit("budget exhausted"))  # where all is earned, nobody asks
    no_estimate = [] if params.against == "bac" else [pl.col("eac_unknown"), OTHER_MONEY]
    invalid = estimating.invalid_cost()
    unknown = pl.coalesce(estimating.value_and_cost_unknown(), invalid, *no_estimate)
    nothing = pl.when((pl.col("ev") == 0) & (pl.col("ac") == 0)).then(pl.lit("not started"))
    is_early = pl.when(invalid.is_null()).then(early(params))
    return found.select(
        "uid",
        value=pl.when(may_spend > 0).then(left / may_spend),
        numerator=left,
        denominator=pl.when(may_spend > 0).then(may_spend),
        not_applicable=pl.coalesce(idle(), earned_it_all(), nothing, is_early),
        unknown=unknown,
        breach=pl.when(unknown.is_null()).then(exhausted),
        note=_said() if params.against == "eac" else notes(*cost_notes()),
        still_to_earn=left.round(2),
        still_to_spend=may_spend.round(2),
    )


def realism(params: IndexParams, view: View) -> pl.DataFrame:
    """Return by how much the declared estimate asks for a better cost index than the one so far."""
    found = estimating.with_estimate(figures(params, view), "declared", params.min_progress, "value")
    left, may_spend = pl.col("bac") - pl.col("ev"), pl.col("eac") - pl.col("ac")
    wanted = pl.when(may_spend > 0).then(left / may_spend)
    invalid = estimating.invalid_cost()
    spent = pl.when(may_spend <= 0).then(pl.format("invalid project.declared_eac: {}", pl.col("eac").round(2)))
    none = pl.when(pl.col("ac") == 0).then(pl.lit("not started"))
    is_early = pl.when(invalid.is_null()).then(early(params))
    return found.select(
        "uid",
        value=wanted - estimating.cost_index(),
        not_applicable=pl.coalesce(idle(), earned_it_all(), pl.when(pl.col("ev") == 0).then(none), is_early),
        unknown=pl.coalesce("eac_unknown", estimating.value_and_cost_unknown(), invalid, OTHER_MONEY, spent),
        note=notes(*cost_notes()),
        index_wanted=wanted.round(4),
        index_so_far=estimating.cost_index().round(4),
        estimate_at_completion=pl.col("eac").round(2),
    )


def _estimated(params: EstimateParams, view: View) -> pl.DataFrame:
    return estimating.with_estimate(figures(params, view), params.eac_method, params.min_progress)


def _said() -> pl.Expr:
    """Return the method of the estimate, and of one that rests on value and cost what is said of those."""
    rests = pl.col("eac_by").is_in(list(estimating.FROM_VALUE))
    return notes(EAC_NOTE, *[pl.when(rests).then(one) for one in cost_notes()])


ESTIMATE = Measure(
    "project.eac",
    "project",
    Unit.MONEY,
    EstimateParams,
    ("actual_cost",),
    estimate,
    text="Estimate at completion, by the method it names.",
    dimension="cost",
    strict_age=True,
    finished_is_na=True,
)
VARIANCE = Measure(
    "project.vac_percent",
    "project",
    Unit.PERCENT,
    EstimateParams,
    ("task.baseline_cost",),
    variance,
    text="Budget at completion minus estimate, as a share of the budget; negative is an overrun.",
    dimension="cost",
    amber="under -5 %",
    red="under -10 %",
    recover="at least -4 %",
    companions={"project.vac": Unit.MONEY},
    strict_age=True,
    finished_is_na=True,
)
TO_COMPLETE = Measure(
    "project.tcpi",
    "project",
    Unit.RATIO,
    ToCompleteParams,
    ("actual_cost", "task.progress"),
    to_complete,
    text="To-complete performance index: value still to be earned per unit of what may still be spent.",
    dimension="cost",
    amber="over 1.0",
    red="over 1.1",
    recover="at most 0.98",
    strict_age=True,
    finished_is_na=True,
)
REALISM = Measure(
    "project.eac_realism",
    "project",
    Unit.RATIO,
    IndexParams,
    ("declared_eac", "actual_cost", "task.progress"),
    realism,
    text="By how much the declared estimate asks for a better cost index than the one so far.",
    dimension="cost",
    amber="over 0.05",
    red="over 0.10",
    recover="at most 0.04",
    strict_age=True,
    finished_is_na=True,
)
