"""Estimates at completion: what a project will have cost, by the method that is asked for (EVM; spec measures 3.2).

Pure columns over the figures of `earning.py`, shared by the measures of earned value and of budgets.
"""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pmo_watch.earning import IN_WORK, unit

Method = Literal["auto", "declared", "cpi", "at_plan", "cpi_spi", "bottom_up"]
Counted = Literal["any", "money", "value"]  # in which unit an estimate is wanted: `value` is that of BAC and EV
AUTOMATIC = ("declared", "cpi", "bottom_up")  # in this order
IN_MONEY = ("declared", "bottom_up")  # what people say in money, whatever value is counted in
FROM_VALUE = ("cpi", "at_plan", "cpi_spi")
NO_COST = "missing task.baseline_cost"


def cost_index() -> pl.Expr:
    """Return EV / AC, null where there is none."""
    return pl.when(pl.col("ac") > 0).then(pl.col("ev") / pl.col("ac"))


def invalid_cost() -> pl.Expr:
    """Return that something was earned for nothing, or more came back than was spent, which cannot be."""
    nothing = pl.when((pl.col("ac") == 0) & (pl.col("ev") > 0)).then(pl.lit("invalid project.actual_cost: 0"))
    return nothing.when(pl.col("ac") < 0).then(pl.format("invalid project.actual_cost: {}", pl.col("ac").round(2)))


def value_and_cost_unknown() -> pl.Expr:
    """Return why value and cost cannot be set against each other."""
    return pl.coalesce("bac_unknown", "ev_unknown", "ac_unknown", "clash")


def with_estimate(found: pl.DataFrame, method: Method, min_progress: float, counted: Counted = "any") -> pl.DataFrame:
    """Add `eac`, `eac_by` (the method), `eac_unit`, `eac_in` (currencies; none of hours), `eac_unknown` (why none).

    `found`: figures of `earning.earned`. `min_progress`: earned share in per cent from which on `auto` believes the
    cost index. `counted`: an estimate in another unit counts as none.
    """
    ways = {name: _counted(name, way, counted) for name, way in _ways().items()}
    steady = (pl.col("ev") >= pl.col("bac") * min_progress / 100) & pl.col("clash").is_null()
    chosen = {name: ways[name] for name in AUTOMATIC} if method == "auto" else {method: ways[method]}
    if method == "auto":
        chosen["cpi"] = pl.when(steady).then(ways["cpi"])
    by = pl.coalesce([pl.when(one.is_not_null()).then(pl.lit(name)) for name, one in chosen.items()])
    eac = pl.coalesce(list(chosen.values()))
    hours = IN_WORK & by.is_in(FROM_VALUE)
    # What people say is in the currency of its source, what is computed in that of the value it is made from.
    said_in = pl.when(by.is_in(IN_MONEY)).then("cost_in").otherwise("value_in")
    return found.with_columns(
        eac=eac,
        eac_by=by,
        eac_in=pl.when(hours).then(pl.lit([], pl.List(pl.String))).otherwise(said_in),
        eac_unknown=pl.when(eac.is_null()).then(_reason(method, counted)),
    ).with_columns(eac_unit=unit(hours, "eac_in"))


def _ways() -> Mapping[str, pl.Expr]:
    bac, ev, ac, cpi = pl.col("bac"), pl.col("ev"), pl.col("ac"), cost_index()
    spi = pl.when(pl.col("pv") > 0).then(ev / pl.col("pv"))
    one_currency = pl.col("clash").is_null()
    return {
        "declared": pl.col("project_declared_eac"),
        "cpi": pl.when(one_currency & (cpi > 0)).then(bac / cpi),
        "at_plan": pl.when(one_currency).then(ac + (bac - ev)),
        "cpi_spi": pl.when(one_currency & (cpi > 0) & (spi > 0)).then(ac + (bac - ev) / (cpi * spi)),
        "bottom_up": pl.col("project_actual_cost") + pl.col("project_remaining_cost"),
    }


def _counted(name: str, way: pl.Expr, counted: Counted) -> pl.Expr:
    """Return an estimate where it is in the unit that is wanted."""
    other = (counted == "money" and name in FROM_VALUE) or (counted == "value" and name in IN_MONEY)
    return pl.when(~IN_WORK).then(way) if other else way


def _reason(method: Method, counted: Counted) -> pl.Expr:
    """Return why there is no estimate by a method."""
    in_hours = pl.when(IN_WORK).then(pl.lit(NO_COST))
    other_unit = [in_hours] if (counted == "money") == (method in FROM_VALUE) and counted != "any" else []
    if method == "declared":
        return pl.coalesce(*other_unit, pl.lit("missing project.declared_eac"))
    cost = pl.when(pl.col("project_actual_cost").is_null()).then(pl.lit("missing project.actual_cost"))
    if method == "bottom_up":
        return pl.coalesce(*other_unit, cost, pl.lit("missing project.remaining_cost"))
    if method == "auto":
        # Where value is in hours, no reason why it is unknown stands in the way of an estimate in money.
        why = pl.when(~(IN_WORK & (counted == "money"))).then(value_and_cost_unknown())
        return pl.coalesce(why, pl.lit("missing project.remaining_cost"))
    none = pl.lit("invalid project.actual_cost: 0")
    reasons = [*other_unit, value_and_cost_unknown(), invalid_cost()]
    if method == "cpi_spi":
        planned = pl.when(pl.col("pv") == 0).then(pl.lit("invalid project.pv: 0"))
        reasons += [pl.col("pv_unknown"), planned]
    nothing = pl.when(pl.col("ev") == 0).then(pl.lit("invalid project.cpi: 0"))
    return pl.coalesce(*reasons, pl.when(pl.col("ac") > 0).then(nothing), none)
