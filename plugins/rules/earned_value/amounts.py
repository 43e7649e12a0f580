"""Amounts of earned value: planned, earned, spent, expected at completion."""

from collections.abc import Callable
from typing import Any

import polars as pl
from pmo_watch_plugins.rules.earned_value.figures import (
    EstimateParams,
    ValueParams,
    cost_index,
    figures,
    idle,
    left_out,
    unit,
)

from pmo_watch.api import Measure, Unit, View


def amount(name: str) -> Callable[[ValueParams, View], pl.DataFrame]:
    """Return the measure of one amount."""

    def measure(params: ValueParams, view: View) -> pl.DataFrame:
        found: pl.DataFrame = figures(params, view)
        return found.select(
            "uid",
            value=pl.col(name),
            not_applicable=idle(),
            unknown=pl.col(f"{name}_unknown"),
            note=left_out(),
            unit=unit(),
        )

    return measure


def estimate(params: EstimateParams, view: View) -> pl.DataFrame:
    """Return the cost at completion by the method that `params` name, and which it was."""
    found = with_estimate(params, figures(params, view))
    return found.select("uid", value="eac", unknown="eac_unknown", note="eac_note", unit=unit(), method="eac_by")


def with_estimate(params: EstimateParams, found: pl.DataFrame) -> pl.DataFrame:
    """Add `eac`, `eac_by`, `eac_note` and, where there is none, `eac_unknown`."""
    bac, ev, ac, cpi = pl.col("bac"), pl.col("ev"), pl.col("ac"), cost_index()
    spi = pl.when(pl.col("pv") > 0).then(ev / pl.col("pv"))
    ways = {
        "declared": pl.col("project_declared_eac"),
        "cpi": pl.when(cpi > 0).then(bac / cpi),
        "at_plan": ac + (bac - ev),
        "cpi_spi": pl.when((cpi > 0) & (spi > 0)).then(ac + (bac - ev) / (cpi * spi)),
        "bottom_up": pl.col("project_actual_cost") + pl.col("project_remaining_cost"),
    }
    steady = pl.col("share") >= params.min_progress / 100
    chosen = {
        "declared": ways["declared"],
        "cpi": pl.when(steady).then(ways["cpi"]),
        "bottom_up": ways["bottom_up"],
    }
    if params.eac_method != "auto":
        chosen = {params.eac_method: ways[params.eac_method]}
    by = pl.coalesce([pl.when(one.is_not_null()).then(pl.lit(name)) for name, one in chosen.items()])
    why = pl.coalesce("bac_unknown", "ev_unknown", "ac_unknown", pl.lit("missing project.remaining_cost"))
    missing = {
        "declared": pl.lit("missing project.declared_eac"),
        "bottom_up": pl.lit("missing project.remaining_cost"),
    }
    eac = pl.coalesce(list(chosen.values()))
    return found.with_columns(
        eac=eac,
        eac_by=by,
        eac_note=pl.format("estimate at completion: {}", by),
        eac_unknown=pl.when(eac.is_null()).then(missing.get(params.eac_method, why)),
    )


def variance(params: EstimateParams, view: View) -> pl.DataFrame:
    """Return (BAC - EAC) / BAC in per cent; negative is an overrun. Both are in the same unit, or it is unknown."""
    found = with_estimate(params, figures(params, view))
    in_money = pl.col("eac_by").is_in(["declared", "bottom_up"]) & (pl.col("basis") == "work")
    bac = pl.when(in_money).then("project_baseline_cost").otherwise("bac")
    none = pl.when(bac.is_null()).then(pl.coalesce("bac_unknown", pl.lit("missing project.baseline_cost")))
    zero = pl.when(bac == 0).then(pl.lit("missing project.baseline_cost"))
    return found.select(
        "uid",
        value=pl.when(bac > 0).then((bac - pl.col("eac")) * 100 / bac),
        numerator=bac - pl.col("eac"),
        denominator=pl.when(bac > 0).then(bac),
        not_applicable=idle(),
        unknown=pl.coalesce(none, zero, "eac_unknown"),
        note=pl.concat_str(["eac_note", left_out()], separator="; ", ignore_nulls=True),
        budget_at_completion=bac.round(2),
        estimate_at_completion=pl.col("eac").round(2),
        **{"project.vac": bac - pl.col("eac")},
    )


def _amount(name: str, key: str, text: str, needs: tuple[str, ...]) -> Measure[Any]:
    return Measure(name, "project", Unit.MONEY, ValueParams, needs, amount(key), text=text, dimension="cost",
                   strict_age=True, finished_is_na=True)  # fmt: skip


PLANNED = _amount("project.pv", "pv", "Planned value: what should have been earned by now.", ("task.baseline_finish",))
EARNED = _amount("project.ev", "ev", "Earned value: what has been earned by now.", ("task.progress",))
ACTUAL = _amount("project.ac", "ac", "Actual cost: what has been spent by now.", ("actual_cost",))
BUDGET_AT_COMPLETION = _amount(
    "project.bac", "bac", "Budget at completion: the value of the whole baseline.", ("task.baseline_cost",)
)
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
